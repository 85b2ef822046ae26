//! Book (도서관리): a title on the shelf, which one rent at a time may take.

use super::{
    delivery::{self, Delivery},
    rent::{self, Rent},
};
use crate::domain::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// One book: whether it stands on the shelf, and who holds it if not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Book {
    registered: bool,
    title: String,
    on_shelf: bool,
    held_by: Option<Id<Rent>>,
}

/// A book as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Book")]
pub struct Shown {
    /// Its title.
    pub title: String,
    /// True when it may be rented.
    pub status: bool,
}

/// What may be asked of a book.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Command {
    Register(Register),
    /// May this rent have the book? A yes has taken it.
    Take {
        rent: Id<Rent>,
    },
    /// The rent needs it no longer, or gave up asking for it.
    Release {
        rent: Id<Rent>,
    },
}

/// What a book may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[allow(missing_docs)]
pub enum Event {
    Registered {
        title: String,
        status: bool,
    },
    /// A rent took it.
    StatusChanged {
        rent_id: Id<Rent>,
        status: bool,
    },
    /// The rent that held it let go.
    BookFreed {
        rent_id: Id<Rent>,
        status: bool,
    },
}

impl Entity for Book {
    const NAME: Name =
        Name { system: "bookrent", context: "bookrent.book", collection: "books", item: "book" };
    const PORT: Option<u16> = Some(8081);
    type Representation = Shown;

    fn represent(&self, _: Id<Self>) -> Shown {
        Shown { title: self.title.clone(), status: self.on_shelf }
    }
    fn lifecycle(&self) -> Lifecycle {
        if self.registered { Lifecycle::Established } else { Lifecycle::Absent }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![("status", self.on_shelf.into())]
    }
}

impl Aggregate for Book {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, _: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        match (self.registered, command) {
            (false, Register(book)) => {
                emit(Registered { title: book.title, status: book.status.unwrap_or(true) })
            }
            (true, Register(_)) => ignore(),

            (false, Take { .. }) => {
                Err(Refusal::conflict("book-unknown", "there is no such book", "없는 도서입니다"))
            }
            (true, Take { rent }) if self.held_by == Some(rent) => ignore(),
            (true, Take { rent }) if self.on_shelf => {
                emit(StatusChanged { rent_id: rent, status: false })
            }
            (true, Take { .. }) => {
                Err(Refusal::conflict("book-out", "the book is out", "대여 중인 도서입니다"))
            }

            (_, Release { rent }) if self.held_by == Some(rent) => {
                emit(BookFreed { rent_id: rent, status: true })
            }
            (_, Release { .. }) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::Registered { title, status } => {
                *self = Book {
                    registered: true,
                    title: title.clone(),
                    on_shelf: *status,
                    held_by: None,
                };
            }
            Event::StatusChanged { rent_id, status } => {
                (self.held_by, self.on_shelf) = (Some(*rent_id), *status)
            }
            Event::BookFreed { status, .. } => (self.held_by, self.on_shelf) = (None, *status),
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Rent>(|event| match event {
            rent::Event::RentFailed { rent_id, book_id, .. } => {
                Some((*book_id, Command::Release { rent: *rent_id }))
            }
            _ => None,
        });
        policies.on::<Delivery>(|event| match event {
            delivery::Event::DeliveryCancelled { rent_id, book_id }
            | delivery::Event::DeliveryWithheld { rent_id, book_id } => {
                Some((*book_id, Command::Release { rent: *rent_id }))
            }
            delivery::Event::DeliveryStarted { .. } => None,
        });
    }

    fn compensates(command: &Command) -> Option<AskId> {
        match command {
            Command::Release { rent } => Some(AskId::of(*rent, rent::ONLY_ATTEMPT)),
            _ => None,
        }
    }

    fn routes(doors: &mut impl Routes<Self>) {
        doors.post(Role::Admin, |book: Register| (Target::New, Command::Register(book)));
    }
}

/// `POST /books`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Register {
    /// Its title.
    pub title: String,
    /// Whether it may be rented; true when left out.
    pub status: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::given;

    const RENT: Id<Rent> = Id::new(7);
    const OTHER: Id<Rent> = Id::new(8);

    fn registered() -> Event {
        Registered { title: "title01".into(), status: true }
    }
    fn taken() -> Event {
        StatusChanged { rent_id: RENT, status: false }
    }

    #[test]
    fn one_rent_takes_it_and_the_next_is_told_it_is_out() {
        let book = given::<Book>([registered()]).when(Take { rent: RENT }).then([taken()]);
        book.when(Take { rent: OTHER }).refused(Kind::Conflict, "book-out");
    }

    #[test]
    fn the_same_rent_gets_the_same_answer() {
        let _ = given::<Book>([registered(), taken()]).when(Take { rent: RENT }).then_nothing();
    }

    #[test]
    fn an_unknown_book_cannot_be_taken_and_a_policy_finds_nothing_to_do() {
        given::<Book>([]).when(Take { rent: RENT }).refused(Kind::Conflict, "book-unknown");
        let _ = given::<Book>([]).when(Release { rent: RENT }).then_nothing();
    }

    #[test]
    fn only_the_rent_that_holds_it_lets_go_and_only_once() {
        let book =
            given::<Book>([registered(), taken()]).when(Release { rent: OTHER }).then_nothing();
        let book =
            book.when(Release { rent: RENT }).then([BookFreed { rent_id: RENT, status: true }]);
        let _ = book.when(Release { rent: RENT }).then_nothing();
    }

    #[test]
    fn a_book_registered_as_out_cannot_be_taken() {
        let out = Registered { title: "title02".into(), status: false };
        given::<Book>([out]).when(Take { rent: RENT }).refused(Kind::Conflict, "book-out");
    }

    #[test]
    fn letting_go_takes_back_the_question_of_that_rent() {
        assert_eq!(Book::compensates(&Release { rent: RENT }), Some(AskId::of(RENT, 1)));
        assert_eq!(Book::compensates(&Take { rent: RENT }), None);
    }
}
