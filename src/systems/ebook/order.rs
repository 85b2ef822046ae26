//! What is ordered when a book is rented: what customers send, what the events carry.

use super::{book::Book, rent::Rent};
use crate::domain::prelude::*;

/// What was ordered. Name and fee are what the customer claims, if anything; the book knows better.
#[value]
#[derive(Default)]
pub struct Ordered {
    pub rent_id: Id<Rent>,
    pub user_id: u64,
    pub book_id: Id<Book>,
    pub book_name: Option<String>,
    pub rental_fee: Option<u64>,
}

/// `POST /rents`
#[body]
pub struct Request {
    pub user_id: u64,
    pub book_id: Id<Book>,
    /// What the customer believes that it is called.
    pub book_name: Option<String>,
    /// What the customer believes that it costs, in won: this is charged, and it must be right.
    pub rental_fee: Option<u64>,
}

/// `PATCH /rents/{id}`: the status that a client may ask for.
#[body]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Ended {
    /// The book comes back.
    Returned,
}
