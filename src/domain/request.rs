//! What clients send, and what goes out to people.

use super::Id;
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};

/// A text message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The number of a telephone, if it is known.
    pub to: Option<String>,
    /// What it says.
    pub text: String,
}

/// The body of a request. Numbers and booleans in it may be written as strings.
pub trait Body: DeserializeOwned + JsonSchema + Send + 'static {}
impl<T: DeserializeOwned + JsonSchema + Send + 'static> Body for T {}

/// The body of a `PATCH` that asks for another status: one of those that `S` has.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
pub struct Change<S> {
    /// The status that is wanted.
    pub status: S,
}

/// Who sends a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A customer of the business.
    Customer,
    /// Staff of the business.
    Admin,
    /// Either.
    Both,
}

/// Which thing a POST is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target<A> {
    /// A new one, with the next number.
    New,
    /// The one whose number the client chose.
    Chosen(Id<A>),
}
