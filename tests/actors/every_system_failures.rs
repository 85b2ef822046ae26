//! Every system with every step failing in turn, by what it declares: the orders are samples of what its routes take, and
//! what must hold is what holds of any system. What only one system knows of itself is in its own file.

use super::{
    bench::{Bench, ensure},
    step_failures::{Saga, fail_every_step},
};
use holdfast::{
    actors::{CommandRequest, Context, Node, NodeSettings, Verb},
    board::sample::of_schema,
    store::MemoryStore,
    systems,
};
use schemars::SchemaGenerator;
use serde_json::Value;

/// The body with every number 1, so that the first of everything meet.
fn with_first_numbers(body: &Value) -> Value {
    match body {
        Value::Number(_) => 1.into(),
        Value::Array(items) => items.iter().map(with_first_numbers).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), with_first_numbers(field))).collect()
        }
        other => other.clone(),
    }
}

/// The fullest body that a route takes; of several kinds of bodies, one of the first kind.
fn body_of(context: &dyn Context, route: usize) -> Value {
    let Some(schema) = context.routes()[route].bodies.first() else { return Value::Null };
    let mut generator = SchemaGenerator::default();
    let mut root = schema(&mut generator).to_value();
    root["$defs"] = generator.take_definitions(true).into();
    let samples = of_schema(&root);
    let fullest = samples.iter().max_by_key(|body| body.as_object().map_or(0, |it| it.len()));
    with_first_numbers(fullest.expect("a sample"))
}

/// All that clients can send: first what makes something, the order of the system last and twice, and then the rest.
fn orders(contexts: &[std::sync::Arc<dyn Context>]) -> Vec<(&'static str, CommandRequest)> {
    let mut making = Vec::new();
    let mut ordering = Vec::new();
    let mut changing = Vec::new();
    for context in contexts {
        for (route, info) in context.routes().iter().enumerate() {
            let body = body_of(context.as_ref(), route);
            let number = (info.verb != Verb::Post).then_some(1);
            let order = CommandRequest { route, number, body, ..CommandRequest::default() };
            let order = (context.name().context, order);
            match (info.verb, context.is_order()) {
                (Verb::Post, true) => ordering.extend([order.clone(), order]),
                (Verb::Post, false) => making.push(order),
                _ => changing.push(order),
            }
        }
    }
    [making, ordering, changing].concat()
}

/// Every list has what is there, and no more; and what clients are shown is settled.
fn is_consistent(bench: &Bench) -> Result<(), String> {
    for context in bench.node.contexts() {
        let name = context.name().context;
        // What was withdrawn is shown to those who know its number, and is in no list.
        let shown = bench.all(name);
        let shown = shown.iter().filter(|(_, it)| it["withdrawn"] != true).count() as u64;
        let listed = bench.total(name, &[]);
        ensure(shown == listed, format!("{name}: {shown} are shown, {listed} are listed"))?;
        let health = context.health();
        ensure(health.damaged == 0, format!("{name} is damaged: {:?}", health.damage))?;
        ensure(health.crashes < 3, format!("{name} has crashed {} times", health.crashes))?;
    }
    Ok(())
}

#[actix_rt::test]
async fn after_any_failing_step_of_any_system_its_lists_are_what_there_is() {
    for system in support::selected_systems(systems::NAMES) {
        let lay_out = |board: &mut holdfast::actors::NodeBuilder<'_>| {
            assert!(systems::lay_out(system, board));
        };
        let bench = Bench::of(MemoryStore::new(), NodeSettings::default(), lay_out).ready().await;
        let orders = orders(bench.node.contexts());
        assert!(orders.len() > 1, "{system} takes next to nothing");
        drop(bench);
        fail_every_step(Saga::of(system, orders, is_consistent)).await;
    }
}
