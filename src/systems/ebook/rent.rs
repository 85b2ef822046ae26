//! Rent: a user requests a book and pays for it in one step; the admin lends it.
//!
//! Only the payment is waited for: `Rented` follows its yes, and the book, which may be down meanwhile, hears of it later.
//! Without a yes there never was a rent, and on `RentFailed` anything that was paid goes back. Until the book is approved
//! the user may withdraw; the book, where both meet, is asked until it answers, and `Canceled` follows its yes.

mod messages;
mod state;

pub use super::order::{Ended, Ordered, Request};
pub use messages::{Command, Event};
pub use state::{Rent, Status};

use super::{
    book::{self, Book},
    order::{WITHDRAWN, already_approved, not_lent},
    payment::{self, Payment},
};
use crate::domain::prelude::*;

impl Aggregate for Rent {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Request", &[Payment::NAME]), ("Withdraw", &[Book::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, NoAnswer::Refused, Status as S};
        let rent_id = this.id;
        let Self { user_id, book_id, ref phone, .. } = *self;
        let approved = |rented_date| RentApproved {
            rent_id,
            user_id,
            book_id,
            rented_date,
            phone: phone.clone(),
        };
        let canceled = |reason| {
            let canceled_date = this.at;
            emit(Canceled {
                rent_id,
                user_id,
                book_id,
                canceled_date,
                reason,
                phone: phone.clone(),
            })
        };
        match (self.status, command) {
            (S::New, Request(wanted)) => emit(RentRequested(wanted.ordered(rent_id))),
            (S::Requested, Settle(Ok(()))) => emit(Rented(self.ordered(rent_id))),
            (S::Requested, Settle(Err(no))) => {
                emit(RentFailed { rent_id, user_id, book_id, reason: no.code().into() })
            }

            (S::Rented, Approve(at)) => emit(approved(at)),
            (S::Rented, Cancel { reason }) => canceled(reason),
            (S::Approved, Return) => {
                let phone = phone.clone();
                emit(Returned { rent_id, user_id, book_id, returned_date: this.at, phone })
            }

            (S::Rented, Withdraw) => emit(RentWithdrawRequested { rent_id }),
            (S::Withdrawing, SettleWithdraw(Ok(()))) => canceled(Some(WITHDRAWN.into())),
            (S::Withdrawing, SettleWithdraw(Err(Refused(_)))) => {
                emit(RentWithdrawRefused { rent_id })
            }
            // The approval is heard before the book's no has come.
            (S::Withdrawing, Approve(at)) => {
                Ok(vec![RentWithdrawRefused { rent_id }, approved(at)])
            }
            // The book has rejected it, so its answer will be yes: the cancel follows that.
            (S::Withdrawing, Cancel { .. }) => ignore(),

            (S::New | S::Requested | S::Declined | S::Unanswered, Return | Withdraw) => {
                Err(self.not_established())
            }
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
        self.apply(event.clone());
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

#[cfg(test)]
mod tests;
