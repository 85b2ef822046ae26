//! Commands, states and events without their types, and what the runtime does with them.

use crate::{
    actors::port::saga::SagaId,
    domain::{
        Addressee, Aggregate, AnyCommand, Entity, Id, Key, Lifecycle, Name, NamedMessage, NoAnswer,
        OrderOutcome, Refusal, Timestamp,
    },
    store::{
        StoreError,
        codec::{self},
        keys::Space,
    },
};
use serde_json::Value;
use std::{any::Any, fmt, sync::Arc};

/// A command of some aggregate.
pub type Command = Box<dyn AnyCommand>;
/// A state of some entity.
pub type State = Box<dyn AnyState>;
/// An event of some aggregate.
pub type Event = Box<dyn AnyEvent>;
/// What the system of an aggregate lets be configured.
pub type Settings = Arc<dyn Any + Send + Sync>;

/// The layout of the records of states that have an owner. A record's version is its layout in the upper byte, and the
/// version of the state in the lower one. Records of layout 0 have no owner.
pub const OWNED_LAYOUT: u16 = 1;
/// The part of a record's version that is that of the state.
pub const STATE_VERSIONS: u16 = 0xff;

/// A state without its type.
pub trait AnyState: Any + fmt::Debug + Send + Sync {
    /// The same again.
    fn clone_state(&self) -> State;
    /// [`Entity::lifecycle`].
    fn lifecycle(&self) -> Lifecycle;
    /// [`Entity::outcome`].
    fn order_outcome(&self) -> OrderOutcome;
    /// [`Entity::indexes`].
    fn indexes(&self) -> Vec<(&'static str, Key)>;
    /// [`Entity::unique`].
    fn unique(&self) -> Vec<(&'static str, Key)>;
    /// [`Entity::represent`], as JSON.
    fn represent(&self, number: u64) -> Result<Vec<u8>, serde_json::Error>;
    /// [`Entity::owner`], if there is such a thing.
    fn declared_owner(&self, number: u64) -> Option<Arc<str>>;
    /// The record of this state.
    fn encode_state(
        &self,
        version: u64,
        saga: Option<&SagaId>,
        owner: Option<&str>,
    ) -> Result<Vec<u8>, StoreError>;
}

impl<E: Entity> AnyState for E {
    fn clone_state(&self) -> State {
        Box::new(self.clone())
    }
    fn lifecycle(&self) -> Lifecycle {
        Entity::lifecycle(self)
    }
    fn order_outcome(&self) -> OrderOutcome {
        Entity::outcome(self)
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        Entity::indexes(self)
    }
    fn unique(&self) -> Vec<(&'static str, Key)> {
        Entity::unique(self)
    }
    fn represent(&self, number: u64) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Entity::represent(self, Id::new(number)))
    }
    fn declared_owner(&self, number: u64) -> Option<Arc<str>> {
        let is_there = Entity::lifecycle(self) != Lifecycle::Absent;
        if is_there { Entity::owner(self, Id::new(number)) } else { None }
    }
    fn encode_state(
        &self,
        version: u64,
        saga: Option<&SagaId>,
        owner: Option<&str>,
    ) -> Result<Vec<u8>, StoreError> {
        const { assert!(E::STATE_VERSION <= STATE_VERSIONS, "the upper byte is the layout") };
        match owner {
            None => codec::encode(Space::State, E::STATE_VERSION, &(version, saga, self)),
            Some(owner) => {
                let version_in_layout = OWNED_LAYOUT << 8 | E::STATE_VERSION;
                codec::encode(Space::State, version_in_layout, &(version, saga, owner, self))
            }
        }
    }
}

/// A state with what the runtime knows of it.
#[derive(Debug)]
pub struct Versioned {
    /// Counts the aggregate's events; of a view's row, its changes.
    pub version: u64,
    /// The saga that it came to be in, where that is not its own.
    pub saga: Option<SagaId>,
    /// The customer whose it is, where it belongs to one.
    pub owner: Option<Arc<str>>,
    /// The state itself.
    pub state: State,
}

impl Versioned {
    /// The record of it.
    pub fn encode(&self) -> Result<Vec<u8>, StoreError> {
        self.state.encode_state(self.version, self.saga.as_ref(), self.owner.as_deref())
    }
    /// The customer whose it is: as it was begun, or as its own fields say.
    pub fn owner_of(&self, number: u64) -> Option<Arc<str>> {
        self.owner.clone().or_else(|| self.state.declared_owner(number))
    }
}

/// An event without its type.
pub trait AnyEvent: Any + fmt::Debug + Send + Sync {
    /// Its name on the wire.
    fn name(&self) -> &str;
    /// As the log has it.
    fn encode_event(&self) -> Result<Vec<u8>, StoreError>;
    /// As JSON, with its name.
    fn to_json(&self) -> Result<Value, serde_json::Error>;
}

impl<T: NamedMessage> AnyEvent for T {
    fn name(&self) -> &str {
        self.as_ref()
    }
    fn encode_event(&self) -> Result<Vec<u8>, StoreError> {
        codec::encode_part(self)
    }
    fn to_json(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }
}

/// An event with its type again.
pub fn event_of<A: Aggregate>(event: &dyn AnyEvent) -> Option<&A::Event> {
    (event as &dyn Any).downcast_ref()
}

/// A state with its type again.
pub fn state_of<E: Entity>(state: &dyn AnyState) -> Option<&E> {
    (state as &dyn Any).downcast_ref()
}

/// A state with its type again, to change it.
pub fn state_mut<E: Entity>(state: &mut dyn AnyState) -> Option<&mut E> {
    (state as &mut dyn Any).downcast_mut()
}

/// The question that an aggregate waits on, without the aggregate's type.
pub struct ErasedAsk {
    pub callee: Name,
    pub to: Addressee,
    pub attempt: u32,
    pub command: Command,
    /// The asker's command that the answer becomes.
    pub then: Box<dyn Fn(Result<(), NoAnswer>) -> Command + Send>,
}

impl fmt::Debug for ErasedAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to.write_to(self.callee, f)?;
        write!(f, " <- {:?}", self.command)
    }
}

/// What a command is decided by, besides the state.
pub struct Circumstances<'a> {
    pub number: u64,
    pub at: Timestamp,
    pub settings: &'a Settings,
}

/// What a command comes to.
pub struct Decided {
    pub events: Vec<Event>,
    pub after: State,
    pub ask: Option<ErasedAsk>,
    /// The keys that were claimed before, and those that are now.
    pub claims: (Vec<String>, Vec<String>),
    /// The time that was waited for before, and the one that is now.
    pub due: (Option<Timestamp>, Option<Timestamp>),
    /// The no that one of the events is to those who wait.
    pub rejection: Option<Refusal>,
}

/// The versions of the functions whose values are in rows of their own.
#[derive(Debug, Clone, Copy)]
pub struct FunctionVersions {
    pub claims: u16,
    pub indexes: u16,
    pub due: u16,
}
