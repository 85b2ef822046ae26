//! Which events have happened and which statuses things have had, and which of them there are.

use holdfast::{
    board::sample::sample_values,
    domain::{Aggregate, Board, Entity, Id, Name, View},
};
use schemars::schema_for;
use serde_json::Value;
use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

/// Events and statuses, each with its context: `bookrent.rent: BookRented`, `bookrent.rent is Cancel`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen(pub BTreeSet<String>);

impl Seen {
    pub fn event(&mut self, context: Name, event: &str) {
        self.0.insert(format!("{context}: {event}"));
    }
    /// An event has happened to a thing that was as `before` and is as `after`.
    pub fn step<A: Aggregate>(&mut self, number: u64, before: &A, event: &A::Event, after: &A) {
        self.event(A::NAME, event.as_ref());
        self.status(number, before);
        self.status(number, after);
    }
    /// Also of what clients cannot see: an order that waits for an answer.
    fn status<E: Entity>(&mut self, number: u64, state: &E) {
        let shown = serde_json::to_value(state.represent(Id::new(number)));
        if let Some(status) = shown.unwrap_or_default()["status"].as_str() {
            self.0.insert(format!("{} is {status}", E::NAME));
        }
    }
}

/// What is seen as logs are read. Clones are the same one.
pub type SharedSeen = Rc<RefCell<Seen>>;

/// Everything that the contexts of a system declare.
#[derive(Default)]
pub struct Declared(pub Seen);

impl Board for Declared {
    fn aggregate<A: Aggregate>(&mut self) {
        let events = sample_values::<A::Event>().expect("samples are events");
        events.iter().for_each(|event| self.0.event(A::NAME, event.as_ref()));
        for status in statuses::<A>() {
            self.0.0.insert(format!("{} is {status}", A::NAME));
        }
    }
    fn view<V: View>(&mut self) {}
}

/// The statuses that a representation may show.
fn statuses<E: Entity>() -> BTreeSet<String> {
    let schema = schema_for!(E::Representation).to_value();
    let mut found = BTreeSet::new();
    let mut collect = vec![schema["properties"]["status"].clone()];
    while let Some(part) = collect.pop() {
        match part {
            Value::Object(fields) => {
                let named = |name: &str| fields.get(name).cloned();
                if let Some(Value::String(at)) = named("$ref") {
                    let at = at.trim_start_matches('#');
                    collect.extend(schema.pointer(at).cloned());
                }
                found.extend(named("const").iter().filter_map(Value::as_str).map(str::to_owned));
                let several = ["enum", "oneOf", "anyOf"].into_iter().filter_map(named);
                collect.extend(several);
            }
            Value::Array(parts) => collect.extend(parts),
            Value::String(status) => drop(found.insert(status)),
            _ => {}
        }
    }
    found
}
