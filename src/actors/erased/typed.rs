//! Where erased values meet their types again.

use super::{
    context_type::{AggregateType, EntityType},
    values::{
        AnyEvent, AnyState, Circumstances, Command, Decided, ErasedAsk, Event, FunctionVersions,
        OWNED_LAYOUT, STATE_VERSIONS, Settings, State, Versioned, event_of, state_of,
    },
};
use crate::{
    actors::port::saga::SagaId,
    domain::{
        Aggregate, AnyCommand, Ask, AskId, Commands, DecisionContext, Decoder, Entity, Id, Name,
        OpenAsk as PutAsk, Reads, Refusal, Timestamp, Undecodable, View, quoted::without_quoted,
    },
    store::{EventPart, codec::Record},
};
use schemars::{Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{any::Any, cell::RefCell, marker::PhantomData, sync::Arc};

/// Reads an event that was written under `version`.
fn read_event<A: Aggregate>(version: u16, event: impl Decoder) -> Result<A::Event, Undecodable> {
    if version == A::EVENT_VERSION { event.read() } else { A::old_event(version, event) }
}

/// An event in JSON, with its name.
struct Json(Value);

impl Decoder for Json {
    fn read<T: DeserializeOwned>(self) -> Result<T, Undecodable> {
        // The reason is logged, and kept with what is set aside.
        let read = serde_json::from_value(self.0);
        read.map_err(|error| Undecodable::Payload(without_quoted(&error.to_string())))
    }
}

/// A command with its type again.
fn command_of<A: Aggregate>(command: &dyn AnyCommand) -> Option<&A::Command> {
    (command as &dyn Any).downcast_ref()
}

/// What an aggregate's state has to say and a view's row has not.
pub trait Functions<E>: 'static {
    const CLAIMS_VERSION: u16 = 1;
    const DUE_VERSION: u16 = 1;
    fn claims(_state: &E) -> Vec<String> {
        Vec::new()
    }
    fn due_at(_state: &E) -> Option<Timestamp> {
        None
    }
}

/// The functions of an aggregate.
pub struct OfAggregate;

impl<A: Aggregate> Functions<A> for OfAggregate {
    const CLAIMS_VERSION: u16 = A::CLAIMS_VERSION;
    const DUE_VERSION: u16 = A::DUE_VERSION;
    fn claims(state: &A) -> Vec<String> {
        state.held_keys()
    }
    fn due_at(state: &A) -> Option<Timestamp> {
        state.due().map(|(at, _)| at)
    }
}

/// The functions of a view.
pub struct OfView;

impl<V: View> Functions<V> for OfView {}

/// A context's type: where erased values meet it again.
pub struct Typed<E, F>(PhantomData<fn() -> (E, F)>);

/// An aggregate's type, as the runtime sees it.
pub const fn aggregate_type<A: Aggregate>() -> &'static dyn AggregateType {
    &Typed::<A, OfAggregate>(PhantomData)
}

/// A view's type, as the runtime sees it.
pub const fn view_type<V: View>() -> &'static dyn EntityType {
    &Typed::<V, OfView>(PhantomData)
}

impl<E: Entity, F: Functions<E>> EntityType for Typed<E, F> {
    fn name(&self) -> Name {
        E::NAME
    }
    fn aliases(&self) -> &'static [&'static str] {
        E::ALIASES
    }
    fn is_order(&self) -> bool {
        E::IS_ORDER
    }
    fn reads(&self) -> Reads {
        E::READS
    }
    fn personal_fields(&self) -> &'static [&'static str] {
        E::PERSONAL
    }
    fn id_aliases(&self) -> &'static [&'static str] {
        E::id_aliases()
    }
    fn shown_schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<E::Representation>()
    }
    fn absent_state(&self) -> State {
        Box::new(E::default())
    }
    fn decode_state(&self, record: Record<'_>) -> Result<Versioned, Undecodable> {
        type Head = (u64, Option<SagaId>, Option<String>);
        struct Inner<'a>(Record<'a>, &'a RefCell<Head>);
        impl Decoder for Inner<'_> {
            fn read<T: DeserializeOwned>(self) -> Result<T, Undecodable> {
                let Self(record, head) = self;
                let state;
                *head.borrow_mut() = match record.version >> 8 {
                    0 => {
                        let (version, saga);
                        (version, saga, state) = record.read::<(u64, Option<SagaId>, T)>()?;
                        (version, saga, None)
                    }
                    OWNED_LAYOUT => {
                        let (version, saga, owner);
                        (version, saga, owner, state) =
                            record.read::<(u64, Option<SagaId>, String, T)>()?;
                        (version, saga, Some(owner))
                    }
                    _ => return Err(Undecodable::Version(record.version)),
                };
                Ok(state)
            }
        }
        let head = RefCell::default();
        let version = record.version & STATE_VERSIONS;
        let inner = Inner(record, &head);
        let state: E =
            if version == E::STATE_VERSION { inner.read()? } else { E::old_state(version, inner)? };
        let (version, saga, owner) = head.into_inner();
        Ok(Versioned { version, saga, owner: owner.map(Into::into), state: Box::new(state) })
    }
    fn function_versions(&self) -> FunctionVersions {
        FunctionVersions {
            claims: F::CLAIMS_VERSION,
            indexes: E::INDEX_VERSION,
            due: F::DUE_VERSION,
        }
    }
    fn claims(&self, state: &dyn AnyState) -> Vec<String> {
        state_of(state).map_or_else(Vec::new, F::claims)
    }
    fn due_at(&self, state: &dyn AnyState) -> Option<Timestamp> {
        state_of(state).and_then(F::due_at)
    }
}

impl<A: Aggregate> AggregateType for Typed<A, OfAggregate> {
    fn event_version(&self) -> u16 {
        A::EVENT_VERSION
    }
    fn command_version(&self) -> u16 {
        A::COMMAND_VERSION
    }
    fn read_settings(&self, configured: Option<&Value>) -> Result<Settings, serde_json::Error> {
        let settings: A::Settings = match configured {
            // A context of the system that reads no settings has the unit type for them.
            Some(configured) if size_of::<A::Settings>() > 0 => {
                serde_json::from_value(configured.clone())?
            }
            _ => A::Settings::default(),
        };
        Ok(Arc::new(settings))
    }
    fn read_command(&self, json: Value) -> Result<Command, serde_json::Error> {
        Ok(Box::new(serde_json::from_value::<A::Command>(json)?))
    }
    fn written_version(&self) -> u16 {
        A::WRITTEN_VERSION
    }
    fn older_event(&self, event: &dyn AnyEvent, version: u16) -> Option<Value> {
        A::older_event(event_of::<A>(event)?, version)
    }
    fn read_event(&self, version: u16, json: Value) -> Result<Event, Undecodable> {
        Ok(Box::new(read_event::<A>(version, Json(json))?))
    }
    fn decode_event(&self, version: u16, part: EventPart<'_>) -> Result<Event, Undecodable> {
        Ok(Box::new(read_event::<A>(version, part)?))
    }
    fn decide(
        &self,
        state: &dyn AnyState,
        command: Command,
        this: &Circumstances<'_>,
    ) -> Result<Decided, Refusal> {
        let typed = (
            state_of::<A>(state),
            command.into_any().downcast::<A::Command>(),
            this.settings.downcast_ref::<A::Settings>(),
        );
        let (Some(before), Ok(command), Some(settings)) = typed else {
            return Err(foreign_refusal());
        };
        let id = Id::new(this.number);
        let events = before.decide(*command, &DecisionContext { id, at: this.at, settings })?;
        let mut after = before.clone();
        events.iter().for_each(|event| after.evolve(event));
        Ok(Decided {
            ask: after.awaits(id).map(erased_ask::<A>),
            claims: (before.held_keys(), after.held_keys()),
            due: (OfAggregate::due_at(before), OfAggregate::due_at(&after)),
            rejection: events.iter().find_map(A::rejects),
            events: events.into_iter().map(|event| Box::new(event) as Event).collect(),
            after: Box::new(after),
        })
    }
    fn awaits(&self, state: &dyn AnyState, number: u64) -> Option<ErasedAsk> {
        state_of::<A>(state)?.awaits(Id::new(number)).map(erased_ask::<A>)
    }
    fn due(&self, state: &dyn AnyState) -> Option<(Timestamp, Command)> {
        let (at, command) = state_of::<A>(state)?.due()?;
        Some((at, Box::new(command)))
    }
    fn on_behalf_of(&self, state: &dyn AnyState) -> Option<(Name, u64)> {
        state_of::<A>(state)?.on_behalf_of()
    }
    fn claim_refusal(&self, key: &str) -> Refusal {
        A::key_refusal(key)
    }
    fn compensates(&self, command: &dyn AnyCommand) -> Option<AskId> {
        command_of::<A>(command)?.compensates()
    }
    fn may_ask(&self, command: &dyn AnyCommand) -> &'static [Name] {
        command_of::<A>(command).map_or(&[], A::may_ask)
    }
}

fn erased_ask<A: Aggregate>(ask: Ask<A>) -> ErasedAsk {
    let PutAsk { callee, to, attempt, command, then, .. } = ask;
    let then = Box::new(move |answer| Box::new(then(answer)) as Command);
    ErasedAsk { callee, to, attempt, command, then }
}

/// A command of another context's type, which no caller sends.
fn foreign_refusal() -> Refusal {
    Refusal::invalid(
        "foreign-command",
        "this is a command of another context",
        "다른 컨텍스트의 명령입니다",
    )
}
