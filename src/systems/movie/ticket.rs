//! Ticket: comes with the booking of the same number, and is printed once the points for it are granted.
//!
//! Here it is decided whether a booking is printed or canceled: whichever comes first wins. While it asks for the points
//! nothing is decided, so a question whether it can be void waits for that answer.

use super::{
    book::{self, Book},
    point::{self, Point},
};
use crate::domain::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// The ticket of the booking with the same number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    movie_name: Option<String>,
    qty: u64,
    seat: Option<String>,
    status: Status,
    /// It asks for the points.
    printing: bool,
    /// How often it has asked for them.
    attempts: u32,
}

/// What has become of the ticket.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AsRefStr,
)]
#[allow(missing_docs)]
pub enum Status {
    #[default]
    New,
    Waiting,
    Printed,
    Canceled,
}

/// A ticket as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "MovieTicket")]
pub struct Shown {
    /// The booking's number.
    pub booking_id: Id<Book>,
    /// Which movie.
    pub movie_name: Option<String>,
    /// For how many.
    pub qty: u64,
    /// Which seats.
    pub seat: Option<String>,
    /// What has become of it.
    pub status: Status,
}

/// What a ticket is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Admission {
    pub booking_id: Id<Book>,
    pub movie_name: Option<String>,
    pub qty: u64,
    pub seat: Option<String>,
}

/// What may be asked of a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Command {
    Create(Admission),
    Print,
    /// The points are granted, or not.
    Settle(Result<(), NoAnswer>),
    /// May the booking be canceled? A yes has made the ticket void, also one that is still to come.
    Void(Admission),
}

/// What a ticket may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[allow(missing_docs)]
pub enum Event {
    Created(Admission),
    TicketPrintRequested {
        booking_id: Id<Book>,
        attempt: u32,
    },
    Printed {
        booking_id: Id<Book>,
    },
    TicketPrintFailed {
        booking_id: Id<Book>,
        attempt: u32,
        reason: String,
    },
    TicketCanceled {
        booking_id: Id<Book>,
    },
    /// The booking was canceled before the ticket came: it never will.
    TicketWithheld(Admission),
}

impl Entity for Ticket {
    const NAME: Name =
        Name { system: "movie", context: "movie.ticket", collection: "tickets", item: "ticket" };
    const PORT: Option<u16> = Some(8084);
    type Representation = Shown;

    fn represent(&self, id: Id<Self>) -> Shown {
        let Ticket { movie_name, qty, seat, status, .. } = self.clone();
        Shown { booking_id: id.of(), movie_name, qty, seat, status }
    }
    fn lifecycle(&self) -> Lifecycle {
        if self.status == Status::New { Lifecycle::Absent } else { Lifecycle::Established }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![("status", self.status.as_ref().into())]
    }
    fn id_aliases() -> &'static [&'static str] {
        &["bookingId"]
    }
}

impl Aggregate for Ticket {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Print", &[Point::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let (booking_id, attempt) = (this.id.of(), self.attempts);
        match (self.status, command) {
            (New, Create(admission)) => emit(Created(admission)),
            (New, Void(admission)) => emit(TicketWithheld(admission)),
            (New, Print) => Err(Refusal::absent("ticket")),

            (Waiting, Settle(Ok(()))) if self.printing => emit(Event::Printed { booking_id }),
            (Waiting, Settle(Err(no))) if self.printing => {
                emit(TicketPrintFailed { booking_id, attempt, reason: no.code().into() })
            }
            (Waiting, Print) if self.printing => ignore(),
            (Waiting, Void(_)) if self.printing => Err(Refusal::still_open()),
            (Waiting, Print) => {
                emit(TicketPrintRequested { booking_id, attempt: attempt.saturating_add(1) })
            }
            (Waiting, Void(_)) => emit(TicketCanceled { booking_id }),

            (Status::Printed, Void(_)) => Err(printed()),
            (Canceled, Print) => Err(Refusal::conflict(
                "ticket-canceled",
                "the ticket is canceled",
                "취소된 티켓입니다",
            )),
            (Status::Printed, Print) | (Canceled, Void(_)) | (_, Create(_) | Settle(_)) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event.clone() {
            Event::Created(Admission { movie_name, qty, seat, .. }) => {
                *self =
                    Ticket { movie_name, qty, seat, status: Status::Waiting, ..Ticket::default() };
            }
            Event::TicketWithheld(Admission { movie_name, qty, seat, .. }) => {
                *self =
                    Ticket { movie_name, qty, seat, status: Status::Canceled, ..Ticket::default() };
            }
            Event::TicketPrintRequested { attempt, .. } => {
                (self.printing, self.attempts) = (true, attempt)
            }
            Event::TicketPrintFailed { .. } => self.printing = false,
            Event::Printed { .. } => (self.printing, self.status) = (false, Status::Printed),
            Event::TicketCanceled { .. } => self.status = Status::Canceled,
        }
    }

    fn rejects(event: &Event) -> Option<Refusal> {
        // Without points there is no ticket, whatever the reason; the next attempt may get them.
        matches!(event, Event::TicketPrintFailed { .. }).then(Refusal::retry_later)
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Book>(|event| match event {
            book::Event::Booked(order) => {
                Some((order.booking_id.of(), Command::Create(order.admission())))
            }
            _ => None,
        });
    }

    fn awaits(&self, ticket: Id<Self>) -> Option<Ask<Self>> {
        let grant =
            || point::Command::Grant { attempt: self.attempts, contents: self.movie_name.clone() };
        self.printing.then(|| ask(ticket.of::<Point>(), grant(), self.attempts, Command::Settle))
    }

    fn routes(doors: &mut impl Routes<Self>) {
        doors.patch(Role::Customer, |Change { status: Wanted::Printed }| Command::Print);
    }
}

/// What a customer hears who cancels too late.
pub fn printed() -> Refusal {
    Refusal::conflict("ticket-printed", "the ticket is printed", "이미 발권된 티켓입니다")
}

/// `PATCH /tickets/{id}`: the status that a client may ask for.
#[derive(Debug, Deserialize, JsonSchema)]
pub enum Wanted {
    /// The ticket is printed.
    Printed,
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
        assert_eq!(status(&ticket), Status::Waiting);
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
    fn whichever_comes_first_wins_and_the_other_is_told() {
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
