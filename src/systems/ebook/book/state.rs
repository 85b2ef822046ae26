//! What a book is, and what its events make of it.

use super::{Event, Held, Rent};
use crate::domain::prelude::*;

/// One book, and the rent that it is held or lent for.
#[entity(
    context = "ebook.book", reads = public_without(rent_id, user_id, approved_date), personal(user_id),
    collection = "books",
    korean = "도서",
    port = 8083,
    index(status, user_id, rent_id),
    held_by = self.rent_id.filter(|_| self.status == Status::Approved),
    owner = self.user_id,
    catalogue
)]
pub struct Book {
    /// Its title.
    #[correctable]
    pub(super) book_name: String,
    /// What renting it costs, in won.
    #[correctable(unless = self.is_held())]
    pub(super) rental_fee: u64,
    /// Whether it may be requested.
    pub(super) status: Status,
    /// When it was registered.
    pub(super) registed_date: Timestamp,
    /// The rent that it is held or lent for.
    pub(super) rent_id: Option<Id<Rent>>,
    /// Whose rent that is.
    pub(super) user_id: Option<u64>,
    /// When that rent was approved.
    pub(super) approved_date: Option<Timestamp>,
    /// Rents that were withdrawn before their request came, until it is known that it has.
    #[hidden]
    #[since = 2]
    pub(super) let_go: Vec<Id<Rent>>,
    #[withdrawn]
    #[since = 2]
    pub(super) withdrawn: bool,
}

/// Whether a book may be requested.
#[status(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    #[absent]
    New,
    Possible,
    /// A paid request is held for the admin.
    #[name = "PAID"]
    Paid,
    Approved,
    /// A request is held whose amount is not judged yet.
    #[shown_as(Paid)]
    Unjudged,
}

impl Book {
    /// Whether a request waits for the admin.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.status, Status::Paid | Status::Unjudged)
    }
    /// The request that it is held or lent for: which rent, and whose.
    pub(super) fn request(&self) -> Option<(Id<Rent>, u64)> {
        self.rent_id.zip(self.user_id)
    }
    /// Why a request cannot be held whose customer claims that it costs `fee`.
    pub(super) fn rejection_reason(&self, fee: Option<u64>) -> Option<&'static str> {
        match (self.lifecycle(), self.status) {
            (Lifecycle::Established, Status::Possible) => {
                fee.is_some_and(|fee| fee != self.rental_fee).then_some("fee-differs")
            }
            (Lifecycle::Established, _) => Some("book-out"),
            _ => Some("book-unknown"),
        }
    }

    /// What `event` makes of it.
    pub(super) fn apply(&mut self, event: Event) {
        match event {
            Event::Registed { book_name, rental_fee, registed_date } => {
                self.book_name = book_name;
                self.rental_fee = rental_fee;
                self.status = Status::Possible;
                self.registed_date = registed_date;
            }
            Event::RequestHeld(Held { rent_id, user_id, is_open, .. }) => {
                self.status = if is_open { Status::Unjudged } else { Status::Paid };
                self.rent_id = Some(rent_id);
                self.user_id = Some(user_id);
            }
            Event::RequestJudged { .. } => self.status = Status::Paid,
            Event::Approved { approved_date, .. } => {
                self.status = Status::Approved;
                self.approved_date = Some(approved_date);
            }
            Event::Rejected { rent_id, .. }
            | Event::RequestWithdrawn { rent_id, .. }
            | Event::BookFreed { rent_id, .. }
                if self.rent_id == Some(rent_id) =>
            {
                self.status = Status::Possible;
                self.rent_id = None;
                self.user_id = None;
                self.approved_date = None;
            }
            Event::RequestWithdrawn { rent_id, .. } => self.let_go.push(rent_id),
            Event::RequestForgotten { rent_id, .. } => self.let_go.retain(|rent| *rent != rent_id),
            // Of another rent than the one that it is held for.
            Event::Rejected { .. } | Event::BookFreed { .. } => {}
            Event::BookCorrected(corrected) => self.take_over(corrected),
            Event::BookWithdrawn { .. } => self.withdrawn = true,
            Event::BookRestored { .. } => self.withdrawn = false,
        }
    }
}
