//! Contexts and their doors in words and schemas, for the documents that each adapter has of them.

use crate::{
    actors::{Context, DoorInfo, Verb},
    api::schema::{Use, component, reference},
};
use serde_json::{Map, Value, json};

/// The schemas that every collection shares: `ManagedConnection` and `Problem`.
pub fn shared() -> Map<String, Value> {
    let link = json!({ "type": "object", "properties": { "href": { "type": "string", "format": "uri-reference" } }, "required": ["href"] });
    let problem = json!({
        "type": "object",
        "description": "Why a request came to nothing (RFC 9457).",
        "properties": {
            "type": { "type": "string", "format": "uri" },
            "title": { "type": "string", "description": "The same for every occurrence." },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string", "description": "This occurrence, in English or Korean." },
            "instance": { "type": "string" },
            "code": { "type": "string", "pattern": "^[a-z0-9-]+$", "description": "Stable, and for programs." },
            "traceId": { "type": "string" },
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "pointer": { "type": "string", "description": "A JSON pointer into the body." },
                        "detail": { "type": "string" },
                    },
                    "required": ["pointer", "detail"],
                },
            },
        },
        "required": ["type", "title", "status", "detail", "instance", "code"],
    });
    [("Link", link), ("Problem", problem)]
        .map(|(name, schema)| (name.to_owned(), schema))
        .into_iter()
        .collect()
}

/// Adds how a thing of `context` looks to `schemas`; says under which name, and what of it is its own.
pub fn thing(context: &dyn Context, schemas: &mut Map<String, Value>) -> (String, Value) {
    let name = context.name();
    let component_name = format!("{}.{}", name.system, capitalised(name.item));
    let shown = component(schemas, &component_name, Use::Shown, |generator| {
        context.shown_schema(generator)
    });
    if let Some(item) = schemas.get_mut(&component_name).and_then(Value::as_object_mut) {
        add_links(item, name.item);
    }
    (component_name, shown)
}

fn add_links(item: &mut Map<String, Value>, rel: &str) {
    let link = reference("Link");
    let added = [
        (
            "id",
            json!({ "type": "integer", "format": "uint64", "minimum": 1, "description": "Its number." }),
        ),
        (
            "_links",
            json!({ "type": "object", "properties": { "self": link, rel: link }, "required": ["self", rel] }),
        ),
    ];
    for (field, schema) in added {
        if let Some(properties) =
            item.entry("properties").or_insert_with(|| json!({})).as_object_mut()
        {
            properties.insert(field.to_owned(), schema);
        }
        if let Some(required) = item.entry("required").or_insert_with(|| json!([])).as_array_mut() {
            required.push(field.into());
        }
    }
}

/// A door, as documents speak of it.
#[derive(Debug)]
pub struct DoorWords {
    /// What follows the collection in its path: `/approve/{id}`.
    pub rest: String,
    /// Its method, in lower case.
    pub method: &'static str,
    /// What it is called: `create`, `patch.approve`.
    pub name: String,
    /// What it does.
    pub summary: String,
    /// Its body: under which name among the schemas, and the schema.
    pub body: Option<(String, Value)>,
}

/// Describes `door`, and adds what it takes to `schemas`. `thing` is the name that [`thing`] gave.
pub fn door_words(
    context: &dyn Context,
    door: &DoorInfo,
    thing: &str,
    schemas: &mut Map<String, Value>,
) -> DoorWords {
    let item = context.name().item;
    let (method, does) = match door.verb {
        Verb::Post => ("post", "Create"),
        Verb::Patch => ("patch", "Change"),
        Verb::Delete => ("delete", "Cancel"),
    };
    let (rest, name, summary) = match door.word {
        Some(word) => (
            format!("/{word}/{{id}}"),
            format!("{method}.{word}"),
            format!("{} a {item}", capitalised(word)),
        ),
        None if door.verb == Verb::Post => {
            (String::new(), "create".to_owned(), format!("{does} a {item}"))
        }
        None => ("/{id}".to_owned(), method.to_owned(), format!("{does} a {item}")),
    };
    let body = door.body.map(|body| {
        let word = door.word.map(capitalised).unwrap_or_default();
        let name = format!("{thing}.{}{word}", capitalised(method));
        let made = component(schemas, &name, Use::Taken, body);
        (name, made)
    });
    DoorWords { rest, method, name, summary, body }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
