//! Reservation (예약): a user takes a ticket, which is checked and given in one step.

pub use super::order::{Ended, Request, Told};
use super::{
    holders::LONGEST_USER,
    ticket::{self, Ticket},
};
use crate::domain::prelude::*;

/// One reservation of one ticket.
#[entity(
    context = "ticketing.reservation", reads = owner, collection = "reservations", korean = "예약", port = 8081,
    order, personal(user_id),
    id(reservation_id: Id<Reservation>), index(status, user_id, ticket_id), owner = self.user_id.clone(),
    holds = (self.status == Status::Reserved).then_some(self.ticket_id)
)]
pub struct Reservation {
    ticket_id: Id<Ticket>,
    user_id: Option<String>,
    /// What kind of customer that is: `VIP`, `Silver`.
    user_grade: Option<String>,
    #[shown(
        /// How far the reservation has come.
        status: Status = self.status,
        /// When that was.
        updated_date: Timestamp = self.updated_date
    )]
    updated_date: Timestamp,
    #[hidden]
    status: Status,
    /// Why it was never established.
    #[ends(by = ticket::no)]
    reason: String,
}

/// How far the reservation has come.
#[status(title = "ReservationStatus")]
pub enum Status {
    #[absent]
    New,
    #[open]
    Requested,
    #[ended(Refusal::retry_later())]
    Failed,
    #[name = "RESERVED"]
    Reserved,
    #[canceled]
    #[name = "CANCELLED"]
    Cancelled,
}

#[command]
pub enum Command {
    Request(Request),
    /// The answer of the ticket, or that none came in time.
    Settle(Result<(), NoAnswer>),
    Cancel,
}

#[event]
pub enum Event {
    ReservationRequested(Told),
    Reserved(Told),
    ReservationFailed { reservation_id: Id<Reservation>, ticket_id: Id<Ticket>, reason: String },
    Cancelled(Told),
}

impl Reservation {
    fn told(&self, this: &DecisionContext<'_, Self>) -> Told {
        let Reservation { ticket_id, user_id, user_grade, .. } = self.clone();
        Told { reservation_id: this.id, ticket_id, user_id, user_grade, updated_date: this.at }
    }
}

impl Aggregate for Reservation {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Request", &[Ticket::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status as S};
        let reservation_id = this.id;
        let ticket_id = self.ticket_id;
        match (self.status, command) {
            (S::New, Request(wanted)) if wanted.is_too_long() => {
                let en =
                    format!("a user and their grade have at most {LONGEST_USER} bytes together");
                let ko = format!("사용자와 등급은 합쳐서 최대 {LONGEST_USER}바이트입니다");
                Err(Refusal::invalid("user-too-long", en, ko))
            }
            (S::New, Request(self::Request { ticket_id, user_id, user_grade })) => {
                let updated_date = this.at;
                let told = Told { reservation_id, ticket_id, user_id, user_grade, updated_date };
                emit(ReservationRequested(told))
            }
            (S::Requested, Settle(Ok(()))) => emit(Reserved(self.told(this))),
            (S::Requested, Settle(Err(no))) => {
                emit(ReservationFailed { reservation_id, ticket_id, reason: no.code().into() })
            }
            (S::Reserved, Cancel) => emit(Cancelled(self.told(this))),
            (S::Cancelled, Cancel) | (_, Request(_) | Settle(_)) => ignore(),
            (S::New | S::Requested | S::Failed, Cancel) => Err(self.not_established()),
        }
    }

    fn evolve(&mut self, event: &Event) {
        let (status, told) = match event.clone() {
            Event::ReservationRequested(told) => (Status::Requested, told),
            Event::Reserved(told) => (Status::Reserved, told),
            Event::Cancelled(told) => (Status::Cancelled, told),
            Event::ReservationFailed { reason, .. } => {
                self.status = Status::Failed;
                self.reason = reason;
                return;
            }
        };
        let Told { ticket_id, user_id, user_grade, updated_date, .. } = told;
        let reason = String::new();
        *self = Self { ticket_id, user_id, user_grade, updated_date, status, reason };
    }

    fn awaits(&self, reservation: Id<Self>) -> Option<Ask<Self>> {
        (self.status == Status::Requested).then(|| {
            ask(self.ticket_id, ticket::Command::Book { reservation }, Command::Settle)
                .undone_by(ticket::Command::release(reservation))
        })
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Customer, |request: Request| (Target::New, Command::Request(request)));
        routes.patch(Role::Customer, |Change { status: Ended::Cancelled }| Command::Cancel);
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::given;

    #[test]
    fn the_reserver_is_a_name_and_not_a_book() {
        let request = |user: usize, grade: usize| {
            let user_id = Some("u".repeat(user));
            let user_grade = Some("g".repeat(grade));
            Request(super::Request { ticket_id: TICKET, user_id, user_grade })
        };
        given::<Reservation>([]).when(request(1_000, 25)).refused(Kind::Invalid, "user-too-long");
        let settled = given::<Reservation>([]).0.decide(
            request(1_000, 24),
            &DecisionContext { id: RESERVATION, at: Timestamp::default(), settings: &() },
        );
        assert!(settled.is_ok());
    }

    const RESERVATION: Id<Reservation> = Id::new(1);
    const TICKET: Id<Ticket> = Id::new(3);

    fn told() -> Told {
        let user_id = Some("B".into());
        let user_grade = Some("VIP".into());
        let updated_date = Timestamp::default();
        Told { reservation_id: RESERVATION, ticket_id: TICKET, user_id, user_grade, updated_date }
    }

    #[test]
    fn a_request_asks_the_ticket_and_its_yes_reserves_it() {
        let Told { ticket_id, user_id, user_grade, .. } = told();
        given::<Reservation>([])
            .when(Request(super::Request { ticket_id, user_id, user_grade }))
            .then([ReservationRequested(told())])
            .awaits("ticketing.ticket-3 <- Book { reservation: #1 }")
            .when(Settle(Ok(())))
            .then([Reserved(told())])
            .awaits_nothing();
    }

    #[test]
    fn a_refusal_and_no_answer_establish_nothing_and_record_the_reason() {
        let failed = |no: NoAnswer| {
            let reason = no.code().to_owned();
            let event =
                ReservationFailed { reservation_id: RESERVATION, ticket_id: TICKET, reason };
            given::<Reservation>([ReservationRequested(told())])
                .when(Settle(Err(no)))
                .then([event])
                .0
                .lifecycle()
        };
        for code in ["ticket-taken", "ticket-expired", "ticket-unknown"] {
            assert_eq!(
                failed(NoAnswer::Refused(ticket::no(code))),
                Lifecycle::Ended(ticket::no(code))
            );
        }
        assert_eq!(failed(NoAnswer::Unavailable), Lifecycle::Ended(Refusal::retry_later()));
    }

    #[test]
    fn a_repeated_cancel_is_no_second_event() {
        let reserved = given::<Reservation>([ReservationRequested(told()), Reserved(told())]);
        let _ = reserved.when(Cancel).then([Cancelled(told())]).when(Cancel).then_nothing();
        given::<Reservation>([ReservationRequested(told())])
            .when(Cancel)
            .refused(Kind::Conflict, "still-open");
        given::<Reservation>([]).when(Cancel).refused(Kind::Absent, "not-found");
    }
}
