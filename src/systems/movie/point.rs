//! Point: what the booking with the same number earns when its ticket is printed.
//!
//! The ticket's question, its `Created`, its undo and the booking's `Canceled` come in any order.

use super::{
    book::{self, Book},
    ticket::{self, Ticket},
};
use crate::domain::prelude::*;

/// What a printed ticket earns.
pub(super) const GRANTED: u64 = 100;

/// The points of the booking with the same number.
#[entity(
    context = "movie.point", reads = owner, collection = "points", korean = "포인트", title = "MoviePoint",
    port = 8085, supporting,
    id(booking_id: Id<Book>), index(status), debit(points = self.score)
)]
pub struct Point {
    /// How many.
    score: u64,
    /// What they are for: the movie.
    contents: Option<String>,
    status: Status,
    /// The ticket's attempt that they were granted to.
    #[hidden]
    granted_to: Option<u32>,
}

/// What has become of the points.
#[status]
pub enum Status {
    #[absent]
    New,
    #[name = "Waiting Point"]
    Waiting,
    Pointed,
    Canceled,
}

#[command]
pub enum Command {
    /// There is a ticket.
    Wait { contents: Option<String> },
    /// May the ticket be printed? A yes has granted the points.
    Grant { attempt: u32, contents: Option<String> },
    /// The ticket gave up asking.
    #[undo(of = ticket, attempt = attempt)]
    Revoke { ticket: Id<Ticket>, attempt: u32 },
    /// The booking was canceled.
    Cancel,
}

#[event]
pub enum Event {
    /// They wait for the print.
    WaitedPoint { booking_id: Id<Book>, score: u64, contents: Option<String> },
    /// They are granted.
    WrittenPoint { booking_id: Id<Book>, score: u64, contents: Option<String>, attempt: u32 },
    /// The attempt that they were granted to gave up: they wait again.
    PointRevoked { booking_id: Id<Book>, score: u64, attempt: u32 },
    /// The booking was canceled, and they are taken back.
    PointCanceled { booking_id: Id<Book>, score: u64 },
    /// The booking was canceled before anything else was heard: there will never be points.
    PointWithheld { booking_id: Id<Book>, score: u64 },
}

impl Aggregate for Point {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let booking_id = this.id.of();
        let written =
            |attempt, contents| WrittenPoint { booking_id, score: GRANTED, contents, attempt };
        let revoked = |attempt| PointRevoked { booking_id, score: 0, attempt };
        match (self.status, command) {
            (New, Wait { contents }) => emit(WaitedPoint { booking_id, score: 0, contents }),
            (New | Waiting, Grant { attempt, contents }) => emit(written(attempt, contents)),
            (Pointed, Grant { attempt, contents }) => match self.granted_to {
                Some(earlier) if earlier == attempt => ignore(),
                // The ticket asks anew, so it has given the earlier attempt up; its undo is on its way.
                Some(earlier) if earlier < attempt => {
                    Ok(vec![revoked(earlier), written(attempt, contents)])
                }
                _ => Err(Refusal::conflict(
                    "points-granted",
                    "a later attempt has them",
                    "이미 적립된 포인트입니다",
                )),
            },
            (Canceled, Grant { .. }) => Err(Refusal::conflict(
                "booking-canceled",
                "the booking is canceled",
                "취소된 예매입니다",
            )),
            (Pointed, Revoke { attempt, .. }) if self.granted_to == Some(attempt) => {
                emit(revoked(attempt))
            }
            (New, Cancel) => emit(PointWithheld { booking_id, score: 0 }),
            (Waiting | Pointed, Cancel) => emit(PointCanceled { booking_id, score: 0 }),
            (Canceled, Cancel) | (_, Wait { .. } | Revoke { .. }) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        let (score, status, granted_to) = match event.clone() {
            Event::WaitedPoint { score, contents, .. } => {
                self.contents = contents;
                (score, Status::Waiting, None)
            }
            Event::WrittenPoint { score, contents, attempt, .. } => {
                self.contents = contents;
                (score, Status::Pointed, Some(attempt))
            }
            Event::PointRevoked { score, .. } => (score, Status::Waiting, None),
            Event::PointCanceled { score, .. } | Event::PointWithheld { score, .. } => {
                (score, Status::Canceled, None)
            }
        };
        self.score = score;
        self.status = status;
        self.granted_to = granted_to;
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Ticket>(|event| match event.clone() {
            ticket::Event::Created(ticket) => {
                Some((ticket.booking_id.of(), Command::Wait { contents: ticket.movie_name }))
            }
            ticket::Event::TicketPrintFailed { booking_id, attempt, .. } => {
                Some((booking_id.of(), Command::Revoke { ticket: booking_id.of(), attempt }))
            }
            _ => None,
        });
        policies.on::<Book>(|event| match event {
            book::Event::Canceled { booking_id } => Some((booking_id.of(), Command::Cancel)),
            _ => None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::{Given, given};

    const BOOKING: Id<Book> = Id::new(1);

    fn contents() -> Option<String> {
        Some("soul".into())
    }
    fn waited() -> Event {
        WaitedPoint { booking_id: BOOKING, score: 0, contents: contents() }
    }
    fn written(attempt: u32) -> Event {
        WrittenPoint { booking_id: BOOKING, score: 100, contents: contents(), attempt }
    }
    fn revoked(attempt: u32) -> Event {
        PointRevoked { booking_id: BOOKING, score: 0, attempt }
    }
    fn grant(attempt: u32) -> Command {
        Grant { attempt, contents: contents() }
    }
    fn revoke(attempt: u32) -> Command {
        Revoke { ticket: Id::new(1), attempt }
    }
    fn is(point: &Given<Point>) -> (Status, u64) {
        (point.0.status, point.0.score)
    }

    #[test]
    fn they_wait_for_the_print_and_are_granted_once() {
        let point = given::<Point>([]).when(Wait { contents: contents() }).then([waited()]);
        assert_eq!(is(&point), (Status::Waiting, 0));
        let point = point.when(grant(1)).then([written(1)]).when(grant(1)).then_nothing();
        let point = point.when(Wait { contents: None }).then_nothing();
        assert_eq!((is(&point), point.0.contents), ((Status::Pointed, 100), contents()));
    }

    #[test]
    fn the_ask_may_come_before_the_event_of_the_ticket() {
        let point = given::<Point>([]).when(grant(1)).then([written(1)]);
        let _ = point.when(Wait { contents: contents() }).then_nothing();
    }

    #[test]
    fn a_ticket_that_gave_up_loses_them_and_only_what_that_attempt_got() {
        let point = given::<Point>([waited(), written(1)]).when(revoke(1)).then([revoked(1)]);
        assert_eq!(is(&point), (Status::Waiting, 0));
        let point = point.when(revoke(1)).then_nothing().when(grant(2)).then([written(2)]);
        let point = point.when(revoke(1)).then_nothing();
        assert_eq!(is(&point), (Status::Pointed, 100));
        point.when(grant(1)).refused(Kind::Conflict, "points-granted");
    }

    #[test]
    fn an_attempt_that_overtakes_the_undo_of_the_one_before_has_its_own_points() {
        let point =
            given::<Point>([waited(), written(1)]).when(grant(2)).then([revoked(1), written(2)]);
        let point = point.when(revoke(1)).then_nothing();
        assert_eq!(is(&point), (Status::Pointed, 100));
    }

    #[test]
    fn a_canceled_booking_has_none_after_any_later_event() {
        let withheld = PointWithheld { booking_id: BOOKING, score: 0 };
        let canceled = PointCanceled { booking_id: BOOKING, score: 0 };
        for (past, event) in
            [(vec![], withheld), (vec![waited()], canceled.clone()), (vec![written(1)], canceled)]
        {
            let point = given::<Point>(past).when(Cancel).then([event]).when(Cancel).then_nothing();
            let point = point
                .when(Wait { contents: contents() })
                .then_nothing()
                .when(revoke(1))
                .then_nothing();
            assert_eq!(is(&point), (Status::Canceled, 0));
            point.when(grant(2)).refused(Kind::Conflict, "booking-canceled");
        }
    }

    #[test]
    fn nothing_is_revoked_where_nothing_was_granted_but_the_question_is_taken_back() {
        let point = given::<Point>([]).when(revoke(1)).then_nothing();
        assert_eq!(point.0.lifecycle(), Lifecycle::Absent);
        assert_eq!(revoke(3).compensates(), Some(AskId::of(Id::<Ticket>::new(1), 3)));
        assert_eq!(Cancel.compensates(), None);
    }
}
