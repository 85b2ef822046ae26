//! A book, decision by decision.

mod correction;

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
    let is_open = false;
    let user_id = 9;
    let rental_fee = 3000;
    RequestHeld(Held { rent_id: RENT, book_id: BOOK, user_id, book_name, rental_fee, is_open })
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
    is(&book.when(hold(RENT, Some(3000))).then([held()]), Status::Paid, Some(RENT));
}

fn held_open() -> Event {
    let book_name = "Hello, JAVA".into();
    let is_open = true;
    let user_id = 9;
    let rental_fee = 3000;
    RequestHeld(Held { rent_id: RENT, book_id: BOOK, user_id, book_name, rental_fee, is_open })
}
fn judge(rent: Id<Rent>, approved: bool) -> Command {
    Judge { rent, approved }
}
fn judged() -> Event {
    RequestJudged { rent_id: RENT, book_id: BOOK }
}

#[test]
fn an_open_amount_is_judged_before_the_request_is_approved_but_may_be_rejected_at_once() {
    let book = given::<Book>([registed()]).when(hold(RENT, None)).then([held_open()]);
    assert_eq!(book.0.represent(BOOK).status.as_ref(), "PAID");
    let rejected = rejected(RENT, "rejected");
    is(
        &given::<Book>([registed(), held_open()]).when(Reject).then([rejected]),
        Status::Possible,
        None,
    );
    let book = book.when(judge(OTHER, true)).then_nothing();
    given::<Book>([registed(), held_open()]).when(Approve).refused(Kind::Conflict, "amount-open");
    let book = book.when(judge(RENT, true)).then([judged()]);
    is(&book, Status::Paid, Some(RENT));
    let _ = book.when(judge(RENT, false)).then_nothing().when(Approve).then([approved()]);
}

#[test]
fn a_declined_amount_is_rejected_by_itself() {
    let book = given::<Book>([registed(), held_open()])
        .when(judge(RENT, false))
        .then([rejected(RENT, "declined")]);
    is(&book, Status::Possible, None);
    let _ = book.when(judge(RENT, true)).then_nothing();
}

fn let_go(rent: Id<Rent>) -> Command {
    LetGo { rent }
}
fn withdrawn(rent: Id<Rent>) -> Event {
    RequestWithdrawn { rent_id: rent, book_id: BOOK }
}

#[test]
fn what_is_withdrawn_while_it_is_held_frees_the_book_and_what_is_approved_stays() {
    for held in [held(), held_open()] {
        let book = given::<Book>([registed(), held]).when(let_go(RENT)).then([withdrawn(RENT)]);
        is(&book, Status::Possible, None);
        book.when(Approve).refused(Kind::Conflict, "nothing-held");
    }
    given::<Book>([registed(), held(), approved()])
        .when(let_go(RENT))
        .refused(Kind::Conflict, "already-approved");
}

#[test]
fn what_is_withdrawn_before_it_comes_is_ignored_when_it_does_and_then_forgotten() {
    for past in [vec![], vec![registed()], vec![registed(), held()]] {
        let book = given::<Book>(past).when(let_go(OTHER)).then([withdrawn(OTHER)]);
        let book = book.when(let_go(OTHER)).then_nothing().when(hold(OTHER, None)).then_nothing();
        let forgotten = RequestForgotten { rent_id: OTHER, book_id: BOOK };
        let book = book.when(Free { rent: OTHER }).then([forgotten]);
        assert_eq!(book.0.let_go, []);
        let _ = book.when(Free { rent: OTHER }).then_nothing();
    }
    let book = given::<Book>([withdrawn(RENT)]).when(Register(self::register())).then([registed()]);
    let _ = book.when(hold(RENT, Some(3000))).then_nothing();
}

fn register() -> super::Register {
    super::Register { book_name: "Hello, JAVA".into(), rental_fee: 3000 }
}

#[test]
fn the_same_request_is_held_once() {
    let _ = given::<Book>([registed(), held()]).when(hold(RENT, None)).then_nothing();
    let _ = given::<Book>([registed(), held(), approved()]).when(hold(RENT, None)).then_nothing();
}

#[test]
fn of_approve_and_reject_the_first_one_counts() {
    let book = given::<Book>([registed(), held()])
        .when(Approve)
        .then([approved()])
        .when(Approve)
        .then_nothing();
    book.when(Reject).refused(Kind::Conflict, "already-approved");
    let book = given::<Book>([registed(), held()]).when(Reject).then([rejected(RENT, "rejected")]);
    is(&book, Status::Possible, None);
    book.when(Approve).refused(Kind::Conflict, "nothing-held");
}

#[test]
fn with_nothing_held_there_is_nothing_to_approve_or_reject() {
    for command in [Approve, Reject] {
        given::<Book>([registed()]).when(command.clone()).refused(Kind::Conflict, "nothing-held");
        given::<Book>([]).when(command).refused(Kind::Absent, "not-found");
    }
}

#[test]
fn only_the_return_of_the_rent_that_has_it_frees_it_and_only_once() {
    let book =
        given::<Book>([registed(), held(), approved()]).when(Free { rent: OTHER }).then_nothing();
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
