//! My page: one row a rental, kept by listening.

use super::{
    delivery::{self, Delivery},
    payment::{self, Payment},
    product::Product,
    rental::{self, Canceled, Ordered, Rental},
};
use crate::domain::prelude::*;

/// What became of a rental, of its payment and of its delivery.
#[entity(
    context = "purifier.mypage", reads = owner, collection = "mypages", korean = "마이페이지",
    title = "RentalPage", personal(customer_id, address), aliases("myPages"),
    port = 8085, order, supporting, id(rental_id: Id<Rental>),
    index(status, customer_id, product_id), owner = self.customer_id
)]
pub struct Row {
    /// It is shown once the rental is placed; earlier events are kept.
    #[exists]
    #[hidden]
    placed: bool,
    customer_id: u64,
    product_id: Id<Product>,
    /// Where to.
    address: String,
    /// What the customer pays, in won.
    amt: u64,
    /// The payment's number, once there is one.
    #[shown(payment_id: Option<Id<Payment>> = self.has_payment.then_some(id.of()))]
    has_payment: bool,
    /// The delivery's number, once there is one.
    #[shown(delivery_id: Option<Id<Delivery>> = self.has_delivery.then_some(id.of()))]
    has_delivery: bool,
    /// How far it has come.
    status: Status,
}

/// How far it has come, in this order: a late report of an earlier stage changes nothing.
#[status(ordered, title = "RentalPageStatus")]
pub enum Status {
    RentalPlaced,
    #[name = "PAYMENT COMPLETED"]
    PaymentCompleted,
    DeliveryStarted,
    RentalCanceled,
    #[name = "PAYMENT CANCELED"]
    PaymentCanceled,
    DeliveryCanceled,
}

impl Row {
    fn reach(&mut self, status: Status) {
        self.status = self.status.max(status);
    }
}

impl View for Row {
    fn folds(folds: &mut impl Folds<Self>) {
        use {delivery::Event::*, payment::Event::*, rental::Event::*};
        folds.on::<Rental>(
            |event| match event {
                RentalPlaced(Ordered { rental_id, .. })
                | RentalCanceled(Canceled { rental_id, .. }) => Some(rental_id.get()),
                RentalRequested(_) | RentalFailed(_) => None,
                RentalSupplied(_) | RentalRecalled(_) => None,
            },
            |row, event| match event.clone() {
                RentalPlaced(Ordered { customer_id, product_id, address, amt, .. }) => {
                    row.placed = true;
                    row.customer_id = customer_id;
                    row.product_id = product_id;
                    row.address = address;
                    row.amt = amt;
                }
                RentalCanceled(_) => row.reach(Status::RentalCanceled),
                RentalRequested(_) | RentalFailed(_) => {}
                RentalSupplied(_) | RentalRecalled(_) => {}
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
                    row.reach(Status::PaymentCompleted);
                }
                PaymentCanceled { .. } => row.reach(Status::PaymentCanceled),
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
                    row.reach(Status::DeliveryStarted);
                }
                DeliveryCanceled { .. } => row.reach(Status::DeliveryCanceled),
                DeliverySupplied { .. } | DeliveryReturned { .. } | DeliveryWithheld { .. } => {}
            },
        );
    }
}
