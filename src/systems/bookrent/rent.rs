//! Rent (대여관리): a user rents a book, which is checked and taken in the same breath.
//!
//! The check is the only place where BookRent waits. The request is recorded first, the book is asked second, and its
//! answer settles the matter. Without an answer the rent fails; on hearing `RentFailed` the book lets go, whether or
//! not it had heard the question.

use super::book::{self, Book};
use crate::domain::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// A rent asks for its book once; after a no, the customer makes another rent.
pub const ONLY_ATTEMPT: u32 = 1;

/// One rent of one book by one user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rent {
    book_id: Id<Book>,
    user_id: u64,
    address: String,
    status: Status,
    reason: Option<String>,
}

/// How far the rent has come.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AsRefStr,
)]
#[allow(missing_docs)]
pub enum Status {
    #[default]
    New,
    Requested,
    #[serde(rename = "Rent")]
    #[strum(serialize = "Rent")]
    Rented,
    #[serde(rename = "Fail")]
    #[strum(serialize = "Fail")]
    Failed,
    #[serde(rename = "Cancel")]
    #[strum(serialize = "Cancel")]
    Cancelled,
}

/// A rent as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Rent")]
pub struct Shown {
    /// The book's number.
    pub book_id: Id<Book>,
    /// The user's number.
    pub user_id: u64,
    /// Where the book is delivered.
    pub address: String,
    /// How far the rent has come.
    pub status: Status,
    /// Why it failed: `book-out`, `book-unknown`, `no-answer`.
    pub reason: Option<String>,
}

/// What may be asked of a rent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Command {
    Request(Request),
    Cancel,
    /// The book has answered, or nobody has.
    Settle(Result<(), NoAnswer>),
}

/// What a rent may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[allow(missing_docs)]
pub enum Event {
    RentRequested { rent_id: Id<Rent>, book_id: Id<Book>, user_id: u64, address: String },
    BookRented { rent_id: Id<Rent>, book_id: Id<Book>, user_id: u64, address: String },
    RentFailed { rent_id: Id<Rent>, book_id: Id<Book>, user_id: u64, reason: String },
    BookCancelled { rent_id: Id<Rent>, book_id: Id<Book>, user_id: u64 },
}

impl Entity for Rent {
    const NAME: Name =
        Name { system: "bookrent", context: "bookrent.rent", collection: "rents", item: "rent" };
    const IS_ORDER: bool = true;
    const PORT: Option<u16> = Some(8082);
    type Representation = Shown;

    fn represent(&self, _: Id<Self>) -> Shown {
        let Rent { book_id, user_id, address, status, reason } = self.clone();
        Shown { book_id, user_id, address, status, reason }
    }
    fn lifecycle(&self) -> Lifecycle {
        match self.status {
            Status::New => Lifecycle::Absent,
            Status::Requested => Lifecycle::Open,
            Status::Rented | Status::Failed | Status::Cancelled => Lifecycle::Established,
        }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![
            ("status", self.status.as_ref().into()),
            ("userId", self.user_id.into()),
            ("bookId", self.book_id.into()),
        ]
    }
}

impl Aggregate for Rent {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Request", &[Book::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let (rent_id, book_id, user_id) = (this.id, self.book_id, self.user_id);
        match (self.status, command) {
            (New, Request(r)) => emit(RentRequested {
                rent_id,
                book_id: r.book_id,
                user_id: r.user_id,
                address: r.address,
            }),
            (Requested, Settle(Ok(()))) => {
                emit(BookRented { rent_id, book_id, user_id, address: self.address.clone() })
            }
            (Requested, Settle(Err(no))) => {
                emit(RentFailed { rent_id, book_id, user_id, reason: no.code().into() })
            }
            (Rented, Cancel) => emit(BookCancelled { rent_id, book_id, user_id }),
            (Cancelled, Cancel) | (_, Settle(_) | Request(_)) => ignore(),
            (New, Cancel) => Err(Refusal::absent("rent")),
            (Requested, Cancel) => Err(Refusal::still_open()),
            (Failed, Cancel) => Err(Refusal::conflict(
                "rent-failed",
                "a failed rent cannot be cancelled",
                "실패한 대여는 취소할 수 없습니다",
            )),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::RentRequested { book_id, user_id, address, .. } => {
                let (book_id, user_id, address) = (*book_id, *user_id, address.clone());
                *self = Rent { book_id, user_id, address, status: Status::Requested, reason: None };
            }
            Event::BookRented { .. } => self.status = Status::Rented,
            Event::RentFailed { reason, .. } => {
                (self.status, self.reason) = (Status::Failed, Some(reason.clone()));
            }
            Event::BookCancelled { .. } => self.status = Status::Cancelled,
        }
    }

    fn awaits(&self, rent: Id<Self>) -> Option<Ask<Self>> {
        (self.status == Status::Requested)
            .then(|| ask(self.book_id, book::Command::Take { rent }, ONLY_ATTEMPT, Command::Settle))
    }

    fn routes(doors: &mut impl Routes<Self>) {
        doors.post(Role::Customer, |request: Request| (Target::New, Command::Request(request)));
        doors.patch(Role::Customer, |change: Change| match change.status {
            ChangedStatus::Cancel => Command::Cancel,
        });
    }
}

/// `POST /rents`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The book that is wanted.
    pub book_id: Id<Book>,
    /// Who wants it.
    pub user_id: u64,
    /// Where to.
    pub address: String,
}

/// `PATCH /rents/{id}`
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Change {
    /// The status that is wanted.
    pub status: ChangedStatus,
}

/// The statuses that a client may ask for.
#[derive(Debug, Deserialize, JsonSchema)]
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
        BookCancelled { rent_id: RENT, book_id: BOOK, user_id: 9 }
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
    fn a_no_fails_the_rent_and_says_why() {
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
