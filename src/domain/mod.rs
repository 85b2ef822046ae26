//! The vocabulary of the board. Everything here, and everything written in it under `systems`, is pure: no clock, no
//! I/O, no randomness. `tests/cli/tidy.rs` holds it to that.
//!
//! A business is a wall of notes. A yellow note is an [`Aggregate`], a blue one its command, an orange one its event,
//! a lilac one a policy ([`Aggregate::whenever`]), a green one a [`View`]; a question that one aggregate puts to
//! another and waits for is an [`Ask`]. Whoever must know what the wall holds is a [`Board`] and is shown all of it.

mod ask;
mod board;
mod entity;
mod id;
pub mod lenient;
mod refusal;
pub mod spec;
mod time;

pub use ask::{AnyCommand, Ask, AskId, NoAnswer, ask};
pub use board::{
    Board, Body, Change, Folds, Message, Messages, Policies, React, Role, Routes, Target, Write,
};
pub use entity::{Decoder, Entity, Key, Lifecycle, Name, Subdomain, Undecodable};
pub use id::Id;
pub use refusal::{Kind, Refusal};
pub use time::{DateOrTime, Timestamp, Weekday, Zone};

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// Whatever is said can travel: to the log, to another node, over HTTP.
pub trait Wire:
    Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
}
impl<T: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static> Wire
    for T
{
}

/// A word that comes in named variants: a command or an event. The name is the one on the wire.
pub trait NamedMessage: Wire + AsRef<str> + JsonSchema {}
impl<T: Wire + AsRef<str> + JsonSchema> NamedMessage for T {}

/// Whom each of some commands may lead to asking: the command's name, and their places.
pub type MayAsk = &'static [(&'static str, &'static [Name])];

/// A yellow note: one consistency boundary, run by one supervised actor. All of it is pure.
pub trait Aggregate: Entity {
    /// Blue notes: what may be asked of it.
    type Command: NamedMessage;
    /// Orange notes: what it may say has happened.
    type Event: NamedMessage;
    /// What its system lets be configured: prices, days, zones. Only `decide` may read it.
    type Settings: DeserializeOwned + Default + Clone + Debug + Send + Sync + 'static;

    /// The version of the event type in the log; [`Aggregate::old_event`] reads the ones before it.
    const EVENT_VERSION: u16 = 1;

    /// The version of [`Aggregate::claims`]: a change in what it says of a stored state is a new one, and who holds what
    /// is written anew at the next start. Two that claim one key then both hold it, until both have given it up.
    const CLAIMS_VERSION: u16 = 1;
    /// The version of [`Aggregate::due`], likewise.
    const DUE_VERSION: u16 = 1;
    /// The version of the form of its commands. Answers to questions are kept with what was asked; those in another form
    /// are not compared.
    const COMMAND_VERSION: u16 = 1;

    /// The board as a table, one arm for each arrow: this state, this command — what happens?
    ///
    /// # Errors
    /// A [`Refusal`] says why not, by what the caller can do about it. A policy's command is never refused: it meets
    /// an event or [`ignore`] in every state, that of a missing aggregate included.
    fn decide(
        &self,
        command: Self::Command,
        this: &DecisionContext<'_, Self>,
    ) -> Decision<Self::Event>;

    /// What `event` makes of the state. Facts are not up for debate, so this cannot fail.
    fn evolve(&mut self, event: &Self::Event);

    /// Lilac notes: what to ask, and of which of us, whenever an event of another context is heard.
    fn whenever(_policies: &mut impl Policies<Self>) {}

    /// The question this state is waiting on. Part of the state, so that a crash cannot lose it: it is put to the other
    /// side after every commit and again after a restart.
    fn awaits(&self, _id: Id<Self>) -> Option<Ask<Self>> {
        None
    }

    /// Whom a command may lead to asking, one after the other, by the command's name. Where one of them cannot be asked at
    /// present, a client who commands it is told so at once and nothing begins; who is asked last is worth nothing to somebody
    /// who has waited for all those before. Not a guess: the walk of the board finds who is asked, and a test compares.
    const MAY_ASK: MayAsk = &[];

    /// Whom `command` may lead to asking: see [`Aggregate::MAY_ASK`].
    fn may_ask(command: &Self::Command) -> &'static [Name] {
        Self::MAY_ASK
            .iter()
            .find(|(name, _)| *name == command.as_ref())
            .map_or(&[], |(_, asked)| asked)
    }

    /// The ask that `command` takes back, if it is an undo. The runtime remembers it by the ask's id, so that a late
    /// question is refused and a late yes cannot come.
    fn compensates(_command: &Self::Command) -> Option<AskId> {
        None
    }

    /// The no that `event` is to whoever waits for this thing, though it stands and goes on as it was: a cancel that came too
    /// late, say. They are told this instead of how the thing looks.
    fn rejects(_event: &Self::Event) -> Option<Refusal> {
        None
    }

    /// The order that this thing is held for, by its context and number. What a client commands meanwhile (approve, on a
    /// book) belongs to that order's saga.
    fn on_behalf_of(&self) -> Option<(Name, u64)> {
        None
    }

    /// The keys that this state holds exclusively within its context (a seat), given up when it no longer names them.
    fn claims(&self) -> Vec<String> {
        Vec::new()
    }

    /// What a second claimant of a key hears.
    fn claim_refusal(key: &str) -> Refusal {
        Refusal::conflict(
            "taken",
            format!("`{key}` is taken"),
            format!("`{key}`은(는) 이미 선점되었습니다"),
        )
    }

    /// The time that this state waits for, and the command then.
    fn due(&self) -> Option<(Timestamp, Self::Command)> {
        None
    }

    /// The doors: which commands clients may send, and in what shape.
    fn routes(_doors: &mut impl Routes<Self>) {}

    /// What of its events is told to somebody outside.
    fn messages(_messages: &mut impl Messages<Self>) {}

    /// Reads an event that was stored under an older version, through a struct frozen at that version.
    ///
    /// # Errors
    /// [`Undecodable`] when nothing is known of that version.
    fn old_event<D: Decoder>(version: u16, _record: D) -> Result<Self::Event, Undecodable> {
        Err(Undecodable::Version(version))
    }
}

/// A green note: a table kept by listening. An entity whose rows only events write.
pub trait View: Entity {
    /// How the row of each source's events changes. The row is the same for any interleaving of the sources.
    fn folds(folds: &mut impl Folds<Self>);
}

/// All that a decision may know of the world: who is being decided about, when, and how the system is configured.
#[derive(Debug)]
pub struct DecisionContext<'a, A: Aggregate> {
    /// The number of the aggregate that decides.
    pub id: Id<A>,
    /// Business time.
    pub at: Timestamp,
    /// The system's configuration.
    pub settings: &'a A::Settings,
}

/// The events that follow, or why not.
pub type Decision<E> = Result<Vec<E>, Refusal>;

/// This happens.
///
/// # Errors
/// Never; the type is that of a decision.
pub fn emit<E>(event: E) -> Decision<E> {
    Ok(vec![event])
}

/// It is so already, or there is nothing to do: asking twice is not an error.
///
/// # Errors
/// Never; the type is that of a decision.
pub fn ignore<E>() -> Decision<E> {
    Ok(Vec::new())
}
