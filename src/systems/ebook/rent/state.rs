//! What a rent is, and what its events make of it.

use super::{Book, Event, Ordered};
use crate::{domain::prelude::*, systems::payment::declined};

/// One rent of one book by one user.
#[entity(
    context = "ebook.rent", reads = owner, personal(user_id, phone),
    collection = "rents",
    korean = "대여",
    port = 8081,
    order,
    index(status, user_id, book_id),
    owner = self.user_id,
    holds = (self.status == Status::Approved).then_some(self.book_id),
    credit(paid = self.is_charged().then_some(self.rental_fee).flatten())
)]
pub struct Rent {
    pub(super) user_id: u64,
    pub(super) book_id: Id<Book>,
    /// What the book is called; what the customer calls it until the book has held the request.
    pub(super) book_name: Option<String>,
    /// What is charged, in won; where the customer named no fee, open until it is fixed.
    pub(super) rental_fee: Option<u64>,
    pub(super) status: Status,
    /// When it began: when it was approved.
    pub(super) rented_date: Option<Timestamp>,
    pub(super) returned_date: Option<Timestamp>,
    pub(super) canceled_date: Option<Timestamp>,
    /// Where text messages go.
    #[since = 2]
    pub(super) phone: Option<String>,
    /// Why it was canceled.
    #[since = 2]
    pub(super) reason: Option<String>,
}

/// How far the rent has come.
#[status(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    #[absent]
    New,
    #[open]
    #[name = "Requested"]
    Requested,
    #[ended(declined())]
    Declined,
    #[ended(Refusal::retry_later())]
    Unanswered,
    #[name = "RENTED"]
    Rented,
    Approved,
    Returned,
    #[canceled]
    Canceled,
    // It asks the book to let go of it.
    #[shown_as(Rented)]
    Withdrawing,
}

impl Rent {
    /// Whether what it costs is kept.
    fn is_charged(&self) -> bool {
        use Status::*;
        matches!(self.status, Rented | Withdrawing | Approved | Returned)
    }
    /// What `event` makes of it.
    pub(super) fn apply(&mut self, event: Event) {
        self.status = match event {
            Event::RentRequested(order) => {
                let Ordered { user_id, book_id, book_name, rental_fee, phone, .. } = order;
                *self = Self { user_id, book_id, book_name, rental_fee, phone, ..Self::default() };
                Status::Requested
            }
            Event::Rented(_) | Event::RentWithdrawRefused { .. } => Status::Rented,
            Event::RentFailed { reason, .. } if reason == declined().code => Status::Declined,
            Event::RentFailed { .. } => Status::Unanswered,
            Event::RentApproved { rented_date, .. } => {
                self.rented_date = Some(rented_date);
                Status::Approved
            }
            Event::Returned { returned_date, .. } => {
                self.returned_date = Some(returned_date);
                Status::Returned
            }
            Event::RentWithdrawRequested { .. } => Status::Withdrawing,
            Event::Canceled { canceled_date, reason, .. } => {
                self.canceled_date = Some(canceled_date);
                self.reason = reason;
                Status::Canceled
            }
            Event::RentDescribed { book_name, rental_fee, .. } => {
                self.book_name = book_name.or(self.book_name.take());
                self.rental_fee = rental_fee.or(self.rental_fee);
                self.status
            }
        };
    }

    /// The order that it is, as `rent_id`.
    pub(super) fn ordered(&self, rent_id: Id<Self>) -> Ordered {
        let Self { user_id, book_id, book_name, rental_fee, phone, .. } = self.clone();
        Ordered { rent_id, user_id, book_id, book_name, rental_fee, phone }
    }
}
