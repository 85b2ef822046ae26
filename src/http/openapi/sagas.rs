//! The operations on sagas, and on what is parked of them.

use super::operations::{
    Admin, Deployment, gathered_schema, in_path, in_query, list_schema, string_schema,
};
use crate::{
    api::schema::{put_field, refer_to},
    sagas::SagaState,
};
use serde_json::{Map, Value, json};
use strum::IntoEnumIterator;

/// A parameter of a query with one of these values.
fn one_of(name: &str, values: &[&str], description: &str) -> Value {
    let schema = json!({ "type": "string", "enum": values });
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

fn time_in_query(name: &str, description: &str) -> Value {
    let schema = json!({ "type": "string", "format": "date-time" });
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

/// The systems and the contexts of the server, each once.
fn names(server: &Deployment<'_>) -> (Vec<&'static str>, Vec<&'static str>) {
    let all = || server.contexts.iter().map(|context| context.name());
    let mut systems: Vec<_> = all().map(|name| name.system).collect();
    systems.dedup();
    (systems, all().map(|name| name.context).collect())
}

/// The schemas of this file.
pub fn list_schemas() -> Map<String, Value> {
    let states: Vec<SagaState> = SagaState::iter().collect();
    let text = string_schema;
    let count = || json!({ "type": "integer", "format": "uint64", "minimum": 0 });
    let maybe = |kind: &str| json!({ "type": [kind, "null"] });
    let maybe_time = || json!({ "type": ["string", "null"], "format": "date-time" });
    let row = json!({
        "type": "object",
        "description": "One thing that a context owes to a saga. A saga to which several are owed something is there several times.",
        "properties": {
            "system": text(),
            "context": { "type": "string", "description": "The context in which the saga began." },
            "number": { "type": "integer", "format": "uint64", "minimum": 0, "description": "Its number there." },
            "state": { "type": "string", "enum": states },
            "owedBy": { "type": "string", "description": "The context that owes it something." },
            "thing": { "type": "integer", "format": "uint64", "minimum": 0, "description": "The thing that waits there; of an event, the thing that it happened to." },
            "what": { "type": "string", "enum": ["ask", "due", "parked", "event", "text", "ended"] },
            "since": maybe_time(),
            "reason": {
                "type": "string",
                "enum": [
                    "awaits-answer", "callee-away", "breaker-open", "awaits-time", "overdue", "event-parked",
                    "event-not-taken", "context-away", "text-refused", "over",
                ],
            },
            "why": text(),
            "waitsFor": { "type": ["string", "null"], "description": "The context that is asked, or whose event it is." },
            "attempts": count(),
            "nextTry": maybe_time(),
            "customer": maybe("string"),
            "outcome": { "type": "string", "description": "How the order has ended." },
            "id": { "type": ["string", "null"], "description": "Its id among the parked, if it is parked." },
            "cursor": text(),
            "node": text(),
            "links": {
                "type": "object",
                "properties": { "saga": text(), "item": text() },
                "required": ["saga"],
            },
        },
        "required": ["system", "context", "number", "state", "owedBy", "what", "reason", "why", "attempts"],
    });
    let node = json!({
        "type": "object",
        "description": "A node, and what it hosts.",
        "properties": {
            "node": { "type": ["string", "null"], "description": "Its name; null until it has answered once." },
            "url": { "type": ["string", "null"], "description": "Where this node reaches it; null for this node." },
            "state": { "type": "string", "enum": ["ready", "starting", "unready", "draining", "unreachable"] },
            "version": maybe("string"),
            "since": maybe_time(),
            "contexts": { "type": "array", "items": { "type": "object" } },
            "error": maybe("string"),
        },
        "required": ["node", "state", "contexts"],
    });
    let state = || json!({ "type": "string", "enum": ["running", "done", "canceled"] });
    let job = json!({
        "type": "object",
        "description": "Redrives or drops what is parked, on each node one after the other, no faster than `sagas.redrive_per_second`.",
        "properties": {
            "id": text(),
            "action": { "type": "string", "enum": ["redrive", "drop"] },
            "filter": { "type": "object" },
            "by": { "type": "string", "description": "Who wanted it." },
            "state": state(),
            "begun": { "type": "string", "format": "date-time" },
            "ended": maybe_time(),
            "touched": count(),
            "parkedAgain": count(),
            "failed": count(),
            "error": maybe("string"),
            "nodes": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "node": text(), "state": state(), "touched": count(), "parkedAgain": count(), "failed": count(),
                        "error": maybe("string"),
                    },
                },
            },
        },
        "required": ["id", "action", "state", "touched", "failed"],
    });
    let named = [("SagaRow", row), ("Node", node), ("Job", job)];
    named.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

pub fn describe_sagas(server: &Deployment<'_>) -> Value {
    let (systems, contexts) = names(server);
    let states: Vec<SagaState> = SagaState::iter().collect();
    let states: Vec<&str> = states.iter().map(AsRef::as_ref).collect();
    let mut answer = gathered_schema("sagas", refer_to("SagaRow"));
    if let Some(properties) = answer.get_mut("properties") {
        put_field(properties, "next", string_schema());
    }
    Admin {
        id: "sagas",
        summary: "Sagas, and what is owed to them",
        parameters: &[
            one_of("system", &systems, "Those of this system."),
            one_of("context", &contexts, "Those that this context owes something."),
            one_of(
                "state",
                &states,
                "Those in this state; without it, all that are owed something.",
            ),
            in_query("customer", "Those of this customer."),
            time_in_query("from", "Those that have waited since then or later."),
            time_in_query("to", "Those that have waited since before then."),
            in_query("cursor", "Where to go on: from the field `next` of the page before."),
            in_query(
                "limit",
                "Rows per page, from 1 to 1000. A page may be short, and have a `next`.",
            ),
        ],
        body: None,
        answer,
        problems: &["422", "503"],
    }
    .into_operation()
}

fn job_schema(server: &Deployment<'_>) -> Value {
    let (systems, contexts) = names(server);
    let text =
        |description: &str| json!({ "type": ["string", "null"], "description": description });
    let time = |description: &str| json!({ "type": ["string", "null"], "format": "date-time", "description": description });
    let one_of = |mut values: Vec<Option<&'static str>>, description: &str| {
        values.push(None);
        json!({ "enum": values, "description": description })
    };
    json!({
        "type": "object",
        "properties": {
            "system": one_of(systems.into_iter().map(Some).collect(), "What is parked of this system."),
            "context": one_of(contexts.into_iter().map(Some).collect(), "What this context has parked."),
            "customer": text("What is parked of sagas of this customer."),
            "from": time("What happened then or later."),
            "to": time("What happened before then."),
            "dryRun": { "type": "boolean", "default": false, "description": "Only shows what would be touched." },
        },
    })
}

fn begin_job(server: &Deployment<'_>, id: &str, summary: &str) -> Value {
    let preview = json!({
        "type": "object",
        "description": "What a job would touch.",
        "properties": {
            "count": { "type": "integer", "format": "uint64", "minimum": 0 },
            "atLeast": { "type": "boolean", "description": "Whether there may be more." },
            "sample": { "type": "array", "items": refer_to("SagaRow") },
            "nodes": { "type": "array", "items": refer_to("OtherNode") },
        },
        "required": ["count", "atLeast", "sample"],
    });
    let body = Some(job_schema(server));
    let mut operation =
        Admin { id, summary, parameters: &[], body, answer: preview, problems: &["404", "503"] }
            .into_operation();
    let content = json!({ "application/json": { "schema": refer_to("Job") } });
    let begun = json!({ "description": "The job has begun.", "content": content });
    if let Some(responses) = operation.get_mut("responses") {
        put_field(responses, "202", begun);
    }
    operation
}

pub fn describe_redrive_all(server: &Deployment<'_>) -> Value {
    begin_job(server, "redriveAll", "Retry all that is parked and that a filter wants")
}

pub fn describe_drop_all(server: &Deployment<'_>) -> Value {
    begin_job(server, "dropAll", "Drop all that is parked and that a filter wants")
}

pub fn describe_jobs(_: &Deployment<'_>) -> Value {
    let answer = list_schema("jobs", refer_to("Job"));
    let summary = "Jobs that redrive or drop what is parked";
    Admin { id: "jobs", summary, parameters: &[], body: None, answer, problems: &["404"] }
        .into_operation()
}

fn on_job(id: &str, summary: &str) -> Value {
    let parameters = &[in_path("id", string_schema())];
    let answer = refer_to("Job");
    Admin { id, summary, parameters, body: None, answer, problems: &["404", "503"] }
        .into_operation()
}

pub fn describe_job(_: &Deployment<'_>) -> Value {
    on_job("job", "A job")
}

pub fn describe_cancel(_: &Deployment<'_>) -> Value {
    on_job("cancelJob", "Cancel a job; what it has done stays")
}

pub fn describe_nodes(_: &Deployment<'_>) -> Value {
    Admin {
        id: "nodes",
        summary: "This node and the others, and what they host",
        parameters: &[],
        body: None,
        answer: list_schema("nodes", refer_to("Node")),
        problems: &[],
    }
    .into_operation()
}
