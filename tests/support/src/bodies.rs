//! The routes that take a body, as the API document describes them.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A route that takes a body.
#[derive(Debug, Clone)]
pub struct BodyRoute {
    /// `POST`
    pub method: String,
    /// Its path, with 1 for the number and a context of each name.
    pub path: String,
    /// The context that it leads into; a group of operations where it is none.
    pub context: String,
    /// A body that is taken.
    pub example: Map<String, Value>,
    /// Its members, and their schemas.
    pub members: BTreeMap<String, Value>,
}

impl BodyRoute {
    /// The example as it is written, with further members at its end.
    pub fn written_with(&self, further: &str) -> String {
        let example = Value::Object(self.example.clone()).to_string();
        let open = example.trim_end_matches('}');
        if open.len() > 1 { format!("{open},{further}}}") } else { format!("{{{further}}}") }
    }

    /// The example with another value of a member. A `PATCH` takes one command at a time, so its body has that member alone.
    pub fn with(&self, member: &str, value: Value) -> Value {
        let mut body = if self.method == "PATCH" { Map::new() } else { self.example.clone() };
        body.insert(member.to_owned(), value);
        Value::Object(body)
    }

    /// Those of its members whose schema has the type `kind`.
    pub fn members_of(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        let is_kind = move |schema: &Value| match &schema["type"] {
            Value::Array(kinds) => kinds.iter().any(|one| one == kind),
            one => one == kind,
        };
        let all = self.members.iter().filter(move |(_, schema)| is_kind(schema));
        all.map(|(name, schema)| (name.as_str(), schema))
    }

    /// Its members that are free texts.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &Value)> {
        let is_free = |schema: &Value| {
            ["format", "enum", "const", "$ref"].iter().all(|key| schema[*key].is_null())
        };
        let is_only_text = |schema: &Value| {
            let kinds = schema["type"].to_string();
            !["integer", "number", "boolean"].iter().any(|other| kinds.contains(other))
        };
        self.members_of("string").filter(move |(_, schema)| is_free(schema) && is_only_text(schema))
    }
}

/// Every route of `document` that takes a body.
pub fn body_routes(document: &Value) -> Vec<BodyRoute> {
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let content = &operation["requestBody"]["content"]["application/json"];
            if content.is_null() {
                continue;
            }
            let mut members = BTreeMap::new();
            collect_members(document, &content["schema"], &mut members);
            routes.push(BodyRoute {
                method: method.to_ascii_uppercase(),
                path: path.replace("{id}", "1").replace("{context}", "bookrent.book"),
                context: operation["tags"][0].as_str().unwrap().to_owned(),
                example: content["example"].as_object().cloned().unwrap_or_default(),
                members,
            });
        }
    }
    routes
}

fn collect_members(document: &Value, schema: &Value, members: &mut BTreeMap<String, Value>) {
    if let Some(place) = schema["$ref"].as_str() {
        let schema = document.pointer(place.trim_start_matches('#')).unwrap();
        collect_members(document, schema, members);
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        members.insert(name.clone(), schema.clone());
    }
    for parts in ["oneOf", "anyOf", "allOf"] {
        for part in schema[parts].as_array().into_iter().flatten() {
            collect_members(document, part, members);
        }
    }
}
