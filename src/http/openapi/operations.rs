//! The operations of the fixed routes. The route table names the operation of each route.

use crate::{
    actors::Declaration,
    api::schema::{put_field, refer_to},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// What the operations depend on: the contexts of the server.
pub struct Deployment<'a> {
    pub contexts: &'a [Arc<dyn Declaration>],
}

impl Deployment<'_> {
    fn context_names(&self, of: impl Fn(&dyn Declaration) -> bool) -> Vec<&'static str> {
        let contexts = self.contexts.iter().filter(|context| of(context.as_ref()));
        contexts.map(|context| context.name().context).collect()
    }

    /// The contexts that have a log.
    fn deciding_contexts(&self) -> Vec<&'static str> {
        self.context_names(|context| !context.is_view())
    }

    fn context_parameter(&self) -> Value {
        in_path("context", json!({ "type": "string", "enum": self.context_names(|_| true) }))
    }
}

/// The tags of the fixed routes.
pub fn list_tags() -> [Value; 2] {
    [
        json!({ "name": "operations", "description": "Health, metrics, documents and events." }),
        json!({
            "name": "administration",
            "description": "Contexts, faults, sagas, keys, the audit, the clock.",
        }),
    ]
}

/// The media type of Spring Boot's actuator.
const ACTUATOR: &str = "application/vnd.spring-boot.actuator.v3+json";
const OPEN_METRICS: &str = "application/openmetrics-text";
const PROMETHEUS: &str = "text/plain";

pub(super) fn in_path(name: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

pub(super) fn in_query(name: &str, description: &str) -> Value {
    let schema = json!({ "type": "string" });
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

pub(super) fn refer_to_problem(status: &str) -> Value {
    json!({ "$ref": format!("#/components/responses/{status}") })
}

/// An object with one required field.
pub(super) fn object_schema(field: &str, schema: Value) -> Value {
    json!({ "type": "object", "properties": { field: schema }, "required": [field] })
}

pub(super) fn list_schema(field: &str, items: Value) -> Value {
    object_schema(field, json!({ "type": "array", "items": items }))
}

/// An object with a list that is gathered from several nodes: `nodes` has which of the others answered.
pub(super) fn gathered_schema(field: &str, items: Value) -> Value {
    let mut all = list_schema(field, items);
    let nodes = json!({ "type": "array", "items": refer_to("OtherNode") });
    if let Some(properties) = all.get_mut("properties") {
        put_field(properties, "nodes", nodes);
    }
    all
}

pub(super) fn string_schema() -> Value {
    json!({ "type": "string" })
}

fn response_content(media_type: &str, schema: Value) -> Value {
    json!({ (media_type): { "schema": schema } })
}

/// An operation for those who run the server.
pub(super) fn describe_operation(id: &str, summary: &str, responses: Value) -> Value {
    json!({ "tags": ["operations"], "operationId": id, "summary": summary, "responses": responses })
}

pub fn describe_root(_: &Deployment<'_>) -> Value {
    let links = json!({ "type": "object", "additionalProperties": refer_to("Link") });
    let links = json!({ "schema": object_schema("_links", links) });
    let content = json!({ "application/hal+json": links, "application/json": links });
    let found = json!({ "description": "The links.", "content": content });
    describe_operation(
        "root",
        "Links to every collection",
        json!({ "200": found, "500": refer_to_problem("500") }),
    )
}

/// A probe; one that can fail answers 503.
fn describe_probe(id: &str, summary: &str, media_type: &str, can_fail: bool) -> Value {
    let kind = if media_type == ACTUATOR { "object" } else { "string" };
    let answer = |description: &str| {
        let content = response_content(media_type, json!({ "type": kind }));
        json!({ "description": description, "content": content })
    };
    let mut responses = json!({ "200": answer("Healthy."), "500": refer_to_problem("500") });
    if can_fail {
        put_field(&mut responses, "503", answer("Unhealthy."));
    }
    describe_operation(id, summary, responses)
}

pub fn describe_livez(_: &Deployment<'_>) -> Value {
    describe_probe("livez", "Liveness", "text/plain", false)
}

pub fn describe_readyz(_: &Deployment<'_>) -> Value {
    describe_probe("readyz", "Readiness", "text/plain", true)
}

/// The metrics, in both of their formats.
fn metrics_in_both_formats(id: &str) -> Value {
    let mut operation = describe_probe(id, "Metrics", OPEN_METRICS, false);
    if let Some(formats) = operation.pointer_mut("/responses/200/content") {
        put_field(formats, PROMETHEUS, json!({ "schema": string_schema() }));
    }
    operation
}

pub fn describe_metrics(_: &Deployment<'_>) -> Value {
    metrics_in_both_formats("metrics")
}

pub fn describe_prometheus(_: &Deployment<'_>) -> Value {
    metrics_in_both_formats("prometheus")
}

pub fn describe_health(_: &Deployment<'_>) -> Value {
    describe_probe("health", "Health", ACTUATOR, true)
}

pub fn describe_liveness(_: &Deployment<'_>) -> Value {
    describe_probe("liveness", "Liveness", ACTUATOR, false)
}

pub fn describe_readiness(_: &Deployment<'_>) -> Value {
    describe_probe("readiness", "Readiness", ACTUATOR, true)
}

pub fn describe_info(_: &Deployment<'_>) -> Value {
    describe_probe("info", "Version of the server", ACTUATOR, false)
}

/// An operation that answers with a JSON document.
fn describe_document(id: &str, summary: &str, description: &str) -> Value {
    let content = response_content("application/json", json!({ "type": "object" }));
    let found = json!({ "description": description, "content": content });
    describe_operation(id, summary, json!({ "200": found, "500": refer_to_problem("500") }))
}

pub fn describe_openapi(_: &Deployment<'_>) -> Value {
    describe_document("openapi", "This document", "The document.")
}

pub fn describe_asyncapi(_: &Deployment<'_>) -> Value {
    describe_document("asyncapi", "The published events (AsyncAPI 3.0)", "The document.")
}

pub fn describe_schema(_: &Deployment<'_>) -> Value {
    let mut operation =
        describe_document("schema", "The JSON Schema of an event's data", "The schema.");
    put_field(&mut operation, "parameters", json!([in_path("type", string_schema())]));
    if let Some(responses) = operation.get_mut("responses") {
        put_field(responses, "404", refer_to_problem("404"));
    }
    operation
}

/// The log of a context, or all logs, as pages or as a stream.
fn describe_log(id: &str, summary: &str, in_path: &[Value]) -> Value {
    let mut parameters = in_path.to_vec();
    parameters.push(in_query(
        "from",
        "A sequence, or the id of the last event that you have; for all contexts a comma-separated list of \
         `context:sequence` or `context:id`; `now` for what happens from now on. The header `Link` has that of the next page.",
    ));
    parameters.push(in_query("limit", "Events per page, from 1 to 1000."));
    parameters.push(in_query(
        "type",
        "Only events of these types, with or without version, or of these names, with commas between.",
    ));
    parameters.push(in_query("system", "Only events of this system."));
    parameters.push(in_query("subject", "Only events of the thing with this number."));
    parameters.push(in_query(
        "named",
        "In a stream: `true` gives each event its type as its name. Without it a browser hears all by `onmessage`.",
    ));
    let content = json!({
        "application/cloudevents-batch+json": {
            "schema": { "type": "array", "items": { "type": "object" } },
        },
        "text/event-stream": { "schema": { "type": "string" } },
    });
    let page = json!({
        "description": "A page of CloudEvents, or an endless stream of them.",
        "content": content,
    });
    let mut responses = json!({ "200": page });
    for status in ["400", "404", "409", "422", "500", "503"] {
        put_field(&mut responses, status, refer_to_problem(status));
    }
    let mut operation = describe_operation(id, summary, responses);
    put_field(&mut operation, "parameters", json!(parameters));
    operation
}

pub fn describe_events(_: &Deployment<'_>) -> Value {
    describe_log("events", "Events of all contexts", &[])
}

pub fn events_of(server: &Deployment<'_>) -> Value {
    let schema = json!({ "type": "string", "enum": server.deciding_contexts() });
    describe_log("eventsOf", "Events of one context", &[in_path("context", schema)])
}

/// An operation of the administration.
pub(super) struct Admin<'a> {
    pub id: &'a str,
    pub summary: &'a str,
    pub parameters: &'a [Value],
    pub body: Option<Value>,
    pub answer: Value,
    /// Problems besides those of every such operation.
    pub problems: &'a [&'a str],
}

impl Admin<'_> {
    pub(super) fn into_operation(self) -> Value {
        let content = response_content("application/json", self.answer);
        let mut responses = json!({ "200": { "description": "Done.", "content": content } });
        let of_body = ["408", "413", "415", "422"].into_iter().filter(|_| self.body.is_some());
        let problems = self.problems.iter().copied();
        for status in ["400", "500"].into_iter().chain(of_body).chain(problems) {
            put_field(&mut responses, status, refer_to_problem(status));
        }
        let mut operation = json!({
            "tags": ["administration"],
            "operationId": format!("admin.{}", self.id),
            "summary": self.summary,
            "parameters": self.parameters,
            "responses": responses,
        });
        if let Some(schema) = self.body {
            let content = json!({ "application/json": { "schema": schema } });
            put_field(
                &mut operation,
                "requestBody",
                json!({ "required": true, "content": content }),
            );
        }
        operation
    }
}

pub fn describe_contexts(_: &Deployment<'_>) -> Value {
    Admin {
        id: "contexts",
        summary: "Health of all contexts, of this node and the others",
        parameters: &[],
        body: None,
        answer: gathered_schema("contexts", refer_to("Context")),
        problems: &[],
    }
    .into_operation()
}

/// An operation on one context, which answers with its health.
fn on_context(server: &Deployment<'_>, id: &str, summary: &str, body: Option<Value>) -> Value {
    let parameters = &[server.context_parameter()];
    let answer = refer_to("Context");
    Admin { id, summary, parameters, body, answer, problems: &["404"] }.into_operation()
}

pub fn describe_stop(server: &Deployment<'_>) -> Value {
    on_context(server, "stop", "Stop a context", None)
}

pub fn describe_start(server: &Deployment<'_>) -> Value {
    on_context(server, "start", "Start a context", None)
}

pub fn inject_fault(server: &Deployment<'_>) -> Value {
    on_context(server, "fault", "Inject a fault", Some(refer_to("Fault")))
}

pub fn clear_fault(server: &Deployment<'_>) -> Value {
    on_context(server, "heal", "Clear the fault", None)
}

pub fn describe_saga(server: &Deployment<'_>) -> Value {
    let mut systems: Vec<_> = server.contexts.iter().map(|context| context.name().system).collect();
    systems.dedup();
    systems.extend(server.deciding_contexts());
    let mut system = in_path("system", json!({ "type": "string", "enum": systems }));
    let description = "A system, for one of its orders; or the context in which the saga began.";
    put_field(&mut system, "description", description.into());
    let number = json!({ "type": "integer", "format": "uint64", "minimum": 1 });
    Admin {
        id: "saga",
        summary: "Timeline of a saga",
        parameters: &[
            system,
            in_path("number", number),
            in_query("from", "Where to go on: from the field `next` of the page before."),
            in_query("limit", "Entries per page, from 1 to 1000."),
        ],
        body: None,
        answer: gathered_schema("entries", json!({ "type": "object" })),
        problems: &["404", "422", "503"],
    }
    .into_operation()
}

pub fn describe_parked(_: &Deployment<'_>) -> Value {
    Admin {
        id: "parked",
        summary: "Parked events and dead letters",
        parameters: &[
            in_query(
                "after",
                "The last id that you have: from the field `next` of the page before.",
            ),
            in_query("limit", "Items per page, from 1 to 1000."),
        ],
        body: None,
        answer: gathered_schema("parked", json!({ "type": "object" })),
        problems: &["422", "503"],
    }
    .into_operation()
}

fn on_parked(id: &str, summary: &str) -> Value {
    let parameters = &[in_path("id", string_schema())];
    let answer = object_schema("id", string_schema());
    Admin { id, summary, parameters, body: None, answer, problems: &["404", "503"] }
        .into_operation()
}

pub fn describe_redrive(_: &Deployment<'_>) -> Value {
    on_parked("redrive", "Retry a parked event")
}

pub fn describe_discard(_: &Deployment<'_>) -> Value {
    on_parked("drop", "Drop a parked event")
}

pub fn describe_rebuild(server: &Deployment<'_>) -> Value {
    let views = server.context_names(|context| context.is_view());
    Admin {
        id: "rebuild",
        summary: "Rebuild a view",
        parameters: &[in_path("view", json!({ "type": "string", "enum": views }))],
        body: None,
        answer: refer_to("Context"),
        problems: &["404", "409", "422", "503"],
    }
    .into_operation()
}

pub fn advance_clock(_: &Deployment<'_>) -> Value {
    let duration = json!({ "type": "string", "format": "duration", "examples": ["PT10M"] });
    Admin {
        id: "clock",
        summary: "Move business time forward",
        parameters: &[],
        body: Some(object_schema("advance", duration)),
        answer: object_schema("now", json!({ "type": "string", "format": "date-time" })),
        problems: &[],
    }
    .into_operation()
}
