//! What is kept under a number and can be looked at: an aggregate's state, a view's row.

use super::{Id, Refusal, Wire};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;

/// What is kept under a number and can be looked at.
pub trait Entity: Wire + Default {
    /// Its place among the contexts and on the wire.
    const NAME: Name;
    /// The version of this type in the store; [`Entity::old_state`] reads the ones before it.
    const STATE_VERSION: u16 = 1;
    /// The version of [`Entity::indexes`] and [`Entity::lifecycle`], whose values stand in rows of their own: a change in
    /// what they say of a stored state is a new one, and the lists are made anew at the next start.
    const INDEX_VERSION: u16 = 1;
    /// What it is to the business.
    const SUBDOMAIN: Subdomain = Subdomain::Core;
    /// Whether it is the order by whose number what happens in its system is told; a view's row: whether it is of one.
    const IS_ORDER: bool = false;
    /// Other spellings of its collection in the path.
    const ALIASES: &'static [&'static str] = &[];
    /// The port that its original had, which its clients know; `None` for a context that had none.
    const PORT: Option<u16> = None;
    /// How it looks from outside.
    type Representation: Serialize + JsonSchema;

    /// How it looks from outside; the number itself is added by whoever shows it.
    fn represent(&self, id: Id<Self>) -> Self::Representation;

    /// How much of it there is.
    fn lifecycle(&self) -> Lifecycle;

    /// The fields that lists filter and sort by, in their wire names. The same names for every state.
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        Vec::new()
    }

    /// Fields that are this entity's own number under another name (the `rentId` of a delivery): lists filter by them
    /// too, at no cost.
    fn id_aliases() -> &'static [&'static str] {
        &[]
    }

    /// Reads a state that was stored under an older version, through a struct frozen at that version.
    ///
    /// # Errors
    /// [`Undecodable`] when nothing is known of that version.
    fn old_state<D: Decoder>(version: u16, _record: D) -> Result<Self, Undecodable> {
        Err(Undecodable::Version(version))
    }
}

/// What a context is to its business, in the terms of domain-driven design.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subdomain {
    /// What the business lives by.
    Core,
    /// What the core needs, and nobody else would have in this form.
    Supporting,
    /// What every business has and could buy.
    Generic,
}

/// How much of an entity there is, for those who look.
#[derive(Debug, Clone, PartialEq)]
pub enum Lifecycle {
    /// It never came to be, or only a mark of it is kept: 404, in no list.
    Absent,
    /// An order whose own request is not settled: shown to who knows its number, in no list, and closed to commands.
    Open,
    /// It exists: shown, listed, counted.
    Established,
    /// An order that was never established: 404, in no list; who ordered it is told why.
    Ended(Refusal),
}

/// A context's place: `bookrent.rent`, at `/bookrent/rents`, one of them a `rent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// The business: `bookrent`.
    pub system: &'static str,
    /// `system.context`, which also names its tree: `bookrent.rent`.
    pub context: &'static str,
    /// The collection in the path: `rents`.
    pub collection: &'static str,
    /// The link relation of one: `rent`.
    pub item: &'static str,
}

impl Name {
    /// The bare context: `rent` of `bookrent.rent`.
    pub fn short(&self) -> &'static str {
        self.context.rsplit('.').next().unwrap_or(self.context)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.context)
    }
}

/// A value that lists are filtered and sorted by. Missing values come first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The entity has no value for this field.
    Missing,
    /// A number: ids of others.
    Number(u64),
    /// Words: a status, a name.
    Text(String),
    /// Yes or no.
    Flag(bool),
}

impl From<u64> for Key {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}
impl<T> From<Id<T>> for Key {
    fn from(id: Id<T>) -> Self {
        Self::Number(id.get())
    }
}
impl From<bool> for Key {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}
impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl<T: Into<Key>> From<Option<T>> for Key {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

/// Reads the payload of one stored record as whichever frozen struct is right for its version.
pub trait Decoder {
    /// The payload as a `T`.
    ///
    /// # Errors
    /// [`Undecodable::Payload`] when it is none.
    fn read<T: DeserializeOwned>(self) -> Result<T, Undecodable>;
}

/// Why a stored record cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Undecodable {
    /// Written by a version of the software that this one knows nothing of.
    #[error("it has schema version {0}, which this version of the software cannot read")]
    Version(u16),
    /// The bytes are not what they should be.
    #[error("its payload cannot be read: {0}")]
    Payload(String),
}
