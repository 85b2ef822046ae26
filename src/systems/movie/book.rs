//! Book (예매): a customer books seats and pays for them in one step.
//!
//! Only the payment is waited for: `Booked` follows its yes, and the ticket, which may be down meanwhile, comes later. A
//! cancel waits for the ticket, where printing and canceling meet. It has no undo, so it is asked for until there is an
//! answer. Seats of a showtime are held from the request on.

mod state;
mod version_1;

pub use state::Status;

use super::{
    order::{Ordered, Request, Wanted, seat_taken},
    payment::{self, Payment},
    theatre::Settings,
    ticket::{self, Ticket, printed},
};
use crate::domain::prelude::*;

/// One booking.
#[entity(
    context = "movie.book", reads = owner,
    collection = "books",
    korean = "예매",
    title = "MovieBook",
    port = 8081,
    order,
    index(status),
    old_versions(version_1::Book),
    credit(paid = self.status.is_paid().then_some(self.order.total_price).flatten())
)]
pub struct Book {
    #[shown(
        /// For how many.
        qty: u64,
        movie_name: Option<String>,
        /// Which seats.
        seat: Option<String>,
        /// What they cost together, in won.
        total_price: Option<u64>,
        /// When it is shown. Where this is given, each seat is sold once.
        showtime: Option<Timestamp>,
        /// The theatre.
        name: Option<String>
    )]
    order: Ordered,
    status: Status,
}

#[command]
pub enum Command {
    Request(Request),
    /// The answer of the payment, or that none came in time.
    SettlePayment(Result<(), NoAnswer>),
    Cancel,
    /// The answer of the ticket whether it is void, or that none came in time.
    SettleCancel(Result<(), NoAnswer>),
    CompletePrint,
}

#[event]
pub enum Event {
    BookRequested(Ordered),
    Booked(Ordered),
    BookFailed { booking_id: Id<Book>, reason: String },
    BookPrintCompleted { booking_id: Id<Book> },
    BookCancelRequested { booking_id: Id<Book> },
    BookCancelRefused { booking_id: Id<Book> },
    Canceled { booking_id: Id<Book> },
}

impl Aggregate for Book {
    type Command = Command;
    type Event = Event;
    type Settings = Settings;
    const MAY_ASK: MayAsk = &[("Request", &[Payment::NAME]), ("Cancel", &[Ticket::NAME])];
    /// Those of version 1 told spellings of a seat and seconds of a showtime apart, those of 2 letters that cannot be seen.
    const CLAIMS_VERSION: u16 = 3;

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, NoAnswer::Refused, Status::*};
        let house = this.settings;
        let booking_id = this.id;
        match (self.status, command) {
            (New, Request(wanted)) => emit(BookRequested(wanted.checked(booking_id, house)?)),
            (Registered, SettlePayment(Ok(()))) => emit(Booked(self.order.clone())),
            (Registered, SettlePayment(Err(no))) => {
                emit(BookFailed { booking_id, reason: no.code().into() })
            }

            (PaidComplete, Cancel) => emit(BookCancelRequested { booking_id }),
            (Canceling, SettleCancel(Ok(()))) => emit(Event::Canceled { booking_id }),
            (Canceling, SettleCancel(Err(Refused(_)))) => emit(BookCancelRefused { booking_id }),
            // The print is reported before the ticket's no has come.
            (Canceling, CompletePrint) => {
                Ok(vec![BookCancelRefused { booking_id }, BookPrintCompleted { booking_id }])
            }
            (PaidComplete, CompletePrint) => emit(BookPrintCompleted { booking_id }),
            (PrintComplete, Cancel) => Err(printed()),
            (New | Registered | Declined | Unanswered, Cancel) => Err(self.not_established()),
            (Canceling | Status::Canceled, Cancel) => ignore(),
            (_, Request(_) | SettlePayment(_) | SettleCancel(_) | CompletePrint) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        self.status = Status::after(event);
        if let Event::BookRequested(order) = event {
            self.order = order.clone();
        }
    }

    fn rejects(event: &Event) -> Option<Refusal> {
        matches!(event, Event::BookCancelRefused { .. }).then(printed)
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Ticket>(|event| match event {
            ticket::Event::Printed { booking_id } => Some((*booking_id, Command::CompletePrint)),
            _ => None,
        });
    }

    fn awaits(&self, booking: Id<Self>) -> Option<Ask<Self>> {
        match self.status {
            Status::Registered => {
                let pay = payment::Command::Pay { total_price: self.order.total_price };
                let question = ask(booking.of::<Payment>(), pay, Command::SettlePayment);
                Some(question.undone_by(payment::Command::call_off(booking)))
            }
            Status::Canceling => {
                let void = ticket::Command::Void(self.order.admission());
                let question = ask(booking.of::<Ticket>(), void, Command::SettleCancel);
                Some(question.until_answered(ONLY_ATTEMPT))
            }
            _ => None,
        }
    }

    fn claims(&self) -> Vec<String> {
        if self.status.holds_seats() { self.order.claims() } else { Vec::new() }
    }

    fn claim_refusal(key: &str) -> Refusal {
        seat_taken(key)
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Customer, |request: Request| (Target::New, Command::Request(request)));
        routes.patch(Role::Customer, |Change { status: Wanted::Canceled }| Command::Cancel);
        routes.delete(Role::Customer, || Command::Cancel);
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::{
        domain::spec::{Given, given},
        systems::payment::declined,
    };

    const BOOKING: Id<Book> = Id::new(1);
    const NO_ANSWER: Result<(), NoAnswer> = Err(NoAnswer::Unavailable);

    fn order(showtime: Option<Timestamp>) -> Ordered {
        let movie_name = Some("soul".into());
        let seat = Some("1A, 2B".into());
        Ordered {
            booking_id: BOOKING,
            qty: 2,
            movie_name,
            seat,
            total_price: Some(10_000),
            showtime,
            name: None,
        }
    }
    fn requested() -> Event {
        BookRequested(order(None))
    }
    fn booked() -> Given<Book> {
        given([requested(), Booked(order(None))])
    }
    fn canceling() -> Given<Book> {
        given([requested(), Booked(order(None)), cancel_requested()])
    }
    fn failed(reason: &str) -> Event {
        BookFailed { booking_id: BOOKING, reason: reason.into() }
    }
    fn cancel_requested() -> Event {
        BookCancelRequested { booking_id: BOOKING }
    }
    fn cancel_refused() -> Event {
        BookCancelRefused { booking_id: BOOKING }
    }
    fn completed() -> Event {
        BookPrintCompleted { booking_id: BOOKING }
    }

    #[test]
    fn a_request_asks_for_its_payment_and_is_booked_only_by_its_consent() {
        let Ordered { qty, movie_name, seat, total_price, .. } = order(None);
        let book = given::<Book>([])
            .when(Command::Request(super::Request {
                qty,
                movie_name,
                seat,
                total_price,
                showtime: None,
            }))
            .then([requested()])
            .awaits("movie.payment-1 <- Pay { total_price: Some(10000) }");
        assert_eq!((book.0.lifecycle(), book.0.status), (Lifecycle::Open, Status::Registered));
        let book = book.when(SettlePayment(Ok(()))).then([Booked(order(None))]);
        assert_eq!(book.0.status, Status::PaidComplete);
        book.awaits_nothing();
    }

    #[test]
    fn a_declined_payment_ends_it_with_the_payments_no() {
        let book =
            given::<Book>([requested()]).when(SettlePayment(Err(NoAnswer::Refused(declined()))));
        let book = book.then([failed("payment-declined")]);
        assert_eq!(book.0.lifecycle(), Lifecycle::Ended(declined()));
        book.when(Cancel).refused(Kind::Absent, "not-found");
    }

    #[test]
    fn without_an_answer_it_ends_and_may_be_tried_again() {
        let book =
            given::<Book>([requested()]).when(SettlePayment(NO_ANSWER)).then([failed("no-answer")]);
        assert_eq!(book.0.lifecycle(), Lifecycle::Ended(Refusal::retry_later()));
        let _ = book.when(SettlePayment(Ok(()))).then_nothing();
    }

    #[test]
    fn a_cancel_asks_the_ticket_until_it_answers_and_is_canceled_only_by_its_consent() {
        let void = "movie.ticket-1 <- Void(Admission { booking_id: #1, movie_name: Some(\"soul\"), qty: 2, \
                    seat: Some(\"1A, 2B\") })";
        let book = booked().when(Cancel).then([cancel_requested()]).awaits(void);
        let book = book
            .when(Cancel)
            .then_nothing()
            .when(SettleCancel(NO_ANSWER))
            .then_nothing()
            .awaits(void);
        assert_eq!(book.0.represent(BOOKING).status.as_ref(), "PaidComplete");
        let book = book.when(SettleCancel(Ok(()))).then([Event::Canceled { booking_id: BOOKING }]);
        assert_eq!(book.0.status, Status::Canceled);
        book.when(Cancel).then_nothing().awaits_nothing();
    }

    #[test]
    fn a_cancel_that_came_too_late_is_refused_and_the_booking_stays() {
        let no = SettleCancel(Err(NoAnswer::Refused(printed())));
        let book = canceling().when(no).then([cancel_refused()]);
        assert_eq!(Book::rejects(&cancel_refused()), Some(printed()));
        let book = book.when(CompletePrint).then([completed()]).when(CompletePrint).then_nothing();
        book.when(Cancel).refused(Kind::Conflict, "ticket-printed");
    }

    #[test]
    fn a_print_event_before_the_tickets_refusal_ends_the_cancel_as_well() {
        let book = canceling().when(CompletePrint).then([cancel_refused(), completed()]);
        book.when(SettleCancel(Ok(()))).then_nothing().awaits_nothing();
    }

    #[test]
    fn what_is_open_or_was_never_asked_for_cannot_be_canceled() {
        given::<Book>([requested()]).when(Cancel).refused(Kind::Conflict, "still-open");
        given::<Book>([]).when(Cancel).refused(Kind::Absent, "not-found");
        let _ = given::<Book>([]).when(CompletePrint).then_nothing();
    }

    #[test]
    fn the_seats_of_a_showtime_are_held_from_the_request_on_until_it_fails_or_is_canceled() {
        let showtime = Some(Timestamp::default());
        let ask = BookRequested(order(showtime));
        let done = Booked(order(showtime));
        let seats = ["1a,1970-01-01T00:00:00Z,soul", "2b,1970-01-01T00:00:00Z,soul"];
        assert_eq!(given::<Book>([ask.clone()]).0.claims(), seats);
        assert_eq!(given::<Book>([ask.clone(), done.clone(), completed()]).0.claims(), seats);
        let ends = [
            vec![failed("no-answer")],
            vec![done, cancel_requested(), Event::Canceled { booking_id: BOOKING }],
        ];
        for end in ends {
            assert!(given::<Book>([vec![ask.clone()], end].concat()).0.claims().is_empty());
        }
        assert!(booked().0.claims().is_empty(), "without a showtime seating is free");
        assert_eq!(Book::claim_refusal(seats[0]).code, "seat-taken");
    }
}
