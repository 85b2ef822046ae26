//! The type of a context as the runtime sees it.

use super::values::{
    AnyEvent, AnyState, Circumstances, Command, Decided, ErasedAsk, Event, FunctionVersions,
    Settings, State, Versioned,
};
use crate::{
    domain::{AnyCommand, AskId, Name, Reads, Refusal, Timestamp, Undecodable},
    store::{EventPart, codec::Record},
};
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

/// What is kept under a number, as the runtime sees it.
pub trait EntityType: Send + Sync {
    /// [`Entity::NAME`].
    fn name(&self) -> Name;
    /// [`Entity::ALIASES`].
    fn aliases(&self) -> &'static [&'static str];
    /// [`Entity::IS_ORDER`].
    fn is_order(&self) -> bool;
    /// [`Entity::READS`].
    fn reads(&self) -> Reads;
    /// Whether each of its things belongs to one saga, and so to the customer whose saga it is. What many sagas use has no
    /// owner.
    fn is_owned(&self) -> bool {
        self.reads() == Reads::Owner
    }
    /// [`Entity::PERSONAL`].
    fn personal_fields(&self) -> &'static [&'static str];
    /// [`Entity::id_aliases`].
    fn id_aliases(&self) -> &'static [&'static str];
    /// How one looks.
    fn shown_schema(&self, generator: &mut SchemaGenerator) -> Schema;
    /// One that is not there yet.
    fn absent_state(&self) -> State;
    /// Reads the record of a state, of an older version of its type where need be.
    ///
    /// # Errors
    /// [`Undecodable`].
    fn decode_state(&self, record: Record<'_>) -> Result<Versioned, Undecodable>;
    /// The versions of its functions.
    fn function_versions(&self) -> FunctionVersions;
    /// [`Aggregate::claims`]; a view has none.
    fn claims(&self, state: &dyn AnyState) -> Vec<String>;
    /// When [`Aggregate::due`] is; a view has nothing due.
    fn due_at(&self, state: &dyn AnyState) -> Option<Timestamp>;
}

/// What decides, as the runtime sees it.
pub trait AggregateType: EntityType {
    /// [`Aggregate::EVENT_VERSION`].
    fn event_version(&self) -> u16;
    /// [`Aggregate::COMMAND_VERSION`].
    fn command_version(&self) -> u16;
    /// Its system's settings, read from what is configured.
    ///
    /// # Errors
    /// What is wrong with that.
    fn read_settings(&self, configured: Option<&Value>) -> Result<Settings, serde_json::Error>;
    /// A command that came from elsewhere.
    ///
    /// # Errors
    /// That it is none.
    fn read_command(&self, json: Value) -> Result<Command, serde_json::Error>;
    /// [`Aggregate::WRITTEN_VERSION`].
    fn written_version(&self) -> u16;
    /// [`Aggregate::older_event`].
    fn older_event(&self, event: &dyn AnyEvent, version: u16) -> Option<Value>;
    /// An event from another node, with its name; of an older version of its type where need be.
    ///
    /// # Errors
    /// [`Undecodable`].
    fn read_event(&self, version: u16, json: Value) -> Result<Event, Undecodable>;
    /// Reads an event of the log, of an older version of its type where need be.
    ///
    /// # Errors
    /// [`Undecodable`].
    fn decode_event(&self, version: u16, part: EventPart<'_>) -> Result<Event, Undecodable>;
    /// [`Aggregate::decide`], and all that follows from its events.
    ///
    /// # Errors
    /// The refusal.
    fn decide(
        &self,
        state: &dyn AnyState,
        command: Command,
        this: &Circumstances<'_>,
    ) -> Result<Decided, Refusal>;
    /// [`Aggregate::awaits`].
    fn awaits(&self, state: &dyn AnyState, number: u64) -> Option<ErasedAsk>;
    /// [`Aggregate::due`].
    fn due(&self, state: &dyn AnyState) -> Option<(Timestamp, Command)>;
    /// [`Aggregate::on_behalf_of`].
    fn on_behalf_of(&self, state: &dyn AnyState) -> Option<(Name, u64)>;
    /// [`Aggregate::key_refusal`].
    fn claim_refusal(&self, key: &str) -> Refusal;
    /// [`Commands::compensates`].
    fn compensates(&self, command: &dyn AnyCommand) -> Option<AskId>;
    /// [`Aggregate::may_ask`].
    fn may_ask(&self, command: &dyn AnyCommand) -> &'static [Name];
}
