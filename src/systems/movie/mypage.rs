//! Mypage: one row a booking, kept by listening.
//!
//! The events of book, payment, ticket and point come in any interleaving. So the status is the furthest that any of them
//! reports; what comes before the booking is established waits for it.

use super::{
    book::{self, Book},
    order::Ordered,
    payment::{self, Payment},
    point::{self, Point},
    ticket::{self, Ticket},
};
use crate::domain::prelude::*;

/// What became of a booking, of its ticket and of its points.
#[entity(
    context = "movie.mypage", reads = owner, collection = "mypages", korean = "마이페이지", title = "MovieMypage",
    port = 8083, order,
    supporting, id(booking_id: Id<Book>), index(status)
)]
pub struct Row {
    /// The order, once it is established.
    #[exists]
    #[shown(
        /// For how many.
        qty: u64 = self.ordered(|order| order.qty).unwrap_or_default(),
        movie_name: Option<String> = self.ordered(|order| order.movie_name.clone()).flatten(),
        /// Which seats.
        seat: Option<String> = self.ordered(|order| order.seat.clone()).flatten(),
        /// What they cost together, in won.
        price: Option<u64> = self.ordered(|order| order.total_price).flatten()
    )]
    order: Option<Ordered>,
    /// The points that it has earned.
    score: u64,
    /// How far it has come.
    status: Status,
}

/// How far it has come, in this order.
#[status(ordered)]
pub enum Status {
    New,
    Booked,
    PaidComplete,
    Printed,
    Canceled,
}

impl Row {
    fn ordered<T>(&self, field: impl FnOnce(&Ordered) -> T) -> Option<T> {
        self.order.as_ref().map(field)
    }
    fn reach(&mut self, status: Status) {
        self.status = self.status.max(status);
    }
}

impl View for Row {
    fn folds(folds: &mut impl Folds<Self>) {
        folds.on::<Book>(
            |event| match event {
                book::Event::Booked(order) => Some(order.booking_id.get()),
                book::Event::Canceled { booking_id } => Some(booking_id.get()),
                _ => None,
            },
            |row, event| match event {
                book::Event::Booked(order) => {
                    row.order = Some(order.clone());
                    row.reach(Status::Booked);
                }
                book::Event::Canceled { .. } => row.reach(Status::Canceled),
                _ => {}
            },
        );
        folds.on::<Payment>(
            |event| match event {
                payment::Event::Paid { booking_id, .. } => Some(booking_id.get()),
                _ => None,
            },
            |row, _| row.reach(Status::PaidComplete),
        );
        folds.on::<Ticket>(
            |event| match event {
                ticket::Event::Printed { booking_id } => Some(booking_id.get()),
                _ => None,
            },
            |row, _| row.reach(Status::Printed),
        );
        folds.on::<Point>(
            |event| Some(score_of(event).0),
            |row, event| row.score = score_of(event).1,
        );
    }
}

/// Whose points an event of points is about, and how many they are now.
fn score_of(event: &point::Event) -> (u64, u64) {
    match event {
        point::Event::WaitedPoint { booking_id, score, .. }
        | point::Event::WrittenPoint { booking_id, score, .. }
        | point::Event::PointRevoked { booking_id, score, .. }
        | point::Event::PointCanceled { booking_id, score }
        | point::Event::PointWithheld { booking_id, score } => (booking_id.get(), *score),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::any::Any;

    /// One event, and the row of booking 1.
    struct Telling<'a>(&'a dyn Any, Option<Row>);

    impl Folds<Row> for Telling<'_> {
        fn on<S: Aggregate>(
            &mut self,
            row: fn(&S::Event) -> Option<u64>,
            fold: fn(&mut Row, &S::Event),
        ) {
            if let Some(event) = self.0.downcast_ref::<S::Event>()
                && row(event) == Some(1)
                && let Some(of_booking) = &mut self.1
            {
                fold(of_booking, event);
            }
        }
    }

    fn told(row: Row, event: &dyn Any) -> Row {
        let mut telling = Telling(event, Some(row));
        Row::folds(&mut telling);
        telling.1.unwrap()
    }

    /// Every interleaving of what the sources say, each in its own order.
    fn interleaved(row: &Row, sources: &[&[&dyn Any]], ends: &mut Vec<Row>) {
        let mut quiet = true;
        for (place, source) in sources.iter().enumerate() {
            let Some((next, rest)) = source.split_first() else { continue };
            quiet = false;
            let mut left = sources.to_vec();
            left[place] = rest;
            interleaved(&told(row.clone(), *next), &left, ends);
        }
        if quiet {
            ends.push(row.clone());
        }
    }

    fn in_any_order(sources: &[&[&dyn Any]]) -> RowRepresentation {
        let mut ends = Vec::new();
        interleaved(&Row::default(), sources, &mut ends);
        let first = ends.first().unwrap();
        assert!(ends.iter().all(|end| end == first), "{ends:?}");
        assert_eq!(first.lifecycle(), Lifecycle::Established);
        first.represent(Id::new(1))
    }

    const BOOKING: Id<Book> = Id::new(1);

    fn order() -> Ordered {
        Ordered { booking_id: BOOKING, qty: 2, total_price: Some(10_000), ..Ordered::default() }
    }

    #[test]
    fn a_printed_booking_is_shown_as_printed_in_any_order_of_events() {
        let asked = book::Event::BookRequested(order());
        let booked = book::Event::Booked(order());
        let paid = payment::Event::Paid { booking_id: BOOKING, total_price: Some(10_000) };
        let printed = ticket::Event::Printed { booking_id: BOOKING };
        let waited = point::Event::WaitedPoint { booking_id: BOOKING, score: 0, contents: None };
        let written = point::Event::WrittenPoint {
            booking_id: BOOKING,
            score: 100,
            contents: None,
            attempt: 1,
        };
        let shown =
            in_any_order(&[&[&asked, &booked], &[&paid], &[&printed], &[&waited, &written]]);
        assert_eq!((shown.status, shown.score, shown.price), (Status::Printed, 100, Some(10_000)));
    }

    #[test]
    fn a_canceled_booking_is_shown_as_canceled_in_any_order_of_events() {
        let booked = book::Event::Booked(order());
        let canceled = book::Event::Canceled { booking_id: BOOKING };
        let paid = payment::Event::Paid { booking_id: BOOKING, total_price: Some(10_000) };
        let back = payment::Event::PaymentCanceled { booking_id: BOOKING };
        let written = point::Event::WrittenPoint {
            booking_id: BOOKING,
            score: 100,
            contents: None,
            attempt: 1,
        };
        let lost = point::Event::PointCanceled { booking_id: BOOKING, score: 0 };
        let shown = in_any_order(&[&[&booked, &canceled], &[&paid, &back], &[&written, &lost]]);
        assert_eq!((shown.status, shown.score), (Status::Canceled, 0));
    }

    #[test]
    fn what_was_paid_and_never_booked_has_no_row() {
        let paid = payment::Event::Paid { booking_id: BOOKING, total_price: None };
        assert_eq!(told(Row::default(), &paid).lifecycle(), Lifecycle::Absent);
    }
}
