//! View (현황조회): one row a rent, kept by listening.

use super::{
    book::Book,
    delivery::{self, Delivery},
    rent::{self, Rent},
};
use crate::domain::prelude::*;

/// What became of a rent and of its delivery.
#[entity(
    context = "bookrent.view", reads = owner, collection = "views", korean = "대여 현황", title = "View",
    port = 8084, order, supporting,
    id(rent_id: Id<Rent>), personal(user_id), index(user_id, book_id), owner = self.user_id, lifecycle = self.progress()
)]
pub struct Row {
    book_id: Id<Book>,
    user_id: u64,
    rent_status: rent::Status,
    #[shown(
        delivery_id: Option<Id<Delivery>> = self.delivery_status.map(|_| id.of()),
        delivery_status: Option<delivery::Status> = self.delivery_status
    )]
    delivery_status: Option<delivery::Status>,
}

impl Row {
    /// A rent is shown once it is settled.
    fn progress(&self) -> Lifecycle {
        match self.rent_status {
            rent::Status::New | rent::Status::Requested => Lifecycle::Absent,
            _ => Lifecycle::Established,
        }
    }
    fn reach(&mut self, book_id: Id<Book>, user_id: u64, status: rent::Status) {
        self.book_id = book_id;
        self.user_id = user_id;
        self.rent_status = status;
    }
}

impl View for Row {
    fn folds(folds: &mut impl Folds<Self>) {
        use {delivery::Event::*, rent::Event::*};
        folds.on::<Rent>(
            |event| match event {
                BookRented { rent_id, .. }
                | RentFailed { rent_id, .. }
                | BookCancelled { rent_id, .. } => Some(rent_id.get()),
                RentRequested { .. } => None,
            },
            |row, event| match *event {
                RentRequested { .. } => {}
                BookRented { book_id, user_id, .. } => {
                    row.reach(book_id, user_id, rent::Status::Rented);
                }
                RentFailed { book_id, user_id, .. } => {
                    row.reach(book_id, user_id, rent::Status::Failed);
                }
                BookCancelled { book_id, user_id, .. } => {
                    row.reach(book_id, user_id, rent::Status::Cancelled);
                }
            },
        );
        folds.on::<Delivery>(
            |event| match event {
                DeliveryStarted { rent_id, .. } | DeliveryCancelled { rent_id, .. } => {
                    Some(rent_id.get())
                }
                DeliveryWithheld { .. } => None,
            },
            |row, event| match event {
                DeliveryStarted { .. } => row.delivery_status = Some(delivery::Status::Started),
                DeliveryCancelled { .. } => row.delivery_status = Some(delivery::Status::Cancelled),
                DeliveryWithheld { .. } => {}
            },
        );
    }
}
