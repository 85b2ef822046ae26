//! For each system: which bodies make sense, and what must hold.

mod bookrent;
mod ebook;
mod gbike;
mod movie;
mod purifier;
mod ticketing;

use super::{
    mitigation::Mitigation,
    world::{Order, World},
};
use serde_json::Value;
use support::chance::Chance;

/// A system as its clients and its owners see it.
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
    /// The mitigations whose lack shows here.
    pub notices: &'static [Mitigation],
}

/// All of them.
pub const BUSINESSES: &[&Business] = &[
    &bookrent::BUSINESS,
    &purifier::BUSINESS,
    &ebook::BUSINESS,
    &movie::BUSINESS,
    &ticketing::BUSINESS,
    &gbike::BUSINESS,
];

/// The one of that system.
pub fn business(system: &str) -> Option<&'static Business> {
    BUSINESSES.iter().find(|business| business.system == system).copied()
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

/// What `came` in is what `went` back and what is kept: the amounts of payments that show another status than `gone`.
fn money_adds_up(
    world: &World,
    (came, went): (u64, u64),
    field: &str,
    gone: &str,
) -> Result<(), String> {
    let amounts =
        world.all("payment").iter().filter(|(_, payment)| text(payment, "status") != gone);
    let kept: u64 = amounts.filter_map(|(_, payment)| payment[field].as_u64()).sum();
    must!(came == kept + went, "{came} won came in, {kept} are kept, and {went} went back");
    Ok(())
}

/// What is paid came in once and went back at most once, as its status says.
fn pays_once(world: &World, (came, went): (&str, &str), gone: &str) -> Result<(), String> {
    for (number, payment) in world.all("payment").iter() {
        let (paid, back) =
            (world.said("payment", number, came), world.said("payment", number, went));
        let right = paid == 1 && back == usize::from(text(payment, "status") == gone);
        must!(right, "payment {number} came in {paid} times and went back {back} times: {payment}");
    }
    Ok(())
}
