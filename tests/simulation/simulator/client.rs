//! What clients see and send: things, orders, and the routes that take them.

use holdfast::domain::{
    Aggregate, Body, Entity, Id, Lifecycle, Name, Role, Routes, Target, lenient, patch,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt};
use support::chance::Chance;

/// What there is to see of a context, by number.
#[derive(Default)]
pub struct Things(BTreeMap<u64, Value>);

impl Things {
    pub fn set<E: Entity>(&mut self, number: u64, entity: &E) {
        match entity.lifecycle() {
            Lifecycle::Established | Lifecycle::Withdrawn => {
                let shown = serde_json::to_value(entity.represent(Id::new(number)))
                    .expect("it can be shown");
                self.0.insert(number, shown);
            }
            _ => drop(self.0.remove(&number)),
        }
    }
    pub fn show<'a, E: Entity>(&mut self, all: impl Iterator<Item = (&'a u64, &'a E)>) {
        self.0.clear();
        all.for_each(|(number, entity)| self.set(*number, entity));
    }
    pub fn get(&self, number: u64) -> Option<&Value> {
        self.0.get(&number)
    }
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Value)> {
        self.0.iter().map(|(number, shown)| (*number, shown))
    }
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// One of them.
    pub fn any(&self, chance: u64) -> Option<u64> {
        self.0.keys().nth(chance as usize % self.0.len().max(1)).copied()
    }
}

/// A client's request.
#[derive(Clone)]
pub struct Order {
    /// None until it is sent.
    pub system: &'static str,
    pub collection: &'static str,
    pub number: Option<u64>,
    pub verb: &'static str,
    pub body: Value,
    /// Its idempotency key.
    pub key: Option<u64>,
}

impl Order {
    pub fn post(collection: &'static str, body: Value) -> Self {
        Self { system: "", collection, number: None, verb: "POST", body, key: None }
    }
    pub fn patch(collection: &'static str, number: u64, body: Value) -> Self {
        Self { system: "", collection, number: Some(number), verb: "PATCH", body, key: None }
    }
    /// `PATCH /{collection}/{verb}/{number}`
    pub fn verb(collection: &'static str, verb: &'static str, number: u64) -> Self {
        Self { system: "", collection, number: Some(number), verb, body: Value::Null, key: None }
    }
    pub fn delete(collection: &'static str, number: u64) -> Self {
        Self {
            system: "",
            collection,
            number: Some(number),
            verb: "DELETE",
            body: Value::Null,
            key: None,
        }
    }
    /// What staff does to a thing of a catalogue: one of these corrections, a withdrawal, or the end of it.
    pub fn maintain(
        chance: &mut Chance,
        collection: &'static str,
        number: u64,
        corrections: &[Value],
    ) -> Self {
        match chance.between(0, 4) {
            0 => Self::delete(collection, number),
            1 => Self::patch(collection, number, json!({ "withdrawn": false })),
            _ => {
                let one = chance.number() as usize % corrections.len();
                Self::patch(collection, number, corrections[one].clone())
            }
        }
    }
    /// Whether it goes to that context.
    pub fn is_to(&self, name: Name) -> bool {
        name.system == self.system && name.collection == self.collection
    }
    pub fn is_post(&self) -> bool {
        self.verb == "POST"
    }
}
impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { system, collection, number, verb, body, .. } = self;
        write!(f, "{verb} {system}/{collection}/{number:?} {body}")
    }
}

type Entered<A> = (Target<A>, <A as Aggregate>::Command);

/// A route of `A`, and how a body becomes a command there.
pub struct CommandRoute<A: Aggregate> {
    verb: &'static str,
    /// Which of several bodies it takes, where that is to be told.
    fields: Vec<String>,
    pub enter: Box<dyn Fn(Value) -> Result<Entered<A>, lenient::BadBody>>,
}

impl<A: Aggregate> CommandRoute<A> {
    pub fn takes(&self, order: &Order) -> bool {
        let is_given = |field: &String| !order.body[field].is_null();
        self.verb == order.verb && (self.fields.is_empty() || self.fields.iter().any(is_given))
    }
}

struct Found<A: Aggregate>(Vec<CommandRoute<A>>);

impl<A: Aggregate> Routes<A> for Found<A> {
    fn post<B: Body>(&mut self, _: Role, enter: fn(B) -> (Target<A>, A::Command)) {
        self.0.push(CommandRoute {
            verb: "POST",
            fields: Vec::new(),
            enter: Box::new(move |body| lenient::read_body(body).map(enter)),
        });
    }
    fn patch<B: Body>(&mut self, _: Role, enter: fn(B) -> A::Command) {
        let enter = move |body| lenient::read_body(body).map(|body| (Target::New, enter(body)));
        let fields = patch::fields_of::<B>();
        self.0.push(CommandRoute { verb: "PATCH", fields, enter: Box::new(enter) });
    }
    fn patch_verb(&mut self, _: Role, verb: &'static str, enter: fn() -> A::Command) {
        let enter = Box::new(move |_| Ok((Target::New, enter())));
        self.0.push(CommandRoute { verb, fields: Vec::new(), enter });
    }
    fn delete(&mut self, _: Role, enter: fn() -> A::Command) {
        let enter = Box::new(move |_| Ok((Target::New, enter())));
        self.0.push(CommandRoute { verb: "DELETE", fields: Vec::new(), enter });
    }
}

pub fn command_routes<A: Aggregate>() -> Vec<CommandRoute<A>> {
    let mut found = Found(Vec::new());
    A::routes(&mut found);
    found.0
}
