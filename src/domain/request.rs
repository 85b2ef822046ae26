//! What clients send, and what goes out to people.

use super::Id;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A text message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The number of a telephone.
    pub to: String,
    /// Its text.
    pub text: String,
}

/// What became of a text message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MessageOutcome {
    /// The gateway has taken it.
    Sent,
    /// The gateway will never take it.
    Refused {
        /// Why.
        reason: String,
    },
    /// An operator has it tried again after it was refused.
    Requeued,
}

/// The body of a request, declared with `#[body]`. Numbers and booleans in it may be written as strings.
///
/// ```
/// use holdfast::domain::{Body, lenient, prelude::*};
///
/// #[body]
/// struct NewLamp {
///     watts: u64,
///     color: Option<String>,
/// }
///
/// let body = serde_json::json!({ "watts": "60" });
/// let lamp: NewLamp = lenient::read_body(body).unwrap();
/// assert_eq!((lamp.watts, lamp.color), (60, None));
///
/// /// A customer who has credentials may leave out what they say.
/// #[body]
/// struct OrderLamp {
///     #[subject]
///     customer_id: u64,
///     #[grade]
///     grade: Option<String>,
/// }
///
/// assert_eq!((OrderLamp::SUBJECT, OrderLamp::GRADE), (Some("customerId"), Some("grade")));
/// ```
pub trait Body: DeserializeOwned + Serialize + JsonSchema + Send + 'static {
    /// Its members that are texts, and what a blank one means.
    const TEXTS: &'static [(&'static str, Blank)] = &[];
    /// Its member that names the customer whose the thing is to be: `#[subject]`.
    const SUBJECT: Option<&'static str> = None;
    /// Its member with the grade of that customer: `#[grade]`.
    const GRADE: Option<&'static str> = None;
}

/// What a blank text in a body means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blank {
    /// Nothing: it is refused.
    Refused,
    /// The same as none.
    IsNone,
}

/// The body of a `PATCH` that asks for another status: one of those that `S` has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change<S> {
    /// The status that is wanted.
    pub status: S,
}

impl<S: DeserializeOwned + Serialize + JsonSchema + Send + 'static> Body for Change<S> {}

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
