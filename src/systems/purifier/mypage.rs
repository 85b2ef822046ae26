//! My page: one row a rental, kept by listening.

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

/// What became of a rental, of its payment and of its delivery.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// It is shown once the rental is placed; what is heard before that waits.
    placed: bool,
    customer_id: u64,
    product_id: Id<Product>,
    address: String,
    amt: u64,
    has_payment: bool,
    has_delivery: bool,
    status: Status,
}

/// How far it has come, in the order of going: a later word of an earlier stage changes nothing.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    AsRefStr,
)]
#[schemars(rename = "RentalPageStatus")]
#[allow(missing_docs)]
pub enum Status {
    #[default]
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
#[schemars(rename = "RentalPage")]
pub struct Shown {
    /// The rental's number.
    pub rental_id: Id<Rental>,
    /// The customer's number.
    pub customer_id: u64,
    /// The product's number.
    pub product_id: Id<Product>,
    /// Where to.
    pub address: String,
    /// What the customer pays, in won.
    pub amt: u64,
    /// The payment's number, once it is heard of.
    pub payment_id: Option<Id<Payment>>,
    /// The delivery's number, once it is heard of.
    pub delivery_id: Option<Id<Delivery>>,
    /// How far it has come.
    pub status: Status,
}

impl Entity for Row {
    const NAME: Name = Name {
        system: "purifier",
        context: "purifier.mypage",
        collection: "mypages",
        item: "mypage",
    };
    const ALIASES: &'static [&'static str] = &["myPages"];
    const SUBDOMAIN: Subdomain = Subdomain::Supporting;
    const IS_ORDER: bool = true;
    const PORT: Option<u16> = Some(8085);
    type Representation = Shown;

    fn represent(&self, id: Id<Self>) -> Shown {
        let Row { customer_id, product_id, address, amt, status, .. } = self.clone();
        let (rental_id, payment_id) = (id.of(), self.has_payment.then_some(id.of()));
        let delivery_id = self.has_delivery.then_some(id.of());
        Shown { rental_id, customer_id, product_id, address, amt, payment_id, delivery_id, status }
    }
    fn lifecycle(&self) -> Lifecycle {
        if self.placed { Lifecycle::Established } else { Lifecycle::Absent }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        let (customer, product) = (self.customer_id.into(), self.product_id.into());
        vec![
            ("status", self.status.as_ref().into()),
            ("customerId", customer),
            ("productId", product),
        ]
    }
    fn id_aliases() -> &'static [&'static str] {
        &["rentalId"]
    }
}

impl Row {
    fn comes_to(&mut self, status: Status) {
        self.status = self.status.max(status);
    }
}

impl View for Row {
    fn folds(folds: &mut impl Folds<Self>) {
        use {delivery::Event::*, payment::Event::*, rental::Event::*};
        folds.on::<Rental>(
            |event| match event {
                RentalPlaced(Ordered { rental_id, .. }) | RentalCanceled { rental_id, .. } => {
                    Some(rental_id.get())
                }
                RentalRequested(_) | RentalFailed { .. } => None,
            },
            |row, event| match event.clone() {
                RentalPlaced(Ordered { customer_id, product_id, address, amt, .. }) => {
                    (row.placed, row.customer_id, row.product_id) = (true, customer_id, product_id);
                    (row.address, row.amt) = (address, amt);
                }
                RentalCanceled { .. } => row.comes_to(Status::RentalCanceled),
                RentalRequested(_) | RentalFailed { .. } => {}
            },
        );
        folds.on::<Payment>(
            |event| match event {
                PaymentApproved { rental_id, .. } | PaymentCanceled { rental_id, .. } => {
                    Some(rental_id.get())
                }
                PaymentWithheld { .. } => None,
            },
            |row, event| match event {
                PaymentApproved { .. } => {
                    row.has_payment = true;
                    row.comes_to(Status::PaymentCompleted);
                }
                PaymentCanceled { .. } => row.comes_to(Status::PaymentCanceled),
                PaymentWithheld { .. } => {}
            },
        );
        folds.on::<Delivery>(
            |event| match event {
                DeliveryStarted(shipped) => Some(shipped.rental_id.get()),
                DeliveryCanceled { rental_id, .. } => Some(rental_id.get()),
                DeliverySupplied { .. } | DeliveryReturned { .. } | DeliveryWithheld { .. } => None,
            },
            |row, event| match event {
                DeliveryStarted(_) => {
                    row.has_delivery = true;
                    row.comes_to(Status::DeliveryStarted);
                }
                DeliveryCanceled { .. } => row.comes_to(Status::DeliveryCanceled),
                DeliverySupplied { .. } | DeliveryReturned { .. } | DeliveryWithheld { .. } => {}
            },
        );
    }
}
