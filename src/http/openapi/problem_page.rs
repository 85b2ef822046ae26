//! The operation of the pages to which the types of problems lead.

use super::operations::{
    Deployment, describe_operation, in_path, list_schema, refer_to_problem, string_schema,
};
use crate::api::schema::put_field;
use serde_json::{Value, json};

pub fn describe_problem(_: &Deployment<'_>) -> Value {
    let meaning = json!({
        "type": "object",
        "properties": {
            "system": { "type": "string", "description": "The business; absent for the server itself." },
            "status": { "type": "integer" },
            "title": string_schema(),
            "meaning": { "type": "string", "description": "What it means, or what to do." },
        },
        "required": ["status", "title", "meaning"],
    });
    let mut page = list_schema("meanings", meaning);
    if let Some(properties) = page.get_mut("properties") {
        put_field(properties, "type", string_schema());
        put_field(properties, "code", string_schema());
    }
    let content = json!({
        "application/json": { "schema": page },
        "text/html": { "schema": string_schema() },
    });
    let found =
        json!({ "description": "The meaning, in English or in Korean.", "content": content });
    let responses =
        json!({ "200": found, "404": refer_to_problem("404"), "500": refer_to_problem("500") });
    let mut operation =
        describe_operation("problem", "What the code of a problem means", responses);
    let language = json!({ "$ref": "#/components/parameters/Accept-Language" });
    put_field(&mut operation, "parameters", json!([in_path("code", string_schema()), language]));
    operation
}
