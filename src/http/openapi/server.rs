//! What belongs to no context: problems, parameters, headers, and the server's own endpoints.

use crate::{
    actors::Context,
    api::{
        description,
        schema::{put, reference},
    },
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The tags of the server's own endpoints.
pub fn tags() -> [Value; 2] {
    [
        json!({ "name": "operations", "description": "For those who run the server." }),
        json!({ "name": "administration", "description": "Contexts, faults, sagas, the clock. Open in development only." }),
    ]
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The schemas that every collection shares.
pub fn schemas() -> Map<String, Value> {
    let count = json!({ "type": "integer", "format": "uint64", "minimum": 0 });
    let link = reference("Link");
    let mut schemas = description::shared();
    schemas.extend(fields(json!({
        "PageLinks": {
            "type": "object",
            "description": "`prev` is absent on the first page, `next` on the last. Behind `after` there is `next` only.",
            "properties": { "self": link, "first": link, "prev": link, "next": link, "last": link },
            "required": ["self"],
        },
        "PageInfo": {
            "type": "object",
            "description": "`number` is absent behind `after`.",
            "properties": {
                "size": count, "totalElements": count, "totalPages": count, "number": count,
                "atLeast": {
                    "const": true,
                    "description": "There may be more: counting them all would have taken too long.",
                },
            },
            "required": ["size", "totalElements", "totalPages"],
        },
        "Context": {
            "type": "object",
            "description": "How a context is doing.",
            "properties": {
                "context": { "type": "string" },
                "view": { "type": "boolean" },
                "state": { "enum": ["starting", "running", "degraded", "failed", "stopped"] },
                "restarts": count, "crashes": count, "mailbox": count, "backlog": count, "waiting": count,
                "parked": count, "lastCommit": count, "lastSequence": count,
                "fault": { "anyOf": [reference("Fault"), { "type": "null" }] },
                "guard": { "type": ["object", "null"] },
            },
            "required": ["context", "state"],
        },
        "Fault": {
            "type": "object",
            "description": "A fault that is injected into a context's answers.",
            "properties": {
                "delayMs": {
                    "type": "array", "minItems": 2, "maxItems": 2, "items": { "type": "integer", "minimum": 0 },
                    "description": "Answers are held back for a time between these.",
                },
                "failureRate": { "type": "number", "minimum": 0, "maximum": 1 },
            },
        },
    })));
    schemas
}

/// The answers that every operation shares, by status.
pub fn problems() -> Value {
    let known = [
        ("400", "The request cannot be understood."),
        ("403", "Administration is open in development only."),
        ("404", "There is no such thing."),
        ("408", "The body did not arrive in time."),
        ("409", "The thing's state forbids it: look again."),
        ("412", "The version is another by now: `ETag` has the current one."),
        ("413", "The body is too large."),
        ("415", "The media type is not supported."),
        ("422", "The value is not allowed, or the idempotency key was used with another body."),
        (
            "500",
            "Something unforeseen happened, or what is asked for is damaged. Nothing of the request stands, unless `code` is `outcome-unknown`.",
        ),
        ("503", "Please try again in a moment."),
    ];
    let mut all = Map::new();
    for (status, description) in known {
        let content = json!({ "application/problem+json": { "schema": reference("Problem") } });
        let headers = match status {
            "409" | "503" => {
                json!({ "Retry-After": { "$ref": "#/components/headers/Retry-After" } })
            }
            "412" => json!({ "ETag": { "$ref": "#/components/headers/ETag" } }),
            _ => json!({}),
        };
        all.insert(
            status.into(),
            json!({ "description": description, "headers": headers, "content": content }),
        );
    }
    let unchanged = json!({ "ETag": { "$ref": "#/components/headers/ETag" } });
    all.insert(
        "304".into(),
        json!({ "description": "It is as you know it.", "headers": unchanged }),
    );
    Value::Object(all)
}

/// The headers of answers.
pub fn headers() -> Value {
    json!({
        "ETag": { "description": "The version, quoted.", "schema": { "type": "string", "pattern": "^\"[0-9]+\"$" } },
        "Location": { "description": "Where the thing is.", "schema": { "type": "string", "format": "uri" } },
        "Retry-After": { "description": "When, in seconds.", "schema": { "type": "integer", "minimum": 0 } },
        "Idempotent-Replayed": {
            "description": "Present when the answer was kept under the idempotency key.",
            "schema": { "type": "string", "enum": ["true"] },
        },
    })
}

/// The parameters that operations share.
pub fn parameters() -> Value {
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "description": description, "schema": schema });
    let tags = r#"^(\*|(W/)?"[0-9]{1,19}"(, ?(W/)?"[0-9]{1,19}")*)$"#;
    json!({
        "page": {
            "name": "page", "in": "query", "description": "The page, from 0.",
            "schema": { "type": "integer", "format": "uint64", "minimum": 0, "default": 0 },
        },
        "size": {
            "name": "size", "in": "query", "description": "How many to a page; more than 100 count as 100.",
            "schema": { "type": "integer", "format": "uint64", "minimum": 1, "default": 20 },
        },
        "after": {
            "name": "after", "in": "query",
            "description": "Goes on behind the last row of another page, whatever has changed since: take it from that page's `next`. It brings its own sort and filters, and goes without `page`.",
            "schema": { "type": "string", "maxLength": 4096, "pattern": "^[A-Za-z0-9_-]+$" },
        },
        "Idempotency-Key": header(
            "Idempotency-Key", "A key of your choice, quoted or bare: the same request under it is done once in 24 hours.",
            json!({ "type": "string", "minLength": 1, "maxLength": 255, "examples": ["8e03978e-40d5-43dd-bc93-6894a57f9324"] }),
        ),
        "If-Match": header("If-Match", "Do it to this version only.", json!({ "type": "string", "pattern": tags })),
        "If-None-Match": header(
            "If-None-Match", "Show it only when it is another version than this.",
            json!({ "type": "string", "examples": ["\"1\""] }),
        ),
        "Accept-Language": header(
            "Accept-Language", "Problems are told in English, or in Korean to who prefers it.",
            json!({ "type": "string", "examples": ["en", "ko"] }),
        ),
    })
}

fn problem(status: &str) -> Value {
    json!({ "$ref": format!("#/components/responses/{status}") })
}

/// Spring Boot's type of what its actuator answers.
const ACTUATOR: &str = "application/vnd.spring-boot.actuator.v3+json";
const OPEN_METRICS: &str = "application/openmetrics-text";

/// A question of operators; one that may be answered with no says so by 503.
fn probe(id: &str, summary: &str, media: &str, unready: bool) -> Value {
    let kind = if media == ACTUATOR { "object" } else { "string" };
    let answer = |description: &str| json!({ "description": description, "content": { (media): { "schema": { "type": kind } } } });
    let mut responses = json!({ "200": answer("Yes."), "500": problem("500") });
    if unready {
        put(&mut responses, "503", answer("No."));
    }
    json!({ "get": { "tags": ["operations"], "operationId": id, "summary": summary, "responses": responses } })
}

/// One operation of the administration; `further` are the problems that it may answer with beside the usual ones.
fn admin(
    id: &str,
    summary: &str,
    parameters: &[Value],
    answer: Value,
    body: Option<Value>,
    further: &[&str],
) -> Value {
    let content = json!({ "application/json": { "schema": answer } });
    let mut responses = json!({ "200": { "description": "Done.", "content": content } });
    let with_body = ["400", "408", "413", "415"].into_iter().filter(|_| body.is_some());
    for status in ["403", "500"].into_iter().chain(with_body).chain(further.iter().copied()) {
        put(&mut responses, status, problem(status));
    }
    let mut operation = json!({
        "tags": ["administration"], "operationId": format!("admin.{id}"), "summary": summary,
        "parameters": parameters, "responses": responses,
    });
    if let Some(schema) = body {
        put(
            &mut operation,
            "requestBody",
            json!({ "required": true, "content": { "application/json": { "schema": schema } } }),
        );
    }
    operation
}

/// The server's own endpoints.
pub fn paths(contexts: &[Arc<dyn Context>]) -> Map<String, Value> {
    let in_path = |name: &str, schema: Value| json!({ "name": name, "in": "path", "required": true, "schema": schema });
    let names = |views: bool| -> Vec<_> {
        contexts
            .iter()
            .filter(|context| !views || context.is_view())
            .map(|context| context.name().context)
            .collect()
    };
    let mut systems: Vec<_> = contexts.iter().map(|context| context.name().system).collect();
    systems.dedup();
    let context = [in_path("context", json!({ "type": "string", "enum": names(false) }))];
    let view = [in_path("view", json!({ "type": "string", "enum": names(true) }))];
    let deciding: Vec<_> = contexts
        .iter()
        .filter(|context| !context.is_view())
        .map(|context| context.name().context)
        .collect();
    let beginners: Vec<_> = systems.iter().chain(deciding.iter()).collect();
    let mut of_saga = in_path("system", json!({ "type": "string", "enum": beginners }));
    put(
        &mut of_saga,
        "description",
        json!("A system, for one of its orders; or the context that began it."),
    );
    let saga = [
        of_saga,
        in_path("number", json!({ "type": "integer", "format": "uint64", "minimum": 1 })),
    ];
    let deciding = [in_path("context", json!({ "type": "string", "enum": deciding }))];
    let parked = [in_path("id", json!({ "type": "string" }))];
    let health = reference("Context");
    let list = |field: &str, items: Value| json!({ "type": "object", "properties": { field: { "type": "array", "items": items } }, "required": [field] });
    let one = |field: &str, schema: Value| json!({ "type": "object", "properties": { field: schema }, "required": [field] });
    let string = || json!({ "type": "string" });
    let entries = list("entries", json!({ "type": "object" }));
    let document = json!({ "description": "This.", "content": { "application/json": { "schema": { "type": "object" } } } });
    let links = json!({ "type": "object", "additionalProperties": reference("Link") });
    let links = json!({ "schema": one("_links", links) });
    let links = json!({ "application/hal+json": links, "application/json": links });
    fields(json!({
        "/": { "get": {
            "tags": ["operations"], "operationId": "root", "summary": "Links to every collection",
            "responses": { "200": { "description": "The links.", "content": links }, "500": problem("500") },
        } },
        "/livez": probe("livez", "Is the process alive?", "text/plain", false),
        "/readyz": probe("readyz", "May it be sent requests?", "text/plain", true),
        "/metrics": probe("metrics", "Metrics", OPEN_METRICS, false),
        "/actuator/prometheus": probe("prometheus", "Metrics", OPEN_METRICS, false),
        "/actuator/health": probe("health", "How is it?", ACTUATOR, true),
        "/actuator/health/liveness": probe("liveness", "Is the process alive?", ACTUATOR, false),
        "/actuator/health/readiness": probe("readiness", "May it be sent requests?", ACTUATOR, true),
        "/actuator/info": probe("info", "What runs?", ACTUATOR, false),
        "/openapi.json": { "get": {
            "tags": ["operations"], "operationId": "openapi", "summary": "This document",
            "responses": { "200": document, "500": problem("500") },
        } },
        "/asyncapi.json": { "get": {
            "tags": ["operations"], "operationId": "asyncapi", "summary": "The events that are published (AsyncAPI 3.0)",
            "responses": { "200": described("The document.", "application/json"), "500": problem("500") },
        } },
        "/schemas/{type}.json": { "get": {
            "tags": ["operations"], "operationId": "schema", "summary": "The JSON Schema of an event's data",
            "parameters": [in_path("type", string())],
            "responses": { "200": described("The schema.", "application/json"), "404": problem("404"), "500": problem("500") },
        } },
        "/events": history("events", "What has happened, in all contexts", &[]),
        "/events/{context}": history("eventsOf", "What has happened in one context", &deciding),
        "/admin/contexts": { "get": admin("contexts", "How are the contexts?", &[], list("contexts", health.clone()), None, &[]) },
        "/admin/contexts/{context}/stop": { "post": admin("stop", "Stop a context", &context, health.clone(), None, &["404"]) },
        "/admin/contexts/{context}/start": { "post": admin("start", "Start a context", &context, health.clone(), None, &["404"]) },
        "/admin/contexts/{context}/fault": {
            "put": admin("fault", "Inject a fault", &context, health.clone(), Some(reference("Fault")), &["404"]),
            "delete": admin("heal", "Clear the fault", &context, health.clone(), None, &["404"]),
        },
        "/admin/sagas/{system}/{number}": { "get": admin("saga", "What happened to an order?", &saga, entries, None, &["404", "503"]) },
        "/admin/parked": { "get": admin("parked", "Events set aside", &[], list("parked", json!({ "type": "object" })), None, &["503"]) },
        "/admin/parked/{id}/redrive": { "post": admin("redrive", "Try a parked event again", &parked, one("id", string()), None, &["404", "503"]) },
        "/admin/parked/{id}/drop": { "post": admin("drop", "Drop a parked event", &parked, one("id", string()), None, &["404", "503"]) },
        "/admin/views/{view}/rebuild": { "post": admin("rebuild", "Rebuild a view", &view, health, None, &["404", "409", "422", "503"]) },
        "/admin/clock": { "post": admin(
            "clock", "Move business time forward", &[], one("now", json!({ "type": "string", "format": "date-time" })),
            Some(one("advance", json!({ "type": "string", "format": "duration", "examples": ["PT10M"] }))), &[],
        ) },
    }))
}

fn described(what: &str, kind: &str) -> Value {
    json!({ "description": what, "content": { kind: { "schema": { "type": "object" } } } })
}

/// A log, or all of them, as pages or as a stream.
fn history(operation: &str, summary: &str, in_path: &[Value]) -> Value {
    let in_query = |name: &str, what: &str| json!({ "name": name, "in": "query", "description": what, "schema": { "type": "string" } });
    let mut parameters = in_path.to_vec();
    parameters.push(in_query(
        "from",
        "A sequence, or the id of the last event that is known; of all contexts `context:sequence` or `context:id` with commas \
         between. The next page's is in `Link`.",
    ));
    parameters.push(in_query("limit", "How many, from 1 to 1000."));
    let page = json!({ "description": "A page of CloudEvents, or a stream of them without end.", "content": {
        "application/cloudevents-batch+json": { "schema": { "type": "array", "items": { "type": "object" } } },
        "text/event-stream": { "schema": { "type": "string" } },
    } });
    json!({ "get": {
        "tags": ["operations"], "operationId": operation, "summary": summary, "parameters": parameters,
        "responses": {
            "200": page, "400": problem("400"), "404": problem("404"), "409": problem("409"), "500": problem("500"), "503": problem("503"),
        },
    } })
}
