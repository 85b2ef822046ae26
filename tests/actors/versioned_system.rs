//! A system for tests whose functions of stored state have versions: the second does not see upper and lower case.

use holdfast::{actors::NodeBuilder, domain::*};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

pub fn lockers<const V: u16>(board: &mut NodeBuilder<'_>) {
    board.aggregate::<Locker<V>>();
    board.view::<Wall<V>>();
}

pub mod seat {
    use std::time::Duration;
    /// When lockers close, in seconds from now.
    pub const LATER: i64 = 10 * 3_600;
    /// A little after the time at which they close by the second version.
    pub const EARLIER: Duration = Duration::from_secs(9 * 3_600 + 60);
}

const fn name(context: &'static str, collection: &'static str, item: &'static str) -> Name {
    Name { system: "lockers", context, collection, item, korean: "물건" }
}

fn as_key(version: u16, key: &str) -> String {
    if version == 1 { key.to_owned() } else { key.to_lowercase() }
}

fn indexes(version: u16, key: &str) -> Vec<(&'static str, Key)> {
    let mut indexes = vec![("key", Key::Text(as_key(version, key)))];
    if version > 1 {
        indexes.push(("first", Key::Text(as_key(version, key).chars().take(1).collect())));
    }
    indexes
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Locker<const V: u16> {
    key: String,
    until: Option<Timestamp>,
    given_up: bool,
    closed: bool,
}
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shown {
    key: String,
    closed: bool,
}
#[command]
#[schemars(rename = "LockerCommand")]
pub enum Command {
    Take { key: String, until: i64 },
    GiveUp,
    Close,
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[schemars(rename = "LockerEvent")]
pub enum Event {
    Taken { number: u64, key: String, until: Timestamp },
    GivenUp,
    Closed,
}
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Take {
    key: String,
    until: i64,
}
impl holdfast::domain::Body for Take {}

impl<const V: u16> Entity for Locker<V> {
    const READS: holdfast::domain::Reads = holdfast::domain::Reads::Public;
    const NAME: Name = name("lockers.locker", "lockers", "locker");
    const INDEX_VERSION: u16 = V;
    type Representation = Shown;
    fn represent(&self, _: Id<Self>) -> Shown {
        Shown { key: self.key.clone(), closed: self.closed }
    }
    fn lifecycle(&self) -> Lifecycle {
        if self.key.is_empty() { Lifecycle::Absent } else { Lifecycle::Established }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        indexes(V, &self.key)
    }
}

impl<const V: u16> Aggregate for Locker<V> {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const CLAIMS_VERSION: u16 = V;
    const DUE_VERSION: u16 = V;

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        match command {
            Command::Take { key, until } if self.key.is_empty() => emit(Event::Taken {
                number: this.id.get(),
                key,
                until: this.at.plus_micros(until * 1_000_000),
            }),
            Command::GiveUp if !self.given_up => emit(Event::GivenUp),
            Command::Close if !self.closed => emit(Event::Closed),
            _ => ignore(),
        }
    }
    fn evolve(&mut self, event: &Event) {
        match event {
            Event::Taken { key, until, .. } => (self.key, self.until) = (key.clone(), Some(*until)),
            Event::GivenUp => self.given_up = true,
            Event::Closed => self.closed = true,
        }
    }
    fn claims(&self) -> Vec<String> {
        if self.key.is_empty() || self.given_up { Vec::new() } else { vec![as_key(V, &self.key)] }
    }
    fn due(&self) -> Option<(Timestamp, Command)> {
        let earlier = if V == 1 { 0 } else { 3_600_000_000 };
        let until = self.until.filter(|_| !self.closed && !self.given_up)?;
        Some((until.plus_micros(-earlier), Command::Close))
    }
    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Customer, |Take { key, until }: Take| {
            (Target::New, Command::Take { key, until })
        });
        routes.patch_verb(Role::Customer, "give-up", || Command::GiveUp);
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Wall<const V: u16> {
    key: String,
}
#[derive(Debug, Serialize, JsonSchema)]
pub struct WallShown {
    key: String,
}
impl<const V: u16> Entity for Wall<V> {
    const READS: holdfast::domain::Reads = holdfast::domain::Reads::Public;
    const NAME: Name = name("lockers.wall", "walls", "wall");
    const INDEX_VERSION: u16 = V;
    type Representation = WallShown;
    fn represent(&self, _: Id<Self>) -> WallShown {
        WallShown { key: self.key.clone() }
    }
    fn lifecycle(&self) -> Lifecycle {
        if self.key.is_empty() { Lifecycle::Absent } else { Lifecycle::Established }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        indexes(V, &self.key)
    }
}
impl<const V: u16> View for Wall<V> {
    fn folds(folds: &mut impl Folds<Self>) {
        folds.on::<Locker<V>>(
            |event| if let Event::Taken { number, .. } = event { Some(*number) } else { None },
            |row, event| {
                if let Event::Taken { key, .. } = event {
                    row.key.clone_from(key);
                }
            },
        );
    }
}
