//! Which of another context's things is meant: by its number, or by a key that only one of them has.

use super::{Entity, Id, Key, Name};
use std::{fmt, marker::PhantomData};

/// One thing of `A`.
///
/// An [`Id`] is one. `#[entity(unique(plate))]` makes the other kind, `Car::with_plate(plate)`: the context itself looks up
/// which of its things has that key when the message arrives. Use a key that a thing keeps, so that a question and its undo
/// reach the same one.
pub struct Address<A> {
    to: Addressee,
    of: PhantomData<fn() -> A>,
}

impl<A: Entity> Address<A> {
    /// The thing whose unique field has this value.
    pub fn with_key(field: &'static str, key: impl Into<Key>) -> Self {
        let key = key.into().claimed_as(field).unwrap_or_else(|| format!("{field}="));
        Self { to: Addressee::Key(key), of: PhantomData }
    }

    /// Its context, and its number or its key.
    pub fn place(self) -> (Name, Key) {
        let which = match self.to {
            Addressee::Number(number) => Key::Number(number),
            Addressee::Key(key) => Key::Text(key),
        };
        (A::NAME, which)
    }

    /// The same without its type.
    pub fn into_addressee(self) -> Addressee {
        self.to
    }
}

impl<A> From<Id<A>> for Address<A> {
    fn from(id: Id<A>) -> Self {
        Self { to: Addressee::Number(id.get()), of: PhantomData }
    }
}

/// Which of a context's things is meant, where its type is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addressee {
    /// The one with this number.
    Number(u64),
    /// The one that holds this key, as it is [claimed](Key::claimed_as).
    Key(String),
}

impl Addressee {
    /// As it is shown, with its context.
    pub fn write_to(&self, context: Name, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{context}-{number}"),
            Self::Key(key) => write!(f, "{context}-[{key}]"),
        }
    }
}
