//! Dashboard: one row a rent, kept by listening.
//!
//! The events of rent, payment and book come in any interleaving. So the status is the furthest that any of them reports,
//! and the name that the book reports and the fee that the payment fixes win, whenever they come, over what the customer claimed.

use super::{
    book::{self, Book},
    order::{Held, Refund},
    payment::{self, Payment},
    rent::{self, Rent},
};
use crate::domain::prelude::*;

mod version_1;

/// What became of a rent, of its payment and of its book.
#[entity(
    context = "ebook.dashboard", reads = owner, personal(user_id),
    collection = "dashboards",
    korean = "대여 현황",
    title = "Dashboard",
    port = 8084,
    order,
    supporting,
    index(status, user_id, book_id),
    owner = self.user_id,
    old_versions(version_1::Row)
)]
pub struct Row {
    /// It is shown once the rent is established; earlier events are kept.
    #[exists]
    #[hidden]
    is_rented: bool,
    user_id: u64,
    book_id: Id<Book>,
    /// What the book is called; what the customer calls it until the book has held the request.
    book_name: Option<String>,
    /// What is charged, in won; where the customer named no fee, open until it is fixed.
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
    /// Why it was canceled.
    reason: Option<String>,
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
                _ => None,
            },
            |row, event| match event {
                rent::Event::Rented(order) => {
                    row.is_rented = true;
                    row.user_id = order.user_id;
                    row.book_id = order.book_id;
                    row.book_name = row.book_name.take().or_else(|| order.book_name.clone());
                    row.rental_fee = row.rental_fee.or(order.rental_fee);
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
                rent::Event::Canceled { canceled_date, reason, .. } => {
                    row.canceled_date = Some(*canceled_date);
                    row.reason.clone_from(reason);
                    row.reach(Status::Canceled);
                }
                _ => {}
            },
        );
        folds.on::<Payment>(
            |event| match event {
                payment::Event::Paid { rent_id, .. }
                | payment::Event::PaymentFixed { rent_id, .. }
                | payment::Event::Refunded(Refund { rent_id, .. }) => Some(rent_id.get()),
                _ => None,
            },
            |row, event| match event {
                payment::Event::Paid { paid_date, .. } => {
                    row.paid_date = Some(*paid_date);
                    row.reach(Status::Paid);
                }
                payment::Event::PaymentFixed { rental_fee, .. } => {
                    row.rental_fee = Some(*rental_fee);
                }
                payment::Event::Refunded(_) => row.reach(Status::Refunded),
                _ => {}
            },
        );
        folds.on::<Book>(
            |event| match event {
                book::Event::RequestHeld(Held { rent_id, .. })
                | book::Event::Approved { rent_id, .. } => Some(rent_id.get()),
                _ => None,
            },
            |row, event| match event {
                book::Event::RequestHeld(held) => row.book_name = Some(held.book_name.clone()),
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
    use super::{rent::Ordered, *};
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
            phone: None,
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
            rent::Event::RentApproved {
                rent_id,
                user_id,
                book_id,
                rented_date: at(2),
                phone: None,
            },
            rent::Event::Returned { rent_id, user_id, book_id, returned_date: at(3), phone: None },
        ];
        let payments = [
            paid(None),
            payment::Event::PaymentFixed { rent_id, rental_fee: 3000, book_id: Some(BOOK) },
        ];
        let books = [
            book::Event::RequestHeld(Held {
                rent_id,
                book_id,
                user_id,
                book_name: "Hello, JAVA".into(),
                rental_fee: 3000,
                is_open: true,
            }),
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
        let reason = Some("fee-differs".to_owned());
        let rent_id = RENT;
        let user_id = 9;
        let book_id = BOOK;
        let rental_fee = Some(2999);
        let canceled = rent::Event::Canceled {
            rent_id,
            user_id,
            book_id,
            canceled_date: at(4),
            reason: reason.clone(),
            phone: None,
        };
        let rents = [rent::Event::Rented(order(rental_fee)), canceled];
        let refunded = payment::Event::Refunded(Refund {
            rent_id,
            user_id,
            book_id,
            rental_fee,
            refunded_date: at(3),
            reason: reason.clone(),
        });
        let books =
            [book::Event::Rejected { rent_id, book_id, user_id, reason: "fee-differs".into() }];
        let shown =
            the_row(Told(&rents, &[paid(rental_fee), refunded], &books)).represent(RENT.of());
        assert_eq!((shown.status, shown.canceled_date), (Status::Canceled, Some(at(4))));
        assert_eq!(shown.reason, reason);
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
        let refunded = payment::Event::Refunded(Refund {
            rent_id,
            user_id,
            book_id,
            rental_fee: None,
            refunded_date: at(3),
            reason: None,
        });
        let row = the_row(Told(&rents, &[paid(None), refunded], &[]));
        assert_eq!(row.lifecycle(), Lifecycle::Absent);
    }
}
