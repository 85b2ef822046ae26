//! What is said of the stock of a product: that a unit has gone out, or why none has.

use super::{
    product::{Event, Product},
    rental::Rental,
};
use crate::domain::prelude::*;
use strum::AsRefStr;

/// A unit has gone out, to this customer.
#[value(title = "DecreasedProduct")]
#[schemars(inline)]
pub struct Decreased {
    pub product_id: Id<Product>,
    pub rental_id: Id<Rental>,
    pub stock: u64,
    /// Events from before this field have none.
    #[serde(default)]
    pub customer_id: Option<u64>,
    /// Where text messages go.
    #[serde(default)]
    pub phone: Option<String>,
}

/// Why no unit was given.
#[value(title = "ProductRefusal")]
#[derive(Copy, Eq, AsRefStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Reason {
    OutOfStock,
    ProductUnknown,
    PriceDiffers,
}

/// A unit that has gone out is with a delivery until it comes back.
pub(super) fn entry(event: &Event) -> Option<Entry> {
    match *event {
        Event::ProductDecreased(Decreased { rental_id, .. }) => {
            Some(Entry::credit("units", rental_id, 1))
        }
        Event::ProductIncreased { rental_id, .. } => Some(Entry::debit("units", rental_id, 1)),
        _ => None,
    }
}
