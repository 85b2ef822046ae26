//! Delivery (배송): follows the rental, and knows whether it has a unit of the product to bring back.

use super::{
    payment::{self, Payment},
    product::{self, Product},
    rental::{self, Ordered, Rental},
};
use crate::domain::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// The delivery of the rental with the same number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    shipped: Shipped,
    status: Status,
    /// The product has given a unit for it, which has not gone back.
    has_unit: bool,
}

/// How far the delivery has come.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AsRefStr,
)]
#[schemars(rename = "RentalDeliveryStatus")]
#[allow(missing_docs)]
pub enum Status {
    #[default]
    New,
    #[serde(rename = "DeliveryStarted")]
    #[strum(serialize = "DeliveryStarted")]
    Started,
    #[serde(rename = "DeliveryCanceled")]
    #[strum(serialize = "DeliveryCanceled")]
    Canceled,
    /// The rental was canceled before the delivery was to start: it never will.
    Withheld,
}

/// What is delivered, where and to whom.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ShippedRental")]
#[allow(missing_docs)]
pub struct Shipped {
    pub rental_id: Id<Rental>,
    pub payment_id: Id<Payment>,
    pub product_id: Id<Product>,
    pub customer_id: u64,
    pub phone: Option<String>,
    pub address: String,
    pub amt: u64,
}

/// A delivery as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RentalDelivery")]
pub struct Shown {
    /// The payment's number, which is the rental's too.
    pub payment_id: Id<Payment>,
    /// The product's number.
    pub product_id: Id<Product>,
    /// Where to.
    pub address: String,
    /// What the customer pays, in won.
    pub amt: u64,
    /// How far the delivery has come.
    pub status: Status,
}

/// What may be asked of a delivery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Command {
    Start(Shipped),
    /// The product has given a unit.
    Supply {
        product: Id<Product>,
    },
    Cancel,
}

/// What a delivery may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[allow(missing_docs)]
pub enum Event {
    DeliveryStarted(Shipped),
    DeliverySupplied {
        rental_id: Id<Rental>,
        product_id: Id<Product>,
    },
    DeliveryCanceled {
        rental_id: Id<Rental>,
        product_id: Id<Product>,
        customer_id: u64,
        phone: Option<String>,
    },
    /// It was canceled, and its unit goes back.
    DeliveryReturned {
        rental_id: Id<Rental>,
        product_id: Id<Product>,
    },
    DeliveryWithheld {
        rental_id: Id<Rental>,
    },
}

impl Entity for Delivery {
    const NAME: Name = Name {
        system: "purifier",
        context: "purifier.delivery",
        collection: "deliveries",
        item: "delivery",
    };
    const SUBDOMAIN: Subdomain = Subdomain::Supporting;
    const PORT: Option<u16> = Some(8083);
    type Representation = Shown;

    fn represent(&self, id: Id<Self>) -> Shown {
        let Shipped { product_id, address, amt, .. } = self.shipped.clone();
        Shown { payment_id: id.of(), product_id, address, amt, status: self.status }
    }
    fn lifecycle(&self) -> Lifecycle {
        match self.status {
            Status::New | Status::Withheld => Lifecycle::Absent,
            Status::Started | Status::Canceled => Lifecycle::Established,
        }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![("status", self.status.as_ref().into()), ("productId", self.shipped.product_id.into())]
    }
    fn id_aliases() -> &'static [&'static str] {
        &["rentalId", "paymentId"]
    }
}

impl Aggregate for Delivery {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let (rental_id, product_id) = (this.id.of(), self.shipped.product_id);
        match (self.status, command) {
            (New, Start(shipped)) => emit(DeliveryStarted(shipped)),
            (Started | Canceled | Withheld, Start(_)) => ignore(),

            (Started, Supply { product }) => {
                emit(DeliverySupplied { rental_id, product_id: product })
            }
            // The unit was given after the cancel: it goes straight back.
            (Canceled, Supply { product }) => {
                emit(DeliveryReturned { rental_id, product_id: product })
            }
            (New | Withheld, Supply { .. }) => ignore(),

            (New, Cancel) => emit(DeliveryWithheld { rental_id }),
            (Started, Cancel) => {
                let Shipped { customer_id, phone, .. } = self.shipped.clone();
                let canceled = DeliveryCanceled { rental_id, product_id, customer_id, phone };
                let returned = self.has_unit.then_some(DeliveryReturned { rental_id, product_id });
                Ok([canceled].into_iter().chain(returned).collect())
            }
            (Canceled | Withheld, Cancel) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::DeliveryStarted(shipped) => {
                (self.shipped, self.status) = (shipped.clone(), Status::Started);
            }
            Event::DeliverySupplied { .. } => self.has_unit = true,
            Event::DeliveryCanceled { .. } => self.status = Status::Canceled,
            Event::DeliveryReturned { .. } => self.has_unit = false,
            Event::DeliveryWithheld { .. } => self.status = Status::Withheld,
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Rental>(|event| match event.clone() {
            rental::Event::RentalPlaced(Ordered {
                rental_id,
                customer_id,
                product_id,
                amt,
                address,
                phone,
            }) => {
                let payment_id = rental_id.of();
                let shipped =
                    Shipped { rental_id, payment_id, product_id, customer_id, phone, address, amt };
                Some((rental_id.of(), Command::Start(shipped)))
            }
            _ => None,
        });
        policies.on::<Payment>(|event| match event {
            payment::Event::PaymentCanceled { rental_id, .. } => {
                Some((rental_id.of(), Command::Cancel))
            }
            _ => None,
        });
        policies.on::<Product>(|event| match event {
            product::Event::ProductDecreased { rental_id, product_id, .. } => {
                Some((rental_id.of(), Command::Supply { product: *product_id }))
            }
            _ => None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::{Given, given};

    const RENTAL: Id<Rental> = Id::new(1);
    const PRODUCT: Id<Product> = Id::new(3);

    fn shipped() -> Shipped {
        let (payment_id, address) = (RENTAL.of(), "Seoul".to_owned());
        Shipped {
            rental_id: RENTAL,
            payment_id,
            product_id: PRODUCT,
            customer_id: 7,
            phone: None,
            address,
            amt: 30_000,
        }
    }
    fn started() -> Given<Delivery> {
        given([DeliveryStarted(shipped())])
    }
    fn supply() -> Command {
        Supply { product: PRODUCT }
    }
    fn supplied() -> Event {
        DeliverySupplied { rental_id: RENTAL, product_id: PRODUCT }
    }
    fn canceled() -> Event {
        DeliveryCanceled { rental_id: RENTAL, product_id: PRODUCT, customer_id: 7, phone: None }
    }
    fn returned() -> Event {
        DeliveryReturned { rental_id: RENTAL, product_id: PRODUCT }
    }

    #[test]
    fn it_starts_once_and_a_cancel_brings_its_unit_back_once() {
        let delivery =
            given::<Delivery>([]).when(Start(shipped())).then([DeliveryStarted(shipped())]);
        let delivery =
            delivery.when(Start(shipped())).then_nothing().when(supply()).then([supplied()]);
        let delivery = delivery.when(Cancel).then([canceled(), returned()]);
        let _ = delivery.when(Cancel).then_nothing().when(Start(shipped())).then_nothing();
    }

    #[test]
    fn a_delivery_without_a_unit_brings_none_back() {
        let _ = started().when(Cancel).then([canceled()]);
    }

    #[test]
    fn a_unit_that_comes_after_the_cancel_goes_straight_back() {
        let _ = started().when(Cancel).then([canceled()]).when(supply()).then([returned()]);
    }

    #[test]
    fn a_cancel_that_comes_first_is_remembered_and_nothing_starts() {
        let withheld = DeliveryWithheld { rental_id: RENTAL };
        let delivery = given::<Delivery>([])
            .when(Cancel)
            .then([withheld])
            .when(Start(shipped()))
            .then_nothing();
        assert_eq!(delivery.0.lifecycle(), Lifecycle::Absent);
        let _ = delivery.when(supply()).then_nothing();
    }
}
