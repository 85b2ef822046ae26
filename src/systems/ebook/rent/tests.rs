//! A rent, decision by decision.

use super::{Command::*, Event::*, *};
use crate::{
    domain::spec::{Given, given},
    systems::payment::declined,
};

// The number of the rent under test is 1; that of its book is another.
const RENT: Id<Rent> = Id::new(1);
const BOOK: Id<Book> = Id::new(3);
const THEN: Timestamp = Timestamp::from_micros(5);
const NOW: Timestamp = Timestamp::from_micros(0);

fn order() -> Ordered {
    Ordered {
        rent_id: RENT,
        user_id: 9,
        book_id: BOOK,
        book_name: Some("Hello, JAVA".into()),
        rental_fee: Some(3000),
        phone: Some("010-0000-0000".into()),
    }
}
fn approved() -> Event {
    let Ordered { rent_id, user_id, book_id, phone, .. } = order();
    RentApproved { rent_id, user_id, book_id, rented_date: THEN, phone }
}
fn returned() -> Event {
    let Ordered { rent_id, user_id, book_id, phone, .. } = order();
    Returned { rent_id, user_id, book_id, returned_date: NOW, phone }
}
fn canceled(reason: &str) -> Event {
    let Ordered { rent_id, user_id, book_id, phone, .. } = order();
    let reason = Some(reason.into());
    Canceled { rent_id, user_id, book_id, canceled_date: NOW, reason, phone }
}
fn cancel(reason: &str) -> Command {
    Cancel { reason: Some(reason.into()) }
}
fn withdraw_requested() -> Event {
    RentWithdrawRequested { rent_id: RENT }
}
fn withdraw_refused() -> Event {
    RentWithdrawRefused { rent_id: RENT }
}
fn withdrawing() -> Given<Rent> {
    given([RentRequested(order()), Rented(order()), withdraw_requested()])
}
fn failed(reason: &str) -> Event {
    RentFailed { rent_id: RENT, user_id: 9, book_id: BOOK, reason: reason.into() }
}
fn rented() -> Given<Rent> {
    given([RentRequested(order()), Rented(order())])
}

#[test]
fn a_request_asks_for_its_payment_and_is_rented_only_by_its_consent() {
    let Ordered { user_id, book_id, book_name, rental_fee, phone, .. } = order();
    given::<Rent>([])
        .when(Request(super::Request { user_id, book_id, book_name, rental_fee, phone }))
        .then([RentRequested(order())])
        .awaits("ebook.payment-1 <- Pay { user: 9, book: #3, fee: Some(3000) }")
        .when(Settle(Ok(())))
        .then([Rented(order())])
        .awaits_nothing();
}

#[test]
fn a_declined_payment_ends_it_with_the_payments_no() {
    let rent =
        given::<Rent>([RentRequested(order())]).when(Settle(Err(NoAnswer::Refused(declined()))));
    let rent = rent.then([failed("payment-declined")]);
    assert_eq!(rent.0.lifecycle(), Lifecycle::Ended(declined()));
    rent.awaits_nothing();
}

#[test]
fn without_an_answer_it_ends_and_may_be_tried_again() {
    let rent = given::<Rent>([RentRequested(order())]).when(Settle(Err(NoAnswer::Unavailable)));
    let rent = rent.then([failed("no-answer")]);
    assert_eq!(rent.0.lifecycle(), Lifecycle::Ended(Refusal::retry_later()));
    let rent = rent.when(Settle(Ok(()))).then_nothing();
    let _ = rent.when(cancel("rejected")).then_nothing().when(Approve(THEN)).then_nothing();
}

#[test]
fn it_begins_when_it_was_approved_and_is_returned_once() {
    let rent = rented().when(Approve(THEN)).then([approved()]).when(Approve(NOW)).then_nothing();
    assert_eq!(rent.0.rented_date, Some(THEN));
    let rent = rent.when(Return).then([returned()]).when(Return).then_nothing();
    assert_eq!(rent.0.status, Status::Returned);
    let _ = rent.when(cancel("rejected")).then_nothing();
}

#[test]
fn a_refund_cancels_it_once_and_says_why() {
    let rent = rented()
        .when(cancel("rejected"))
        .then([canceled("rejected")])
        .when(cancel("rejected"))
        .then_nothing();
    assert_eq!(rent.0.represent(RENT).reason.as_deref(), Some("rejected"));
    rent.when(Approve(THEN)).then_nothing().when(Return).refused(Kind::Conflict, "not-lent");
}

#[test]
fn only_what_is_lent_can_be_returned() {
    rented().when(Return).refused(Kind::Conflict, "not-lent");
    given::<Rent>([RentRequested(order())]).when(Return).refused(Kind::Conflict, "still-open");
    given::<Rent>([RentRequested(order()), failed("no-answer")])
        .when(Return)
        .refused(Kind::Absent, "not-found");
    given::<Rent>([]).when(Return).refused(Kind::Absent, "not-found");
}

#[test]
fn a_policy_finds_nothing_to_do_where_there_is_no_rent() {
    let _ = given::<Rent>([])
        .when(cancel("rejected"))
        .then_nothing()
        .when(Approve(THEN))
        .then_nothing();
    let rent = given::<Rent>([RentRequested(order())]).when(cancel("rejected")).then_nothing();
    assert_eq!(rent.0.lifecycle(), Lifecycle::Open);
}

#[test]
fn a_withdrawal_asks_the_book_until_it_answers_and_only_its_yes_says_canceled() {
    let question = "ebook.book-3 <- LetGo { rent: #1 }";
    let rent = rented().when(Withdraw).then([withdraw_requested()]).awaits(question);
    assert_eq!(rent.0.represent(RENT).status.as_ref(), "RENTED");
    let rent = rent.when(Withdraw).then_nothing();
    let rent = rent.when(SettleWithdraw(Err(NoAnswer::Unavailable))).then_nothing();
    let rent = rent.awaits(question).when(SettleWithdraw(Ok(()))).then([canceled(WITHDRAWN)]);
    assert_eq!(rent.0.represent(RENT).reason.as_deref(), Some(WITHDRAWN));
    rent.when(Withdraw).then_nothing().when(cancel(WITHDRAWN)).then_nothing().awaits_nothing();
}

#[test]
fn a_withdrawal_that_comes_too_late_is_refused_and_the_rent_goes_on() {
    let no = || SettleWithdraw(Err(NoAnswer::Refused(already_approved())));
    let rent = withdrawing().when(no()).then([withdraw_refused()]);
    assert_eq!(Rent::rejects(&withdraw_refused()), Some(already_approved()));
    let rent = rent.when(Approve(THEN)).then([approved()]);
    rent.when(Withdraw).refused(Kind::Conflict, "already-approved");
    // The approval may be heard before the book's no.
    let rent = withdrawing().when(Approve(THEN)).then([withdraw_refused(), approved()]);
    let rent = rent.when(no()).then_nothing().when(Return).then([returned()]);
    rent.when(Withdraw).refused(Kind::Conflict, "already-approved");
}

#[test]
fn a_request_that_is_rejected_while_it_is_withdrawn_is_canceled_once_by_the_books_yes() {
    let rent = withdrawing().when(cancel("rejected")).then_nothing();
    let _ = rent.when(SettleWithdraw(Ok(()))).then([canceled(WITHDRAWN)]);
}

#[test]
fn what_is_open_or_unknown_cannot_be_withdrawn() {
    given::<Rent>([RentRequested(order())]).when(Withdraw).refused(Kind::Conflict, "still-open");
    given::<Rent>([RentRequested(order()), failed("no-answer")])
        .when(Withdraw)
        .refused(Kind::Absent, "not-found");
    given::<Rent>([]).when(Withdraw).refused(Kind::Absent, "not-found");
}

#[test]
fn it_shows_the_name_that_the_book_has_and_the_fee_that_was_fixed() {
    let told = |book_name: Option<&str>, fee| {
        let book_name = book_name.map(str::to_owned);
        let described =
            RentDescribed { rent_id: RENT, book_name: book_name.clone(), rental_fee: fee };
        (Describe { book_name, fee }, described)
    };
    let (name, named) = told(Some("Hello, Rust"), None);
    let (charge, charged) = told(None, Some(4000));
    let rent = rented().when(name.clone()).then([named]).when(charge).then([charged]);
    let shown = rent.0.represent(RENT);
    assert_eq!((shown.book_name.as_deref(), shown.rental_fee), (Some("Hello, Rust"), Some(4000)));
    let _ = given::<Rent>([]).when(name).then_nothing();
}
