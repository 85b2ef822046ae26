//! What may be asked of a rent, and what it may say has happened.

use super::{Book, Ordered, Rent, Request};
use crate::domain::prelude::*;

/// What may be asked of a rent.
#[command]
pub enum Command {
    /// A new rent.
    Request(Request),
    /// The answer of the payment, or that none came in time.
    Settle(Result<(), NoAnswer>),
    /// The book is approved.
    Approve(Timestamp),
    /// The book comes back.
    Return,
    /// What was paid has gone back.
    Cancel { reason: Option<String> },
    /// The customer does not want it any more.
    Withdraw,
    /// The answer of the book whether it has let go, or that none came in time.
    SettleWithdraw(Result<(), NoAnswer>),
    /// What it is called, or what it costs, is known now.
    Describe { book_name: Option<String>, fee: Option<u64> },
}

/// What a rent may say has happened.
#[event]
pub enum Event {
    /// It asks for its payment.
    RentRequested(Ordered),
    /// It is paid for.
    Rented(Ordered),
    /// It never came to be.
    RentFailed { rent_id: Id<Rent>, user_id: u64, book_id: Id<Book>, reason: String },
    /// A rent has begun.
    RentApproved {
        rent_id: Id<Rent>,
        user_id: u64,
        book_id: Id<Book>,
        rented_date: Timestamp,
        /// Where text messages go. Events from before this field have none.
        #[serde(default)]
        phone: Option<String>,
    },
    /// A rent is over.
    Returned {
        rent_id: Id<Rent>,
        user_id: u64,
        book_id: Id<Book>,
        returned_date: Timestamp,
        /// Where text messages go. Events from before this field have none.
        #[serde(default)]
        phone: Option<String>,
    },
    /// A rent has ended before it began.
    Canceled {
        rent_id: Id<Rent>,
        user_id: u64,
        book_id: Id<Book>,
        canceled_date: Timestamp,
        /// Why. Events from before this field have none.
        #[serde(default)]
        reason: Option<String>,
        /// Where text messages go. Events from before this field have none.
        #[serde(default)]
        phone: Option<String>,
    },
    /// It asks the book to let go of it.
    RentWithdrawRequested { rent_id: Id<Rent> },
    /// The book was approved before.
    RentWithdrawRefused { rent_id: Id<Rent> },
    /// What the book is called, or what was charged.
    RentDescribed { rent_id: Id<Rent>, book_name: Option<String>, rental_fee: Option<u64> },
}
