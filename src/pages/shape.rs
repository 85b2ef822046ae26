//! The fields of things and of what is sent, from their JSON schemas.

use crate::actors::{BodySchema, Declaration};
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::Value;

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// Yes or no.
    Flag,
    /// One of these.
    Choice(Vec<String>),
    /// A time.
    Time,
    /// A whole day.
    Day,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name on the wire.
    pub name: String,
    pub kind: FieldKind,
    /// Whether there must be one.
    pub is_required: bool,
}

/// The fields of something, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    pub fields: Vec<Field>,
}

impl Shape {
    /// That of the things of a context.
    pub fn of_things(declaration: &dyn Declaration) -> Self {
        let settings = inlined().for_serialize();
        Self::of_schema(make(settings, |generator| declaration.shown_schema(generator)))
    }

    /// That of a body.
    pub fn of_body(body: BodySchema) -> Self {
        Self::of_schema(make(inlined(), body))
    }

    fn of_schema(schema: Value) -> Self {
        let required = schema.get("required").and_then(Value::as_array);
        let is_required =
            |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
        let properties = schema.get("properties").and_then(Value::as_object);
        let fields = properties.into_iter().flatten().map(|(name, schema)| Field {
            name: name.clone(),
            kind: kind_of(schema),
            is_required: is_required(name),
        });
        Self { fields: fields.collect() }
    }

    /// Whether `value` is one of the choices of a field.
    pub fn has_choice(&self, name: &str, value: &str) -> bool {
        let choices = self.find(name).map(|field| &field.kind);
        matches!(choices, Some(FieldKind::Choice(choices)) if choices.iter().any(|one| one == value))
    }

    /// Whether all that it asks is one of several.
    pub fn is_choice_alone(&self) -> bool {
        self.fields.iter().all(|field| matches!(field.kind, FieldKind::Choice(_)))
    }

    pub fn find(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

fn inlined() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    })
}

fn make(settings: SchemaSettings, of: impl FnOnce(&mut SchemaGenerator) -> Schema) -> Value {
    of(&mut settings.into_generator()).to_value()
}

/// What a field with this schema holds; that it may be null as well is another matter.
fn kind_of(schema: &Value) -> FieldKind {
    let choices = choices_of(schema);
    if !choices.is_empty() {
        return FieldKind::Choice(choices);
    }
    let alternatives = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    let is_value = |schema: &&Value| schema.get("type").is_none_or(|kind| kind != "null");
    if let Some(schema) = alternatives.into_iter().find(is_value) {
        return kind_of(schema);
    }
    let types = match schema.get("type") {
        Some(Value::Array(types)) => types.clone(),
        Some(kind) => vec![kind.clone()],
        None => Vec::new(),
    };
    let is_of = |kind: &str| types.iter().any(|known| known == kind);
    match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => FieldKind::Time,
        Some("date") => FieldKind::Day,
        _ if is_of("boolean") => FieldKind::Flag,
        _ if is_of("integer") || is_of("number") => FieldKind::Number,
        _ => FieldKind::Text,
    }
}

/// The values of an enumeration.
fn choices_of(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for variant in schema.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
        found.extend(choices_of(variant));
    }
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let values = listed.chain(schema.get("const"));
    found.extend(values.filter_map(Value::as_str).map(str::to_owned));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_is_what_its_schema_says() {
        for (schema, kind) in [
            (json!({ "type": ["string", "null"] }), FieldKind::Text),
            (json!({ "type": "integer", "format": "uint64" }), FieldKind::Number),
            (json!({ "type": ["boolean", "null"] }), FieldKind::Flag),
            (json!({ "type": ["string", "null"], "format": "date-time" }), FieldKind::Time),
            (json!({ "type": "string", "format": "date" }), FieldKind::Day),
            (
                json!({ "anyOf": [{ "oneOf": [{ "enum": ["A"] }, { "const": "B" }] }, { "type": "null" }] }),
                FieldKind::Choice(vec!["A".into(), "B".into()]),
            ),
        ] {
            assert_eq!(kind_of(&schema), kind, "{schema}");
        }
    }
}
