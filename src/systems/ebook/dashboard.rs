//! Dashboard: one row a rent, kept by listening.
//!
//! The events of rent, payment and book come in any interleaving. So the status is the furthest that any of them reports,
//! and the name and fee that the book reports win, whenever they come, over what the customer claimed.

use super::{
    book::{self, Book},
    payment::{self, Payment},
    rent::{self, Ordered, Rent},
};
use crate::domain::prelude::*;

/// What became of a rent, of its payment and of its book.
#[entity(
    context = "ebook.dashboard", collection = "dashboards", title = "Dashboard", port = 8084, order,
    supporting, index(status, user_id = self.ordered(|order| order.user_id),
    book_id = self.ordered(|order| order.book_id))
)]
pub struct Row {
    /// The order, once it is established: earlier facts wait for it.
    #[exists]
    #[shown(
        user_id: u64 = self.ordered(|order| order.user_id).unwrap_or_default(),
        book_id: Id<Book> = self.ordered(|order| order.book_id).unwrap_or_default()
    )]
    order: Option<Ordered>,
    /// What the book is called; what the customer calls it until the book has held the request.
    #[shown(book_name: Option<String> = self.book_name.clone()
        .or_else(|| self.ordered(|order| order.book_name.clone()).flatten()))]
    book_name: Option<String>,
    /// What the book costs, in won; what the customer says until the book has held the request.
    #[shown(rental_fee: Option<u64> = self.rental_fee
        .or_else(|| self.ordered(|order| order.rental_fee).flatten()))]
    rental_fee: Option<u64>,
    /// How far it has come.
    status: Status,
    /// When the rent began: when it was approved.
    rented_date: Option<Timestamp>,
    paid_date: Option<Timestamp>,
    /// When the book was approved.
    approved_date: Option<Timestamp>,
    returned_date: Option<Timestamp>,
    canceled_date: Option<Timestamp>,
}

/// How far it has come, in this order.
#[status(rename_all = "SCREAMING_SNAKE_CASE", ordered)]
pub enum Status {
    New,
    Rented,
    Paid,
    Approved,
    Returned,
    Refunded,
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
        folds.on::<Rent>(
            |event| match event {
                rent::Event::Rented(order) => Some(order.rent_id.get()),
                rent::Event::RentApproved { rent_id, .. }
                | rent::Event::Returned { rent_id, .. }
                | rent::Event::Canceled { rent_id, .. } => Some(rent_id.get()),
                rent::Event::RentRequested(_) | rent::Event::RentFailed { .. } => None,
            },
            |row, event| match event {
                rent::Event::Rented(order) => {
                    row.order = Some(order.clone());
                    row.reach(Status::Rented);
                }
                rent::Event::RentApproved { rented_date, .. } => {
                    row.rented_date = Some(*rented_date);
                    row.reach(Status::Approved);
                }
                rent::Event::Returned { returned_date, .. } => {
                    row.returned_date = Some(*returned_date);
                    row.reach(Status::Returned);
                }
                rent::Event::Canceled { canceled_date, .. } => {
                    row.canceled_date = Some(*canceled_date);
                    row.reach(Status::Canceled);
                }
                rent::Event::RentRequested(_) | rent::Event::RentFailed { .. } => {}
            },
        );
        folds.on::<Payment>(
            |event| match event {
                payment::Event::Paid { rent_id, .. } | payment::Event::Refunded { rent_id, .. } => {
                    Some(rent_id.get())
                }
                _ => None,
            },
            |row, event| match event {
                payment::Event::Paid { paid_date, .. } => {
                    row.paid_date = Some(*paid_date);
                    row.reach(Status::Paid);
                }
                payment::Event::Refunded { .. } => row.reach(Status::Refunded),
                _ => {}
            },
        );
        folds.on::<Book>(
            |event| match event {
                book::Event::RequestHeld { rent_id, .. }
                | book::Event::Approved { rent_id, .. } => Some(rent_id.get()),
                _ => None,
            },
            |row, event| match event {
                book::Event::RequestHeld { book_name, rental_fee, .. } => {
                    row.book_name = Some(book_name.clone());
                    row.rental_fee = Some(*rental_fee);
                }
                book::Event::Approved { approved_date, .. } => {
                    row.approved_date = Some(*approved_date);
                    row.reach(Status::Approved);
                }
                _ => {}
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::any::Any;

    const RENT: Id<Rent> = Id::new(7);
    const BOOK: Id<Book> = Id::new(1);

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    /// What each source says, in its order; the three interleave.
    #[derive(Clone, Copy)]
    struct Told<'a>(&'a [rent::Event], &'a [payment::Event], &'a [book::Event]);

    struct Fold<'a> {
        row: &'a mut Row,
        event: &'a dyn Any,
    }
    impl Folds<Row> for Fold<'_> {
        fn on<S: Aggregate>(
            &mut self,
            row: fn(&S::Event) -> Option<u64>,
            fold: fn(&mut Row, &S::Event),
        ) {
            if let Some(event) = self.event.downcast_ref::<S::Event>()
                && let Some(number) = row(event)
            {
                assert_eq!(number, RENT.get(), "the row of the rent, not of the book");
                fold(self.row, event);
            }
        }
    }

    fn folded(row: &Row, event: &dyn Any) -> Row {
        let mut row = row.clone();
        Row::folds(&mut Fold { row: &mut row, event });
        row
    }

    /// The rows that all interleavings lead to.
    fn outcomes(row: &Row, told: Told<'_>, into: &mut Vec<Row>) {
        let Told(rents, payments, books) = told;
        if let Some((first, rest)) = rents.split_first() {
            outcomes(&folded(row, first), Told(rest, payments, books), into);
        }
        if let Some((first, rest)) = payments.split_first() {
            outcomes(&folded(row, first), Told(rents, rest, books), into);
        }
        if let Some((first, rest)) = books.split_first() {
            outcomes(&folded(row, first), Told(rents, payments, rest), into);
        }
        if rents.is_empty() && payments.is_empty() && books.is_empty() && !into.contains(row) {
            into.push(row.clone());
        }
    }

    fn the_row(told: Told<'_>) -> Row {
        let mut rows = Vec::new();
        outcomes(&Row::default(), told, &mut rows);
        assert_eq!(rows.len(), 1, "{rows:#?}");
        rows.remove(0)
    }

    fn order(rental_fee: Option<u64>) -> Ordered {
        Ordered {
            rent_id: RENT,
            user_id: 9,
            book_id: BOOK,
            book_name: Some("Hallo, JAVA".into()),
            rental_fee,
        }
    }
    fn paid(rental_fee: Option<u64>) -> payment::Event {
        payment::Event::Paid {
            rent_id: RENT,
            user_id: 9,
            book_id: BOOK,
            rental_fee,
            paid_date: at(1),
        }
    }

    #[test]
    fn a_returned_rent_has_the_same_row_in_any_order_of_events() {
        let rent_id = RENT;
        let user_id = 9;
        let book_id = BOOK;
        let rents = [
            rent::Event::RentRequested(order(None)),
            rent::Event::Rented(order(None)),
            rent::Event::RentApproved { rent_id, user_id, book_id, rented_date: at(2) },
            rent::Event::Returned { rent_id, user_id, book_id, returned_date: at(3) },
        ];
        let payments = [paid(None), payment::Event::PaymentFixed { rent_id, rental_fee: 3000 }];
        let books = [
            book::Event::RequestHeld {
                rent_id,
                book_id,
                user_id,
                book_name: "Hello, JAVA".into(),
                rental_fee: 3000,
            },
            book::Event::Approved { rent_id, book_id, user_id, approved_date: at(2) },
            book::Event::BookFreed { rent_id, book_id },
        ];
        let shown = the_row(Told(&rents, &payments, &books)).represent(RENT.of());
        assert_eq!((shown.user_id, shown.book_id, shown.status), (9, BOOK, Status::Returned));
        assert_eq!(
            (shown.book_name.as_deref(), shown.rental_fee),
            (Some("Hello, JAVA"), Some(3000))
        );
        let dates = [
            shown.paid_date,
            shown.approved_date,
            shown.rented_date,
            shown.returned_date,
            shown.canceled_date,
        ];
        assert_eq!(dates, [Some(at(1)), Some(at(2)), Some(at(2)), Some(at(3)), None]);
    }

    #[test]
    fn a_rejected_rent_has_the_same_row_in_any_order_of_events() {
        let rent_id = RENT;
        let user_id = 9;
        let book_id = BOOK;
        let rental_fee = Some(2999);
        let rents = [
            rent::Event::Rented(order(rental_fee)),
            rent::Event::Canceled { rent_id, user_id, book_id, canceled_date: at(4) },
        ];
        let refunded = payment::Event::Refunded {
            rent_id,
            user_id,
            book_id,
            rental_fee,
            refunded_date: at(3),
        };
        let books =
            [book::Event::Rejected { rent_id, book_id, user_id, reason: "fee-differs".into() }];
        let shown =
            the_row(Told(&rents, &[paid(rental_fee), refunded], &books)).represent(RENT.of());
        assert_eq!((shown.status, shown.canceled_date), (Status::Canceled, Some(at(4))));
        assert_eq!(
            (shown.book_name.as_deref(), shown.rental_fee),
            (Some("Hallo, JAVA"), rental_fee)
        );
    }

    #[test]
    fn what_was_paid_without_a_rent_has_no_row_to_see() {
        let rent_id = RENT;
        let user_id = 9;
        let book_id = BOOK;
        let rents = [
            rent::Event::RentRequested(order(None)),
            rent::Event::RentFailed { rent_id, user_id, book_id, reason: "no-answer".into() },
        ];
        let refunded = payment::Event::Refunded {
            rent_id,
            user_id,
            book_id,
            rental_fee: None,
            refunded_date: at(3),
        };
        let row = the_row(Told(&rents, &[paid(None), refunded], &[]));
        assert_eq!(row.lifecycle(), Lifecycle::Absent);
    }
}
