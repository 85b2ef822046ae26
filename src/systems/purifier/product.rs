//! Product (상품): how many units are left. A delivery takes one, and brings back only what it took.

mod catalogue;

pub use super::stock::Reason;
pub use catalogue::{Correction, Register};

use super::{
    delivery::{self, Delivery, Shipped},
    rental::Rental,
    stock::{self, Decreased},
};
use crate::domain::prelude::*;

/// One product. Each delivery remembers whether it has a unit, so that the state does not grow with use.
#[entity(context = "purifier.product", reads = public, collection = "products", korean = "상품", port = 8084,
    debit(stock = self.stock))]
pub struct Product {
    #[exists]
    #[hidden]
    registered: bool,
    /// What it is called.
    #[correctable]
    name: Option<String>,
    /// What a unit costs, in won.
    #[correctable]
    amt: u64,
    /// How many units are left.
    #[correctable]
    stock: u64,
    #[withdrawn]
    #[since = 2]
    withdrawn: bool,
}

#[command]
pub enum Command {
    /// A new product.
    Register(Register),
    /// A delivery has started, and the customer has paid for it.
    Decrease(Shipped),
    /// A delivery brings back the unit that it had taken.
    Increase { rental: Id<Rental> },
    #[catalogue]
    Maintain(Maintenance<Correction>),
}

#[event]
pub enum Event {
    /// There is such a product.
    ProductRegistered { name: Option<String>, amt: u64, stock: u64 },
    /// A unit has gone out.
    ProductDecreased(Decreased),
    /// A unit has come back.
    ProductIncreased { product_id: Id<Product>, rental_id: Id<Rental>, stock: u64 },
    /// No unit was given.
    ProductRefused { product_id: Id<Product>, rental_id: Id<Rental>, reason: Reason },
    #[corrected]
    ProductCorrected(CorrectedProduct),
    #[withdrawn]
    ProductWithdrawn { product_id: Id<Product> },
    #[restored]
    ProductRestored { product_id: Id<Product> },
}

impl Product {
    /// How many units are left when one is given at this price, or why none is.
    fn give(&self, amt: u64) -> Result<u64, Reason> {
        if !self.registered || self.withdrawn {
            return Err(Reason::ProductUnknown);
        }
        if amt != self.amt {
            return Err(Reason::PriceDiffers);
        }
        self.stock.checked_sub(1).ok_or(Reason::OutOfStock)
    }
}

impl Aggregate for Product {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        let product_id = this.id;
        match (self.registered, command) {
            (false, Register(self::Register { name, amt, stock })) => {
                emit(ProductRegistered { name, amt, stock })
            }
            (true, Register(_)) => ignore(),

            (_, Decrease(Shipped { rental_id, customer_id, phone, amt, .. })) => {
                match self.give(amt) {
                    Ok(stock) => {
                        let customer_id = Some(customer_id);
                        let out = Decreased { product_id, rental_id, stock, customer_id, phone };
                        emit(ProductDecreased(out))
                    }
                    Err(reason) => emit(ProductRefused { product_id, rental_id, reason }),
                }
            }

            (true, Increase { rental: rental_id }) => {
                let stock = catalogue::one_more(self.stock);
                emit(ProductIncreased { product_id, rental_id, stock })
            }
            (false, Increase { .. }) => ignore(),

            (_, Maintain(asked)) => self.maintain(asked, this),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event.clone() {
            Event::ProductRegistered { name, amt, stock } => {
                *self = Product { registered: true, name, amt, stock, withdrawn: false };
            }
            Event::ProductDecreased(Decreased { stock, .. })
            | Event::ProductIncreased { stock, .. } => self.stock = stock,
            Event::ProductRefused { .. } => {}
            Event::ProductCorrected(corrected) => self.take_over(corrected),
            Event::ProductWithdrawn { .. } => self.withdrawn = true,
            Event::ProductRestored { .. } => self.withdrawn = false,
        }
    }

    fn entries(&self, id: Id<Self>, event: &Event) -> Vec<Entry> {
        stock::entries(self.stock, id, event)
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Delivery>(|event| match event {
            delivery::Event::DeliveryStarted(shipped) => {
                Some((shipped.product_id, Command::Decrease(shipped.clone())))
            }
            delivery::Event::DeliveryReturned { rental_id, product_id } => {
                Some((*product_id, Command::Increase { rental: *rental_id }))
            }
            _ => None,
        });
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Admin, |product: Register| (Target::New, Command::Register(product)));
        routes.catalogue();
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::{Given, given};

    // The number of the product under test is 1; that of the rental is another.
    const PRODUCT: Id<Product> = Id::new(1);
    const RENTAL: Id<Rental> = Id::new(7);

    fn product(stock: u64) -> Given<Product> {
        given([ProductRegistered { name: Some("P1".into()), amt: 30_000, stock }])
    }
    fn correct(given: Correction) -> Command {
        Maintain(Maintenance::Correct(given))
    }

    #[test]
    fn staff_corrects_what_it_costs_and_the_next_delivery_pays_that() {
        let dearer = Correction { amt: Some(40_000), ..Correction::default() };
        let amt = Some(40_000);
        let product_id = PRODUCT;
        let corrected =
            ProductCorrected(CorrectedProduct { product_id, name: None, amt, stock: None });
        let product = product(2).when(correct(dearer.clone())).then([corrected]);
        let product = product.when(correct(dearer)).then_nothing();
        let product = product.when(decrease(30_000)).then([refused(Reason::PriceDiffers)]);
        let product = product.when(decrease(40_000)).then([taken(1)]);
        let more = Correction { stock_change: Some(4), ..Correction::default() };
        let corrected = ProductCorrected(CorrectedProduct {
            product_id,
            name: None,
            amt: None,
            stock: Some(5),
        });
        let _ = product.when(correct(more.clone())).then([corrected]);
        given::<Product>([]).when(correct(more)).refused(Kind::Absent, "not-found");
    }

    #[test]
    fn a_withdrawn_product_is_unknown_to_deliveries_and_takes_back_what_is_out() {
        let product_id = PRODUCT;
        let back = ProductIncreased { product_id, rental_id: RENTAL, stock: 1 };
        let product = product(1)
            .when(decrease(30_000))
            .then([taken(0)])
            .when(Maintain(Maintenance::Withdraw))
            .then([ProductWithdrawn { product_id }])
            .when(decrease(30_000))
            .then([refused(Reason::ProductUnknown)])
            .when(Increase { rental: RENTAL })
            .then([back]);
        assert_eq!(product.0.lifecycle(), Lifecycle::Withdrawn);
        let _ = product
            .when(Maintain(Maintenance::Restore))
            .then([ProductRestored { product_id }])
            .when(decrease(30_000))
            .then([taken(0)]);
    }

    fn decrease(amt: u64) -> Command {
        Decrease(Shipped {
            rental_id: RENTAL,
            payment_id: RENTAL.of(),
            product_id: PRODUCT,
            customer_id: 7,
            phone: Some("010-0000-0000".into()),
            address: "Seoul".into(),
            amt,
        })
    }
    fn taken(stock: u64) -> Event {
        let phone = Some("010-0000-0000".into());
        ProductDecreased(Decreased {
            product_id: PRODUCT,
            rental_id: RENTAL,
            stock,
            customer_id: Some(7),
            phone,
        })
    }
    fn refused(reason: Reason) -> Event {
        ProductRefused { product_id: PRODUCT, rental_id: RENTAL, reason }
    }

    #[test]
    fn a_delivery_takes_a_unit_and_brings_it_back() {
        let back = ProductIncreased { product_id: PRODUCT, rental_id: RENTAL, stock: 1 };
        let _ = product(1)
            .when(decrease(30_000))
            .then([taken(0)])
            .when(Increase { rental: RENTAL })
            .then([back]);
    }

    #[test]
    fn what_is_not_left_is_refused_and_the_stock_stays() {
        let product = product(0).when(decrease(30_000)).then([refused(Reason::OutOfStock)]);
        assert_eq!(product.0.stock, 0);
    }

    #[test]
    fn another_price_and_an_unknown_product_are_refused() {
        let _ = product(5).when(decrease(29_999)).then([refused(Reason::PriceDiffers)]);
        let unknown =
            given::<Product>([]).when(decrease(30_000)).then([refused(Reason::ProductUnknown)]);
        assert_eq!(unknown.0.lifecycle(), Lifecycle::Absent);
        let _ = unknown.when(Increase { rental: RENTAL }).then_nothing();
    }

    #[test]
    fn a_unit_that_is_out_is_entered_under_the_number_of_its_rental() {
        let back = ProductIncreased { product_id: PRODUCT, rental_id: RENTAL, stock: 3 };
        let entries = Product::default().entries(PRODUCT, &back);
        assert_eq!(entries, [Entry::debit("units", RENTAL, 1)]);
        assert_eq!(Entry::credit("units", RENTAL, true).amount, -1);
    }

    #[test]
    fn what_staff_brings_in_is_entered_under_the_number_of_the_product() {
        let product = product(5).0;
        let corrected = |stock| {
            let product_id = PRODUCT;
            ProductCorrected(CorrectedProduct { product_id, name: None, amt: None, stock })
        };
        let sum = |event: &Event| -> i64 {
            product.entries(PRODUCT, event).iter().map(|entry| entry.amount).sum()
        };
        assert_eq!(
            (sum(&corrected(Some(7))), sum(&corrected(Some(4))), sum(&corrected(None))),
            (-2, 1, 0)
        );
        assert_eq!(product.balances(PRODUCT), [Entry::debit("stock", PRODUCT, 5)]);
    }
}
