//! Reservation (예약): a user takes a ticket, which is checked and given in the same breath.

use super::ticket::{self, Ticket};
use crate::domain::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// A reservation asks for its ticket once; after a no, the customer makes another one.
pub const ONLY_ATTEMPT: u32 = 1;
const UNANSWERED: &str = "no-answer";

/// One reservation of one ticket.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reservation {
    ticket_id: Id<Ticket>,
    user_id: Option<String>,
    user_grade: Option<String>,
    updated_date: Timestamp,
    status: Status,
    /// Why it was never established.
    reason: String,
}

/// How far the reservation has come.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AsRefStr,
)]
#[schemars(rename = "ReservationStatus")]
#[allow(missing_docs)]
pub enum Status {
    #[default]
    New,
    Requested,
    Failed,
    #[serde(rename = "RESERVED")]
    #[strum(serialize = "RESERVED")]
    Reserved,
    #[serde(rename = "CANCELLED")]
    #[strum(serialize = "CANCELLED")]
    Cancelled,
}

/// A reservation as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Reservation")]
#[allow(missing_docs)]
pub struct Shown {
    pub reservation_id: Id<Reservation>,
    pub ticket_id: Id<Ticket>,
    pub user_id: Option<String>,
    /// What kind of customer that is: `VIP`, `Silver`.
    pub user_grade: Option<String>,
    /// How far the reservation has come.
    pub status: Status,
    /// When that was.
    pub updated_date: Timestamp,
}

/// What may be asked of a reservation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Command {
    Request(Request),
    /// The ticket has answered, or nobody has.
    Settle(Result<(), NoAnswer>),
    Cancel,
}

/// Whose reservation of what it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ToldReservation")]
#[allow(missing_docs)]
pub struct Told {
    pub reservation_id: Id<Reservation>,
    pub ticket_id: Id<Ticket>,
    pub user_id: Option<String>,
    pub user_grade: Option<String>,
    pub updated_date: Timestamp,
}

/// What a reservation may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[allow(missing_docs)]
pub enum Event {
    ReservationRequested(Told),
    Reserved(Told),
    ReservationFailed { reservation_id: Id<Reservation>, ticket_id: Id<Ticket>, reason: String },
    Cancelled(Told),
}

impl Entity for Reservation {
    const NAME: Name = Name {
        system: "ticketing",
        context: "ticketing.reservation",
        collection: "reservations",
        item: "reservation",
    };
    const IS_ORDER: bool = true;
    const PORT: Option<u16> = Some(8081);
    type Representation = Shown;

    fn represent(&self, id: Id<Self>) -> Shown {
        let Reservation { ticket_id, user_id, user_grade, updated_date, status, .. } = self.clone();
        Shown { reservation_id: id, ticket_id, user_id, user_grade, status, updated_date }
    }
    fn lifecycle(&self) -> Lifecycle {
        match self.status {
            Status::New => Lifecycle::Absent,
            Status::Requested => Lifecycle::Open,
            Status::Failed if self.reason == UNANSWERED => Lifecycle::Ended(Refusal::retry_later()),
            Status::Failed => Lifecycle::Ended(ticket::no(&self.reason)),
            Status::Reserved | Status::Cancelled => Lifecycle::Established,
        }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        let user = self.user_id.as_deref().into();
        vec![
            ("status", self.status.as_ref().into()),
            ("userId", user),
            ("ticketId", self.ticket_id.into()),
        ]
    }
    fn id_aliases() -> &'static [&'static str] {
        &["reservationId"]
    }
}

/// The view keeps whoever has a ticket beside whoever had it last, so both must find room in its row.
const LONGEST_USER: usize = 1024;

impl Request {
    fn is_too_long(&self) -> bool {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        length(&self.user_id) + length(&self.user_grade) > LONGEST_USER
    }
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
        let (reservation_id, ticket_id) = (this.id, self.ticket_id);
        match (self.status, command) {
            (S::New, Request(wanted)) if wanted.is_too_long() => {
                let en =
                    format!("a user and their grade have at most {LONGEST_USER} bytes together");
                let ko = format!("사용자와 등급은 합쳐서 최대 {LONGEST_USER}바이트입니다");
                Err(Refusal::invalid("user-too-long", en, ko))
            }
            (S::New, Request(self::Request { ticket_id, user_id, user_grade })) => {
                emit(ReservationRequested(Told {
                    reservation_id,
                    ticket_id,
                    user_id,
                    user_grade,
                    updated_date: this.at,
                }))
            }
            (S::Requested, Settle(Ok(()))) => emit(Reserved(self.told(this))),
            (S::Requested, Settle(Err(no))) => {
                emit(ReservationFailed { reservation_id, ticket_id, reason: no.code().into() })
            }
            (S::Reserved, Cancel) => emit(Cancelled(self.told(this))),
            (S::Cancelled, Cancel) | (_, Request(_) | Settle(_)) => ignore(),
            (S::New | S::Failed, Cancel) => Err(Refusal::absent("reservation")),
            (S::Requested, Cancel) => Err(Refusal::still_open()),
        }
    }

    fn evolve(&mut self, event: &Event) {
        let (status, told) = match event {
            Event::ReservationRequested(told) => (Status::Requested, told),
            Event::Reserved(told) => (Status::Reserved, told),
            Event::Cancelled(told) => (Status::Cancelled, told),
            Event::ReservationFailed { reason, .. } => {
                (self.status, self.reason) = (Status::Failed, reason.clone());
                return;
            }
        };
        let Told { ticket_id, user_id, user_grade, updated_date, .. } = told.clone();
        *self = Reservation {
            ticket_id,
            user_id,
            user_grade,
            updated_date,
            status,
            reason: String::new(),
        };
    }

    fn awaits(&self, reservation: Id<Self>) -> Option<Ask<Self>> {
        (self.status == Status::Requested).then(|| {
            ask(
                self.ticket_id,
                ticket::Command::Book { reservation },
                ONLY_ATTEMPT,
                Command::Settle,
            )
        })
    }

    fn routes(doors: &mut impl Routes<Self>) {
        doors.post(Role::Customer, |request: Request| (Target::New, Command::Request(request)));
        doors.patch(Role::Customer, |_: Change<Ended>| Command::Cancel);
    }
}

/// `POST /reservations`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RequestReservation")]
#[allow(missing_docs)]
pub struct Request {
    pub ticket_id: Id<Ticket>,
    pub user_id: Option<String>,
    pub user_grade: Option<String>,
}

/// `PATCH /reservations/{id}`: the status that a client may ask for.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "EndedReservation")]
pub enum Ended {
    /// The ticket goes back.
    #[serde(rename = "CANCELLED")]
    Cancelled,
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::given;

    #[test]
    fn who_reserves_is_told_by_a_name_and_not_by_a_book() {
        let request = |user: usize, grade: usize| {
            let (user_id, user_grade) = (Some("u".repeat(user)), Some("g".repeat(grade)));
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
        let (user_id, user_grade) = (Some("B".into()), Some("VIP".into()));
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
    fn a_no_and_no_answer_establish_nothing_and_say_why() {
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
