//! Samples of a type, made from its JSON Schema: one for each variant of an enum, and each field varied by itself.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Schemas nest no deeper than this; what does is left out.
const DEPTH: usize = 16;

/// Why there are no samples of a type.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{value} was made from the schema of {type_name} and is no {type_name}: {why}")]
pub struct SampleError {
    type_name: &'static str,
    value: String,
    why: String,
}

/// Samples of `T`: at least one for each variant.
///
/// # Errors
/// [`SampleError`] when the schema of `T` describes what `T` does not accept.
pub fn sample_values<T: JsonSchema + DeserializeOwned>() -> Result<Vec<T>, SampleError> {
    sample_values_with(FIRST)
}

/// As [`sample_values`], with other numbers and words: a command that asks for what is so already leads to nothing.
///
/// # Errors
/// As of [`sample_values`].
pub(super) fn other_sample_values<T: JsonSchema + DeserializeOwned>() -> Result<Vec<T>, SampleError>
{
    sample_values_with(OTHER)
}

/// What a number and a word are in a sample.
#[derive(Clone, Copy)]
struct Values {
    number: u64,
    word: &'static str,
}
const FIRST: Values = Values { number: 1, word: "a" };
const OTHER: Values = Values { number: 2, word: "b" };

fn sample_values_with<T: JsonSchema + DeserializeOwned>(
    values: Values,
) -> Result<Vec<T>, SampleError> {
    let schema = schemars::schema_for!(T);
    let read = |value: Value| {
        serde_json::from_value(value.clone()).map_err(|why| SampleError {
            type_name: std::any::type_name::<T>(),
            value: value.to_string(),
            why: why.to_string(),
        })
    };
    sample_described(schema.as_value(), values).into_iter().map(read).collect()
}

/// Values that `root` describes.
pub fn of_schema(root: &Value) -> Vec<Value> {
    sample_described(root, FIRST)
}

fn sample_described(root: &Value, values: Values) -> Vec<Value> {
    let mut all = Vec::new();
    for value in (Sampler { root, values }).sample_schema(root, DEPTH) {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

struct Sampler<'a> {
    root: &'a Value,
    values: Values,
}

impl Sampler<'_> {
    fn sample_schema(&self, schema: &Value, depth: usize) -> Vec<Value> {
        let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
        let Some(fields) = schema.as_object() else {
            return if schema == &json!(true) { vec![Value::Null] } else { Vec::new() };
        };
        let target =
            fields.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
        if let Some(target) = target.and_then(|path| self.root.pointer(path)) {
            return self.sample_schema(target, depth);
        }
        if let Some(constant) = fields.get("const") {
            return vec![constant.clone()];
        }
        if let Some(Value::Array(values)) = fields.get("enum") {
            return values.clone();
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(Value::Array(variants)) = fields.get(choice) {
                return variants
                    .iter()
                    .flat_map(|variant| self.sample_schema(variant, depth))
                    .collect();
            }
        }
        if let Some(Value::Array(parts)) = fields.get("allOf") {
            return parts.first().map(|part| self.sample_schema(part, depth)).unwrap_or_default();
        }
        match fields.get("type") {
            Some(Value::String(kind)) => self.of_kind(kind, fields, depth),
            Some(Value::Array(kinds)) => kinds
                .iter()
                .filter_map(Value::as_str)
                .flat_map(|kind| self.of_kind(kind, fields, depth))
                .collect(),
            _ => vec![Value::Null],
        }
    }

    fn of_kind(&self, kind: &str, schema: &Map<String, Value>, depth: usize) -> Vec<Value> {
        match kind {
            "boolean" => vec![json!(true), json!(false)],
            "integer" | "number" => vec![json!(self.values.number)],
            "string" => vec![self.sample_text(schema.get("format").and_then(Value::as_str))],
            "array" => self.sample_arrays(schema, depth),
            "object" => self.sample_objects(schema, depth),
            _ => vec![Value::Null],
        }
    }

    fn sample_text(&self, format: Option<&str>) -> Value {
        match format {
            Some("date-time") => json!("1970-01-01T00:00:01Z"),
            Some("date") => json!("1970-01-02"),
            Some("time") => json!("00:00:01"),
            Some("uuid") => json!("00000000-0000-0000-0000-000000000001"),
            _ => json!(self.values.word),
        }
    }

    fn sample_arrays(&self, schema: &Map<String, Value>, depth: usize) -> Vec<Value> {
        if let Some(Value::Array(items)) = schema.get("prefixItems") {
            let items = items
                .iter()
                .enumerate()
                .map(|(at, item)| (at, self.sample_schema(item, depth)))
                .collect();
            return vary_fields(items)
                .into_iter()
                .map(|items| items.into_iter().map(|(_, item)| item).collect())
                .collect();
        }
        let items =
            schema.get("items").map(|item| self.sample_schema(item, depth)).unwrap_or_default();
        items.into_iter().map(|item| json!([item])).collect()
    }

    fn sample_objects(&self, schema: &Map<String, Value>, depth: usize) -> Vec<Value> {
        let Some(Value::Object(properties)) = schema.get("properties") else {
            let values = schema
                .get("additionalProperties")
                .map(|value| self.sample_schema(value, depth))
                .unwrap_or_default();
            return if values.is_empty() {
                vec![json!({})]
            } else {
                values.iter().map(|v| json!({ "a": v })).collect()
            };
        };
        let fields = properties
            .iter()
            .map(|(name, schema)| (name.clone(), self.sample_schema(schema, depth)))
            .collect();
        vary_fields(fields)
            .into_iter()
            .map(|fields| Value::Object(fields.into_iter().collect()))
            .collect()
    }
}

/// The first of everything, and then each field's other values while the rest stays: enough to see each value once.
fn vary_fields<K: Clone>(fields: Vec<(K, Vec<Value>)>) -> Vec<Vec<(K, Value)>> {
    let first: Option<Vec<(K, Value)>> =
        fields.iter().map(|(key, values)| Some((key.clone(), values.first()?.clone()))).collect();
    let Some(first) = first else { return Vec::new() };
    let mut all = vec![first.clone()];
    for (at, (_, values)) in fields.iter().enumerate() {
        for value in values.iter().skip(1) {
            let mut other = first.clone();
            if let Some((_, slot)) = other.get_mut(at) {
                *slot = value.clone();
            }
            all.push(other);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Id, Timestamp};
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    enum Shape {
        Nothing,
        Number(Id<()>),
        Both { flag: bool, word: Option<String> },
        Answer(Result<(), Why>),
        Many(Vec<(u64, Timestamp)>),
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    enum Why {
        Late,
        Refused(Inner),
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    struct Inner {
        code: String,
    }

    #[test]
    fn there_is_one_of_each_variant_and_of_each_value_within() {
        use Shape::*;
        let all = sample_values::<Shape>().unwrap();
        let word = || Some("a".to_owned());
        for wanted in [
            Nothing,
            Number(Id::new(1)),
            Both { flag: true, word: word() },
            Both { flag: false, word: word() },
            Both { flag: true, word: None },
            Answer(Ok(())),
            Answer(Err(Why::Late)),
            Answer(Err(Why::Refused(Inner { code: "a".into() }))),
            Many(vec![(1, Timestamp::from_micros(1_000_000))]),
        ] {
            assert!(all.contains(&wanted), "{wanted:?} is missing in {all:?}");
        }
        assert_eq!(all.len(), 9, "{all:?}");
    }

    #[test]
    fn a_type_that_does_not_keep_to_its_schema_is_named() {
        #[derive(Debug, JsonSchema)]
        struct Picky;
        impl<'de> Deserialize<'de> for Picky {
            fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
                Err(serde::de::Error::custom("never"))
            }
        }
        assert!(sample_values::<Picky>().unwrap_err().to_string().contains("Picky"));
    }

    #[test]
    fn a_schema_that_contains_itself_comes_to_an_end() {
        let endless = json!({ "type": "object", "properties": { "next": { "$ref": "#" } } });
        assert!(of_schema(&endless).is_empty());
    }
}
