//! Descriptions and schemas of contexts and their commands, for the documents of each adapter.

use crate::{
    actors::{BodySchema, Declaration, RouteInfo, Verb},
    api::schema::{self, Direction, add_component, refer_to},
};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

/// The schemas that every collection shares: `Link` and `Problem`.
pub fn shared_schemas() -> Map<String, Value> {
    let link = json!({ "type": "object", "properties": { "href": { "type": "string", "format": "uri-reference" } }, "required": ["href"] });
    let problem = json!({
        "type": "object",
        "description": "Why a request failed (RFC 9457).",
        "properties": {
            "type": { "type": "string", "format": "uri" },
            "title": { "type": "string", "description": "The same for every occurrence of the code." },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string", "description": "This occurrence, in English or Korean." },
            "instance": { "type": "string" },
            "code": { "type": "string", "pattern": "^[a-z0-9-]+$", "description": "Stable, for programs." },
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

/// Adds the schema of an item of `context` to `schemas`; returns its name, and the schema without links.
pub fn describe_item(
    context: &dyn Declaration,
    schemas: &mut Map<String, Value>,
) -> (String, Value) {
    let name = context.name();
    let component_name = format!("{}.{}", name.system, capitalise_word(name.item));
    let shown = add_component(schemas, &component_name, Direction::Response, |generator| {
        context.shown_schema(generator)
    });
    if let Some(item) = schemas.get_mut(&component_name).and_then(Value::as_object_mut) {
        add_links(item, name.item);
    }
    (component_name, shown)
}

fn add_links(item: &mut Map<String, Value>, rel: &str) {
    let link = refer_to("Link");
    let added = [
        (
            "id",
            json!({ "type": "integer", "format": "uint64", "minimum": 1, "description": "The number of the item." }),
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

/// A command, as documents describe it.
#[derive(Debug)]
pub struct CommandDescription {
    /// The path after the collection: `/approve/{id}`.
    pub rest: String,
    /// The method, in lower case.
    pub method: &'static str,
    /// The name: `create`, `patch.approve`.
    pub name: String,
    /// What the command does.
    pub summary: String,
    /// The name of the body among the schemas, and its schema.
    pub body: Option<(String, Value)>,
}

/// Describes the command of `route`, and adds its body to `schemas`. `item_schema` is the name that [`describe_item`]
/// returned.
pub fn describe_command(
    context: &dyn Declaration,
    route: &RouteInfo,
    item_schema: &str,
    schemas: &mut Map<String, Value>,
) -> CommandDescription {
    let item = context.name().item;
    let (method, does) = match route.verb {
        Verb::Post => ("post", "Create"),
        Verb::Patch => ("patch", "Change"),
        Verb::Delete if route.withdraws => ("delete", "Withdraw"),
        Verb::Delete => ("delete", "Cancel"),
    };
    let (rest, name, summary) = match route.word {
        Some(word) => (
            format!("/{word}/{{id}}"),
            format!("{method}.{word}"),
            format!("{} a {item}", capitalise_word(word)),
        ),
        None if route.verb == Verb::Post => {
            (String::new(), "create".to_owned(), format!("{does} a {item}"))
        }
        None => ("/{id}".to_owned(), method.to_owned(), format!("{does} a {item}")),
    };
    let body = (!route.bodies.is_empty()).then(|| {
        let word = route.word.map(capitalise_word).unwrap_or_default();
        let name = format!("{item_schema}.{}{word}", capitalise_word(method));
        let body = |generator: &mut SchemaGenerator| any_of(&route.bodies, generator);
        let made = add_component(schemas, &name, Direction::Request, body);
        (name, made)
    });
    CommandDescription { rest, method, name, summary, body }
}

/// The schema of a body that is one of several: an object with the fields of all of them.
fn any_of(bodies: &[BodySchema], generator: &mut SchemaGenerator) -> Schema {
    if let [body] = bodies {
        return body(generator);
    }
    let mut properties = Map::new();
    let mut examples = Vec::new();
    for body in bodies {
        let made = body(generator);
        let name = made.get("$ref").and_then(Value::as_str).and_then(|to| to.rsplit('/').next());
        let own = name.and_then(|name| generator.definitions_mut().shift_remove(name));
        let own = own.unwrap_or_else(|| made.clone().to_value());
        if let Some(Value::Object(fields)) = own.get("properties") {
            properties.extend(fields.clone());
        }
        examples.push(schema::example_of(&own, generator.definitions(), ""));
    }
    // The fields of several bodies are not sent together.
    json_schema!({
        "type": "object", "properties": properties, "examples": examples,
    })
}

fn capitalise_word(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
