//! Delivery (배송): follows the rental, and knows whether it has a unit of the product to bring back.

pub use super::order::Shipped;
use super::{
    payment::{self, Payment},
    product::{self, Product},
    rental::{self, Rental},
    stock::Decreased,
};
use crate::domain::prelude::*;

/// The delivery of the rental with the same number.
#[entity(
    context = "purifier.delivery", reads = owner, collection = "deliveries", korean = "배송",
    title = "RentalDelivery", port = 8083,
    supporting, personal(customer_id, address, phone), id_aliases("rentalId", "paymentId"),
    index(status, product_id = self.shipped.product_id), debit(units = self.has_unit, stock = (self.shipped.product_id, self.has_unit))
)]
pub struct Delivery {
    #[shown(
        /// The payment's number, which is the rental's too.
        payment_id: Id<Payment> = id.of(),
        product_id: Id<Product> = self.shipped.product_id,
        /// Where to.
        address: String = self.shipped.address.clone(),
        /// What the customer pays, in won.
        amt: u64 = self.shipped.amt
    )]
    shipped: Shipped,
    status: Status,
    /// The product has given a unit for it, which has not gone back.
    #[hidden]
    has_unit: bool,
}

/// How far the delivery has come.
#[status(title = "RentalDeliveryStatus")]
pub enum Status {
    #[absent]
    New,
    #[name = "DeliveryStarted"]
    Started,
    #[name = "DeliveryCanceled"]
    Canceled,
    /// The rental was canceled before the delivery started: it never will.
    #[absent]
    Withheld,
}

#[command]
pub enum Command {
    /// The rental is placed.
    Start(Shipped),
    /// The product has given a unit.
    Supply { product: Id<Product> },
    /// The rental was canceled.
    Cancel,
}

#[event]
pub enum Event {
    /// It is on its way.
    DeliveryStarted(Shipped),
    /// It has a unit.
    DeliverySupplied { rental_id: Id<Rental>, product_id: Id<Product> },
    /// It is not on its way any more.
    DeliveryCanceled {
        rental_id: Id<Rental>,
        product_id: Id<Product>,
        customer_id: u64,
        phone: Option<String>,
    },
    /// It was canceled, and its unit goes back.
    DeliveryReturned { rental_id: Id<Rental>, product_id: Id<Product> },
    /// It was canceled before it started: it never will.
    DeliveryWithheld { rental_id: Id<Rental> },
}

impl Aggregate for Delivery {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let rental_id = this.id.of();
        let product_id = self.shipped.product_id;
        match (self.status, command) {
            (New, Start(shipped)) => emit(DeliveryStarted(shipped)),
            (Started | Canceled | Withheld, Start(_)) => ignore(),

            (Started, Supply { product: product_id }) => {
                emit(DeliverySupplied { rental_id, product_id })
            }
            // The unit was given after the cancel: it goes straight back.
            (Canceled, Supply { product: product_id }) => {
                emit(DeliveryReturned { rental_id, product_id })
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
        match event.clone() {
            Event::DeliveryStarted(shipped) => {
                self.shipped = shipped;
                self.status = Status::Started;
            }
            Event::DeliverySupplied { .. } => self.has_unit = true,
            Event::DeliveryCanceled { .. } => self.status = Status::Canceled,
            Event::DeliveryReturned { .. } => self.has_unit = false,
            Event::DeliveryWithheld { .. } => self.status = Status::Withheld,
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Rental>(|event| match event.clone() {
            rental::Event::RentalPlaced(order) => {
                Some((order.rental_id.of(), Command::Start(order.into())))
            }
            _ => None,
        });
        policies.on::<Payment>(|event| match event {
            payment::Event::PaymentCanceled { rental_id, .. } => {
                Some((rental_id.of(), Command::Cancel))
            }
            _ => None,
        });
        policies.on::<Product>(|event| match *event {
            product::Event::ProductDecreased(Decreased {
                rental_id, product_id: product, ..
            }) => Some((rental_id.of(), Command::Supply { product })),
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
        let payment_id = RENTAL.of();
        let address = "Seoul".to_owned();
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
