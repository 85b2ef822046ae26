//! What may be asked of a book, and what it may say has happened.

use super::{Book, CorrectBook, CorrectedBook, Held, Rent};
use crate::domain::prelude::*;

/// What may be asked of a book.
#[command]
pub enum Command {
    /// A new book.
    Register(Register),
    /// A paid request; `fee` is what its customer claims that the book costs.
    Hold { rent: Id<Rent>, user: u64, fee: Option<u64> },
    /// The payment has approved the amount that was open, or declined it.
    Judge { rent: Id<Rent>, approved: bool },
    /// The request that is held is granted.
    Approve,
    /// The request that is held is not.
    Reject,
    /// May the rent be withdrawn? A yes has given up its request, also one that is still to come.
    LetGo { rent: Id<Rent> },
    /// The rent is over, and asks for nothing any more.
    #[undo(of = rent, attempt = ONLY_ATTEMPT)]
    Free { rent: Id<Rent> },
    #[catalogue]
    Maintain(Maintenance<CorrectBook>),
}

/// What a book may say has happened.
#[event]
pub enum Event {
    /// There is such a book.
    Registed { book_name: String, rental_fee: u64, registed_date: Timestamp },
    /// A paid request waits for the admin.
    RequestHeld(Held),
    /// The request was granted.
    Approved { rent_id: Id<Rent>, book_id: Id<Book>, user_id: u64, approved_date: Timestamp },
    /// A request was not, for this reason.
    Rejected { rent_id: Id<Rent>, book_id: Id<Book>, user_id: u64, reason: String },
    /// It has come back.
    BookFreed { rent_id: Id<Rent>, book_id: Id<Book> },
    /// The amount that was open is approved.
    RequestJudged { rent_id: Id<Rent>, book_id: Id<Book> },
    /// The customer withdrew the request. One that is still to come will be ignored.
    RequestWithdrawn { rent_id: Id<Rent>, book_id: Id<Book> },
    /// The request that was withdrawn before it came is remembered no longer.
    RequestForgotten { rent_id: Id<Rent>, book_id: Id<Book> },
    #[corrected]
    BookCorrected(CorrectedBook),
    #[withdrawn]
    BookWithdrawn { book_id: Id<Book> },
    #[restored]
    BookRestored { book_id: Id<Book> },
}

/// `POST /books`
#[body]
pub struct Register {
    /// Its title.
    pub book_name: String,
    /// What renting it costs, in won.
    pub rental_fee: u64,
}

/// `PATCH /books/{id}`: what becomes of the request that is held.
#[body]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// The rent begins.
    Approved,
    /// What was paid goes back.
    Rejected,
}
