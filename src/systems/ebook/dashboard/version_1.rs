//! A row as version 1 stored it, frozen: the order as it came, and beside it what the book knew better.

use super::{Book, Id, Rent, Status, Timestamp};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Row {
    order: Option<Order>,
    book_name: Option<String>,
    rental_fee: Option<u64>,
    status: Status,
    rented_date: Option<Timestamp>,
    paid_date: Option<Timestamp>,
    approved_date: Option<Timestamp>,
    returned_date: Option<Timestamp>,
    canceled_date: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename = "Ordered")]
struct Order {
    _rent_id: Id<Rent>,
    user_id: u64,
    book_id: Id<Book>,
    book_name: Option<String>,
    rental_fee: Option<u64>,
}

impl From<Row> for super::Row {
    fn from(old: Row) -> Self {
        let mut row = Self {
            book_name: old.book_name,
            rental_fee: old.rental_fee,
            status: old.status,
            rented_date: old.rented_date,
            paid_date: old.paid_date,
            approved_date: old.approved_date,
            returned_date: old.returned_date,
            canceled_date: old.canceled_date,
            ..Self::default()
        };
        if let Some(order) = old.order {
            row.is_rented = true;
            row.user_id = order.user_id;
            row.book_id = order.book_id;
            row.book_name = row.book_name.or(order.book_name);
            row.rental_fee = row.rental_fee.or(order.rental_fee);
        }
        row
    }
}
