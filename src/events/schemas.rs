//! A JSON Schema for every event, from the type itself.

use super::{cloud::kind_of, naming::EventNames};
use crate::domain::{Aggregate, Board, View};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// An event type.
#[derive(Debug, Clone, PartialEq)]
pub struct EventDescription {
    /// Its context: `bookrent.rent`.
    pub context: &'static str,
    /// `BookRented`
    pub name: String,
    /// `io.holdfast.bookrent.rent.BookRented.v1`
    pub kind: String,
    /// The JSON Schema of its data (2020-12), with an `$id`.
    pub schema: Value,
}

/// All events of the contexts that `lay_out` lays out, by these names.
pub fn describe_events(
    names: &EventNames,
    lay_out: impl FnOnce(&mut EventSchemas),
) -> Vec<EventDescription> {
    let mut events = EventSchemas { names: names.clone(), described: Vec::new() };
    lay_out(&mut events);
    events.described
}

/// Describes the events of the contexts that it visits.
pub struct EventSchemas {
    names: EventNames,
    described: Vec<EventDescription>,
}

impl Board for EventSchemas {
    fn aggregate<A: Aggregate>(&mut self) {
        let settings = SchemaSettings::draft2020_12()
            .for_serialize()
            .with(|settings| settings.meta_schema = None);
        let root = settings.into_generator().into_root_schema_for::<A::Event>().to_value();
        self.add_all(A::NAME.context, A::EVENT_VERSION, &root);
    }
    fn view<V: View>(&mut self) {}
}

impl EventSchemas {
    /// Describes each variant of a context's events.
    fn add_all(&mut self, context: &'static str, version: u16, root: &Value) {
        let definitions = root.get("$defs").cloned();
        // Some variants have a schema each, others share one list of words.
        let variants =
            ["oneOf", "anyOf"].iter().find_map(|word| root.get(*word)?.as_array().cloned());
        for variant in variants.unwrap_or_else(|| vec![root.clone()]) {
            let words = |word: &str| variant.get(word).cloned();
            if let Some(Value::Object(properties)) = words("properties") {
                for (name, data) in properties {
                    self.add_context(
                        (context, version),
                        name,
                        data,
                        words("description"),
                        definitions.as_ref(),
                    );
                }
            }
            let plain = words("enum").and_then(|all| all.as_array().cloned()).into_iter().flatten();
            for name in
                plain.chain(words("const")).filter_map(|name| name.as_str().map(str::to_owned))
            {
                self.add_context(
                    (context, version),
                    name,
                    json!({ "type": "object" }),
                    words("description"),
                    definitions.as_ref(),
                );
            }
        }
    }

    fn add_context(
        &mut self,
        (context, version): (&'static str, u16),
        name: String,
        data: Value,
        what: Option<Value>,
        definitions: Option<&Value>,
    ) {
        let kind = kind_of(context, &name, version);
        let mut schema = Map::new();
        schema.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        schema.insert("$id".into(), self.names.schema_id(&kind).into());
        schema.insert("title".into(), name.clone().into());
        schema.extend(what.map(|what| ("description".to_owned(), what)));
        if let Value::Object(fields) = data {
            // Consumers must ignore unknown fields: fields may be added.
            schema.extend(fields.into_iter().filter(|(word, _)| word != "additionalProperties"));
        }
        if let Some(Value::Object(definitions)) = definitions {
            let mut used = Map::new();
            let wanted = Value::Object(schema.clone());
            gather_definitions(&wanted, definitions, &mut used);
            if !used.is_empty() {
                schema.insert("$defs".into(), used.into());
            }
        }
        self.described.push(EventDescription { context, name, kind, schema: schema.into() });
    }
}

/// Those of `definitions` that `schema` refers to, and what they refer to.
fn gather_definitions(
    schema: &Value,
    definitions: &Map<String, Value>,
    used: &mut Map<String, Value>,
) {
    match schema {
        Value::Object(fields) => {
            if let Some(name) = fields
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|to| to.strip_prefix("#/$defs/"))
                && !used.contains_key(name)
                && let Some(definition) = definitions.get(name)
            {
                used.insert(name.to_owned(), definition.clone());
                gather_definitions(definition, definitions, used);
            }
            fields.values().for_each(|value| gather_definitions(value, definitions, used));
        }
        Value::Array(items) => {
            items.iter().for_each(|item| gather_definitions(item, definitions, used))
        }
        _ => {}
    }
}
