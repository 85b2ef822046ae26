//! My page: one row a rental, kept by listening. It shows how far the rental, its payment and its delivery have come
//! together, which is the furthest of what was heard.

use super::{
    delivery::{self, Delivery},
    payment::{self, Payment},
    product::Product,
    rental::{self, Ordered, Rental},
};
use crate::domain::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// What has been heard of a rental. Before its own `RentalPlaced` there is nothing to see.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    order: Option<Ordered>,
    is_paid: bool,
    is_delivered: bool,
    status: Status,
}

/// How far all of it has come, in the order of the steps.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, AsRefStr,
)]
#[allow(missing_docs)]
pub enum Status {
    #[default]
    New,
    RentalPlaced,
    #[serde(rename = "PAYMENT COMPLETED")]
    #[strum(serialize = "PAYMENT COMPLETED")]
    PaymentCompleted,
    DeliveryStarted,
    RentalCanceled,
    #[serde(rename = "PAYMENT CANCELED")]
    #[strum(serialize = "PAYMENT CANCELED")]
    PaymentCanceled,
    DeliveryCanceled,
}

/// A row as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "MyPage")]
pub struct Shown {
    /// The rental's number.
    pub rental_id: Id<Rental>,
    /// The customer's number.
    pub customer_id: u64,
    /// The product's number.
    pub product_id: Id<Product>,
    /// Where to.
    pub address: String,
    /// How much, in won.
    pub amt: u64,
    /// The payment's number, once there is one.
    pub payment_id: Option<Id<Payment>>,
    /// The delivery's number, once there is one.
    pub delivery_id: Option<Id<Delivery>>,
    /// How far all of it has come.
    pub status: Status,
}

impl Entity for Row {
    const NAME: Name = Name { system: "purifier", context: "purifier.mypage", collection: "mypages", item: "mypage" };
    const SUBDOMAIN: Subdomain = Subdomain::Supporting;
    const ALIASES: &'static [&'static str] = &["myPages"];
    const PORT: Option<u16> = Some(8085);
    type Shown = Shown;

    fn show(&self, id: Id<Self>) -> Shown {
        let Ordered { customer_id, product_id, amt, address, .. } = self.order.clone().unwrap_or_default();
        let payment_id = self.is_paid.then_some(id.of());
        let delivery_id = self.is_delivered.then_some(id.of());
        let status = self.status;
        Shown { rental_id: id.of(), customer_id, product_id, address, amt, payment_id, delivery_id, status }
    }
    fn standing(&self) -> Standing {
        if self.order.is_some() { Standing::Established } else { Standing::Absent }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        let (customer, product) = self.order.as_ref().map(|order| (order.customer_id, order.product_id)).unzip();
        vec![
            ("status", self.status.as_ref().into()),
            ("customerId", customer.into()),
            ("productId", product.into()),
        ]
    }
    fn numbered_by() -> &'static [&'static str] {
        &["rentalId"]
    }
}

impl View for Row {
    fn folds(folds: &mut impl Folds<Self>) {
        use {delivery::Event::*, payment::Event::*, rental::Event::*};
        folds.hearing::<Rental>(
            |event| match event {
                RentalPlaced(order) => Some(order.rental_id.get()),
                RentalCanceled { rental_id, .. } => Some(rental_id.get()),
                RentalRequested(_) | RentalFailed { .. } => None,
            },
            |row, event| {
                row.status = row.status.max(match event {
                    RentalPlaced(order) => {
                        row.order = Some(order.clone());
                        Status::RentalPlaced
                    }
                    RentalCanceled { .. } => Status::RentalCanceled,
                    RentalRequested(_) | RentalFailed { .. } => return,
                });
            },
        );
        folds.hearing::<Payment>(
            |event| match event {
                PaymentApproved { rental_id, .. } | PaymentCanceled { rental_id, .. } => Some(rental_id.get()),
                PaymentWithheld { .. } => None,
            },
            |row, event| {
                row.is_paid = true;
                row.status = row.status.max(match event {
                    PaymentApproved { .. } => Status::PaymentCompleted,
                    PaymentCanceled { .. } => Status::PaymentCanceled,
                    PaymentWithheld { .. } => return,
                });
            },
        );
        folds.hearing::<Delivery>(
            |event| match event {
                DeliveryStarted { rental_id, .. } | DeliveryCanceled { rental_id, .. } => Some(rental_id.get()),
                DeliveryWithheld { .. } => None,
            },
            |row, event| {
                row.is_delivered = true;
                row.status = row.status.max(match event {
                    DeliveryStarted { .. } => Status::DeliveryStarted,
                    DeliveryCanceled { .. } => Status::DeliveryCanceled,
                    DeliveryWithheld { .. } => return,
                });
            },
        );
    }
}
