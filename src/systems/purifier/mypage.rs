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

#[cfg(test)]
mod tests {
    use super::*;
    use std::any::Any;

    const RENTAL: Id<Rental> = Id::new(1);
    const PRODUCT: Id<Product> = Id::new(3);

    struct Fold<'a> {
        row: &'a mut Row,
        event: &'a dyn Any,
    }
    impl Folds<Row> for Fold<'_> {
        fn hearing<S: Aggregate>(&mut self, row: fn(&S::Event) -> Option<u64>, fold: fn(&mut Row, &S::Event)) {
            if let Some(event) = self.event.downcast_ref::<S::Event>()
                && row(event) == Some(RENTAL.get())
            {
                fold(self.row, event);
            }
        }
    }

    /// All ways to hear what three sources say, each in its own order.
    fn interleavings<'a>(sources: &[&[&'a dyn Any]]) -> Vec<Vec<&'a dyn Any>> {
        if sources.iter().all(|source| source.is_empty()) {
            return vec![Vec::new()];
        }
        let mut all = Vec::new();
        for place in 0..sources.len() {
            let Some((first, rest)) = sources[place].split_first() else { continue };
            let mut others = sources.to_vec();
            others[place] = rest;
            all.extend(interleavings(&others).into_iter().map(|rest| [vec![*first], rest].concat()));
        }
        all
    }

    fn heard(events: &[&dyn Any]) -> Row {
        let mut row = Row::default();
        events.iter().for_each(|event| Row::folds(&mut Fold { row: &mut row, event: *event }));
        row
    }

    fn ordered() -> Ordered {
        let (customer_id, amt, address) = (7, 30_000, "Seoul".into());
        Ordered { rental_id: RENTAL, customer_id, product_id: PRODUCT, amt, address, phone: None }
    }

    #[test]
    fn it_shows_the_furthest_step_in_whatever_order_they_are_heard() {
        let placed = rental::Event::RentalPlaced(ordered());
        let (customer_id, product_id, amt) = (7, PRODUCT, 30_000);
        let canceled =
            rental::Event::RentalCanceled { rental_id: RENTAL, customer_id, product_id, phone: None, reason: None };
        let paid = payment::Event::PaymentApproved { rental_id: RENTAL, product_id, amt };
        let paid_back = payment::Event::PaymentCanceled { rental_id: RENTAL, product_id, amt };
        let (address, payment_id, rental_id, phone) = ("Seoul".to_owned(), RENTAL.of(), RENTAL, None);
        let started = delivery::Event::DeliveryStarted {
            rental_id,
            payment_id,
            customer_id,
            product_id,
            address,
            amt,
            phone: phone.clone(),
        };
        let stopped = delivery::Event::DeliveryCanceled { rental_id, payment_id, customer_id, product_id, phone };
        for (sources, status) in [
            ([&[&placed as &dyn Any][..], &[&paid], &[]], Status::PaymentCompleted),
            ([&[&placed], &[&paid], &[&started]], Status::DeliveryStarted),
            ([&[&placed, &canceled], &[&paid], &[&started]], Status::RentalCanceled),
            ([&[&placed, &canceled], &[&paid, &paid_back], &[&started]], Status::PaymentCanceled),
            ([&[&placed, &canceled], &[&paid, &paid_back], &[&started, &stopped]], Status::DeliveryCanceled),
        ] {
            for events in interleavings(&sources) {
                let row = heard(&events);
                assert_eq!((row.status, row.order.as_ref(), row.is_paid), (status, Some(&ordered()), true));
                assert_eq!(row.show(Id::new(1)).delivery_id.is_some(), !sources[2].is_empty());
            }
        }
    }

    #[test]
    fn what_was_paid_for_no_rental_is_not_seen() {
        let paid = payment::Event::PaymentApproved { rental_id: RENTAL, product_id: PRODUCT, amt: 1 };
        let row = heard(&[&paid]);
        assert_eq!((row.standing(), row.status), (Standing::Absent, Status::PaymentCompleted));
    }
}
