//! Rent: a user requests a book and pays for it in the same breath; the admin lends it.
//!
//! Only the payment is waited for: `Rented` is said after its yes, and the book, which may be away meanwhile, hears of it
//! later. Without a yes there never was a rent, and on `RentFailed` what was paid all the same goes back.

use super::{
    book::{self, Book},
    payment::{self, Payment},
};
use crate::{domain::*, systems::payment::declined};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// A rent asks for its payment once; after a no, the customer makes another rent.
pub const ONLY_ATTEMPT: u32 = 1;

/// One rent of one book by one user: as it is kept, and as it looks from outside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rent {
    user_id: u64,
    book_id: Id<Book>,
    /// What the customer says that the book is called.
    book_name: Option<String>,
    /// What the customer says that it costs, in won.
    rental_fee: Option<u64>,
    status: Status,
    /// When it began: when it was approved.
    rented_date: Option<Timestamp>,
    returned_date: Option<Timestamp>,
    canceled_date: Option<Timestamp>,
}

/// What was ordered. Name and fee are what the customer claims, if anything; the book knows better.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Ordered {
    pub rent_id: Id<Rent>,
    pub user_id: u64,
    pub book_id: Id<Book>,
    pub book_name: Option<String>,
    pub rental_fee: Option<u64>,
}

/// How far the rent has come.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AsRefStr,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum Status {
    #[default]
    New,
    #[serde(rename = "Requested")]
    #[strum(serialize = "Requested")]
    Requested,
    Declined,
    Unanswered,
    Rented,
    Approved,
    Returned,
    Canceled,
}

/// What may be asked of a rent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Command {
    Request(Request),
    /// The payment has answered, or nobody has.
    Settle(Result<(), NoAnswer>),
    Approve(Timestamp),
    Return,
    Cancel,
}

/// What a rent may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[allow(missing_docs)]
pub enum Event {
    RentRequested(Ordered),
    Rented(Ordered),
    RentFailed { rent_id: Id<Rent>, user_id: u64, book_id: Id<Book>, reason: String },
    RentApproved { rent_id: Id<Rent>, user_id: u64, book_id: Id<Book>, rented_date: Timestamp },
    Returned { rent_id: Id<Rent>, user_id: u64, book_id: Id<Book>, returned_date: Timestamp },
    Canceled { rent_id: Id<Rent>, user_id: u64, book_id: Id<Book>, canceled_date: Timestamp },
}

impl Entity for Rent {
    const NAME: Name =
        Name { system: "ebook", context: "ebook.rent", collection: "rents", item: "rent" };
    const IS_ORDER: bool = true;
    const PORT: Option<u16> = Some(8081);
    type Representation = Self;

    fn represent(&self, _: Id<Self>) -> Self {
        self.clone()
    }
    fn lifecycle(&self) -> Lifecycle {
        match self.status {
            Status::New => Lifecycle::Absent,
            Status::Requested => Lifecycle::Open,
            Status::Declined => Lifecycle::Ended(declined()),
            Status::Unanswered => Lifecycle::Ended(Refusal::retry_later()),
            _ => Lifecycle::Established,
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
    const MAY_ASK: MayAsk = &[("Request", &[Payment::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {
            Command::*,
            Event::*,
            Status::{Declined, New, Requested, Unanswered},
        };
        let (rent_id, user_id, book_id) = (this.id, self.user_id, self.book_id);
        match (self.status, command) {
            (New, Request(self::Request { user_id, book_id, book_name, rental_fee })) => {
                emit(RentRequested(Ordered { rent_id, user_id, book_id, book_name, rental_fee }))
            }
            (Requested, Settle(Ok(()))) => {
                let (book_name, rental_fee) = (self.book_name.clone(), self.rental_fee);
                emit(Rented(Ordered { rent_id, user_id, book_id, book_name, rental_fee }))
            }
            (Requested, Settle(Err(no))) => {
                emit(RentFailed { rent_id, user_id, book_id, reason: no.code().into() })
            }
            (Status::Rented, Approve(at)) => {
                emit(RentApproved { rent_id, user_id, book_id, rented_date: at })
            }
            (Status::Rented, Cancel) => {
                emit(Canceled { rent_id, user_id, book_id, canceled_date: this.at })
            }
            (Status::Approved, Return) => {
                emit(Returned { rent_id, user_id, book_id, returned_date: this.at })
            }
            (Status::Returned, Return) | (_, Request(_) | Settle(_) | Approve(_) | Cancel) => {
                ignore()
            }
            (New | Declined | Unanswered, Return) => Err(Refusal::absent("rent")),
            (Requested, Return) => Err(Refusal::still_open()),
            (_, Return) => Err(Refusal::conflict(
                "not-lent",
                "the book is not lent",
                "대여 중인 도서가 아닙니다",
            )),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::RentRequested(Ordered { user_id, book_id, book_name, rental_fee, .. }) => {
                (self.status, self.user_id, self.book_id) = (Status::Requested, *user_id, *book_id);
                (self.book_name, self.rental_fee) = (book_name.clone(), *rental_fee);
            }
            Event::Rented(_) => self.status = Status::Rented,
            Event::RentFailed { reason, .. } if *reason == declined().code => {
                self.status = Status::Declined
            }
            Event::RentFailed { .. } => self.status = Status::Unanswered,
            Event::RentApproved { rented_date: at, .. } => {
                (self.status, self.rented_date) = (Status::Approved, Some(*at))
            }
            Event::Returned { returned_date: at, .. } => {
                (self.status, self.returned_date) = (Status::Returned, Some(*at))
            }
            Event::Canceled { canceled_date: at, .. } => {
                (self.status, self.canceled_date) = (Status::Canceled, Some(*at))
            }
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Book>(|event| match event {
            book::Event::Approved { rent_id, approved_date, .. } => {
                Some((*rent_id, Command::Approve(*approved_date)))
            }
            _ => None,
        });
        policies.on::<Payment>(|event| match event {
            payment::Event::Refunded { rent_id, .. } => Some((*rent_id, Command::Cancel)),
            _ => None,
        });
    }

    fn awaits(&self, rent: Id<Self>) -> Option<Ask<Self>> {
        let Rent { user_id: user, book_id: book, rental_fee: fee, .. } = *self;
        let pay = payment::Command::Pay { user, book, fee };
        (self.status == Status::Requested)
            .then(|| ask(rent.of::<Payment>(), pay, ONLY_ATTEMPT, Command::Settle))
    }

    fn routes(doors: &mut impl Routes<Self>) {
        doors.post(Role::Customer, |request: Request| (Target::New, Command::Request(request)));
        doors.patch_verb(Role::Customer, "return", || Command::Return);
        doors.patch(Role::Customer, |_: Change<Ended>| Command::Return);
    }
}

/// `POST /rents`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Request {
    pub user_id: u64,
    pub book_id: Id<Book>,
    /// What the customer believes that it is called.
    pub book_name: Option<String>,
    /// What the customer believes that it costs, in won: this is charged, and it must be right.
    pub rental_fee: Option<u64>,
}

/// `PATCH /rents/{id}`: the status that a client may ask for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Ended {
    /// The book comes back.
    Returned,
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::{Given, given};

    // The number of the rent under test is 1; that of its book is another.
    const RENT: Id<Rent> = Id::new(1);
    const BOOK: Id<Book> = Id::new(3);
    const THEN: Timestamp = Timestamp::from_micros(5);
    const NOW: Timestamp = Timestamp::from_micros(0);

    fn order() -> Ordered {
        let book_name = Some("Hello, JAVA".into());
        Ordered { rent_id: RENT, user_id: 9, book_id: BOOK, book_name, rental_fee: Some(3000) }
    }
    fn approved() -> Event {
        RentApproved { rent_id: RENT, user_id: 9, book_id: BOOK, rented_date: THEN }
    }
    fn returned() -> Event {
        Returned { rent_id: RENT, user_id: 9, book_id: BOOK, returned_date: NOW }
    }
    fn canceled() -> Event {
        Canceled { rent_id: RENT, user_id: 9, book_id: BOOK, canceled_date: NOW }
    }
    fn failed(reason: &str) -> Event {
        RentFailed { rent_id: RENT, user_id: 9, book_id: BOOK, reason: reason.into() }
    }
    fn rented() -> Given<Rent> {
        given([RentRequested(order()), Rented(order())])
    }

    #[test]
    fn a_request_asks_for_its_payment_and_only_its_yes_says_rented() {
        let Ordered { user_id, book_id, book_name, rental_fee, .. } = order();
        given::<Rent>([])
            .when(Request(super::Request { user_id, book_id, book_name, rental_fee }))
            .then([RentRequested(order())])
            .awaits("ebook.payment-1 <- Pay { user: 9, book: #3, fee: Some(3000) }")
            .when(Settle(Ok(())))
            .then([Rented(order())])
            .awaits_nothing();
    }

    #[test]
    fn a_declined_payment_ends_it_with_the_payments_no() {
        let rent = given::<Rent>([RentRequested(order())])
            .when(Settle(Err(NoAnswer::Refused(declined()))));
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
        let _ = rent.when(Cancel).then_nothing().when(Approve(THEN)).then_nothing();
    }

    #[test]
    fn it_begins_when_it_was_approved_and_is_returned_once() {
        let rent =
            rented().when(Approve(THEN)).then([approved()]).when(Approve(NOW)).then_nothing();
        assert_eq!(rent.0.rented_date, Some(THEN));
        let rent = rent.when(Return).then([returned()]).when(Return).then_nothing();
        assert_eq!(rent.0.status, Status::Returned);
        let _ = rent.when(Cancel).then_nothing();
    }

    #[test]
    fn a_refund_cancels_it_once() {
        let rent = rented().when(Cancel).then([canceled()]).when(Cancel).then_nothing();
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
        let _ = given::<Rent>([]).when(Cancel).then_nothing().when(Approve(THEN)).then_nothing();
        let rent = given::<Rent>([RentRequested(order())]).when(Cancel).then_nothing();
        assert_eq!(rent.0.lifecycle(), Lifecycle::Open);
    }
}
