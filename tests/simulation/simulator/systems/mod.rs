//! For each system: which bodies make sense, and what must hold.

mod bookrent;
mod by_routes;
mod ebook;
mod gbike;
mod laid_out;
mod movie;
mod purifier;
mod ticketing;

pub use laid_out::ask_timeout_millis;
use laid_out::{LONELY, SEVENTH, lay_out};

use super::world::{Order, Scene};
use holdfast::{domain::Board, systems};
use serde_json::Value;
use std::{collections::BTreeSet, sync::LazyLock};
use support::{chance::Chance, selected_systems};

/// A system as its clients and its owners see it.
#[derive(Clone, Copy)]
pub struct Model {
    /// How it is laid out: the name of its system, but where that has only a part of its contexts.
    pub name: &'static str,
    pub system: &'static str,
    /// Its table of the configuration.
    pub settings: fn() -> Value,
    /// When it opens.
    pub clock: &'static str,
    /// What is sent first.
    pub opening: fn() -> Vec<Order>,
    /// What a client sends next, seeing what there is.
    pub order: fn(&mut Chance, &Scene<'_>) -> Order,
    /// What holds at any time, between any two steps.
    pub always: fn(&Scene<'_>) -> Result<(), String>,
    /// What holds when all is healed and quiet.
    pub finally: fn(&Scene<'_>) -> Result<(), String>,
}

/// What is simulated at once.
pub struct Business {
    pub name: &'static str,
    /// Its systems, which share a node or two.
    pub models: Vec<Model>,
    /// Its clients know no more than the routes, although its owners have said more.
    pub is_by_routes: bool,
}

impl Business {
    pub fn of(model: Model) -> Self {
        Self { name: model.name, models: vec![model], is_by_routes: false }
    }
    pub fn lay_out(&self, board: &mut impl Board) {
        self.models.iter().for_each(|model| lay_out(model.name, board));
    }
    /// When it opens: with the first of its systems.
    pub fn clock(&self) -> &'static str {
        self.models.iter().map(|model| model.clock).min().expect("it has a system")
    }
    /// Whether the owners of each of its systems have said what must hold.
    pub fn is_known(&self) -> bool {
        let is_known = |model: &Model| known_model(model.name).is_some();
        !self.is_by_routes && self.models.iter().all(is_known)
    }
    /// The system whose customer acts next.
    pub fn choose_model(&self, chance: &mut Chance) -> &Model {
        match self.models.as_slice() {
            [only] => only,
            several => &several[chance.number() as usize % several.len()],
        }
    }
}

/// The systems whose owners have said what must hold.
const MODELS: &[Model] =
    &[bookrent::MODEL, purifier::MODEL, ebook::MODEL, movie::MODEL, ticketing::MODEL, gbike::MODEL];

/// All systems at once.
const TOGETHER: &str = "all";

static BUSINESSES: LazyLock<Vec<Business>> = LazyLock::new(|| {
    let models = selected_systems(systems::NAMES).into_iter().map(model);
    models.map(Business::of).collect()
});

static TOGETHER_BUSINESS: LazyLock<Option<Business>> = LazyLock::new(|| {
    let models: Vec<_> = selected_systems(systems::NAMES).into_iter().map(model).collect();
    let is_by_routes = false;
    (models.len() > 1).then_some(Business { name: TOGETHER, models, is_by_routes })
});

static BY_ROUTES: LazyLock<Vec<Business>> = LazyLock::new(|| {
    let by_routes = |business: &Business| {
        let models = business.models.iter().map(|model| by_routes::model(model.name, model.system));
        Business { name: business.name, models: models.collect(), is_by_routes: true }
    };
    businesses().iter().chain(together()).map(by_routes).collect()
});

static SEVENTH_BUSINESS: LazyLock<Business> =
    LazyLock::new(|| Business::of(by_routes::model(SEVENTH, SEVENTH)));
static LONELY_BUSINESS: LazyLock<Business> =
    LazyLock::new(|| Business::of(by_routes::model(LONELY, SEVENTH)));

/// A system without a line in the simulator: what must hold of it is what its contexts declare.
pub fn seventh() -> &'static Business {
    &SEVENTH_BUSINESS
}

/// Another one, which has one context.
pub fn lonely() -> &'static Business {
    &LONELY_BUSINESS
}

/// All systems on one node or two, whose customers act at once; none where one system is selected.
pub fn together() -> Option<&'static Business> {
    TOGETHER_BUSINESS.as_ref()
}

fn known_model(system: &str) -> Option<Model> {
    MODELS.iter().find(|model| model.name == system).copied()
}

fn model(system: &'static str) -> Model {
    known_model(system).unwrap_or(by_routes::model(system, system))
}

/// Each system: by its model, or by its routes where it has none.
pub fn businesses() -> &'static [Business] {
    &BUSINESSES
}

/// Each system, and all of them, as if none had a model.
pub fn businesses_by_routes() -> &'static [Business] {
    &BY_ROUTES
}

/// The one of that name.
pub fn find_business(name: &str, is_by_routes: bool) -> Option<&'static Business> {
    let known = businesses().iter().chain(together()).chain([seventh(), lonely()]);
    let all: Vec<_> = if is_by_routes { BY_ROUTES.iter().collect() } else { known.collect() };
    all.into_iter().find(|business| business.name == name)
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
    world: &Scene<'_>,
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
