//! Product (상품): a purifier of one price, and how many of it are left.
//!
//! Orders are taken and paid without it. It has its say when the delivery starts: a unit goes out, or the rental is
//! refused. The unit comes back with the delivery's cancel; a refusal is remembered until then, since nothing went out.

use super::{
    delivery::{self, Delivery},
    refused::Refused,
    rental::Rental,
};
use crate::domain::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// One product.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Product {
    registered: bool,
    name: Option<String>,
    amt: u64,
    stock: u64,
    refused: Refused,
}

/// Why a rental is refused by its product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No unit is left.
    OutOfStock,
    /// There is no such product.
    ProductUnknown,
    /// The product costs something else than the customer says.
    PriceDiffers,
}

/// A product as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Product")]
pub struct Shown {
    /// What it is called.
    pub name: Option<String>,
    /// What it costs, in won.
    pub amt: u64,
    /// How many units are left.
    pub stock: u64,
}

/// What may be asked of a product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Command {
    Register(Register),
    /// The delivery has started: a unit is to go out, at this price.
    Decrease {
        rental: Id<Rental>,
        amt: u64,
    },
    /// The delivery is canceled: what went out for it comes back.
    Increase {
        rental: Id<Rental>,
    },
}

/// What a product may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[allow(missing_docs)]
pub enum Event {
    ProductRegistered {
        product_id: Id<Product>,
        name: Option<String>,
        amt: u64,
        stock: u64,
    },
    ProductDecreased {
        product_id: Id<Product>,
        rental_id: Id<Rental>,
        stock: u64,
    },
    ProductIncreased {
        product_id: Id<Product>,
        rental_id: Id<Rental>,
        stock: u64,
    },
    ProductRefused {
        product_id: Id<Product>,
        rental_id: Id<Rental>,
        reason: Reason,
    },
    /// The delivery of a refused rental is canceled: there is nothing to remember any more.
    RefusalSettled {
        product_id: Id<Product>,
        rental_id: Id<Rental>,
    },
}

impl Product {
    /// Why no unit can go out for `amt` won, if there is a reason.
    fn reason_against(&self, amt: u64) -> Option<Reason> {
        match self {
            Product { registered: false, .. } => Some(Reason::ProductUnknown),
            Product { amt: price, .. } if *price != amt => Some(Reason::PriceDiffers),
            Product { stock: 0, .. } => Some(Reason::OutOfStock),
            _ => None,
        }
    }
}

impl Entity for Product {
    const NAME: Name =
        Name { system: "purifier", context: "purifier.product", collection: "products", item: "product" };
    const PORT: Option<u16> = Some(8084);
    type Shown = Shown;

    fn show(&self, _: Id<Self>) -> Shown {
        Shown { name: self.name.clone(), amt: self.amt, stock: self.stock }
    }
    fn standing(&self) -> Standing {
        if self.registered { Standing::Established } else { Standing::Absent }
    }
}

impl Aggregate for Product {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &Moment<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        let product_id = this.id;
        match command {
            Register(_) if self.registered => ignore(),
            Register(self::Register { name, amt, stock }) => emit(ProductRegistered { product_id, name, amt, stock }),

            Decrease { rental: rental_id, amt } => match self.reason_against(amt) {
                // It is set aside and comes again, once some of the cancels that are on their way have come.
                Some(_) if self.refused.is_full() => Err(Refusal::retry_later()),
                Some(reason) => emit(ProductRefused { product_id, rental_id, reason }),
                None => emit(ProductDecreased { product_id, rental_id, stock: self.stock.saturating_sub(1) }),
            },

            Increase { rental: rental_id } if self.refused.contains(rental_id) => {
                emit(RefusalSettled { product_id, rental_id })
            }
            Increase { rental: rental_id } => {
                emit(ProductIncreased { product_id, rental_id, stock: self.stock.saturating_add(1) })
            }
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::ProductRegistered { name, amt, stock, .. } => {
                (self.registered, self.name, self.amt, self.stock) = (true, name.clone(), *amt, *stock);
            }
            Event::ProductDecreased { stock, .. } | Event::ProductIncreased { stock, .. } => self.stock = *stock,
            Event::ProductRefused { rental_id, .. } => self.refused.insert(*rental_id),
            Event::RefusalSettled { rental_id, .. } => self.refused.remove(*rental_id),
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.hearing::<Delivery>(|event| match event {
            delivery::Event::DeliveryStarted { rental_id, product_id, amt, .. } => {
                Some((*product_id, Command::Decrease { rental: *rental_id, amt: *amt }))
            }
            delivery::Event::DeliveryCanceled { rental_id, product_id, .. } => {
                Some((*product_id, Command::Increase { rental: *rental_id }))
            }
            delivery::Event::DeliveryWithheld { .. } => None,
        });
    }

    fn doors(doors: &mut impl Doors<Self>) {
        doors.post(Role::Admin, |product: Register| (Target::New, Command::Register(product)));
    }
}

/// `POST /products`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Register {
    /// What it is called.
    pub name: Option<String>,
    /// What it costs, in won.
    pub amt: u64,
    /// How many units there are.
    pub stock: u64,
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::{Given, given};

    // The product under test is number 1.
    const PRODUCT: Id<Product> = Id::new(1);
    const RENTAL: Id<Rental> = Id::new(7);
    const OTHER: Id<Rental> = Id::new(9);

    fn product(stock: u64) -> Given<Product> {
        given([ProductRegistered { product_id: PRODUCT, name: Some("P1".into()), amt: 30_000, stock }])
    }
    fn decrease(rental: Id<Rental>) -> Command {
        Decrease { rental, amt: 30_000 }
    }
    fn refused(rental_id: Id<Rental>, reason: Reason) -> Event {
        ProductRefused { product_id: PRODUCT, rental_id, reason }
    }
    fn decreased(rental_id: Id<Rental>, stock: u64) -> Event {
        ProductDecreased { product_id: PRODUCT, rental_id, stock }
    }
    fn increased(rental_id: Id<Rental>, stock: u64) -> Event {
        ProductIncreased { product_id: PRODUCT, rental_id, stock }
    }
    fn settled(rental_id: Id<Rental>) -> Event {
        RefusalSettled { product_id: PRODUCT, rental_id }
    }

    #[test]
    fn it_is_registered_once() {
        let register = || Register(super::Register { name: None, amt: 30_000, stock: 5 });
        let registered = ProductRegistered { product_id: PRODUCT, name: None, amt: 30_000, stock: 5 };
        let _ = given::<Product>([]).when(register()).then([registered]).when(register()).then_nothing();
    }

    #[test]
    fn the_last_unit_goes_out_once_and_comes_back_for_the_next() {
        let product = product(1).when(decrease(RENTAL)).then([decreased(RENTAL, 0)]);
        let product = product.when(decrease(OTHER)).then([refused(OTHER, Reason::OutOfStock)]);
        let product = product.when(Increase { rental: RENTAL }).then([increased(RENTAL, 1)]);
        let _ = product.when(decrease(Id::new(10))).then([decreased(Id::new(10), 0)]);
    }

    #[test]
    fn the_cancel_of_what_was_refused_brings_nothing_back_and_is_forgotten() {
        let product = product(0).when(decrease(RENTAL)).then([refused(RENTAL, Reason::OutOfStock)]);
        let product = product.when(Increase { rental: RENTAL }).then([settled(RENTAL)]);
        assert_eq!((product.0.stock, product.0.refused), (0, Refused::default()));
    }

    #[test]
    fn what_costs_something_else_or_is_unknown_is_refused() {
        let product = product(5).when(Decrease { rental: RENTAL, amt: 1 }).then([refused(RENTAL, Reason::PriceDiffers)]);
        assert_eq!(product.0.stock, 5);
        let nothing = given::<Product>([]).when(decrease(RENTAL)).then([refused(RENTAL, Reason::ProductUnknown)]);
        assert_eq!(nothing.0.standing(), Standing::Absent, "a refusal makes no product");
        let _ = nothing.when(Increase { rental: RENTAL }).then([settled(RENTAL)]);
    }

    #[test]
    fn a_product_that_is_registered_after_its_refusals_still_knows_them() {
        let unknown = refused(RENTAL, Reason::ProductUnknown);
        let register = Register(super::Register { name: None, amt: 1, stock: 5 });
        let registered = ProductRegistered { product_id: PRODUCT, name: None, amt: 1, stock: 5 };
        let product = given::<Product>([unknown]).when(register).then([registered]);
        let product = product.when(Increase { rental: RENTAL }).then([settled(RENTAL)]);
        assert_eq!(product.0.stock, 5);
    }

    #[test]
    fn when_it_can_remember_no_more_refusals_the_next_waits_for_a_cancel() {
        let others = (1..=1_500).map(|number| refused(Id::new(2 * number), Reason::OutOfStock));
        let registered = ProductRegistered { product_id: PRODUCT, name: None, amt: 30_000, stock: 0 };
        let full = || given::<Product>([registered.clone()].into_iter().chain(others.clone()));
        full().when(decrease(RENTAL)).refused(Kind::RetryLater, "retry-later");
        let product = full().when(Increase { rental: Id::new(2) }).then([settled(Id::new(2))]);
        let _ = product.when(decrease(RENTAL)).then([refused(RENTAL, Reason::OutOfStock)]);
    }
}
