//! What is ordered when a book is rented: what customers send, what the events carry.

use super::{book::Book, rent::Rent};
use crate::domain::prelude::*;

/// Why a rent was canceled whose customer withdrew it.
pub const WITHDRAWN: &str = "withdrawn";

/// What was ordered. Name and fee are what the customer claims, if anything; the book knows better.
#[value]
#[derive(Default)]
pub struct Ordered {
    pub rent_id: Id<Rent>,
    pub user_id: u64,
    pub book_id: Id<Book>,
    pub book_name: Option<String>,
    pub rental_fee: Option<u64>,
    /// Where text messages go. Events from before this field have none.
    #[serde(default)]
    pub phone: Option<String>,
}

/// `POST /rents`
#[body]
pub struct Request {
    #[subject]
    pub user_id: u64,
    pub book_id: Id<Book>,
    /// What the customer believes that it is called.
    pub book_name: Option<String>,
    /// What the customer believes that it costs, in won: this is charged, and it must be right.
    pub rental_fee: Option<u64>,
    /// Where text messages go.
    #[blank_is_none]
    pub phone: Option<String>,
}

impl Request {
    /// The order that rent `rent_id` is.
    pub fn ordered(self, rent_id: Id<Rent>) -> Ordered {
        let Self { user_id, book_id, book_name, rental_fee, phone } = self;
        Ordered { rent_id, user_id, book_id, book_name, rental_fee, phone }
    }
}

/// A paid request that a book holds.
#[value(title = "HeldRequest")]
#[schemars(inline)]
pub struct Held {
    pub rent_id: Id<Rent>,
    pub book_id: Id<Book>,
    pub user_id: u64,
    pub book_name: String,
    pub rental_fee: u64,
    /// The customer named no fee: the payment judges this one now. Events from before this field say no.
    #[serde(default)]
    pub is_open: bool,
}

/// A payment that has gone back.
#[value(title = "RefundedRent")]
#[schemars(inline)]
pub struct Refund {
    pub rent_id: Id<Rent>,
    pub user_id: u64,
    pub book_id: Id<Book>,
    pub rental_fee: Option<u64>,
    pub refunded_date: Timestamp,
    /// Why. Events from before this field have none.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What a text message says to whom.
#[value(title = "RentText")]
#[derive(Default)]
pub struct Text {
    pub rent_id: Id<Rent>,
    pub user_id: u64,
    pub phone: String,
    pub text: String,
}

/// `PATCH /rents/{id}`: the status that a client may ask for.
#[body]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Ended {
    /// The book comes back.
    Returned,
    /// The customer withdraws, before the book is approved.
    Canceled,
}

/// The refusal of a customer, or of staff, who comes too late: the request has been approved.
pub fn already_approved() -> Refusal {
    Refusal::conflict("already-approved", "the request has been approved", "이미 승인된 요청입니다")
}

/// The refusal of the return of a book that is not lent.
pub fn not_lent() -> Refusal {
    Refusal::conflict("not-lent", "the book is not lent", "대여 중인 도서가 아닙니다")
}

/// The refusal of a verdict where no request is held.
pub fn nothing_held() -> Refusal {
    Refusal::conflict("nothing-held", "no request is held", "대기 중인 요청이 없습니다")
}

/// The refusal of an approval before the payment has judged the amount.
pub fn amount_open() -> Refusal {
    Refusal::conflict(
        "amount-open",
        "the payment has not judged the amount yet",
        "결제 금액이 아직 승인되지 않았습니다",
    )
}
