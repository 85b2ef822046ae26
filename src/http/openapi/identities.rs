//! The operations on API keys and the audit.

use super::operations::{
    Admin, Deployment, in_path, in_query, list_schema, object_schema, string_schema,
};
use crate::{api::schema::put_field, domain::number::LARGEST, identity::Role};
use serde_json::{Value, json};
use strum::IntoEnumIterator;

fn time_schema() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// What is decided about a key.
fn key_schema() -> Value {
    let roles: Vec<Role> = Role::iter().filter(|role| *role != Role::Node).collect();
    json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "minLength": 1, "maxLength": 100 },
            "roles": { "type": "array", "items": { "type": "string", "enum": roles }, "minItems": 1 },
            "customer": { "type": ["string", "null"] },
            "scopes": { "type": "array", "items": string_schema() },
            "rate": { "type": ["integer", "null"], "minimum": 1, "maximum": LARGEST },
            "expires": { "type": ["string", "null"], "format": "date-time" },
        },
        "required": ["name", "roles"],
    })
}

/// A key as it is shown.
fn shown_key() -> Value {
    let mut key = key_schema();
    if let Some(fields) = key.get_mut("properties") {
        put_field(fields, "id", string_schema());
        put_field(fields, "made", time_schema());
        put_field(fields, "revoked", json!({ "type": ["string", "null"], "format": "date-time" }));
    }
    key
}

pub fn describe_keys(_: &Deployment<'_>) -> Value {
    let answer = list_schema("keys", shown_key());
    let summary = "API keys of this node";
    Admin { id: "keys", summary, parameters: &[], body: None, answer, problems: &[] }
        .into_operation()
}

pub fn describe_new_key(_: &Deployment<'_>) -> Value {
    let mut answer = object_schema("key", string_schema());
    if let Some(fields) = answer.get_mut("properties") {
        put_field(fields, "id", string_schema());
    }
    let mut operation = Admin {
        id: "newKey",
        summary: "Make an API key: only this answer has its secret",
        parameters: &[],
        body: Some(key_schema()),
        answer,
        problems: &["503"],
    }
    .into_operation();
    // It is made, so its status is another.
    if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut)
        && let Some(made) = responses.shift_remove("200")
    {
        responses.shift_insert(0, "201".into(), made);
    }
    operation
}

pub fn describe_revocation(_: &Deployment<'_>) -> Value {
    Admin {
        id: "revokeKey",
        summary: "Revoke an API key",
        parameters: &[in_path("id", string_schema())],
        body: None,
        answer: shown_key(),
        problems: &["404", "503"],
    }
    .into_operation()
}

pub fn describe_audit(_: &Deployment<'_>) -> Value {
    Admin {
        id: "audit",
        summary: "Who did what on this node",
        parameters: &[
            in_query("after", "The number of the last line that you have."),
            in_query("limit", "Lines per page, from 1 to 1000."),
        ],
        body: None,
        answer: list_schema("audit", json!({ "type": "object" })),
        problems: &["503"],
    }
    .into_operation()
}
