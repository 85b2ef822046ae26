//! Rent: a user requests a book and pays for it in one step; the admin lends it.
//!
//! Only the payment is waited for: `Rented` follows its yes, and the book, which may be down meanwhile, hears of it later.
//! Without a yes there never was a rent, and on `RentFailed` anything that was paid goes back.

pub use super::order::{Ended, Ordered, Request};
use super::{
    book::{self, Book},
    payment::{self, Payment},
};
use crate::{domain::prelude::*, systems::payment::declined};

/// A rent asks for its payment once; after a no, the customer makes another rent.
pub const ONLY_ATTEMPT: u32 = 1;

/// One rent of one book by one user.
#[entity(
    context = "ebook.rent",
    collection = "rents",
    port = 8081,
    order,
    index(status, user_id, book_id)
)]
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

/// How far the rent has come.
#[status(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    #[absent]
    New,
    #[open]
    #[name = "Requested"]
    Requested,
    #[ended(declined())]
    Declined,
    #[ended(Refusal::retry_later())]
    Unanswered,
    Rented,
    Approved,
    Returned,
    #[canceled]
    Canceled,
}

/// What may be asked of a rent.
#[command]
pub enum Command {
    Request(Request),
    /// The answer of the payment, or that none came in time.
    Settle(Result<(), NoAnswer>),
    Approve(Timestamp),
    Return,
    Cancel,
}

/// What a rent may say has happened.
#[event]
pub enum Event {
    RentRequested(Ordered),
    Rented(Ordered),
    RentFailed { rent_id: Id<Rent>, user_id: u64, book_id: Id<Book>, reason: String },
    RentApproved { rent_id: Id<Rent>, user_id: u64, book_id: Id<Book>, rented_date: Timestamp },
    Returned { rent_id: Id<Rent>, user_id: u64, book_id: Id<Book>, returned_date: Timestamp },
    Canceled { rent_id: Id<Rent>, user_id: u64, book_id: Id<Book>, canceled_date: Timestamp },
}

impl Aggregate for Rent {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Request", &[Payment::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status as S};
        let rent_id = this.id;
        let user_id = self.user_id;
        let book_id = self.book_id;
        match (self.status, command) {
            (S::New, Request(self::Request { user_id, book_id, book_name, rental_fee })) => {
                emit(RentRequested(Ordered { rent_id, user_id, book_id, book_name, rental_fee }))
            }
            (S::Requested, Settle(Ok(()))) => {
                let book_name = self.book_name.clone();
                let rental_fee = self.rental_fee;
                emit(Rented(Ordered { rent_id, user_id, book_id, book_name, rental_fee }))
            }
            (S::Requested, Settle(Err(no))) => {
                emit(RentFailed { rent_id, user_id, book_id, reason: no.code().into() })
            }
            (S::Rented, Approve(rented_date)) => {
                emit(RentApproved { rent_id, user_id, book_id, rented_date })
            }
            (S::Rented, Cancel) => {
                emit(Canceled { rent_id, user_id, book_id, canceled_date: this.at })
            }
            (S::Approved, Return) => {
                emit(Returned { rent_id, user_id, book_id, returned_date: this.at })
            }
            (S::Returned, Return) | (_, Request(_) | Settle(_) | Approve(_) | Cancel) => ignore(),
            (S::New | S::Declined | S::Unanswered, Return) => Err(Refusal::absent("rent")),
            (S::Requested, Return) => Err(Refusal::still_open()),
            (S::Rented | S::Canceled, Return) => Err(Refusal::conflict(
                "not-lent",
                "the book is not lent",
                "대여 중인 도서가 아닙니다",
            )),
        }
    }

    fn evolve(&mut self, event: &Event) {
        self.status = match event.clone() {
            Event::RentRequested(order) => {
                let Ordered { user_id, book_id, book_name, rental_fee, .. } = order;
                *self = Self { user_id, book_id, book_name, rental_fee, ..Self::default() };
                Status::Requested
            }
            Event::Rented(_) => Status::Rented,
            Event::RentFailed { reason, .. } if reason == declined().code => Status::Declined,
            Event::RentFailed { .. } => Status::Unanswered,
            Event::RentApproved { rented_date, .. } => {
                self.rented_date = Some(rented_date);
                Status::Approved
            }
            Event::Returned { returned_date, .. } => {
                self.returned_date = Some(returned_date);
                Status::Returned
            }
            Event::Canceled { canceled_date, .. } => {
                self.canceled_date = Some(canceled_date);
                Status::Canceled
            }
        };
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Book>(|event| match *event {
            book::Event::Approved { rent_id, approved_date, .. } => {
                Some((rent_id, Command::Approve(approved_date)))
            }
            _ => None,
        });
        policies.on::<Payment>(|event| match *event {
            payment::Event::Refunded { rent_id, .. } => Some((rent_id, Command::Cancel)),
            _ => None,
        });
    }

    fn awaits(&self, rent: Id<Self>) -> Option<Ask<Self>> {
        let Rent { user_id: user, book_id: book, rental_fee: fee, .. } = *self;
        (self.status == Status::Requested).then(|| {
            ask(rent.of::<Payment>(), payment::Command::Pay { user, book, fee }, Command::Settle)
                .undone_by(payment::Command::refund(rent))
        })
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Customer, |request: Request| (Target::New, Command::Request(request)));
        routes.patch_verb(Role::Customer, "return", || Command::Return);
        routes.patch(Role::Customer, |Change { status: Ended::Returned }| Command::Return);
    }
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
    fn a_request_asks_for_its_payment_and_is_rented_only_by_its_consent() {
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
