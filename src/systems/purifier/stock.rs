//! What is said of the stock of a product: that a unit has gone out, or why none has.

use super::{product::Product, rental::Rental};
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
