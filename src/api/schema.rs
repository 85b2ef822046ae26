//! Schemas of types, made into components whose names no other system can take.

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// What a schema is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// What the server writes.
    Shown,
    /// What the server reads: numbers and booleans may come as strings.
    Taken,
}

/// Puts the schema that `make` makes among `components` under `name`, what it refers to behind it, and returns the
/// schema as it stands there.
pub fn component(
    components: &mut Map<String, Value>,
    name: &str,
    wanted: Use,
    make: impl FnOnce(&mut SchemaGenerator) -> Schema,
) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None);
    let settings = if wanted == Use::Shown { settings.for_serialize() } else { settings };
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
    let place = |definition: &str| match own.as_deref() == Some(definition) {
        true => name.to_owned(),
        false => format!("{name}.{definition}"),
    };
    for (definition, mut schema) in definitions {
        adapt(&mut schema, wanted, &place);
        components.insert(place(&definition), schema);
    }
    adapt(&mut root, wanted, &place);
    components.insert(name.to_owned(), root.clone());
    root
}

/// Where a component is.
pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Adds a field to an object.
pub fn put(object: &mut Value, field: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

fn adapt(schema: &mut Value, wanted: Use, place: &dyn Fn(&str) -> String) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(to)) = fields.get_mut("$ref")
                && let Some(definition) = to.strip_prefix("#/$defs/")
            {
                *to = format!("#/components/schemas/{}", place(definition));
            }
            if wanted == Use::Taken {
                loosen(fields);
            }
            // A property may be called like a keyword; it holds a schema all the same.
            fields.values_mut().for_each(|value| adapt(value, wanted, place));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| adapt(item, wanted, place)),
        _ => {}
    }
}

/// Lets a number or a boolean come as a string. `minimum` speaks of numbers only and `pattern` of strings only, so
/// that both stand side by side.
fn loosen(fields: &mut Map<String, Value>) {
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
                "^[0-9]{1,19}$"
            }
            Some("integer") => "^-?[0-9]{1,18}$",
            Some("number") => "^-?[0-9]{1,15}(\\.[0-9]{1,15})?$",
            Some("boolean") => "^(true|false)$",
            _ => return,
        };
    kinds.push("string".into());
    if fields.get("format").is_some_and(|format| format == "uint64") {
        fields.insert("maximum".into(), u64::MAX.into());
    }
    // A format that is one of numbers would be said of the string too.
    fields.shift_remove("format");
    fields.insert("type".into(), kinds.into());
    fields.insert("pattern".into(), pattern.into());
}

/// A value that fits `schema`, named after `field` where it is free.
pub fn example(schema: &Value, components: &Map<String, Value>, field: &str) -> Value {
    if let Some(to) = schema.get("$ref").and_then(Value::as_str) {
        let definition = to.rsplit('/').next().and_then(|name| components.get(name));
        return definition.map_or(Value::Null, |schema| example(schema, components, field));
    }
    if let Some(value) = schema.get("const").or_else(|| schema.get("enum")?.get(0)) {
        return value.clone();
    }
    if let Some(first) = ["oneOf", "anyOf", "allOf"].iter().find_map(|of| schema.get(of)?.get(0)) {
        return example(first, components, field);
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
            json!([example(schema.get("items").unwrap_or(&Value::Null), components, field)])
        }
        Some("object") => {
            let properties =
                schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            properties
                .map(|(name, schema)| (name.clone(), example(schema, components, name)))
                .collect()
        }
        Some("string") if schema.get("format").is_some_and(|format| format == "date-time") => {
            "2021-07-06T09:00:00+09:00".into()
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

    fn made(wanted: Use) -> Map<String, Value> {
        let mut components = Map::new();
        component(&mut components, "s.Thing", wanted, |generator| {
            generator.subschema_for::<Outer>()
        });
        components
    }

    #[test]
    fn what_a_type_refers_to_is_named_behind_it() {
        let components = made(Use::Shown);
        assert_eq!(components.keys().collect::<Vec<_>>(), ["s.Thing.Inner", "s.Thing"]);
        assert_eq!(
            components["s.Thing"]["properties"]["inner"]["$ref"],
            "#/components/schemas/s.Thing.Inner"
        );
        assert_eq!(components["s.Thing"]["properties"]["count"]["type"], "integer");
    }

    #[test]
    fn what_is_taken_may_come_as_a_string() {
        let components = made(Use::Taken);
        let count = &components["s.Thing"]["properties"]["count"];
        assert_eq!((&count["type"], &count["minimum"]), (&json!(["integer", "string"]), &json!(0)));
        assert_eq!(components["s.Thing"]["properties"]["name"]["type"], "string");
        let flag = &components["s.Thing.Inner"]["properties"]["flag"];
        assert_eq!(flag["type"], json!(["boolean", "null", "string"]));
    }

    #[test]
    fn an_example_has_every_field() {
        let components = made(Use::Taken);
        let example = example(&components["s.Thing"], &components, "");
        assert_eq!(example, json!({ "count": 1, "name": "name01", "inner": { "flag": true } }));
    }
}
