//! Rent (대여관리): a user rents a book, which is checked and taken in one step.
//!
//! The check is the only place where BookRent waits. The request is recorded first, the book is asked second, and its
//! answer settles the rent. Without an answer the rent fails, and on `RentFailed` the book is released, whether or not
//! it had received the question.

use super::book::{self, Book};
use crate::domain::prelude::*;

/// One rent of one book by one user.
#[entity(
    context = "bookrent.rent", reads = owner, personal(user_id, address),
    collection = "rents",
    korean = "대여",
    port = 8082,
    order,
    index(status, user_id, book_id),
    owner = self.user_id,
    holds = (self.status == Status::Rented).then_some(self.book_id)
)]
pub struct Rent {
    book_id: Id<Book>,
    user_id: u64,
    /// Where the book is delivered.
    address: String,
    status: Status,
    /// Why it failed: `book-out`, `book-unknown`, `no-answer`.
    reason: Option<String>,
}

/// How far the rent has come.
#[status]
pub enum Status {
    #[absent]
    New,
    #[open]
    Requested,
    #[name = "Rent"]
    Rented,
    #[failed]
    #[name = "Fail"]
    Failed,
    #[canceled]
    #[name = "Cancel"]
    Cancelled,
}

#[command]
pub enum Command {
    Request(Request),
    Cancel,
    /// The answer of the book, or that none came in time.
    Settle(Result<(), NoAnswer>),
}

#[event]
pub enum Event {
    /// It asks its book.
    RentRequested { rent_id: Id<Rent>, book_id: Id<Book>, user_id: u64, address: String },
    /// The book is taken, and goes to that address.
    BookRented { rent_id: Id<Rent>, book_id: Id<Book>, user_id: u64, address: String },
    /// It never came to be.
    RentFailed { rent_id: Id<Rent>, book_id: Id<Book>, user_id: u64, reason: String },
    /// The customer gives the book back.
    BookCancelled {
        rent_id: Id<Rent>,
        book_id: Id<Book>,
        user_id: u64,
        /// Where the book is collected. Events from before this field have none.
        #[serde(default)]
        address: Option<String>,
    },
}

impl Aggregate for Rent {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Request", &[Book::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let rent_id = this.id;
        let Self { book_id, user_id, address, .. } = self.clone();
        match (self.status, command) {
            (New, Request(self::Request { book_id, user_id, address })) => {
                emit(RentRequested { rent_id, book_id, user_id, address })
            }
            (Requested, Settle(Ok(()))) => emit(BookRented { rent_id, book_id, user_id, address }),
            (Requested, Settle(Err(no))) => {
                emit(RentFailed { rent_id, book_id, user_id, reason: no.code().into() })
            }
            (Rented, Cancel) => {
                emit(BookCancelled { rent_id, book_id, user_id, address: Some(address) })
            }
            (Cancelled, Cancel) | (_, Settle(_) | Request(_)) => ignore(),
            (New | Requested, Cancel) => Err(self.not_established()),
            (Failed, Cancel) => Err(Refusal::conflict(
                "rent-failed",
                "a failed rent cannot be cancelled",
                "실패한 대여는 취소할 수 없습니다",
            )),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event.clone() {
            Event::RentRequested { book_id, user_id, address, .. } => {
                *self = Rent { book_id, user_id, address, status: Status::Requested, reason: None };
            }
            Event::BookRented { .. } => self.status = Status::Rented,
            Event::RentFailed { reason, .. } => {
                self.status = Status::Failed;
                self.reason = Some(reason);
            }
            Event::BookCancelled { .. } => self.status = Status::Cancelled,
        }
    }

    fn awaits(&self, rent: Id<Self>) -> Option<Ask<Self>> {
        (self.status == Status::Requested).then(|| {
            ask(self.book_id, book::Command::Take { rent }, Command::Settle)
                .undone_by(book::Command::release(rent))
        })
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Customer, |request: Request| (Target::New, Command::Request(request)));
        routes.patch(Role::Customer, |Change { status: ChangedStatus::Cancel }| Command::Cancel);
    }
}

/// `POST /rents`
#[body]
pub struct Request {
    pub book_id: Id<Book>,
    #[subject]
    pub user_id: u64,
    /// Where to.
    pub address: String,
}

/// `PATCH /rents/{id}`: the status that a client may ask for.
#[body]
pub enum ChangedStatus {
    /// The rent is cancelled, the book goes back.
    Cancel,
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::given;

    const RENT: Id<Rent> = Id::new(1);
    const BOOK: Id<Book> = Id::new(3);

    fn requested() -> Event {
        RentRequested { rent_id: RENT, book_id: BOOK, user_id: 9, address: "분당".into() }
    }
    fn rented() -> Event {
        BookRented { rent_id: RENT, book_id: BOOK, user_id: 9, address: "분당".into() }
    }
    fn failed(reason: &str) -> Event {
        RentFailed { rent_id: RENT, book_id: BOOK, user_id: 9, reason: reason.into() }
    }
    fn cancelled() -> Event {
        let address = Some("분당".into());
        BookCancelled { rent_id: RENT, book_id: BOOK, user_id: 9, address }
    }

    #[test]
    fn a_request_asks_the_book_and_its_yes_rents_it() {
        given::<Rent>([])
            .when(Command::Request(super::Request {
                book_id: BOOK,
                user_id: 9,
                address: "분당".into(),
            }))
            .then([requested()])
            .awaits("bookrent.book-3 <- Take { rent: #1 }")
            .when(Settle(Ok(())))
            .then([rented()])
            .awaits_nothing();
    }

    #[test]
    fn without_an_answer_the_rent_fails() {
        let settle = Settle(Err(NoAnswer::Unavailable));
        given::<Rent>([requested()]).when(settle).then([failed("no-answer")]).awaits_nothing();
    }

    #[test]
    fn a_refusal_fails_the_rent_and_records_the_reason() {
        let no = NoAnswer::Refused(Refusal::conflict("book-out", "", ""));
        given::<Rent>([requested()])
            .when(Settle(Err(no)))
            .then([failed("book-out")])
            .awaits_nothing();
    }

    #[test]
    fn a_late_answer_changes_nothing() {
        let _ =
            given::<Rent>([requested(), failed("no-answer")]).when(Settle(Ok(()))).then_nothing();
    }

    #[test]
    fn a_repeated_cancel_is_no_second_event() {
        let rent = given::<Rent>([requested(), rented()]).when(Cancel).then([cancelled()]);
        let _ = rent.when(Cancel).then_nothing();
    }

    #[test]
    fn what_is_open_failed_or_unknown_cannot_be_cancelled() {
        given::<Rent>([requested()]).when(Cancel).refused(Kind::Conflict, "still-open");
        given::<Rent>([requested(), failed("book-out")])
            .when(Cancel)
            .refused(Kind::Conflict, "rent-failed");
        given::<Rent>([]).when(Cancel).refused(Kind::Absent, "not-found");
    }

    #[test]
    fn only_what_is_settled_is_listed() {
        assert_eq!(given::<Rent>([requested()]).0.lifecycle(), Lifecycle::Open);
        assert_eq!(
            given::<Rent>([requested(), failed("book-out")]).0.lifecycle(),
            Lifecycle::Established
        );
    }
}
