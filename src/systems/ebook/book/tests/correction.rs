//! What staff corrects of a book, and when it cannot.

use super::super::{Command::*, *};
use crate::domain::spec::{Given, given};

const BOOK: Id<Book> = Id::new(1);
const RENT: Id<Rent> = Id::new(7);
const OTHER: Id<Rent> = Id::new(8);

fn correct(book_name: Option<&str>, rental_fee: Option<u64>) -> Command {
    let book_name = book_name.map(Into::into);
    Maintain(Maintenance::Correct(CorrectBook { book_name, rental_fee }))
}
/// Whatever follows from that has happened.
fn done(book: Given<Book>, command: Command) -> Given<Book> {
    let this = DecisionContext { id: BOOK, at: Timestamp::default(), settings: &() };
    let Given(mut book) = book;
    book.decide(command, &this).unwrap().iter().for_each(|event| book.evolve(event));
    Given(book)
}
fn held() -> Given<Book> {
    let registed_date = Timestamp::default();
    let book_name = "Hello, JAVA".into();
    let book = given([Event::Registed { book_name, rental_fee: 3000, registed_date }]);
    done(book, Hold { rent: RENT, user: 9, fee: Some(3000) })
}

#[test]
fn the_fee_is_corrected_while_no_request_is_held_and_the_title_at_any_time() {
    held().when(correct(None, Some(4000))).refused(Kind::Conflict, "held");
    held().when(correct(Some("JAVA"), Some(4000))).refused(Kind::Conflict, "held");
    let book_name = Some("JAVA".into());
    let corrected = CorrectedBook { book_id: BOOK, book_name, rental_fee: None };
    let book = held().when(correct(Some("JAVA"), None));
    let book = book.then([Event::BookCorrected(corrected)]);
    let lent = done(book, Approve);
    let dearer = CorrectedBook { book_id: BOOK, book_name: None, rental_fee: Some(4000) };
    let lent = lent.when(correct(None, Some(4000))).then([Event::BookCorrected(dearer)]);
    let _ = lent.when(correct(None, Some(4000))).then_nothing();
}

#[test]
fn a_withdrawn_book_is_unknown_to_requests_and_the_one_that_is_held_is_judged() {
    let gone = || done(held(), Maintain(Maintenance::Withdraw));
    let user_id = 9;
    let reason = "book-unknown".to_owned();
    let unknown = Event::Rejected { rent_id: OTHER, book_id: BOOK, user_id, reason };
    let hold = || Hold { rent: OTHER, user: 9, fee: Some(3000) };
    let book = gone().when(hold()).then([unknown.clone()]);
    let lent = done(book, Approve);
    assert_eq!(lent.0.status, Status::Approved);
    let back = done(lent, Free { rent: RENT });
    assert_eq!(back.0.lifecycle(), Lifecycle::Withdrawn);
    let back = back.when(hold()).then([unknown]);
    back.when(Approve).refused(Kind::Conflict, "withdrawn");
    let free = done(gone(), Reject);
    assert_eq!(free.0.status, Status::Possible);
    free.when(correct(Some("JAVA"), None)).refused(Kind::Conflict, "withdrawn");
    let again = done(done(gone(), Reject), Maintain(Maintenance::Restore));
    assert_eq!(done(again, hold()).0.status, Status::Paid);
}
