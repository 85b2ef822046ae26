//! Rent: a user requests a book and pays for it in one step; the admin lends it.
//!
//! Only the payment is waited for: `Rented` follows its yes, and the book, which may be down meanwhile, hears of it later.
//! Without a yes there never was a rent, and on `RentFailed` anything that was paid goes back. Until the book is approved
//! the user may withdraw; the book, where both meet, is asked until it answers, and `Canceled` follows its yes.

pub use super::order::{Approved, Canceled, Ended, Ordered, Request, Returned};
use super::{
    book::{self, Book},
    order::{WITHDRAWN, already_approved, not_lent},
    payment::{self, Payment},
};
use crate::{domain::prelude::*, systems::payment::declined};

/// A rent asks its payment once, and once the book whether it lets go of the request.
pub const ONLY_ATTEMPT: u32 = 1;

/// One rent of one book by one user.
#[entity(
    context = "ebook.rent",
    collection = "rents",
    korean = "대여",
    port = 8081,
    order,
    index(status, user_id, book_id)
)]
pub struct Rent {
    user_id: u64,
    book_id: Id<Book>,
    /// What the book is called; what the customer calls it until the book has held the request.
    book_name: Option<String>,
    /// What is charged, in won; where the customer named no fee, open until it is fixed.
    rental_fee: Option<u64>,
    status: Status,
    /// When it began: when it was approved.
    rented_date: Option<Timestamp>,
    returned_date: Option<Timestamp>,
    canceled_date: Option<Timestamp>,
    /// Where text messages go.
    #[since = 2]
    phone: Option<String>,
    /// Why it was canceled.
    #[since = 2]
    reason: Option<String>,
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
    /// It begins.
    RentApproved(Approved),
    /// It is over.
    Returned(Returned),
    /// It ended before it began.
    Canceled(Canceled),
    /// It asks the book to let go of it.
    RentWithdrawRequested { rent_id: Id<Rent> },
    /// The book was approved before.
    RentWithdrawRefused { rent_id: Id<Rent> },
    /// What the book is called, or what was charged.
    RentDescribed { rent_id: Id<Rent>, book_name: Option<String>, rental_fee: Option<u64> },
}

impl Aggregate for Rent {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Request", &[Payment::NAME]), ("Withdraw", &[Book::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, NoAnswer::Refused, Status as S};
        let rent_id = this.id;
        match (self.status, command) {
            (S::New, Request(wanted)) => emit(RentRequested(wanted.ordered(rent_id))),
            (S::Requested, Settle(Ok(()))) => emit(Rented(self.ordered(rent_id))),
            (S::Requested, Settle(Err(no))) => {
                let Self { user_id, book_id, .. } = *self;
                emit(RentFailed { rent_id, user_id, book_id, reason: no.code().into() })
            }

            (S::Rented, Approve(at)) => emit(RentApproved(self.ordered(rent_id).approved(at))),
            (S::Rented, Cancel { reason }) => {
                emit(Canceled(self.ordered(rent_id).canceled(this.at, reason)))
            }
            (S::Approved, Return) => emit(Returned(self.ordered(rent_id).returned(this.at))),

            (S::Rented, Withdraw) => emit(RentWithdrawRequested { rent_id }),
            (S::Withdrawing, SettleWithdraw(Ok(()))) => {
                emit(Canceled(self.ordered(rent_id).canceled(this.at, Some(WITHDRAWN.into()))))
            }
            (S::Withdrawing, SettleWithdraw(Err(Refused(_)))) => {
                emit(RentWithdrawRefused { rent_id })
            }
            // The approval is heard before the book's no has come.
            (S::Withdrawing, Approve(at)) => Ok(vec![
                RentWithdrawRefused { rent_id },
                RentApproved(self.ordered(rent_id).approved(at)),
            ]),
            // The book has rejected it, so its answer will be yes: the cancel follows that.
            (S::Withdrawing, Cancel { .. }) => ignore(),

            (S::New | S::Declined | S::Unanswered, Return | Withdraw) => {
                Err(Refusal::absent(Self::NAME))
            }
            (S::Requested, Return | Withdraw) => Err(Refusal::still_open()),
            (S::Rented | S::Withdrawing | S::Canceled, Return) => Err(not_lent()),
            (S::Approved | S::Returned, Withdraw) => Err(already_approved()),
            (S::Returned, Return) | (S::Withdrawing | S::Canceled, Withdraw) => ignore(),

            (status, Describe { book_name, fee: rental_fee })
                if status.lifecycle() == Lifecycle::Established =>
            {
                emit(RentDescribed { rent_id, book_name, rental_fee })
            }
            (_, Request(_) | Settle(_) | Approve(_) | Cancel { .. }) => ignore(),
            (_, SettleWithdraw(_) | Describe { .. }) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        self.status = match event.clone() {
            Event::RentRequested(order) => {
                let Ordered { user_id, book_id, book_name, rental_fee, phone, .. } = order;
                *self = Self { user_id, book_id, book_name, rental_fee, phone, ..Self::default() };
                Status::Requested
            }
            Event::Rented(_) | Event::RentWithdrawRefused { .. } => Status::Rented,
            Event::RentFailed { reason, .. } if reason == declined().code => Status::Declined,
            Event::RentFailed { .. } => Status::Unanswered,
            Event::RentApproved(approved) => {
                self.rented_date = Some(approved.rented_date);
                Status::Approved
            }
            Event::Returned(returned) => {
                self.returned_date = Some(returned.returned_date);
                Status::Returned
            }
            Event::RentWithdrawRequested { .. } => Status::Withdrawing,
            Event::Canceled(canceled) => {
                self.canceled_date = Some(canceled.canceled_date);
                self.reason = canceled.reason;
                Status::Canceled
            }
            Event::RentDescribed { book_name, rental_fee, .. } => {
                self.book_name = book_name.or(self.book_name.take());
                self.rental_fee = rental_fee.or(self.rental_fee);
                self.status
            }
        };
    }

    fn rejects(event: &Event) -> Option<Refusal> {
        matches!(event, Event::RentWithdrawRefused { .. }).then(already_approved)
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Book>(|event| match event.clone() {
            book::Event::RequestHeld(held) => {
                let book_name = Some(held.book_name);
                Some((held.rent_id, Command::Describe { book_name, fee: None }))
            }
            book::Event::Approved { rent_id, approved_date, .. } => {
                Some((rent_id, Command::Approve(approved_date)))
            }
            _ => None,
        });
        policies.on::<Payment>(|event| match event.clone() {
            payment::Event::PaymentFixed { rent_id, rental_fee, .. } => {
                let fee = Some(rental_fee);
                Some((rent_id, Command::Describe { book_name: None, fee }))
            }
            payment::Event::Refunded(refund) => {
                Some((refund.rent_id, Command::Cancel { reason: refund.reason }))
            }
            _ => None,
        });
    }

    fn awaits(&self, rent: Id<Self>) -> Option<Ask<Self>> {
        use {book::Command::LetGo, payment::Command::Pay};
        let Rent { user_id: user, book_id: book, rental_fee: fee, .. } = *self;
        match self.status {
            Status::Requested => {
                let pay = ask(rent.of::<Payment>(), Pay { user, book, fee }, Command::Settle);
                Some(pay.undone_by(payment::Command::refund(rent, None)))
            }
            Status::Withdrawing => {
                let let_go = ask(book, LetGo { rent }, Command::SettleWithdraw);
                Some(let_go.until_answered(ONLY_ATTEMPT))
            }
            _ => None,
        }
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Customer, |request: Request| (Target::New, Command::Request(request)));
        routes.patch_verb(Role::Customer, "return", || Command::Return);
        routes.patch(Role::Customer, |change: Change<Ended>| match change.status {
            Ended::Returned => Command::Return,
            Ended::Canceled => Command::Withdraw,
        });
        routes.delete(Role::Customer, || Command::Withdraw);
    }
}

impl Rent {
    fn ordered(&self, rent_id: Id<Self>) -> Ordered {
        let Self { user_id, book_id, book_name, rental_fee, phone, .. } = self.clone();
        Ordered { rent_id, user_id, book_id, book_name, rental_fee, phone }
    }
}

#[cfg(test)]
mod tests;
