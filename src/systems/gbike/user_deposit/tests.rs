//! A fee is charged whole or not at all, the oldest first.

use super::{Command::*, Event::*, *};
use crate::domain::{
    number::LARGEST,
    spec::{Given, given},
};

// The number of the account under test is 1; those of its bills are others.
const USER: Id<UserDeposit> = Id::new(1);
const RENT: Id<Rent> = Id::new(7);

fn updated(deposit: u64, arrears: u64, bill: Option<u64>) -> Event {
    UpdatedDeposit { userid: USER, deposit, arrears, billid: bill.map(Id::new) }
}
fn deferred(bill: u64, fee: u64, arrears: u64) -> Event {
    FeeDeferred { userid: USER, billid: Id::new(bill), fee, arrears }
}
fn top_up(deposit: u64) -> Command {
    Command::TopUp { deposit }
}
fn charge(bill: u64, fee: u64) -> Command {
    Charge { bill: Id::new(bill), fee }
}
/// 400 won, and the fees 500, 0 and 300 of bills 7, 8 and 9 open.
fn owing() -> Given<UserDeposit> {
    given([
        updated(400, 0, None),
        deferred(7, 500, 500),
        deferred(8, 0, 500),
        deferred(9, 300, 800),
    ])
}
fn shown(account: &Given<UserDeposit>) -> (u64, u64, Option<u64>) {
    let shown = account.0.represent(USER);
    (shown.deposit, shown.arrears, shown.billid.map(Id::get))
}

#[test]
fn the_first_payment_opens_it_and_the_next_ones_top_it_up() {
    let account = given::<UserDeposit>([]).when(top_up(1000)).then([updated(1000, 0, None)]);
    let account = account.when(top_up(500)).then([updated(1500, 0, None)]);
    assert_eq!(shown(&account), (1500, 0, None));
}

#[test]
fn a_fee_that_is_covered_is_charged_and_a_top_up_afterwards_pays_no_bill() {
    let account = given::<UserDeposit>([updated(1000, 0, None)]).when(charge(7, 1000));
    let account =
        account.then([updated(0, 0, Some(7))]).when(top_up(100)).then([updated(100, 0, None)]);
    assert_eq!(shown(&account), (100, 0, Some(7)), "the last one charged");
}

#[test]
fn a_fee_that_is_not_covered_is_not_charged_at_all() {
    let account = given::<UserDeposit>([updated(400, 0, None)])
        .when(charge(7, 401))
        .then([deferred(7, 401, 401)]);
    assert_eq!(shown(&account), (400, 401, None));
}

#[test]
fn a_new_fee_waits_for_an_older_one_even_if_it_would_be_covered() {
    let account =
        given::<UserDeposit>([updated(400, 0, None), deferred(7, 500, 500)]).when(charge(8, 100));
    let account =
        account.then([deferred(8, 100, 600)]).when(charge(9, 0)).then([deferred(9, 0, 600)]);
    assert_eq!(shown(&account), (400, 600, None));
}

#[test]
fn a_top_up_settles_oldest_first_each_fee_whole() {
    let account = owing().when(top_up(99)).then([updated(499, 800, None)]);
    let account = account.when(top_up(301));
    let account = account.then([
        updated(800, 800, None),
        updated(300, 300, Some(7)),
        updated(300, 300, Some(8)),
        updated(0, 0, Some(9)),
    ]);
    assert_eq!(shown(&account), (0, 0, Some(9)));
}

#[test]
fn a_top_up_stops_at_the_first_fee_that_it_does_not_cover() {
    let account = owing().when(top_up(399));
    let account = account.then([
        updated(799, 800, None),
        updated(299, 300, Some(7)),
        updated(299, 300, Some(8)),
    ]);
    account.when(Clear { rent: RENT }).refused(Kind::Conflict, "in-arrears");
}

#[test]
fn who_owes_nothing_may_rent_with_or_without_an_account() {
    let _ = given::<UserDeposit>([]).when(Clear { rent: RENT }).then_nothing();
    let _ = given::<UserDeposit>([updated(0, 0, None)]).when(Clear { rent: RENT }).then_nothing();
    let paid = [
        updated(800, 800, None),
        updated(300, 300, Some(7)),
        updated(300, 300, Some(8)),
        updated(0, 0, Some(9)),
    ];
    let _ = owing().when(top_up(400)).then(paid).when(Clear { rent: RENT }).then_nothing();
}

#[test]
fn a_bill_for_an_unknown_user_opens_an_account_with_nothing_in_it() {
    let account = given::<UserDeposit>([]).when(charge(7, 100)).then([deferred(7, 100, 100)]);
    assert_eq!((shown(&account), account.0.lifecycle()), ((0, 100, None), Lifecycle::Established));
    let account = given::<UserDeposit>([]).when(charge(7, 0)).then([updated(0, 0, Some(7))]);
    assert_eq!((shown(&account), account.0.lifecycle()), ((0, 0, Some(7)), Lifecycle::Established));
}

fn queued(bill: u64, fee: u64, after: u64) -> Event {
    FeeQueued { userid: USER, billid: Id::new(bill), fee, after: Id::new(after) }
}
/// 50 won, and the fees of bills 1 to 6 open, 100 won each: the last two in the chain.
fn chained() -> Given<UserDeposit> {
    let mut account = given([updated(50, 0, None)]);
    for (bill, owed) in (1..).zip([100, 200, 300, 400]) {
        account = account.when(charge(bill, 100)).then([deferred(bill, 100, owed)]);
    }
    let account = account.when(charge(5, 100)).then([queued(5, 100, 4), deferred(5, 100, 500)]);
    account.when(charge(6, 100)).then([queued(6, 100, 5), deferred(6, 100, 600)])
}
fn go_on(after: u64) -> Command {
    GoOn { after: Id::new(after) }
}
fn move_up(after: u64, bill: u64) -> Command {
    MoveUp { after: Id::new(after), bill: Id::new(bill), fee: 100 }
}

#[test]
fn after_the_first_few_fees_wait_in_a_chain_that_is_paid_one_by_one_as_bills_close() {
    let account = chained().when(top_up(500));
    let at_hand = (1..=4).map(|bill| updated(550 - bill * 100, 600 - bill * 100, Some(bill)));
    let account = account.then([updated(550, 600, None)].into_iter().chain(at_hand));
    assert_eq!(shown(&account), (150, 200, Some(4)), "what is paid so far, and what is still owed");
    // The bills before say that they are closed as well, and have nothing to add.
    let account = account.when(go_on(3)).then_nothing().when(go_on(4)).then_nothing();
    Given(account.0.clone()).when(Clear { rent: RENT }).refused(Kind::Conflict, "in-arrears");
    let account = account.when(move_up(4, 5)).then([updated(50, 100, Some(5))]);
    let account = account.when(move_up(4, 5)).then_nothing();
    let moved = FeeMovedUp { userid: USER, billid: Id::new(6), fee: 100 };
    let account = account.when(move_up(5, 6)).then([moved]);
    assert_eq!(shown(&account), (50, 100, Some(5)), "the rest does not cover it");
    let account = account.when(top_up(60)).then([updated(110, 100, None), updated(10, 0, Some(6))]);
    let _ = account.when(Clear { rent: RENT }).then_nothing().when(go_on(6)).then_nothing();
}

#[test]
fn money_that_comes_in_while_the_chain_moves_up_is_there_for_what_comes_next() {
    let account = chained().when(top_up(350)).then(
        [updated(400, 600, None)]
            .into_iter()
            .chain((1..=4).map(|bill| updated(400 - bill * 100, 600 - bill * 100, Some(bill)))),
    );
    let account = account.when(top_up(250)).then([updated(250, 200, None)]);
    let account = account.when(move_up(4, 5)).then([updated(150, 100, Some(5))]);
    let account = account.when(move_up(5, 6)).then([updated(50, 0, Some(6))]);
    // A fee of now is charged at once again.
    let _ = account.when(charge(7, 50)).then([updated(0, 0, Some(7))]);
}

#[test]
fn a_new_fee_goes_to_the_end_of_the_chain_however_little_is_left_in_front_of_it() {
    let account = chained().when(top_up(300)).then(
        [updated(350, 600, None)]
            .into_iter()
            .chain((1..=3).map(|bill| updated(350 - bill * 100, 600 - bill * 100, Some(bill)))),
    );
    let account = account.when(charge(7, 100)).then([queued(7, 100, 6), deferred(7, 100, 400)]);
    // Where the chain has come to its end, there is room at hand again.
    let account =
        account.when(top_up(50)).then([updated(100, 400, None), updated(0, 300, Some(4))]);
    let moved = |bill| FeeMovedUp { userid: USER, billid: Id::new(bill), fee: 100 };
    let account = account.when(move_up(4, 5)).then([moved(5)]).when(top_up(200));
    let account = account.then([updated(200, 300, None), updated(100, 200, Some(5))]);
    let account = account
        .when(move_up(5, 6))
        .then([updated(0, 100, Some(6))])
        .when(move_up(6, 7))
        .then([moved(7)]);
    let _ = account.when(charge(8, 100)).then([deferred(8, 100, 200)]);
}

#[test]
fn an_account_from_when_all_fees_stood_in_it_pays_them_first_some_at_a_time() {
    let past = (1..=10).map(|bill| deferred(bill, 100, bill * 100));
    let account = given::<UserDeposit>(past)
        .when(charge(11, 100))
        .then([queued(11, 100, 10), deferred(11, 100, 1100)]);
    let paid = |holds: u64, from: u64, to: u64| {
        (from..=to).map(move |bill| {
            updated(holds - (bill - from + 1) * 100, 1100 - bill * 100, Some(bill))
        })
    };
    let account = account
        .when(top_up(1100))
        .then([updated(1100, 1100, None)].into_iter().chain(paid(1100, 1, 4)));
    let account = account.when(go_on(3)).then_nothing();
    let account =
        account.when(go_on(4)).then(paid(700, 5, 8)).when(go_on(8)).then(paid(300, 9, 10));
    let account = account.when(go_on(10)).then_nothing().when(move_up(10, 11)).then([updated(
        0,
        0,
        Some(11),
    )]);
    let _ = account.when(Clear { rent: RENT }).then_nothing();
}

#[test]
fn fees_of_any_size_add_up() {
    let past =
        [deferred(1, 100, 100), deferred(2, u64::MAX, u64::MAX), deferred(3, u64::MAX, u64::MAX)];
    let account = given::<UserDeposit>(past).when(top_up(150));
    let account = account.then([updated(150, LARGEST, None), updated(50, LARGEST, Some(1))]);
    assert_eq!(account.0.arrears.total(), 2 * u128::from(u64::MAX));
    let _ = account.when(charge(4, LARGEST)).then([deferred(4, LARGEST, LARGEST)]);
}

#[test]
fn it_holds_no_more_than_every_reader_can_count() {
    given::<UserDeposit>([]).when(top_up(u64::MAX)).refused(Kind::Invalid, "deposit-too-large");
    let full = given::<UserDeposit>([]).when(top_up(LARGEST)).then([updated(LARGEST, 0, None)]);
    full.when(top_up(1)).refused(Kind::Invalid, "deposit-too-large");
}
