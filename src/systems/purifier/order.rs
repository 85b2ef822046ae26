//! What is ordered when a unit is rented: what customers send, what the events carry.

use super::{payment::Payment, product::Product, rental::Rental, stock::Reason};
use crate::domain::prelude::*;

/// What was ordered.
#[value(title = "OrderedRental")]
#[derive(Default)]
pub struct Ordered {
    pub rental_id: Id<Rental>,
    pub customer_id: u64,
    pub product_id: Id<Product>,
    pub amt: u64,
    pub address: String,
    pub phone: Option<String>,
}

/// `POST /rentals`, and what a rental keeps of it.
#[body(title = "RequestRental")]
#[derive(Default)]
pub struct Request {
    #[subject]
    pub customer_id: u64,
    pub product_id: Id<Product>,
    /// What the customer believes that it costs, in won: this is charged, and it must be right.
    pub amt: u64,
    pub address: String,
    /// Where text messages go.
    #[blank_is_none]
    pub phone: Option<String>,
}

/// `PATCH /rentals/{id}`: the status that a client may ask for.
#[body(title = "EndedRental")]
pub enum Ended {
    /// The rental is canceled.
    Cancel,
}

/// What is delivered, where and to whom.
#[value(title = "ShippedRental")]
#[derive(Default)]
pub struct Shipped {
    pub rental_id: Id<Rental>,
    pub payment_id: Id<Payment>,
    pub product_id: Id<Product>,
    pub customer_id: u64,
    pub phone: Option<String>,
    pub address: String,
    pub amt: u64,
}

impl From<Ordered> for Shipped {
    fn from(order: Ordered) -> Self {
        let Ordered { rental_id, customer_id, product_id, amt, address, phone } = order;
        let payment_id = rental_id.of();
        Self { rental_id, payment_id, product_id, customer_id, phone, address, amt }
    }
}

/// A rental never came to be.
#[value]
#[schemars(inline)]
pub struct Failed {
    pub rental_id: Id<Rental>,
    pub customer_id: u64,
    pub product_id: Id<Product>,
    pub reason: String,
}

/// A rental is over; the reason is there where that was not the customer's wish.
#[value]
#[schemars(inline)]
pub struct Canceled {
    pub rental_id: Id<Rental>,
    pub customer_id: u64,
    pub phone: Option<String>,
    pub reason: Option<Reason>,
}

/// A rental has changed, and this customer gets a message.
#[value(title = "ChangedRental")]
pub struct Changed {
    pub rental_id: Id<Rental>,
    pub customer_id: u64,
    pub phone: Option<String>,
}

/// What a text message says to whom.
#[value(title = "RentalText")]
#[derive(Default)]
pub struct Text {
    pub rental_id: Id<Rental>,
    pub customer_id: u64,
    pub phone: Option<String>,
    pub text: String,
}

impl Request {
    /// The order that rental `rental_id` is.
    pub fn ordered(self, rental_id: Id<Rental>) -> Ordered {
        let Self { customer_id, product_id, amt, address, phone } = self;
        Ordered { rental_id, customer_id, product_id, amt, address, phone }
    }
    /// Its rental never came to be.
    pub fn failed(self, rental_id: Id<Rental>, no: &NoAnswer) -> Failed {
        let Self { customer_id, product_id, .. } = self;
        Failed { rental_id, customer_id, product_id, reason: no.code().into() }
    }
    /// Its rental has changed.
    pub fn changed(self, rental_id: Id<Rental>) -> Changed {
        let Self { customer_id, phone, .. } = self;
        Changed { rental_id, customer_id, phone }
    }
    /// Its rental is over.
    pub fn canceled(self, rental_id: Id<Rental>, reason: Option<Reason>) -> Canceled {
        let Self { customer_id, phone, .. } = self;
        Canceled { rental_id, customer_id, phone, reason }
    }
}

impl From<Ordered> for Request {
    fn from(order: Ordered) -> Self {
        let Ordered { customer_id, product_id, amt, address, phone, .. } = order;
        Self { customer_id, product_id, amt, address, phone }
    }
}
