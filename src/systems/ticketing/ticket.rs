//! Ticket (티켓관리): one reservation at a time may have it, until its time has passed.

mod catalogue;

pub use super::registration::{Availability, Correction, Register, Settings};
pub use catalogue::no;

use super::reservation::{self, Reservation};
use crate::domain::prelude::*;

/// One ticket, and who has it.
#[entity(
    context = "ticketing.ticket", reads = public, collection = "tickets", korean = "티켓",
    title = "ReservableTicket", port = 8082,
    id(ticket_id: Id<Ticket>), index(status), held_by = self.held_by
)]
pub struct Ticket {
    /// Whether it can be had; null where nothing is known of it.
    #[exists]
    #[correctable]
    status: Option<Status>,
    /// When what it is for begins.
    #[correctable]
    starttime: Timestamp,
    /// When that ends; afterwards it cannot be had.
    #[correctable]
    endtime: Timestamp,
    #[hidden]
    held_by: Option<Id<Reservation>>,
    #[withdrawn]
    #[since = 2]
    withdrawn: bool,
}

/// Whether a ticket can be had.
#[status(title = "TicketAvailability")]
pub enum Status {
    /// It can.
    #[name = "예약가능"]
    Available,
    /// A reservation has it, or it was registered so.
    #[name = "예약됨"]
    Booked,
    /// Its time has passed.
    #[name = "만료됨"]
    Expired,
}

#[command]
pub enum Command {
    /// A new ticket.
    Register(Register),
    /// May this reservation have the ticket? A yes has given it.
    Book { reservation: Id<Reservation> },
    /// The reservation is cancelled, or gave up asking.
    #[undo(of = reservation, attempt = ONLY_ATTEMPT)]
    Release { reservation: Id<Reservation> },
    /// Its time has passed.
    Expire,
    #[catalogue]
    Maintain(Maintenance<Correction>),
}

#[event]
pub enum Event {
    /// It can be had from now on, unless it was registered as reserved or expired.
    Registered { ticket_id: Id<Ticket>, status: Status, starttime: Timestamp, endtime: Timestamp },
    /// A reservation has it, gave it back, or its time has passed.
    StatusUpdated { ticket_id: Id<Ticket>, status: Status, reservation_id: Option<Id<Reservation>> },
    #[corrected]
    TicketCorrected(CorrectedTicket),
    #[withdrawn]
    TicketWithdrawn { ticket_id: Id<Ticket> },
    #[restored]
    TicketRestored { ticket_id: Id<Ticket> },
}

impl Aggregate for Ticket {
    type Command = Command;
    type Event = Event;
    type Settings = Settings;

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let ticket_id = this.id;
        let over = this.at > self.endtime;
        let free = if over { Expired } else { Available };
        let update =
            |status, reservation_id| emit(StatusUpdated { ticket_id, status, reservation_id });
        match (self.status, command) {
            (None, Register(new)) => emit(new.checked(&this.settings.zone)?),
            (Some(_), Register(_)) => Err(no("ticket-registered")),

            (None, Book { .. }) => Err(no("ticket-unknown")),
            (Some(_), Book { reservation }) if self.held_by == Some(reservation) => ignore(),
            (Some(_), Book { .. }) if self.withdrawn => Err(no("ticket-unknown")),
            (Some(Available), Book { reservation }) if !over => update(Booked, Some(reservation)),
            (Some(Available | Expired), Book { .. }) => Err(no("ticket-expired")),
            (Some(Booked), Book { .. }) => Err(no("ticket-taken")),

            (_, Release { reservation }) if self.held_by == Some(reservation) => update(free, None),
            (_, Release { .. }) => ignore(),

            (Some(Available), Expire) if over => update(Expired, None),
            (_, Expire) => ignore(),

            (_, Maintain(asked)) => self.maintain(asked, this),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event.clone() {
            Event::Registered { status, starttime, endtime, .. } => {
                *self = Self { status: Some(status), starttime, endtime, ..Self::default() };
            }
            Event::StatusUpdated { status, reservation_id, .. } => {
                self.status = Some(status);
                self.held_by = reservation_id;
            }
            Event::TicketCorrected(corrected) => self.take_over(corrected),
            Event::TicketWithdrawn { .. } => self.withdrawn = true,
            Event::TicketRestored { .. } => self.withdrawn = false,
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        use reservation::{Event::*, Told};
        policies.on::<Reservation>(|event| match *event {
            ReservationFailed { reservation_id: reservation, ticket_id, .. }
            | Cancelled(Told { reservation_id: reservation, ticket_id, .. }) => {
                Some((ticket_id, Command::Release { reservation }))
            }
            ReservationRequested(_) | Reserved(_) => None,
        });
    }

    /// Only an available ticket expires: at the first instant after its end.
    fn due(&self) -> Option<(Timestamp, Command)> {
        (self.status == Some(Status::Available))
            .then(|| (self.endtime.plus_micros(1), Command::Expire))
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Admin, |ticket: Register| {
            (Target::Chosen(ticket.ticket_id), Command::Register(ticket))
        });
        routes.catalogue();
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::{
        DateOrTime,
        spec::{Given, given},
    };

    const TICKET: Id<Ticket> = Id::new(1);
    const RESERVATION: Id<Reservation> = Id::new(7);
    const OTHER: Id<Reservation> = Id::new(8);

    /// Decisions in these tests are taken at the epoch.
    fn until(endtime: i64) -> Given<Ticket> {
        let starttime = Timestamp::from_micros(endtime - 10);
        let endtime = Timestamp::from_micros(endtime);
        given([Registered { ticket_id: TICKET, status: Status::Available, starttime, endtime }])
    }
    fn updated(status: Status, reservation_id: Option<Id<Reservation>>) -> Event {
        StatusUpdated { ticket_id: TICKET, status, reservation_id }
    }
    fn booked() -> Event {
        updated(Status::Booked, Some(RESERVATION))
    }

    #[test]
    fn one_reservation_gets_it_and_the_next_is_refused_as_taken() {
        let ticket = until(0).when(Book { reservation: RESERVATION }).then([booked()]);
        let ticket = ticket.when(Book { reservation: RESERVATION }).then_nothing();
        ticket.when(Book { reservation: OTHER }).refused(Kind::Conflict, "ticket-taken");
    }

    #[test]
    fn the_last_instant_counts_and_the_next_does_not() {
        let _ = until(0).when(Book { reservation: RESERVATION }).then([booked()]);
        until(-1).when(Book { reservation: RESERVATION }).refused(Kind::Conflict, "ticket-expired");
        given::<Ticket>([])
            .when(Book { reservation: RESERVATION })
            .refused(Kind::Conflict, "ticket-unknown");
    }

    #[test]
    fn only_who_has_it_gives_it_back_and_after_its_end_it_is_expired() {
        let had = |ticket: Given<Ticket>| {
            let Given(mut ticket) = ticket;
            ticket.evolve(&booked());
            Given(ticket)
        };
        let ticket = had(until(0)).when(Release { reservation: OTHER }).then_nothing();
        let _ = ticket
            .when(Release { reservation: RESERVATION })
            .then([updated(Status::Available, None)]);
        let _ = had(until(-1))
            .when(Release { reservation: RESERVATION })
            .then([updated(Status::Expired, None)]);
        let _ = given::<Ticket>([]).when(Release { reservation: OTHER }).then_nothing();
    }

    #[test]
    fn an_available_one_expires_by_itself_and_a_taken_one_does_not() {
        assert_eq!(until(5).0.due(), Some((Timestamp::from_micros(6), Expire)));
        let ticket = until(-1).when(Expire).then([updated(Status::Expired, None)]);
        assert_eq!(ticket.0.due(), None);
        let _ = until(0).when(Expire).then_nothing();
        let mut taken = until(-1).0;
        taken.evolve(&booked());
        assert_eq!(taken.due(), None);
        let _ = Given(taken).when(Expire).then_nothing();
    }

    fn correct(status: bool, endtime: Option<i64>) -> Command {
        let endtime = endtime.map(|at| DateOrTime::Moment(Timestamp::from_micros(at)));
        let status = status.then_some(Availability::Available);
        Maintain(Maintenance::Correct(Correction { status, starttime: None, endtime }))
    }
    fn corrected(status: Option<Status>, endtime: Option<i64>) -> Event {
        let endtime = endtime.map(Timestamp::from_micros);
        TicketCorrected(CorrectedTicket { ticket_id: TICKET, status, starttime: None, endtime })
    }

    #[test]
    fn what_was_reserved_by_hand_or_has_a_later_end_can_be_had_again() {
        let at = Timestamp::from_micros(5);
        let by_hand =
            Registered { ticket_id: TICKET, status: Status::Booked, starttime: at, endtime: at };
        let ticket = given::<Ticket>([by_hand])
            .when(correct(true, None))
            .then([corrected(Some(Status::Available), None)]);
        let _ = ticket.when(correct(true, None)).then_nothing();
        let expired = || Given(until(-1).when(Expire).then([updated(Status::Expired, None)]).0);
        expired().when(correct(true, None)).refused(Kind::Conflict, "ticket-expired");
        expired().when(correct(true, Some(-2))).refused(Kind::Conflict, "ticket-expired");
        let later = expired().when(correct(false, Some(3))).then([corrected(None, Some(3))]);
        assert_eq!((later.0.status, later.0.due()), (Some(Status::Expired), None));
        let again = later.when(correct(true, None));
        let again = again.then([corrected(Some(Status::Available), None)]);
        assert_eq!(again.0.due(), Some((Timestamp::from_micros(4), Expire)));
        let _ = expired()
            .when(correct(true, Some(3)))
            .then([corrected(Some(Status::Available), Some(3))])
            .when(Book { reservation: RESERVATION })
            .then([booked()]);
    }

    #[test]
    fn its_times_are_corrected_while_no_reservation_has_it() {
        until(0).when(correct(false, Some(-20))).refused(Kind::Invalid, "ends-before-start");
        let past = until(5).when(correct(false, Some(-1))).then([corrected(None, Some(-1))]);
        let _ = past.when(Expire).then([updated(Status::Expired, None)]);
        let held = until(0).when(Book { reservation: RESERVATION }).then([booked()]);
        held.when(correct(false, Some(3))).refused(Kind::Conflict, "held");
        given::<Ticket>([]).when(correct(true, None)).refused(Kind::Absent, "not-found");
    }

    #[test]
    fn a_withdrawn_ticket_is_unknown_and_the_reservation_that_has_it_keeps_it() {
        let ticket = until(0)
            .when(Book { reservation: RESERVATION })
            .then([booked()])
            .when(Maintain(Maintenance::Withdraw))
            .then([TicketWithdrawn { ticket_id: TICKET }])
            .when(Book { reservation: RESERVATION })
            .then_nothing()
            .when(Release { reservation: RESERVATION })
            .then([updated(Status::Available, None)]);
        assert_eq!(ticket.0.lifecycle(), Lifecycle::Withdrawn);
        let state = ticket.0.clone();
        ticket.when(Book { reservation: OTHER }).refused(Kind::Conflict, "ticket-unknown");
        let _ = Given(state)
            .when(Maintain(Maintenance::Restore))
            .then([TicketRestored { ticket_id: TICKET }])
            .when(Book { reservation: RESERVATION })
            .then([booked()]);
    }

    #[test]
    fn a_number_is_registered_once_and_a_date_alone_is_a_day_in_seoul() {
        let day = |text: &str| text.parse::<DateOrTime>().unwrap();
        let new = super::Register {
            ticket_id: TICKET,
            status: None,
            starttime: day("2021-07-06"),
            endtime: day("2021-07-06"),
        };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let starttime = at("2021-07-05T15:00:00Z");
        let endtime = at("2021-07-06T15:00:00Z");
        let registered =
            Registered { ticket_id: TICKET, status: Status::Available, starttime, endtime };
        let ticket = given::<Ticket>([]).when(Register(new.clone())).then([registered]);
        ticket.when(Register(new.clone())).refused(Kind::Conflict, "ticket-registered");
        let wrong = super::Register { endtime: day("2021-07-04"), ..new };
        given::<Ticket>([]).when(Register(wrong)).refused(Kind::Invalid, "ends-before-start");
    }
}
