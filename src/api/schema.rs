//! JSON Schemas of types as components of a document, under names that are unique among systems.

use crate::domain::number::LARGEST;
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// Which way the values of a schema go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The server writes them.
    Response,
    /// The server reads them: numbers and booleans may be strings.
    Request,
}

/// Adds the schema that `make` makes to `components` under `name`, and the schemas it refers to under names that begin with
/// it. Returns the schema as it is there.
pub fn add_component(
    components: &mut Map<String, Value>,
    name: &str,
    direction: Direction,
    make: impl FnOnce(&mut SchemaGenerator) -> Schema,
) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None);
    let settings =
        if direction == Direction::Response { settings.for_serialize() } else { settings };
    let mut generator = settings.into_generator();
    let mut root = make(&mut generator).to_value();
    let mut definitions = generator.take_definitions(true);
    let own = root
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|place| place.rsplit('/').next())
        .map(str::to_owned);
    if let Some(definition) = own.as_ref().and_then(|own| definitions.shift_remove(own)) {
        root = definition;
    }
    let place = |definition: &str| {
        if own.as_deref() == Some(definition) {
            return name.to_owned();
        }
        format!("{name}.{definition}")
    };
    for (definition, mut schema) in definitions {
        adapt_schema(&mut schema, direction, &place);
        components.insert(place(&definition), schema);
    }
    adapt_schema(&mut root, direction, &place);
    components.insert(name.to_owned(), root.clone());
    root
}

/// A reference to the component `name`.
pub fn refer_to(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Adds a field to an object.
pub fn put_field(object: &mut Value, field: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

fn adapt_schema(schema: &mut Value, direction: Direction, place: &dyn Fn(&str) -> String) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(to)) = fields.get_mut("$ref")
                && let Some(definition) = to.strip_prefix("#/$defs/")
            {
                *to = format!("#/components/schemas/{}", place(definition));
            }
            if direction == Direction::Request {
                accept_strings(fields);
            }
            // A property may have the name of a keyword; its value is a schema all the same.
            fields.values_mut().for_each(|value| adapt_schema(value, direction, place));
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| adapt_schema(item, direction, place))
        }
        _ => {}
    }
}

/// Lets a number or a boolean be a string. `minimum` applies to numbers only and `pattern` to strings only, so both can be
/// given.
fn accept_strings(fields: &mut Map<String, Value>) {
    let Some(kind) = fields.get("type") else { return };
    let mut kinds: Vec<Value> = match kind {
        Value::Array(kinds) => kinds.clone(),
        Value::String(kind) => vec![kind.as_str().into()],
        _ => return,
    };
    let pattern =
        match kinds.iter().find_map(|kind| Some(kind.as_str()?).filter(|kind| *kind != "null")) {
            Some("integer")
                if fields.get("minimum").is_some_and(|least| least.as_f64() >= Some(0.0)) =>
            {
                "^(0|[1-9][0-9]{0,15})$"
            }
            Some("integer") => "^-?(0|[1-9][0-9]{0,15})$",
            Some("number") => "^-?(0|[1-9][0-9]{0,15})(\\.[0-9]{1,15})?$",
            Some("boolean") => "^(true|false)$",
            _ => return,
        };
    let is_number = kinds.iter().any(|kind| kind == "integer" || kind == "number");
    kinds.push("string".into());
    if is_number {
        fields.entry("maximum").or_insert(LARGEST.into());
    }
    // The format of a number would apply to the string too.
    fields.shift_remove("format");
    fields.insert("type".into(), kinds.into());
    fields.insert("pattern".into(), pattern.into());
}

/// The time in examples: later than any day on which one is tried, so that tickets have not expired.
const FUTURE: &str = "2099-07-06T09:00:00+09:00";

/// A value that fits `schema`; a text is named after `field`.
pub fn example_of(schema: &Value, components: &Map<String, Value>, field: &str) -> Value {
    if let Some(to) = schema.get("$ref").and_then(Value::as_str) {
        let definition = to.rsplit('/').next().and_then(|name| components.get(name));
        return definition.map_or(Value::Null, |schema| example_of(schema, components, field));
    }
    let given = schema.get("examples").and_then(|examples| examples.get(0));
    if let Some(value) = given.or(schema.get("const")).or_else(|| schema.get("enum")?.get(0)) {
        return value.clone();
    }
    if let Some(first) = ["oneOf", "anyOf", "allOf"].iter().find_map(|of| schema.get(of)?.get(0)) {
        return example_of(first, components, field);
    }
    let kind = schema.get("type").map(|kind| kind.get(0).unwrap_or(kind)).and_then(Value::as_str);
    match kind {
        Some("integer" | "number") => schema
            .get("minimum")
            .filter(|least| least.as_u64() > Some(1))
            .cloned()
            .unwrap_or(1.into()),
        Some("boolean") => true.into(),
        Some("array") => {
            json!([example_of(schema.get("items").unwrap_or(&Value::Null), components, field)])
        }
        Some("object") => {
            let properties =
                schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            properties
                .map(|(name, schema)| (name.clone(), example_of(schema, components, name)))
                .collect()
        }
        Some("string") if schema.get("format").is_some_and(|format| format == "date-time") => {
            FUTURE.into()
        }
        Some("string") => format!("{field}01").into(),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::JsonSchema;

    #[derive(JsonSchema)]
    #[allow(dead_code)]
    struct Inner {
        flag: Option<bool>,
    }
    #[derive(JsonSchema)]
    #[allow(dead_code)]
    struct Outer {
        count: u64,
        name: String,
        inner: Inner,
    }

    fn made(direction: Direction) -> Map<String, Value> {
        let mut components = Map::new();
        add_component(&mut components, "s.Thing", direction, |generator| {
            generator.subschema_for::<Outer>()
        });
        components
    }

    #[test]
    fn what_a_type_refers_to_is_named_after_it() {
        let components = made(Direction::Response);
        assert_eq!(components.keys().collect::<Vec<_>>(), ["s.Thing.Inner", "s.Thing"]);
        assert_eq!(
            components["s.Thing"]["properties"]["inner"]["$ref"],
            "#/components/schemas/s.Thing.Inner"
        );
        assert_eq!(components["s.Thing"]["properties"]["count"]["type"], "integer");
    }

    #[test]
    fn values_of_a_request_may_be_strings() {
        let components = made(Direction::Request);
        let count = &components["s.Thing"]["properties"]["count"];
        assert_eq!((&count["type"], &count["minimum"]), (&json!(["integer", "string"]), &json!(0)));
        assert_eq!(components["s.Thing"]["properties"]["name"]["type"], "string");
        let flag = &components["s.Thing.Inner"]["properties"]["flag"];
        assert_eq!(flag["type"], json!(["boolean", "null", "string"]));
    }

    #[test]
    fn an_example_has_every_field() {
        let components = made(Direction::Request);
        let example = example_of(&components["s.Thing"], &components, "");
        assert_eq!(example, json!({ "count": 1, "name": "name01", "inner": { "flag": true } }));
    }
}
