//! Usage: how often each user has driven.

use super::trip::{Event::Begun, Trip};
use crate::domain::prelude::*;

/// The trips of the user with the same number.
#[entity(context = "carshare.usage", reads = staff, collection = "usages", korean = "이용 현황", supporting)]
pub struct Usage {
    #[exists]
    trips: u64,
}

impl View for Usage {
    fn folds(folds: &mut impl Folds<Self>) {
        folds.on::<Trip>(
            |event| if let Begun { user_id, .. } = event { Some(*user_id) } else { None },
            |row, _| row.trips += 1,
        );
    }
}
