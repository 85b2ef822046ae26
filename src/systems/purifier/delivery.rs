//! Delivery (배송): starts with the rental, and is canceled with its payment or by the product's refusal, whichever of
//! them is heard first.

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
    customer_id: u64,
    product_id: Id<Product>,
    address: String,
    amt: u64,
    phone: Option<String>,
    status: Status,
}

/// How far the delivery has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AsRefStr)]
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
    /// The payment was canceled before the delivery was to start: it never will.
    Withheld,
}

/// A delivery as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Delivery")]
pub struct Shown {
    /// The payment's number.
    pub payment_id: Id<Payment>,
    /// The product's number.
    pub product_id: Id<Product>,
    /// Where to.
    pub address: String,
    /// What was paid for it, in won.
    pub amt: u64,
    /// How far the delivery has come.
    pub status: Status,
}

/// What may be asked of a delivery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Command {
    Start(Ordered),
    Cancel,
}

/// What a delivery may say has happened. The customer and the telephone are for whoever tells the customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[allow(missing_docs)]
pub enum Event {
    DeliveryStarted {
        rental_id: Id<Rental>,
        payment_id: Id<Payment>,
        customer_id: u64,
        product_id: Id<Product>,
        address: String,
        amt: u64,
        phone: Option<String>,
    },
    DeliveryCanceled {
        rental_id: Id<Rental>,
        payment_id: Id<Payment>,
        customer_id: u64,
        product_id: Id<Product>,
        phone: Option<String>,
    },
    DeliveryWithheld {
        rental_id: Id<Rental>,
        payment_id: Id<Payment>,
    },
}

impl Entity for Delivery {
    const NAME: Name =
        Name { system: "purifier", context: "purifier.delivery", collection: "deliveries", item: "delivery" };
    const SUBDOMAIN: Subdomain = Subdomain::Supporting;
    const PORT: Option<u16> = Some(8083);
    type Shown = Shown;

    fn show(&self, id: Id<Self>) -> Shown {
        let Delivery { product_id, address, amt, status, .. } = self.clone();
        Shown { payment_id: id.of(), product_id, address, amt, status }
    }
    fn standing(&self) -> Standing {
        match self.status {
            Status::New | Status::Withheld => Standing::Absent,
            Status::Started | Status::Canceled => Standing::Established,
        }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![("status", self.status.as_ref().into()), ("productId", self.product_id.into())]
    }
    fn numbered_by() -> &'static [&'static str] {
        &["paymentId"]
    }
}

impl Aggregate for Delivery {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &Moment<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let (rental_id, payment_id) = (this.id.of(), this.id.of());
        match (self.status, command) {
            (New, Start(Ordered { customer_id, product_id, amt, address, phone, .. })) => {
                emit(DeliveryStarted { rental_id, payment_id, customer_id, product_id, address, amt, phone })
            }
            (Started, Cancel) => {
                let Delivery { customer_id, product_id, phone, .. } = self.clone();
                emit(DeliveryCanceled { rental_id, payment_id, customer_id, product_id, phone })
            }
            (New, Cancel) => emit(DeliveryWithheld { rental_id, payment_id }),
            (Started | Canceled | Withheld, Start(_)) | (Canceled | Withheld, Cancel) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event.clone() {
            Event::DeliveryStarted { customer_id, product_id, address, amt, phone, .. } => {
                *self = Delivery { customer_id, product_id, address, amt, phone, status: Status::Started };
            }
            Event::DeliveryCanceled { .. } => self.status = Status::Canceled,
            Event::DeliveryWithheld { .. } => self.status = Status::Withheld,
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.hearing::<Rental>(|event| match event {
            rental::Event::RentalPlaced(ordered) => Some((ordered.rental_id.of(), Command::Start(ordered.clone()))),
            _ => None,
        });
        policies.hearing::<Payment>(|event| match event {
            payment::Event::PaymentCanceled { rental_id, .. } => Some((rental_id.of(), Command::Cancel)),
            _ => None,
        });
        policies.hearing::<Product>(|event| match event {
            product::Event::ProductRefused { rental_id, .. } => Some((rental_id.of(), Command::Cancel)),
            _ => None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::given;

    const RENTAL: Id<Rental> = Id::new(1);
    const PAYMENT: Id<Payment> = Id::new(1);
    const PRODUCT: Id<Product> = Id::new(3);

    fn start() -> Command {
        let (address, phone) = ("Seoul".into(), Some("010-0000-0000".into()));
        Start(Ordered { rental_id: RENTAL, customer_id: 7, product_id: PRODUCT, amt: 30_000, address, phone })
    }
    fn started() -> Event {
        let Start(Ordered { rental_id, customer_id, product_id, amt, address, phone }) = start() else { unreachable!() };
        DeliveryStarted { rental_id, payment_id: PAYMENT, customer_id, product_id, address, amt, phone }
    }

    #[test]
    fn it_starts_once_and_is_canceled_once() {
        let phone = Some("010-0000-0000".into());
        let canceled =
            DeliveryCanceled { rental_id: RENTAL, payment_id: PAYMENT, customer_id: 7, product_id: PRODUCT, phone };
        let delivery = given::<Delivery>([]).when(start()).then([started()]).when(start()).then_nothing();
        let delivery = delivery.when(Cancel).then([canceled]).when(Cancel).then_nothing();
        let _ = delivery.when(start()).then_nothing();
    }

    #[test]
    fn a_cancel_that_comes_first_is_remembered_and_nothing_starts() {
        let withheld = DeliveryWithheld { rental_id: RENTAL, payment_id: PAYMENT };
        let delivery = given::<Delivery>([]).when(Cancel).then([withheld]).when(start()).then_nothing();
        assert_eq!(delivery.0.standing(), Standing::Absent, "there is no such delivery to see");
        let _ = delivery.when(Cancel).then_nothing();
    }
}
