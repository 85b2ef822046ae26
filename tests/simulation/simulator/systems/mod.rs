//! For each system: which bodies make sense, and what must hold.

mod bookrent;
mod by_routes;
mod ebook;
mod gbike;
mod laid_out;
mod movie;
mod purifier;
mod ticketing;

pub use laid_out::{SEVENTH, ask_timeout_millis, lay_out};

use super::world::{Order, World};
use holdfast::systems;
use serde_json::Value;
use std::{collections::BTreeSet, sync::LazyLock};
use support::{chance::Chance, selected_systems};

/// A system as its clients and its owners see it.
#[derive(Clone, Copy)]
pub struct Business {
    pub system: &'static str,
    /// Its table of the configuration.
    pub settings: fn() -> Value,
    /// When it opens.
    pub clock: &'static str,
    /// What is sent first.
    pub opening: fn() -> Vec<Order>,
    /// What a client sends next, seeing what there is.
    pub order: fn(&mut Chance, &World) -> Order,
    /// What holds at any time, between any two steps.
    pub always: fn(&World) -> Result<(), String>,
    /// What holds when all is healed and quiet.
    pub finally: fn(&World) -> Result<(), String>,
}

/// The systems whose owners have said what must hold.
const MODELS: &[Business] = &[
    bookrent::BUSINESS,
    purifier::BUSINESS,
    ebook::BUSINESS,
    movie::BUSINESS,
    ticketing::BUSINESS,
    gbike::BUSINESS,
];

static BUSINESSES: LazyLock<Vec<Business>> = LazyLock::new(|| {
    let business = |system| model(system).unwrap_or(by_routes::business(system));
    selected_systems(systems::NAMES).into_iter().map(business).collect()
});

static BY_ROUTES: LazyLock<Vec<Business>> = LazyLock::new(|| {
    selected_systems(systems::NAMES).into_iter().map(by_routes::business).collect()
});

static BUSINESS_OF_SEVENTH: Business = by_routes::business(SEVENTH);

/// A system without a line in the simulator: what must hold of it is what its contexts declare.
pub fn seventh() -> &'static Business {
    &BUSINESS_OF_SEVENTH
}

fn model(system: &str) -> Option<Business> {
    MODELS.iter().find(|model| model.system == system).copied()
}

/// Each system: by its model, or by its routes where it has none.
pub fn businesses() -> &'static [Business] {
    &BUSINESSES
}

/// Each system as if it had no model.
pub fn businesses_by_routes() -> &'static [Business] {
    &BY_ROUTES
}

/// The one of that system.
pub fn business(system: &str) -> Option<&'static Business> {
    businesses().iter().chain([seventh()]).find(|business| business.system == system)
}

/// That it is so, or what is not.
macro_rules! must {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err(format!($($words)+));
        }
    };
}
pub(super) use must;

/// The text in that field, or nothing.
fn text<'a>(shown: &'a Value, field: &str) -> &'a str {
    shown[field].as_str().unwrap_or_default()
}

/// While a thing of `context` is withdrawn, none of its events gives it to an order.
fn withdrawn_is_given_to_none(
    world: &World,
    context: &str,
    gives: fn(&str, &Value) -> bool,
) -> Result<(), String> {
    let mut withdrawn = BTreeSet::new();
    for (number, event) in world.events(context) {
        let Some((name, fields)) = event.as_object().and_then(|event| event.iter().next()) else {
            continue;
        };
        // Of the thing itself, not of what is ordered.
        let of_it = |participle: &str| {
            let what = name.strip_suffix(participle);
            what.is_some_and(|what| what.eq_ignore_ascii_case(context))
        };
        if of_it("Withdrawn") {
            withdrawn.insert(*number);
        } else if of_it("Restored") {
            withdrawn.remove(number);
        }
        let is_given = withdrawn.contains(number) && gives(name, fields);
        must!(!is_given, "{context} {number} is withdrawn, and then {event}");
    }
    Ok(())
}
