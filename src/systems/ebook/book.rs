//! Book: a title that is lent to one rent at a time. A paid request is held until the admin approves or rejects it.
//!
//! The requests come by policy, already paid for, so the book ignores none of them: what it cannot hold it rejects by
//! itself, and `Rejected` pays back. Its events always name the rent that they are about. Here approving and withdrawing
//! meet: whichever comes first wins.

#[cfg(test)]
mod correction;

use super::{
    order::{Held, already_approved},
    payment::{self, Payment},
    rent::{self, Rent},
};
use crate::domain::prelude::*;

/// One book, and the rent that it is held or lent for.
#[entity(
    context = "ebook.book",
    collection = "books",
    korean = "도서",
    port = 8083,
    index(status, user_id, rent_id),
    catalogue
)]
pub struct Book {
    /// Its title.
    #[correctable]
    book_name: String,
    /// What renting it costs, in won.
    #[correctable(unless = self.is_held())]
    rental_fee: u64,
    /// Whether it may be requested.
    status: Status,
    /// When it was registered.
    registed_date: Timestamp,
    /// The rent that it is held or lent for.
    rent_id: Option<Id<Rent>>,
    /// Whose rent that is.
    user_id: Option<u64>,
    /// When that rent was approved.
    approved_date: Option<Timestamp>,
    /// Rents that were withdrawn before their request came, until it is known that it has.
    #[hidden]
    #[since = 2]
    let_go: Vec<Id<Rent>>,
    #[withdrawn]
    #[since = 2]
    withdrawn: bool,
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
    /// The rent is canceled, and its request has come before: it need not be remembered any more.
    Forget { rent: Id<Rent> },
    /// The rent is over.
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
    /// The customer withdrew the request that was held.
    RequestWithdrawn { rent_id: Id<Rent>, book_id: Id<Book> },
    /// The customer withdrew a request before it came: it will be ignored.
    RequestWithheld { rent_id: Id<Rent>, book_id: Id<Book> },
    /// That request has come.
    RequestForgotten { rent_id: Id<Rent>, book_id: Id<Book> },
    #[corrected]
    BookCorrected(CorrectedBook),
    #[withdrawn]
    BookWithdrawn { book_id: Id<Book> },
    #[restored]
    BookRestored { book_id: Id<Book> },
}

impl Book {
    /// Whether a request waits for the admin.
    fn is_held(&self) -> bool {
        matches!(self.status, Status::Paid | Status::Unjudged)
    }
}

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
        match (self.status, command, self.rent_id.zip(self.user_id)) {
            (New, Register(self::Register { book_name, rental_fee }), _) => {
                emit(Registed { book_name, rental_fee, registed_date: this.at })
            }
            (_, Register(_), _) => ignore(),

            (_, Hold { rent, .. }, Some((held, _))) if held == rent => ignore(),
            (_, Hold { rent, .. }, _) if self.let_go.contains(&rent) => ignore(),
            (_, Hold { rent, user, .. }, _) if self.withdrawn => {
                rejected(rent, user, "book-unknown")
            }
            (New, Hold { rent, user, .. }, _) => rejected(rent, user, "book-unknown"),
            (Paid | Unjudged | Status::Approved, Hold { rent, user, .. }, _) => {
                rejected(rent, user, "book-out")
            }
            (Possible, Hold { rent, user, fee: Some(fee) }, _) if fee != self.rental_fee => {
                rejected(rent, user, "fee-differs")
            }
            (Possible, Hold { rent: rent_id, user: user_id, fee }, _) => {
                let Self { book_name, rental_fee, .. } = self.clone();
                let is_open = fee.is_none();
                let held = Held { rent_id, book_id, user_id, book_name, rental_fee, is_open };
                emit(RequestHeld(held))
            }

            (Unjudged, Judge { rent, approved }, Some((held, user))) if held == rent => {
                if approved {
                    emit(RequestJudged { rent_id: rent, book_id })
                } else {
                    rejected(rent, user, "declined")
                }
            }
            (_, Judge { .. }, _) => ignore(),

            (_, Approve | Reject, None) if self.withdrawn => Err(Refusal::withdrawn(Self::NAME)),
            (Paid, Approve, Some((rent_id, user_id))) => {
                emit(Event::Approved { rent_id, book_id, user_id, approved_date: this.at })
            }
            (Paid | Unjudged, Reject, Some((rent, user))) => rejected(rent, user, "rejected"),
            (Unjudged, Approve, _) => Err(amount_open()),
            (Status::Approved, Approve, _) => ignore(),
            (Status::Approved, Reject, _) => Err(already_approved()),
            (Possible | Paid | Unjudged, Approve | Reject, _) => Err(nothing_held()),
            (New, Approve | Reject, _) => Err(Refusal::absent(Self::NAME)),

            (Paid | Unjudged, LetGo { rent }, Some((held, _))) if held == rent => {
                emit(RequestWithdrawn { rent_id: rent, book_id })
            }
            (Status::Approved, LetGo { rent }, Some((lent, _))) if lent == rent => {
                Err(already_approved())
            }
            (_, LetGo { rent }, _) if self.let_go.contains(&rent) => ignore(),
            (_, LetGo { rent }, _) => emit(RequestWithheld { rent_id: rent, book_id }),
            (_, Forget { rent }, _) if self.let_go.contains(&rent) => {
                emit(RequestForgotten { rent_id: rent, book_id })
            }
            (_, Forget { .. }, _) => ignore(),

            (Status::Approved, Free { rent }, Some((lent, _))) if lent == rent => {
                emit(BookFreed { rent_id: rent, book_id })
            }
            (_, Free { .. }, _) => ignore(),

            (_, Maintain(asked), _) => self.maintain(asked, this),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event.clone() {
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
            // Another request was rejected while this one is held.
            Event::Rejected { rent_id, .. } if self.rent_id != Some(rent_id) => {}
            Event::Rejected { .. } | Event::RequestWithdrawn { .. } | Event::BookFreed { .. } => {
                self.status = Status::Possible;
                self.rent_id = None;
                self.user_id = None;
                self.approved_date = None;
            }
            Event::RequestWithheld { rent_id, .. } => self.let_go.push(rent_id),
            Event::RequestForgotten { rent_id, .. } => self.let_go.retain(|rent| *rent != rent_id),
            Event::BookCorrected(corrected) => self.take_over(corrected),
            Event::BookWithdrawn { .. } => self.withdrawn = true,
            Event::BookRestored { .. } => self.withdrawn = false,
        }
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
            rent::Event::Returned { rent_id: rent, book_id, .. } => {
                Some((*book_id, Command::Free { rent: *rent }))
            }
            // Only one that was withdrawn is remembered.
            rent::Event::Canceled { rent_id: rent, book_id, .. } => {
                Some((*book_id, Command::Forget { rent: *rent }))
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

fn nothing_held() -> Refusal {
    Refusal::conflict("nothing-held", "no request is held", "대기 중인 요청이 없습니다")
}

fn amount_open() -> Refusal {
    Refusal::conflict(
        "amount-open",
        "the payment has not judged the amount yet",
        "결제 금액이 아직 승인되지 않았습니다",
    )
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

#[cfg(test)]
mod tests;
