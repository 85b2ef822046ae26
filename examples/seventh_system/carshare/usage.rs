//! Usage: how often each car has been out.

use super::trip::{self, Trip};
use crate::domain::prelude::*;

/// The use of the car with the same number.
#[entity(
    context = "carshare.usage", collection = "usages", supporting, lifecycle = Lifecycle::Established
)]
pub struct Usage {
    trips: u64,
}

impl View for Usage {
    fn folds(folds: &mut impl Folds<Self>) {
        folds.on::<Trip>(
            |event| match event {
                trip::Event::TripBegun { car_id, .. } => Some(car_id.get()),
                _ => None,
            },
            |row, _| row.trips += 1,
        );
    }
}
