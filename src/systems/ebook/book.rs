//! Book: a title that is lent to one rent at a time. A paid request is held until the admin approves or rejects it.
//!
//! The requests come by policy, already paid for, so the book ignores none of them: what it cannot hold it rejects by
//! itself, and `Rejected` pays back. Its events always name the rent that they are about. Here approving and withdrawing
//! meet: whichever comes first wins.

mod messages;
mod state;

pub use messages::{Command, Event, Register, Verdict};
pub use state::{Book, CorrectBook, CorrectedBook, Status};

use super::{
    order::{Held, already_approved, amount_open, nothing_held},
    payment::{self, Payment},
    rent::{self, Rent},
};
use crate::domain::prelude::*;

impl Aggregate for Book {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let book_id = this.id;
        let rejected = |rent_id, user_id, reason: &str| {
            emit(Rejected { rent_id, book_id, user_id, reason: reason.to_owned() })
        };
        match (self.status, command, self.request()) {
            (New, Register(self::Register { book_name, rental_fee }), _) => {
                emit(Registed { book_name, rental_fee, registed_date: this.at })
            }
            (_, Register(_), _) => ignore(),

            (_, Hold { rent, .. }, Some((held, _))) if held == rent => ignore(),
            (_, Hold { rent, .. }, _) if self.let_go.contains(&rent) => ignore(),
            (_, Hold { rent: rent_id, user: user_id, fee }, _) => {
                match self.rejection_reason(fee) {
                    Some(reason) => rejected(rent_id, user_id, reason),
                    None => {
                        let Self { book_name, rental_fee, .. } = self.clone();
                        let is_open = fee.is_none();
                        let held =
                            Held { rent_id, book_id, user_id, book_name, rental_fee, is_open };
                        emit(RequestHeld(held))
                    }
                }
            }

            (Unjudged, Judge { rent, approved: true }, Some((held, _))) if held == rent => {
                emit(RequestJudged { rent_id: rent, book_id })
            }
            (Unjudged, Judge { rent, approved: false }, Some((held, user))) if held == rent => {
                rejected(rent, user, "declined")
            }
            (_, Judge { .. }, _) => ignore(),

            (Paid, Approve, Some((rent_id, user_id))) => {
                emit(Event::Approved { rent_id, book_id, user_id, approved_date: this.at })
            }
            (Paid | Unjudged, Reject, Some((rent, user))) => rejected(rent, user, "rejected"),
            (Unjudged, Approve, _) => Err(amount_open()),
            (Status::Approved, Approve, _) => ignore(),
            (Status::Approved, Reject, _) => Err(already_approved()),
            (_, Approve | Reject, _) if self.withdrawn => Err(Refusal::withdrawn(Self::NAME)),
            (New, Approve | Reject, _) => Err(self.not_established()),
            (Possible | Paid | Unjudged, Approve | Reject, _) => Err(nothing_held()),

            (Status::Approved, LetGo { rent }, Some((lent, _))) if lent == rent => {
                Err(already_approved())
            }
            (_, LetGo { rent }, _) if self.let_go.contains(&rent) => ignore(),
            (_, LetGo { rent }, _) => emit(RequestWithdrawn { rent_id: rent, book_id }),

            (Status::Approved, Free { rent }, Some((lent, _))) if lent == rent => {
                emit(BookFreed { rent_id: rent, book_id })
            }
            (_, Free { rent }, _) if self.let_go.contains(&rent) => {
                emit(RequestForgotten { rent_id: rent, book_id })
            }
            (_, Free { .. }, _) => ignore(),

            (_, Maintain(asked), _) => self.maintain(asked, this),
        }
    }

    fn evolve(&mut self, event: &Event) {
        self.apply(event.clone());
    }

    fn on_behalf_of(&self) -> Option<(Name, u64)> {
        self.rent_id.map(|rent| (Rent::NAME, rent.get()))
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Rent>(|event| match event {
            rent::Event::Rented(order) => Some((
                order.book_id,
                Command::Hold { rent: order.rent_id, user: order.user_id, fee: order.rental_fee },
            )),
            rent::Event::Returned { rent_id: rent, book_id, .. }
            | rent::Event::Canceled { rent_id: rent, book_id, .. } => {
                Some((*book_id, Command::Free { rent: *rent }))
            }
            _ => None,
        });
        policies.on::<Payment>(|event| match *event {
            // Amounts that were fixed before they were judged name no book.
            payment::Event::PaymentFixed { rent_id: rent, book_id: Some(book_id), .. } => {
                Some((book_id, Command::Judge { rent, approved: true }))
            }
            payment::Event::PaymentDeclined { rent_id: rent, book_id, .. } => {
                Some((book_id, Command::Judge { rent, approved: false }))
            }
            _ => None,
        });
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Admin, |book: Register| (Target::New, Command::Register(book)));
        routes.patch_verb(Role::Admin, "approve", || Command::Approve);
        routes.patch_verb(Role::Admin, "reject", || Command::Reject);
        routes.patch(Role::Admin, |change: Change<Verdict>| match change.status {
            Verdict::Approved => Command::Approve,
            Verdict::Rejected => Command::Reject,
        });
        routes.catalogue();
    }
}

#[cfg(test)]
mod tests;
