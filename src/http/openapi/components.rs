//! The components that operations share: schemas, problems, headers and parameters.

use crate::{
    api::{description, schema::refer_to},
    domain::number::LARGEST,
};
use serde_json::{Map, Value, json};

fn into_fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The schemas that collections and administration share.
pub fn common_schemas() -> Map<String, Value> {
    let count = json!({ "type": "integer", "format": "uint64", "minimum": 0 });
    let link = refer_to("Link");
    let mut schemas = description::shared_schemas();
    schemas.extend(into_fields(json!({
        "PageLinks": {
            "type": "object",
            "description": "`prev` is absent on the first page, `next` on the last. A page after a cursor has `next` only.",
            "properties": { "self": link, "first": link, "prev": link, "next": link, "last": link },
            "required": ["self"],
        },
        "PageInfo": {
            "type": "object",
            "description": "`number` is absent after a cursor.",
            "properties": {
                "size": count, "totalElements": count, "totalPages": count, "number": count,
                "atLeast": {
                    "type": "boolean", "enum": [true],
                    "description": "True where there may be more, because counting all would take too long; absent otherwise.",
                },
            },
            "required": ["size", "totalElements", "totalPages"],
        },
        "Context": {
            "type": "object",
            "description": "The health of a context.",
            "properties": {
                "context": { "type": "string" },
                "node": { "type": "string", "description": "The name of the node that hosts it." },
                "view": { "type": "boolean" },
                "state": { "enum": ["starting", "running", "degraded", "failed", "stopped"] },
                "restarts": count, "crashes": count, "mailbox": count, "backlog": count, "waiting": count,
                "parked": count, "lastCommit": count, "lastSequence": count,
                "fault": { "anyOf": [refer_to("Fault"), { "type": "null" }] },
                "guard": { "type": ["object", "null"] },
            },
            "required": ["context", "state"],
        },
        "OtherNode": {
            "type": "object",
            "description": "A node that was asked, and whether it answered.",
            "properties": {
                "node": { "type": ["string", "null"], "description": "Its name; null until it has answered once." },
                "url": { "type": "string", "format": "uri" },
                "state": { "type": "string", "description": "`reached`, `unreachable`, or `unknown` before it was asked." },
                "contexts": { "type": "array", "items": { "type": "string" } },
                "error": { "type": ["string", "null"], "description": "Why it did not answer." },
            },
            "required": ["url", "state", "contexts"],
        },
        "Fault": {
            "type": "object",
            "description": "A fault injected into the answers of a context.",
            "properties": {
                "delayMs": {
                    "type": "array", "minItems": 2, "maxItems": 2, "items": { "type": "integer", "minimum": 0 },
                    "description": "Answers are delayed by a time between these.",
                },
                "failureRate": { "type": "number", "minimum": 0, "maximum": 1 },
            },
        },
    })));
    schemas
}

/// A reference to a shared header.
pub fn refer_to_header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// The problems that operations share, by status.
pub fn problem_responses() -> Value {
    let known = [
        ("400", "Invalid request."),
        ("401", "Without credentials that are valid here."),
        ("403", "None of the caller's roles and scopes allow it."),
        ("404", "Not found."),
        ("408", "The request body did not arrive in time."),
        ("409", "Not possible in this state: read it again."),
        ("412", "Changed meanwhile: `ETag` has the current version."),
        ("413", "The request body is too large."),
        ("415", "Unsupported media type or content coding."),
        ("422", "Invalid value, or the idempotency key was used with another request body."),
        (
            "500",
            "Internal error, or the stored data is damaged. The request had no effect, unless `code` is `outcome-unknown`.",
        ),
        ("503", "Temporarily unavailable: try again after `Retry-After`."),
    ];
    let mut all = Map::new();
    for (status, description) in known {
        let content = json!({ "application/problem+json": { "schema": refer_to("Problem") } });
        let names: &[&str] = match status {
            "409" | "503" => &["Holdfast-Outcome", "Retry-After"],
            "401" | "403" => &["WWW-Authenticate"],
            "412" => &["ETag", "Holdfast-Outcome"],
            "422" => &["Holdfast-Outcome"],
            _ => &[],
        };
        let headers: Map<_, _> =
            names.iter().map(|name| ((*name).to_owned(), refer_to_header(name))).collect();
        all.insert(
            status.into(),
            json!({ "description": description, "headers": headers, "content": content }),
        );
    }
    let unchanged = json!({ "ETag": refer_to_header("ETag") });
    all.insert("304".into(), json!({ "description": "Not modified.", "headers": unchanged }));
    Value::Object(all)
}

/// The headers of answers.
pub fn common_headers() -> Value {
    json!({
        "ETag": { "description": "The version, quoted.", "schema": { "type": "string", "pattern": "^\"[0-9]+\"$" } },
        "Location": { "description": "URL of the item.", "schema": { "type": "string", "format": "uri" } },
        "Retry-After": { "description": "Seconds to wait before trying again.", "schema": { "type": "integer", "minimum": 0 } },
        "Holdfast-Outcome": {
            "description": "How the order has ended. A rent of a book that failed is kept and shown: its answer is 201, and this is `failed`. With a problem: absent where there is no order, because nothing was begun.",
            "schema": { "type": "string", "enum": ["established", "failed", "refused", "canceled", "pending"] },
        },
        "WWW-Authenticate": {
            "description": "How to authenticate, and what was wrong with the credentials (RFC 6750). Absent where others could not help.",
            "schema": { "type": "string" },
        },
        "Idempotent-Replayed": {
            "description": "Present when the answer was stored under the idempotency key.",
            "schema": { "type": "string", "enum": ["true"] },
        },
    })
}

/// The parameters that operations share.
pub fn common_parameters() -> Value {
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "description": description, "schema": schema });
    let tags = r#"^(\*|(W/)?"[0-9]{1,19}"(, ?(W/)?"[0-9]{1,19}")*)$"#;
    json!({
        "page": {
            "name": "page", "in": "query", "description": "The page, from 0.",
            "schema": { "type": "integer", "format": "uint64", "minimum": 0, "maximum": LARGEST, "default": 0 },
        },
        "size": {
            "name": "size", "in": "query", "description": "Items per page; more than 100 count as 100.",
            "schema": { "type": "integer", "format": "uint64", "minimum": 1, "maximum": LARGEST, "default": 20 },
        },
        "after": {
            "name": "after", "in": "query",
            "description": "Cursor from the `next` link of a page: continues after its last item, also after changes. It carries sort and filters, and excludes `page`.",
            "schema": { "type": "string", "maxLength": 4096, "pattern": "^[A-Za-z0-9_-]+$" },
        },
        "Idempotency-Key": header(
            "Idempotency-Key", "A key of your choice, quoted or bare: repeating the request with it within 24 hours has no further effect.",
            json!({ "type": "string", "minLength": 1, "maxLength": 255, "examples": ["8e03978e-40d5-43dd-bc93-6894a57f9324"] }),
        ),
        "If-Match": header("If-Match", "Apply to this version only.", json!({ "type": "string", "pattern": tags })),
        "If-None-Match": header(
            "If-None-Match", "Answer 304 if this is the current version.",
            json!({ "type": "string", "examples": ["\"1\""] }),
        ),
        "X-Holdfast-Customer": header(
            "X-Holdfast-Customer", "The customer for whom staff begins this. Credentials of a customer say so themselves.",
            json!({ "type": "string", "minLength": 1, "maxLength": 100, "examples": ["7"] }),
        ),
        "Accept-Language": header(
            "Accept-Language", "Language of problems: English or Korean.",
            json!({ "type": "string", "examples": ["en", "ko"] }),
        ),
    })
}
