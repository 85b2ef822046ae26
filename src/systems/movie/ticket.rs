//! Ticket: comes with the booking of the same number, and is printed once the points for it are granted.
//!
//! Here it is decided whether a booking is printed or canceled: whichever comes first wins. While it asks for the points
//! nothing is decided, so a question whether it can be void waits for that answer.

pub use super::admission::{Admission, Wanted, printed, void};
use super::{
    book::{self, Book},
    point::{self, Point},
};
use crate::domain::prelude::*;

mod version_1;

/// The ticket of the booking with the same number.
#[entity(
    context = "movie.ticket", reads = owner, collection = "tickets", korean = "티켓", title = "MovieTicket",
    port = 8084,
    id(booking_id: Id<Book>), index(status), old_versions(version_1::Ticket),
    credit(points = (self.status == Status::Printed).then_some(point::GRANTED))
)]
pub struct Ticket {
    movie_name: Option<String>,
    /// For how many.
    qty: u64,
    /// Which seats.
    seat: Option<String>,
    status: Status,
    /// How often it has asked for the points.
    #[hidden]
    attempts: u32,
}

/// What has become of the ticket.
#[status]
pub enum Status {
    #[absent]
    New,
    Waiting,
    Printed,
    Canceled,
    // It asks for the points.
    #[shown_as(Waiting)]
    Printing,
}

#[command]
pub enum Command {
    Create(Admission),
    Print,
    /// The points are granted, or not.
    Settle(Result<(), NoAnswer>),
    /// May the booking be canceled? A yes has made the ticket void, also one that is still to come.
    Void(Admission),
}

#[event]
pub enum Event {
    /// It waits to be printed.
    Created(Admission),
    /// It asks for the points.
    TicketPrintRequested { booking_id: Id<Book>, attempt: u32 },
    /// The points are granted.
    Printed { booking_id: Id<Book> },
    /// They are not.
    TicketPrintFailed { booking_id: Id<Book>, attempt: u32, reason: String },
    /// The booking was canceled.
    TicketCanceled { booking_id: Id<Book> },
    /// The booking was canceled before the ticket came: it never will.
    TicketWithheld(Admission),
}

impl Aggregate for Ticket {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Print", &[Point::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status as S};
        let booking_id = this.id.of();
        let attempt = self.attempts;
        match (self.status, command) {
            (S::New, Create(admission)) => emit(Created(admission)),
            (S::New, Void(admission)) => emit(TicketWithheld(admission)),
            (S::New, Print) => Err(self.not_established()),

            (S::Waiting, Print) => {
                emit(TicketPrintRequested { booking_id, attempt: attempt.saturating_add(1) })
            }
            (S::Waiting, Void(_)) => emit(TicketCanceled { booking_id }),

            (S::Printing, Settle(Ok(()))) => emit(Printed { booking_id }),
            (S::Printing, Settle(Err(no))) => {
                emit(TicketPrintFailed { booking_id, attempt, reason: no.code().into() })
            }
            (S::Printing, Print) => ignore(),
            (S::Printing, Void(_)) => Err(Refusal::still_open()),

            (S::Printed, Void(_)) => Err(printed()),
            (S::Canceled, Print) => Err(void()),
            (S::Printed, Print) | (S::Canceled, Void(_)) | (_, Create(_) | Settle(_)) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        if let Event::Created(admission) | Event::TicketWithheld(admission) = event {
            let Admission { movie_name, qty, seat, .. } = admission.clone();
            *self = Self { movie_name, qty, seat, ..Self::default() };
        }
        self.status = match *event {
            Event::Created(_) | Event::TicketPrintFailed { .. } => Status::Waiting,
            Event::TicketPrintRequested { attempt, .. } => {
                self.attempts = attempt;
                Status::Printing
            }
            Event::Printed { .. } => Status::Printed,
            Event::TicketWithheld(_) | Event::TicketCanceled { .. } => Status::Canceled,
        };
    }

    fn rejects(event: &Event) -> Option<Refusal> {
        // Without points there is no ticket, whatever the reason; the next attempt may get them.
        matches!(event, Event::TicketPrintFailed { .. }).then(Refusal::retry_later)
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        use {Command::Create, book::Event::Booked};
        policies.on::<Book>(|event| match event {
            Booked(order) => Some((order.booking_id.of(), Create(order.admission()))),
            _ => None,
        });
    }

    fn awaits(&self, ticket: Id<Self>) -> Option<Ask<Self>> {
        let attempt = self.attempts;
        let contents = self.movie_name.clone();
        (self.status == Status::Printing).then(|| {
            let grant = point::Command::Grant { attempt, contents };
            ask(ticket.of::<Point>(), grant, Command::Settle)
                .undone_by(point::Command::revoke(ticket, attempt))
        })
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.patch(Role::Customer, |Change { status: Wanted::Printed }| Command::Print);
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::{Given, given};

    const BOOKING: Id<Book> = Id::new(1);

    fn admission() -> Admission {
        Admission {
            booking_id: BOOKING,
            movie_name: Some("soul".into()),
            qty: 2,
            seat: Some("1A,2B".into()),
        }
    }
    fn asked(attempt: u32) -> Event {
        TicketPrintRequested { booking_id: BOOKING, attempt }
    }
    fn failed(attempt: u32, reason: &str) -> Event {
        TicketPrintFailed { booking_id: BOOKING, attempt, reason: reason.into() }
    }
    fn printing() -> Given<Ticket> {
        given([Created(admission()), asked(1)])
    }
    fn status(ticket: &Given<Ticket>) -> Status {
        ticket.0.represent(Id::new(1)).status
    }

    #[test]
    fn printing_asks_for_the_points_and_only_their_yes_prints() {
        let ticket = given::<Ticket>([]).when(Create(admission())).then([Created(admission())]);
        let ticket = ticket.when(Print).then([asked(1)]);
        assert_eq!(status(&ticket).as_ref(), "Waiting");
        let ticket =
            ticket.awaits("movie.point-1 <- Grant { attempt: 1, contents: Some(\"soul\") }");
        let ticket = ticket
            .when(Print)
            .then_nothing()
            .when(Settle(Ok(())))
            .then([Event::Printed { booking_id: BOOKING }]);
        ticket.when(Print).then_nothing().when(Create(admission())).then_nothing().awaits_nothing();
    }

    #[test]
    fn without_points_it_goes_on_waiting_and_the_next_attempt_asks_anew() {
        let ticket =
            printing().when(Settle(Err(NoAnswer::Unavailable))).then([failed(1, "no-answer")]);
        assert_eq!(status(&ticket), Status::Waiting);
        assert_eq!(Ticket::rejects(&failed(1, "no-answer")), Some(Refusal::retry_later()));
        let ticket = ticket.when(Settle(Ok(()))).then_nothing().when(Print).then([asked(2)]);
        let _ = ticket.awaits("movie.point-1 <- Grant { attempt: 2, contents: Some(\"soul\") }");
    }

    #[test]
    fn the_first_of_print_and_cancel_wins_and_the_other_is_refused() {
        let waiting = || given::<Ticket>([Created(admission())]);
        let void = waiting().when(Void(admission())).then([TicketCanceled { booking_id: BOOKING }]);
        void.when(Void(admission()))
            .then_nothing()
            .when(Print)
            .refused(Kind::Conflict, "ticket-canceled");
        let printed =
            printing().when(Settle(Ok(()))).then([Event::Printed { booking_id: BOOKING }]);
        printed.when(Void(admission())).refused(Kind::Conflict, "ticket-printed");
    }

    #[test]
    fn while_it_asks_for_the_points_nothing_is_decided() {
        printing().when(Void(admission())).refused(Kind::Conflict, "still-open");
    }

    #[test]
    fn what_is_void_before_it_came_is_shown_as_canceled_and_never_comes() {
        let ticket =
            given::<Ticket>([]).when(Void(admission())).then([TicketWithheld(admission())]);
        let ticket = ticket.when(Create(admission())).then_nothing();
        let shown = ticket.0.represent(Id::new(1));
        assert_eq!((shown.status, shown.seat.as_deref()), (Status::Canceled, Some("1A,2B")));
        ticket.when(Print).refused(Kind::Conflict, "ticket-canceled");
    }

    #[test]
    fn there_is_nothing_to_print_before_it_came() {
        given::<Ticket>([]).when(Print).refused(Kind::Absent, "not-found");
        assert_eq!(given::<Ticket>([]).0.lifecycle(), Lifecycle::Absent);
    }
}
