//! What is stored under a number and can be read: an aggregate's state, a view's row.

use super::{Entry, Id, Kind, Noun, OrderOutcome, Reads, Refusal, Wire, text};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, sync::Arc};

/// What is stored under a number and can be read. `#[entity]` implements it:
///
/// ```
/// use holdfast::domain::prelude::*;
///
/// /// A parking space.
/// #[entity(
///     context = "parking.space", collection = "spaces", korean = "주차면", reads = staff,
///     index(status), unique(plate)
/// )]
/// struct Space {
///     status: Status,
///     /// Which car is parked there.
///     plate: Option<String>,
///     #[hidden]
///     notes: u64,
/// }
/// #[status]
/// enum Status {
///     #[absent]
///     New,
///     Free,
///     #[name = "In use"]
///     InUse,
/// }
///
/// assert_eq!(Space::NAME.item, "space");
/// assert_eq!(Space::NAME.korean, "주차면");
/// assert_eq!(Space::default().lifecycle(), Lifecycle::Absent);
/// let taken = Space { status: Status::InUse, plate: Some("12가3456".into()), notes: 0 };
/// let shown = serde_json::to_value(taken.represent(Id::new(1))).unwrap();
/// assert_eq!(shown, serde_json::json!({ "status": "In use", "plate": "12가3456" }));
/// assert_eq!(taken.indexes()[1], ("status", Key::from("In use")));
/// ```
pub trait Entity: Wire + Default {
    /// Its place among the contexts and on the wire.
    const NAME: Name;
    /// The version of this type in the store; [`Entity::old_state`] reads the ones before it.
    const STATE_VERSION: u16 = 1;
    /// The version of [`Entity::indexes`] and [`Entity::lifecycle`], whose values are stored in rows of their own: a change
    /// in what they say of a stored state is a new one, and the lists are rebuilt at the next start.
    const INDEX_VERSION: u16 = 1;
    /// What it is to the business.
    const SUBDOMAIN: Subdomain = Subdomain::Core;
    /// Whether it is the order whose number identifies the sagas of its system; for a view: whether a row is of one.
    const IS_ORDER: bool = false;
    /// Other spellings of its collection in the path.
    const ALIASES: &'static [&'static str] = &[];
    /// The port that its clients know from before, if any.
    const PORT: Option<u16> = None;
    /// Who may read it.
    const READS: Reads;
    /// Fields of what it is and of its events that name a person or a place, or are said to a person, in their wire names.
    /// Those who run the server are not shown their values. Declared with `personal(..)`.
    const PERSONAL: &'static [&'static str] = &[];
    /// How it looks from outside.
    type Representation: Serialize + JsonSchema;

    /// How it looks from outside. Its number is added where it is shown.
    fn represent(&self, id: Id<Self>) -> Self::Representation;

    /// Whether there is such a thing.
    fn lifecycle(&self) -> Lifecycle;

    /// How it has ended, if it is an order. `#[failed]` and `#[canceled]` on a variant of its status say so where
    /// [`Entity::lifecycle`] does not.
    fn outcome(&self) -> OrderOutcome {
        self.lifecycle().outcome()
    }

    /// The refusal of what clients command while there is no such thing, or while it is not settled.
    fn not_established(&self) -> Refusal {
        self.lifecycle().refusal(Self::NAME).unwrap_or_else(Refusal::still_open)
    }

    /// The fields that lists filter and sort by, in their wire names. The same names for every state.
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        Vec::new()
    }

    /// The fields whose value no other thing of the context may have, in their wire names: natural keys. Lists filter by
    /// them as by any index, with at most one row. A missing or empty value is not held. Views hold none.
    fn unique(&self) -> Vec<(&'static str, Key)> {
        Vec::new()
    }

    /// The thing that this order has, which no other may have: its context, and its number or the key that only it has. At any time that thing says the same
    /// of itself in [`Entity::held_by`]. Declared with `holds = ..`.
    fn holds(&self) -> Option<(Name, Key)> {
        None
    }

    /// The order that has this thing, likewise. Once every saga has ended, that order says the same of
    /// itself in [`Entity::holds`]. Declared with `held_by = ..`.
    fn held_by(&self) -> Option<(Name, Key)> {
        None
    }

    /// What it adds to sums of its system, and what it takes from them, under its own number or that of another thing: what is
    /// paid for a rental, and what the rental was charged. Once every saga has ended, each sum of a number is zero. Declared
    /// with `debit(..)` and `credit(..)`; where one thing has to do with many numbers, its events say it: see
    /// [`Aggregate::entries`](super::Aggregate::entries).
    fn balances(&self, _id: Id<Self>) -> Vec<Entry> {
        Vec::new()
    }

    /// The customer whose it is, as its own fields say: a rent names who rents. What is begun for a customer belongs to that
    /// customer without this; none where the fields do not say. Declared with `owner = ..`.
    fn owner(&self, _id: Id<Self>) -> Option<Arc<str>> {
        None
    }

    /// Fields that are this entity's own number under another name (the `rentId` of a delivery): lists filter by them
    /// too, at no cost.
    fn id_aliases() -> &'static [&'static str] {
        &[]
    }

    /// Reads a state that was stored under an older version, through a struct frozen at that version.
    ///
    /// # Errors
    /// [`Undecodable`] when that version is unknown.
    fn old_state<D: Decoder>(version: u16, _record: D) -> Result<Self, Undecodable> {
        Err(Undecodable::Version(version))
    }
}

/// What a context is to its business, in the terms of domain-driven design.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subdomain {
    /// What the business lives by.
    Core,
    /// What the core needs, and no other business has in this form.
    Supporting,
    /// What every business has and could buy.
    Generic,
}

/// Whether there is such a thing, for clients.
#[derive(Debug, Clone, PartialEq)]
pub enum Lifecycle {
    /// It does not exist, or only a mark of it is stored: 404, in no list.
    Absent,
    /// An order whose own request is not settled: shown to clients who know its number, in no list, closed to commands.
    Open,
    /// It exists: shown, listed, counted.
    Established,
    /// Staff has withdrawn it: shown to clients who know its number, in no list. Its number stays taken.
    Withdrawn,
    /// An order that was never established: 404, in no list; the client who ordered it gets the refusal.
    Ended(Refusal),
}

impl Lifecycle {
    /// What it means for an order.
    pub fn outcome(&self) -> OrderOutcome {
        match self {
            Self::Absent | Self::Open => OrderOutcome::Pending,
            Self::Ended(refusal) if refusal.kind == Kind::RetryLater => OrderOutcome::Failed,
            Self::Ended(_) => OrderOutcome::Refused,
            Self::Established | Self::Withdrawn => OrderOutcome::Established,
        }
    }

    /// The refusal of what clients command such a thing, unless it is established.
    pub fn refusal(&self, what: impl Into<Noun>) -> Option<Refusal> {
        match self {
            Self::Absent | Self::Ended(_) => Some(Refusal::absent(what)),
            Self::Open => Some(Refusal::still_open()),
            Self::Established | Self::Withdrawn => None,
        }
    }

    /// That of an entity which exists as soon as `field` has a value.
    pub fn of(field: &impl Presence) -> Self {
        if field.is_present() { Self::Established } else { Self::Absent }
    }
    /// The same, or [`Lifecycle::Withdrawn`] where the entity exists and is withdrawn: see `#[withdrawn]`.
    #[must_use]
    pub fn withdrawn_if(self, is_withdrawn: bool) -> Self {
        match self {
            Self::Established if is_withdrawn => Self::Withdrawn,
            other => other,
        }
    }
    /// Whether clients who know its number are shown it.
    pub fn is_shown(&self) -> bool {
        matches!(self, Self::Open | Self::Established | Self::Withdrawn)
    }
}

/// A field that says whether its entity exists: see `#[exists]`.
pub trait Presence {
    /// Whether it has a value.
    fn is_present(&self) -> bool;
}
impl Presence for bool {
    fn is_present(&self) -> bool {
        *self
    }
}
impl Presence for u64 {
    fn is_present(&self) -> bool {
        *self != 0
    }
}
impl Presence for String {
    fn is_present(&self) -> bool {
        !self.is_empty()
    }
}
impl<T> Presence for Option<T> {
    fn is_present(&self) -> bool {
        self.is_some()
    }
}

/// A field that keeps the code of the refusal with which an order ended: see `#[ends]`.
pub trait EndCode {
    /// The code, if it has ended.
    fn code(&self) -> Option<&str>;
}
impl EndCode for String {
    fn code(&self) -> Option<&str> {
        Some(self.as_str()).filter(|code| !code.is_empty())
    }
}
impl EndCode for Option<String> {
    fn code(&self) -> Option<&str> {
        self.as_deref()
    }
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
    /// What one is called in Korean: 대여.
    pub korean: &'static str,
}

impl Name {
    /// The bare context: `rent` of `bookrent.rent`.
    pub fn short(&self) -> &'static str {
        self.context.rsplit('.').next().unwrap_or(self.context)
    }
}

impl From<Name> for Noun {
    fn from(name: Name) -> Self {
        Self::new(name.item, name.korean)
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
    /// A text: a status, a name.
    Text(String),
    /// True or false.
    Flag(bool),
}

impl Key {
    /// The customer whom this value names, as text in its shortest form; none where it is missing, blank, or no number of
    /// a customer.
    pub fn as_customer(&self) -> Option<Arc<str>> {
        match self {
            Self::Missing | Self::Flag(_) | Self::Number(0) => None,
            Self::Number(number) => Some(number.to_string().into()),
            Self::Text(text) if text::is_blank(text) => None,
            Self::Text(text) => Some(text.as_str().into()),
        }
    }
    /// The claim to this value of the unique field `field`; none to a missing or empty one.
    pub fn claimed_as(self, field: &str) -> Option<String> {
        match self {
            Self::Missing => None,
            Self::Text(text) if text::is_blank(&text) => None,
            Self::Text(text) => Some(format!("{field}={}", text::claim_form(&text))),
            Self::Number(number) => Some(format!("{field}={number}")),
            Self::Flag(flag) => Some(format!("{field}={flag}")),
        }
    }
}

impl From<u64> for Key {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}
impl From<u32> for Key {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
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
impl From<&String> for Key {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}
impl From<String> for Key {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl<T: Into<Key>> From<Option<T>> for Key {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

/// Reads the payload of one stored record, as the struct that was frozen at its version.
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
    /// Written by a version of the software that this one does not know.
    #[error("it has schema version {0}, which this version of the software cannot read")]
    Version(u16),
    /// The bytes are not what they should be.
    #[error("its payload cannot be read: {0}")]
    Payload(String),
}
