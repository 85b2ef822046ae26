//! Book (도서관리): a title that one rent at a time may take.

use super::{
    delivery::{self, Delivery},
    rent::{self, Rent},
};
use crate::domain::prelude::*;

/// One book: whether it is on the shelf, and which rent holds it if not.
#[entity(
    context = "bookrent.book", reads = public,
    collection = "books",
    korean = "도서",
    port = 8081,
    index(status),
    held_by = self.held_by,
    catalogue
)]
pub struct Book {
    #[exists]
    #[hidden]
    registered: bool,
    #[correctable]
    title: String,
    /// Whether it may be rented.
    #[correctable(unless = self.held_by.is_some())]
    #[shown(status: bool = self.on_shelf)]
    on_shelf: bool,
    #[hidden]
    held_by: Option<Id<Rent>>,
    #[withdrawn]
    #[since = 2]
    withdrawn: bool,
}

#[command]
pub enum Command {
    /// A new book.
    Register(Register),
    /// May this rent have the book? A yes has taken it.
    Take { rent: Id<Rent> },
    /// The rent needs the book no longer, or gave up asking for it.
    #[undo(of = rent, attempt = ONLY_ATTEMPT)]
    Release { rent: Id<Rent> },
    #[catalogue]
    Maintain(Maintenance<CorrectBook>),
}

#[event]
pub enum Event {
    /// It may be rented from now on, or when it is on the shelf.
    Registered { title: String, status: bool },
    /// A rent took it.
    StatusChanged { rent_id: Id<Rent>, status: bool },
    /// The rent that held it let go.
    BookFreed { rent_id: Id<Rent>, status: bool },
    #[corrected]
    BookCorrected(CorrectedBook),
    #[withdrawn]
    BookWithdrawn { book_id: Id<Book> },
    #[restored]
    BookRestored { book_id: Id<Book> },
}

impl Aggregate for Book {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        match (self.registered, command) {
            (false, Register(book)) => {
                emit(Registered { title: book.title, status: book.status.unwrap_or(true) })
            }
            (true, Register(_)) => ignore(),

            (true, Take { rent }) if self.held_by == Some(rent) => ignore(),
            (is_registered, Take { .. }) if !is_registered || self.withdrawn => {
                Err(Refusal::conflict("book-unknown", "there is no such book", "없는 도서입니다"))
            }
            (_, Take { rent }) if self.on_shelf => {
                emit(StatusChanged { rent_id: rent, status: false })
            }
            (_, Take { .. }) => {
                Err(Refusal::conflict("book-out", "the book is out", "대여 중인 도서입니다"))
            }

            (_, Release { rent }) if self.held_by == Some(rent) => {
                emit(BookFreed { rent_id: rent, status: true })
            }
            (_, Release { .. }) => ignore(),

            (_, Maintain(asked)) => self.maintain(asked, this),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event.clone() {
            Event::Registered { title, status: on_shelf } => {
                *self = Book { registered: true, title, on_shelf, ..Book::default() };
            }
            Event::StatusChanged { rent_id, status } => {
                self.held_by = Some(rent_id);
                self.on_shelf = status;
            }
            Event::BookFreed { status, .. } => {
                self.held_by = None;
                self.on_shelf = status;
            }
            Event::BookCorrected(corrected) => self.take_over(corrected),
            Event::BookWithdrawn { .. } => self.withdrawn = true,
            Event::BookRestored { .. } => self.withdrawn = false,
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Rent>(|event| match *event {
            rent::Event::RentFailed { rent_id: rent, book_id, .. } => {
                Some((book_id, Command::Release { rent }))
            }
            _ => None,
        });
        policies.on::<Delivery>(|event| match *event {
            delivery::Event::DeliveryCancelled { rent_id: rent, book_id }
            | delivery::Event::DeliveryWithheld { rent_id: rent, book_id } => {
                Some((book_id, Command::Release { rent }))
            }
            delivery::Event::DeliveryStarted { .. } => None,
        });
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Admin, |book: Register| (Target::New, Command::Register(book)));
        routes.catalogue();
    }
}

/// `POST /books`
#[body]
pub struct Register {
    pub title: String,
    /// Whether it may be rented; true when left out.
    pub status: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::{Given, given};

    const RENT: Id<Rent> = Id::new(7);
    const OTHER: Id<Rent> = Id::new(8);

    fn registered() -> Event {
        Registered { title: "title01".into(), status: true }
    }
    fn taken() -> Event {
        StatusChanged { rent_id: RENT, status: false }
    }

    #[test]
    fn one_rent_takes_it_and_the_next_is_refused() {
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

    fn correct(title: Option<&str>, status: Option<bool>) -> Command {
        Maintain(Maintenance::Correct(CorrectBook { title: title.map(Into::into), status }))
    }

    #[test]
    fn staff_corrects_it_but_not_what_a_rent_has_taken() {
        let corrected = |title: Option<&str>, status| {
            let title = title.map(Into::into);
            BookCorrected(CorrectedBook { book_id: Id::new(1), title, status })
        };
        let book = given::<Book>([registered()])
            .when(correct(Some("title02"), None))
            .then([corrected(Some("title02"), None)])
            .when(correct(Some("title02"), Some(true)))
            .then_nothing()
            .when(correct(None, Some(false)))
            .then([corrected(None, Some(false))]);
        book.when(Take { rent: RENT }).refused(Kind::Conflict, "book-out");
        let held = given::<Book>([registered(), taken()]);
        let held = held.when(correct(Some("title03"), None));
        let held = held.then([corrected(Some("title03"), None)]);
        held.when(correct(None, Some(true))).refused(Kind::Conflict, "held");
        given::<Book>([]).when(correct(None, Some(true))).refused(Kind::Absent, "not-found");
    }

    #[test]
    fn a_withdrawn_book_is_unknown_to_rents_and_the_one_that_has_it_goes_on() {
        let withdrawn = BookWithdrawn { book_id: Id::new(1) };
        let restored = BookRestored { book_id: Id::new(1) };
        let book = given::<Book>([registered(), taken()])
            .when(Maintain(Maintenance::Withdraw))
            .then([withdrawn])
            .when(Maintain(Maintenance::Withdraw))
            .then_nothing()
            .when(Take { rent: RENT })
            .then_nothing()
            .when(Release { rent: RENT })
            .then([BookFreed { rent_id: RENT, status: true }]);
        assert_eq!(book.0.lifecycle(), Lifecycle::Withdrawn);
        let state = book.0.clone();
        book.when(Take { rent: OTHER }).refused(Kind::Conflict, "book-unknown");
        Given(state.clone())
            .when(correct(Some("title02"), None))
            .refused(Kind::Conflict, "withdrawn");
        let _ = Given(state)
            .when(Maintain(Maintenance::Restore))
            .then([restored])
            .when(Maintain(Maintenance::Restore))
            .then_nothing()
            .when(Take { rent: OTHER })
            .then([StatusChanged { rent_id: OTHER, status: false }]);
    }

    #[test]
    fn letting_go_takes_back_the_question_of_that_rent() {
        assert_eq!(Release { rent: RENT }.compensates(), Some(AskId::of(RENT, 1)));
        assert_eq!(Take { rent: RENT }.compensates(), None);
    }

    #[test]
    fn it_says_which_rent_has_it_as_the_rent_does() {
        let book = given::<Book>([registered(), taken()]).0;
        assert_eq!(book.held_by(), Some((Rent::NAME, Key::Number(7))));
        assert_eq!(given::<Book>([registered()]).0.held_by(), None);
        let book_id = Id::new(3);
        let address = String::new();
        let requested = rent::Event::RentRequested { rent_id: RENT, book_id, user_id: 9, address };
        let address = String::new();
        let rented = rent::Event::BookRented { rent_id: RENT, book_id, user_id: 9, address };
        assert_eq!(given::<Rent>([requested.clone()]).0.holds(), None);
        let rent = given::<Rent>([requested, rented]).0;
        assert_eq!(rent.holds(), Some((Book::NAME, Key::Number(3))));
    }
}
