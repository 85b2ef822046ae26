//! A system without a model: clients send what its routes take, and what holds of every system must hold of it.

use super::{
    super::world::{Order, Scene},
    Model,
};
use holdfast::{
    board::sample::of_schema,
    domain::{Aggregate, Board, Body, Role, Routes, Target, View},
    systems,
};
use schemars::schema_for;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::LazyLock};
use support::chance::Chance;

pub const fn model(name: &'static str, system: &'static str) -> Model {
    Model {
        name,
        system,
        settings: || json!({}),
        clock: "2026-03-02T09:00:00Z",
        opening: Vec::new,
        order,
        always: |_| Ok(()),
        finally: |_| Ok(()),
    }
}

/// One way to command a context, and samples of the bodies that it takes.
struct Route {
    context: &'static str,
    collection: &'static str,
    verb: &'static str,
    bodies: Vec<Value>,
}

#[derive(Default)]
struct Found(Vec<Route>);

impl Found {
    fn add<A: Aggregate>(&mut self, verb: &'static str, bodies: Vec<Value>) {
        let context = A::NAME.short();
        let collection = A::NAME.collection;
        self.0.push(Route { context, collection, verb, bodies });
    }
}

impl<A: Aggregate> Routes<A> for Found {
    fn post<B: Body>(&mut self, _: Role, _: fn(B) -> (Target<A>, A::Command)) {
        self.add::<A>("POST", of_schema(schema_for!(B).as_value()));
    }
    fn patch<B: Body>(&mut self, _: Role, _: fn(B) -> A::Command) {
        // A body without a value changes nothing, and no route takes it.
        let mut bodies = of_schema(schema_for!(B).as_value());
        bodies.retain(|body| {
            body.as_object().is_none_or(|fields| !fields.values().all(Value::is_null))
        });
        self.add::<A>("PATCH", bodies);
    }
    fn patch_verb(&mut self, _: Role, verb: &'static str, _: fn() -> A::Command) {
        self.add::<A>(verb, vec![Value::Null]);
    }
    fn delete(&mut self, _: Role, _: fn() -> A::Command) {
        self.add::<A>("DELETE", vec![Value::Null]);
    }
}

impl Board for Found {
    fn aggregate<A: Aggregate>(&mut self) {
        A::routes(self);
    }
    fn view<V: View>(&mut self) {}
}

static ROUTES: LazyLock<BTreeMap<&str, Vec<Route>>> = LazyLock::new(|| {
    let of = |system: &'static str| {
        let mut found = Found::default();
        super::lay_out(system, &mut found);
        (system, found.0)
    };
    systems::NAMES.iter().copied().chain([super::SEVENTH, super::LONELY]).map(of).collect()
});

/// What a word is in a sample, and others that may stand for it.
const WORDS: [&str; 3] = ["a", "b", "c"];

/// The body with other numbers and words, few enough to meet each other again.
fn with_few_values(body: &Value, chance: &mut Chance) -> Value {
    match body {
        Value::Number(number) if number.is_u64() && chance.coin() => chance.between(1, 5).into(),
        Value::String(word) if word == WORDS[0] => WORDS[chance.between(0, 3) as usize].into(),
        Value::Array(items) => items.iter().map(|item| with_few_values(item, chance)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| (name.clone(), with_few_values(field, chance)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

fn order(chance: &mut Chance, world: &Scene<'_>) -> Order {
    let routes = &ROUTES[world.name()];
    let route = &routes[chance.number() as usize % routes.len()];
    let body = &route.bodies[chance.number() as usize % route.bodies.len()];
    let number = match world.all(route.context).any(chance.number()) {
        Some(number) if chance.coin() => number,
        _ => chance.between(1, 5),
    };
    Order {
        system: world.system,
        collection: route.collection,
        number: (route.verb != "POST").then_some(number),
        verb: route.verb,
        body: with_few_values(body, chance),
        key: None,
    }
}
