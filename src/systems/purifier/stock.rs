//! What is said of the stock of a product: that a unit has gone out, or why none has.

use super::{
    product::{CorrectedProduct, Event, Product},
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

/// A unit that has gone out is with a delivery until it comes back. What staff brings in, or takes out, is in stock, or with a
/// delivery.
pub(super) fn entries(before: u64, product: Id<Product>, event: &Event) -> Vec<Entry> {
    let supplied = |stock: u64| {
        vec![Entry::credit("stock", product, stock), Entry::debit("stock", product, before)]
    };
    match *event {
        Event::ProductDecreased(Decreased { rental_id, .. }) => {
            vec![Entry::credit("units", rental_id, 1)]
        }
        Event::ProductIncreased { rental_id, .. } => vec![Entry::debit("units", rental_id, 1)],
        Event::ProductRegistered { stock, .. }
        | Event::ProductCorrected(CorrectedProduct { stock: Some(stock), .. }) => supplied(stock),
        _ => Vec::new(),
    }
}
