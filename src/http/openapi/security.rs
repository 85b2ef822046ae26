//! Who may call an operation, as the document says it.

use super::operations::refer_to_problem;
use crate::{
    api::schema::put_field,
    domain::Reads,
    identity::{Access, Audience},
};
use serde_json::{Value, json};

/// What shows who calls.
pub fn security_schemes() -> Value {
    json!({
        "token": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token of an OpenID provider that the server trusts. While authentication is open, none is needed.",
        },
        "key": {
            "type": "http", "scheme": "bearer", "bearerFormat": "hf_<id>_<secret>",
            "description": "An API key, for machines. While authentication is open, none is needed.",
        },
    })
}

/// Adds to `operation` who may call it, and what others are answered.
pub fn secure_operation(operation: &mut Value, audience: Audience) {
    let credentials = [json!({ "token": [] }), json!({ "key": [] })];
    let (security, refusals): (Vec<Value>, &[&str]) = match audience {
        Audience::Public => (Vec::new(), &[]),
        Audience::Readers { reads: Reads::Public | Reads::PublicWithout(_), .. } => {
            ([json!({})].into_iter().chain(credentials).collect(), &["401", "403"])
        }
        Audience::Administration(Access::Development) => {
            (credentials.into(), &["401", "403", "404"])
        }
        _ => (credentials.into(), &["401", "403"]),
    };
    put_field(operation, "security", Value::Array(security));
    add_refusals(operation, refusals);
}

/// Adds to `operation`, which is for everyone, that `parameter` asks for more than that.
pub fn secure_detail(operation: &mut Value, parameter: &str) {
    let described = json!({
        "name": parameter, "in": "query", "allowEmptyValue": true, "schema": { "type": "string" },
        "description": "Answers in detail; for admins and operators.",
    });
    match operation.get_mut("parameters").and_then(Value::as_array_mut) {
        Some(parameters) => parameters.push(described),
        None => put_field(operation, "parameters", json!([described])),
    }
    put_field(operation, "security", json!([{}, { "token": [] }, { "key": [] }]));
    add_refusals(operation, &["401", "403"]);
}

/// Adds these problems to the answers of `operation`, in the order of their statuses.
fn add_refusals(operation: &mut Value, statuses: &[&str]) {
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    for status in statuses.iter().copied() {
        responses.entry(status).or_insert_with(|| refer_to_problem(status));
    }
    responses.sort_keys();
}
