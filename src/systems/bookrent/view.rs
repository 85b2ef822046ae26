//! View (현황조회): one row a rent, kept by listening.

use super::{
    book::Book,
    delivery::{self, Delivery},
    rent::{self, Rent},
};
use crate::domain::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a rent and of its delivery.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    book_id: Id<Book>,
    user_id: u64,
    rent_status: rent::Status,
    delivery_status: Option<delivery::Status>,
}

/// A row as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "View")]
pub struct Shown {
    /// The rent's number.
    pub rent_id: Id<Rent>,
    /// The book's number.
    pub book_id: Id<Book>,
    /// The user's number.
    pub user_id: u64,
    /// How far the rent has come.
    pub rent_status: rent::Status,
    /// The delivery's number, once there is one.
    pub delivery_id: Option<Id<Delivery>>,
    /// How far the delivery has come, once there is one.
    pub delivery_status: Option<delivery::Status>,
}

impl Entity for Row {
    const NAME: Name =
        Name { system: "bookrent", context: "bookrent.view", collection: "views", item: "view" };
    const SUBDOMAIN: Subdomain = Subdomain::Supporting;
    const IS_ORDER: bool = true;
    const PORT: Option<u16> = Some(8084);
    type Representation = Shown;

    fn represent(&self, id: Id<Self>) -> Shown {
        let Row { book_id, user_id, rent_status, delivery_status } = *self;
        let delivery_id = delivery_status.map(|_| id.of());
        Shown { rent_id: id.of(), book_id, user_id, rent_status, delivery_id, delivery_status }
    }
    fn lifecycle(&self) -> Lifecycle {
        match self.rent_status {
            rent::Status::New | rent::Status::Requested => Lifecycle::Absent,
            _ => Lifecycle::Established,
        }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![("userId", self.user_id.into()), ("bookId", self.book_id.into())]
    }
    fn id_aliases() -> &'static [&'static str] {
        &["rentId"]
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
            |row, event| {
                let (book_id, user_id, status) = match event {
                    BookRented { book_id, user_id, .. } => (book_id, user_id, rent::Status::Rented),
                    RentFailed { book_id, user_id, .. } => (book_id, user_id, rent::Status::Failed),
                    BookCancelled { book_id, user_id, .. } => {
                        (book_id, user_id, rent::Status::Cancelled)
                    }
                    RentRequested { .. } => return,
                };
                (row.book_id, row.user_id, row.rent_status) = (*book_id, *user_id, status);
            },
        );
        folds.on::<Delivery>(
            |event| match event {
                DeliveryStarted { rent_id, .. } | DeliveryCancelled { rent_id, .. } => {
                    Some(rent_id.get())
                }
                DeliveryWithheld { .. } => None,
            },
            |row, event| {
                row.delivery_status = match event {
                    DeliveryStarted { .. } => Some(delivery::Status::Started),
                    DeliveryCancelled { .. } => Some(delivery::Status::Cancelled),
                    DeliveryWithheld { .. } => row.delivery_status,
                };
            },
        );
    }
}
