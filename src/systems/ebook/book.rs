//! Book: a title that is lent to one rent at a time. A paid request is held until the admin approves or rejects it.
//!
//! The requests come by policy, already paid for, so the book ignores none of them: what it cannot hold it rejects by
//! itself, and `Rejected` pays back. Its events always name the rent that they are about.

use super::rent::{self, Rent};
use crate::domain::prelude::*;

/// One book, and the rent that it is held or lent for.
#[entity(
    context = "ebook.book",
    collection = "books",
    port = 8083,
    index(status, user_id, rent_id)
)]
pub struct Book {
    /// Its title.
    book_name: String,
    /// What renting it costs, in won.
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
}

/// Whether a book may be requested.
#[status(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    #[absent]
    New,
    Possible,
    /// A paid request is held for the admin.
    Paid,
    Approved,
}

/// What may be asked of a book.
#[command]
pub enum Command {
    Register(Register),
    /// A paid request; `fee` is what its customer claims that the book costs.
    Hold {
        rent: Id<Rent>,
        user: u64,
        fee: Option<u64>,
    },
    Approve,
    Reject,
    /// The rent is over.
    Free {
        rent: Id<Rent>,
    },
}

/// What a book may say has happened.
#[event]
#[rustfmt::skip]
pub enum Event {
    Registed { book_name: String, rental_fee: u64, registed_date: Timestamp },
    RequestHeld { rent_id: Id<Rent>, book_id: Id<Book>, user_id: u64, book_name: String, rental_fee: u64 },
    Approved { rent_id: Id<Rent>, book_id: Id<Book>, user_id: u64, approved_date: Timestamp },
    Rejected { rent_id: Id<Rent>, book_id: Id<Book>, user_id: u64, reason: String },
    BookFreed { rent_id: Id<Rent>, book_id: Id<Book> },
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
            (New, Hold { rent, user, .. }, _) => rejected(rent, user, "book-unknown"),
            (Paid | Status::Approved, Hold { rent, user, .. }, _) => {
                rejected(rent, user, "book-out")
            }
            (Possible, Hold { rent, user, fee: Some(fee) }, _) if fee != self.rental_fee => {
                rejected(rent, user, "fee-differs")
            }
            (Possible, Hold { rent: rent_id, user: user_id, .. }, _) => {
                let book_name = self.book_name.clone();
                let rental_fee = self.rental_fee;
                emit(RequestHeld { rent_id, book_id, user_id, book_name, rental_fee })
            }

            (Paid, Approve, Some((rent_id, user_id))) => {
                emit(Event::Approved { rent_id, book_id, user_id, approved_date: this.at })
            }
            (Paid, Reject, Some((rent, user))) => rejected(rent, user, "rejected"),
            (Status::Approved, Approve, _) => ignore(),
            (Status::Approved, Reject, _) => Err(Refusal::conflict(
                "already-approved",
                "the request has been approved",
                "이미 승인된 요청입니다",
            )),
            (Possible | Paid, Approve | Reject, _) => Err(Refusal::conflict(
                "nothing-held",
                "no request is held",
                "대기 중인 요청이 없습니다",
            )),
            (New, Approve | Reject, _) => Err(Refusal::absent("book")),

            (Status::Approved, Free { rent }, Some((lent, _))) if lent == rent => {
                emit(BookFreed { rent_id: rent, book_id })
            }
            (_, Free { .. }, _) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event.clone() {
            Event::Registed { book_name, rental_fee, registed_date } => {
                let status = Status::Possible;
                *self = Book { book_name, rental_fee, status, registed_date, ..Book::default() };
            }
            Event::RequestHeld { rent_id, user_id, .. } => {
                self.status = Status::Paid;
                self.rent_id = Some(rent_id);
                self.user_id = Some(user_id);
            }
            Event::Approved { approved_date, .. } => {
                self.status = Status::Approved;
                self.approved_date = Some(approved_date);
            }
            // Another request was rejected while this one is held.
            Event::Rejected { rent_id, .. } if self.rent_id != Some(rent_id) => {}
            Event::Rejected { .. } | Event::BookFreed { .. } => {
                self.status = Status::Possible;
                self.rent_id = None;
                self.user_id = None;
                self.approved_date = None;
            }
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
            rent::Event::Returned { rent_id, book_id, .. } => {
                Some((*book_id, Command::Free { rent: *rent_id }))
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
    }
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
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::{Given, given};

    // The number of the book under test is 1; those of the rents are others.
    const BOOK: Id<Book> = Id::new(1);
    const RENT: Id<Rent> = Id::new(7);
    const OTHER: Id<Rent> = Id::new(8);

    fn registed() -> Event {
        Registed {
            book_name: "Hello, JAVA".into(),
            rental_fee: 3000,
            registed_date: Timestamp::default(),
        }
    }
    fn hold(rent: Id<Rent>, fee: Option<u64>) -> Command {
        Hold { rent, user: 9, fee }
    }
    fn held() -> Event {
        let book_name = "Hello, JAVA".into();
        RequestHeld { rent_id: RENT, book_id: BOOK, user_id: 9, book_name, rental_fee: 3000 }
    }
    fn approved() -> Event {
        Event::Approved {
            rent_id: RENT,
            book_id: BOOK,
            user_id: 9,
            approved_date: Timestamp::default(),
        }
    }
    fn rejected(rent: Id<Rent>, reason: &str) -> Event {
        Rejected { rent_id: rent, book_id: BOOK, user_id: 9, reason: reason.into() }
    }
    fn freed() -> Event {
        BookFreed { rent_id: RENT, book_id: BOOK }
    }
    fn is(book: &Given<Book>, status: Status, rent: Option<Id<Rent>>) {
        let shown = &book.0;
        assert_eq!((shown.status, shown.rent_id, shown.user_id), (status, rent, rent.map(|_| 9)));
    }

    #[test]
    fn a_paid_request_is_held_approved_and_freed_by_its_return() {
        let book = given::<Book>([registed()]).when(hold(RENT, Some(3000))).then([held()]);
        is(&book, Status::Paid, Some(RENT));
        let book = book.when(Approve).then([approved()]);
        is(&book, Status::Approved, Some(RENT));
        assert_eq!(book.0.approved_date, Some(Timestamp::default()));
        let book = book.when(Free { rent: RENT }).then([freed()]);
        is(&book, Status::Possible, None);
        assert_eq!(book.0.approved_date, None);
    }

    #[test]
    fn a_request_for_a_held_or_lent_book_is_rejected_by_itself_and_the_first_one_stays() {
        let book = given::<Book>([registed(), held()])
            .when(hold(OTHER, None))
            .then([rejected(OTHER, "book-out")]);
        is(&book, Status::Paid, Some(RENT));
        let book = book
            .when(Approve)
            .then([approved()])
            .when(hold(OTHER, None))
            .then([rejected(OTHER, "book-out")]);
        is(&book, Status::Approved, Some(RENT));
    }

    #[test]
    fn a_request_for_a_book_that_does_not_exist_is_rejected_and_makes_no_book() {
        let book =
            given::<Book>([]).when(hold(RENT, Some(3000))).then([rejected(RENT, "book-unknown")]);
        assert_eq!(book.0.lifecycle(), Lifecycle::Absent);
    }

    #[test]
    fn a_claimed_fee_must_be_the_books_own() {
        let book = given::<Book>([registed()])
            .when(hold(OTHER, Some(2999)))
            .then([rejected(OTHER, "fee-differs")]);
        is(&book, Status::Possible, None);
        let _ = book.when(hold(RENT, None)).then([held()]);
    }

    #[test]
    fn the_same_request_is_held_once() {
        let _ = given::<Book>([registed(), held()]).when(hold(RENT, None)).then_nothing();
        let _ =
            given::<Book>([registed(), held(), approved()]).when(hold(RENT, None)).then_nothing();
    }

    #[test]
    fn of_approve_and_reject_the_first_one_counts() {
        let book = given::<Book>([registed(), held()])
            .when(Approve)
            .then([approved()])
            .when(Approve)
            .then_nothing();
        book.when(Reject).refused(Kind::Conflict, "already-approved");
        let book =
            given::<Book>([registed(), held()]).when(Reject).then([rejected(RENT, "rejected")]);
        is(&book, Status::Possible, None);
        book.when(Approve).refused(Kind::Conflict, "nothing-held");
    }

    #[test]
    fn with_nothing_held_there_is_nothing_to_approve_or_reject() {
        for command in [Approve, Reject] {
            given::<Book>([registed()])
                .when(command.clone())
                .refused(Kind::Conflict, "nothing-held");
            given::<Book>([]).when(command).refused(Kind::Absent, "not-found");
        }
    }

    #[test]
    fn only_the_return_of_the_rent_that_has_it_frees_it_and_only_once() {
        let book = given::<Book>([registed(), held(), approved()])
            .when(Free { rent: OTHER })
            .then_nothing();
        let book =
            book.when(Free { rent: RENT }).then([freed()]).when(Free { rent: RENT }).then_nothing();
        is(&book, Status::Possible, None);
        let _ = given::<Book>([]).when(Free { rent: RENT }).then_nothing();
        let _ = given::<Book>([registed(), held()]).when(Free { rent: RENT }).then_nothing();
    }

    #[test]
    fn what_is_decided_while_it_is_held_belongs_to_the_order_that_holds_it() {
        assert_eq!(given::<Book>([registed()]).0.on_behalf_of(), None);
        assert_eq!(given::<Book>([registed(), held()]).0.on_behalf_of(), Some((Rent::NAME, 7)));
        assert_eq!(given::<Book>([registed(), held(), approved(), freed()]).0.on_behalf_of(), None);
    }
}
