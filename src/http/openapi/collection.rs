//! The operations of one collection: its list, its items, its commands.

use super::{components::refer_to_header, security};
use crate::{
    actors::{Declaration, RouteInfo, Verb},
    api::{
        FORMS,
        description::{self, CommandDescription},
        schema::{self, put_field, refer_to},
    },
    domain::{Reads, number::LARGEST},
    identity::Audience,
};
use serde_json::{Map, Value, json};

/// The operations of a context: the path after the collection, the method, a name, and the operation.
pub struct CollectionOperations(Vec<(String, &'static str, String, Value)>);

impl CollectionOperations {
    /// Adds the operations under the path `prefix`, with ids that begin with `scope`.
    pub fn mount_paths(&self, paths: &mut Map<String, Value>, prefix: &str, scope: &str) {
        for (rest, method, name, operation) in &self.0 {
            let mut operation = operation.clone();
            put_field(&mut operation, "operationId", format!("{scope}.{name}").into());
            put_field(
                paths.entry(format!("{prefix}{rest}")).or_insert_with(|| json!({})),
                method,
                operation,
            );
        }
    }
}

/// Describes the operations of `context`, and adds their schemas to `schemas`.
pub fn describe_collection(
    context: &dyn Declaration,
    schemas: &mut Map<String, Value>,
) -> CollectionOperations {
    let name = context.name();
    let (component_name, shown) = description::describe_item(context, schemas);
    let page = describe_page(name.collection, &component_name);
    let page_name = format!("{component_name}.Page");
    schemas.insert(page_name.clone(), page);

    let item = name.item;
    let readers = Audience::Readers { context: name.context, reads: context.reads() };
    let withheld = describe_withheld(context);
    let mut all = vec![
        (
            String::new(),
            "get",
            "list".to_owned(),
            describe_list(context, &shown, schemas, &page_name),
        ),
        (
            "/{id}".to_owned(),
            "get",
            "get".to_owned(),
            json!({
                "tags": [name.context],
                "summary": format!("Get a {item}"),
                "parameters": [describe_id(item), refer_to_parameter("If-None-Match"), refer_to_parameter("Accept-Language")],
                "responses": list_responses(
                    [("200", with_forms(&component_name, with_stream(describe_answer(&component_name, &format!("The {item}.{withheld} As a stream: now, and after each change."), json!({ "ETag": refer_to_header("ETag") })))))],
                    &["304", "404", "422", "500", "503"],
                ),
            }),
        ),
    ];
    for (_, _, _, operation) in &mut all {
        security::secure_operation(operation, readers);
    }
    for route in context.routes() {
        let mut command = describe_command(context, route, &component_name, schemas);
        let writers = Audience::Writers { context: name.context, role: route.role };
        security::secure_operation(&mut command.3, writers);
        all.push(command);
    }
    CollectionOperations(all)
}

fn describe_page(collection: &str, item: &str) -> Value {
    let items = json!({ "type": "array", "items": refer_to(item), "maxItems": 100 });
    json!({
        "type": "object",
        "description": "A page of a list.",
        "required": ["_embedded", "_links", "page"],
        "properties": {
            "_embedded": { "type": "object", "properties": { collection: items }, "required": [collection] },
            "_links": refer_to("PageLinks"),
            "page": refer_to("PageInfo"),
            "_damaged": {
                "type": "array",
                "description": "Numbers of items of this page that cannot be read; absent if there are none.",
                "items": { "type": "integer", "format": "uint64", "minimum": 1 },
            },
        },
    })
}

fn describe_list(
    context: &dyn Declaration,
    shown: &Value,
    schemas: &Map<String, Value>,
    page_name: &str,
) -> Value {
    let name = context.name();
    let mut fields = vec!["id"];
    fields.extend(context.filter_fields().iter().filter(|field| **field != "id"));
    let pattern = format!("^({})(,(asc|desc))?$", fields.join("|"));
    let mut parameters = vec![
        refer_to_parameter("page"),
        refer_to_parameter("size"),
        refer_to_parameter("after"),
        json!({
            "name": "sort", "in": "query", "schema": { "type": "string", "pattern": pattern }, "example": "id,desc",
            "description": format!("Field to sort by, and direction; fields are {}.", fields.join(", ")),
        }),
    ];
    let withheld = withheld_of(context);
    for field in context.filter_fields() {
        let whose = if withheld.contains(field) { FOR_STAFF } else { "" };
        parameters.push(json!({
            "name": field, "in": "query", "description": format!("Only items with this `{field}`.{whose}"),
            "schema": describe_filter(shown.pointer(&format!("/properties/{field}")), schemas),
        }));
    }
    parameters.push(refer_to_parameter("Accept-Language"));
    json!({
        "tags": [name.context],
        "summary": format!("List {}", name.collection),
        "parameters": parameters,
        "responses": list_responses([("200", with_stream(describe_answer(page_name, &format!("A page of the list.{} As a stream, which takes no parameters: each item of the list that changes from now on.", describe_withheld(context)), json!({}))))], &["400", "422", "500", "503"]),
    })
}

/// What is said of a filter by a field that not all callers are shown.
const FOR_STAFF: &str = " For staff: other callers neither filter nor sort by it.";

/// The fields that not all callers are shown.
fn withheld_of(context: &dyn Declaration) -> &'static [&'static str] {
    if let Reads::PublicWithout(fields) = context.reads() { fields } else { &[] }
}

/// What is said of an answer that has such fields.
fn describe_withheld(context: &dyn Declaration) -> String {
    let fields: Vec<_> = withheld_of(context).iter().map(|field| format!("`{field}`")).collect();
    if fields.is_empty() {
        return String::new();
    }
    format!(
        " The fields {} are null but for the customer who has it, and for staff.",
        fields.join(", ")
    )
}

/// The schema of a filter: that of the field, without null.
fn describe_filter(field: Option<&Value>, schemas: &Map<String, Value>) -> Value {
    let field = field.map(|field| match field.get("$ref").and_then(Value::as_str) {
        Some(to) => to.rsplit('/').next().and_then(|name| schemas.get(name)).unwrap_or(field),
        None => field,
    });
    let kind = field.and_then(|field| field.get("type")).map(|kind| kind.get(0).unwrap_or(kind));
    match kind.and_then(Value::as_str) {
        Some("integer") => {
            json!({ "type": "integer", "format": "uint64", "minimum": 0, "maximum": LARGEST })
        }
        Some("boolean") => json!({ "type": "boolean" }),
        _ => match field.and_then(|field| field.get("enum")) {
            // Another text is no mistake; no item has it.
            Some(values) => json!({ "type": "string", "examples": values }),
            None => json!({ "type": "string" }),
        },
    }
}

fn describe_command(
    context: &dyn Declaration,
    route: &RouteInfo,
    component_name: &str,
    schemas: &mut Map<String, Value>,
) -> (String, &'static str, String, Value) {
    let name = context.name();
    let item = name.item;
    let CommandDescription { rest, method, name: operation_name, summary, body } =
        description::describe_command(context, route, component_name, schemas);
    let in_collection = rest.is_empty();
    let mut parameters = vec![
        refer_to_parameter("Idempotency-Key"),
        refer_to_parameter("If-Match"),
        refer_to_parameter("Accept-Language"),
    ];
    if !in_collection {
        parameters.insert(0, describe_id(item));
    }
    if route.begins_for_customer() && route.subject.is_none() {
        parameters.push(refer_to_parameter("X-Holdfast-Customer"));
    }
    let mut headers = json!({ "ETag": refer_to_header("ETag"), "Idempotent-Replayed": refer_to_header("Idempotent-Replayed") });
    if context.is_order() {
        put_field(&mut headers, "Holdfast-Outcome", refer_to_header("Holdfast-Outcome"));
    }
    let mut later = headers.clone();
    put_field(&mut later, "Location", refer_to_header("Location"));
    put_field(&mut later, "Retry-After", refer_to_header("Retry-After"));
    let done = match route.verb {
        Verb::Delete if route.withdraws => (
            "204",
            json!({ "description": format!("The {item} is withdrawn: it is in no list. It can still be read."), "headers": headers }),
        ),
        Verb::Delete => (
            "204",
            json!({ "description": format!("The {item} is cancelled. It can still be read."), "headers": headers }),
        ),
        _ if in_collection => {
            put_field(&mut headers, "Location", refer_to_header("Location"));
            (
                "201",
                describe_answer(
                    component_name,
                    &format!("The {item}, which may have failed: see its fields."),
                    headers,
                ),
            )
        }
        _ => (
            "200",
            describe_answer(component_name, &format!("The {item} after the change."), headers),
        ),
    };
    let open = (
        "202",
        describe_answer(component_name, "Not settled in time: read `Location` again.", later),
    );
    let mut problems = vec!["400", "404", "409", "412", "422", "500", "503"];
    let mut operation =
        json!({ "tags": [name.context], "summary": summary, "parameters": parameters });
    if let Some(words) = describe_customer(route) {
        put_field(&mut operation, "description", words.into());
    }
    if let Some((body_name, made)) = body {
        problems.extend(["408", "413", "415"]);
        let content = json!({ "schema": refer_to(&body_name), "example": schema::example_of(&made, schemas, item) });
        let mut contents = json!({ "application/json": content });
        if route.verb == Verb::Patch {
            put_field(&mut contents, "application/merge-patch+json", content);
        }
        put_field(&mut operation, "requestBody", json!({ "required": true, "content": contents }));
    }
    put_field(&mut operation, "responses", list_responses([done, open], &problems));
    (rest, method, operation_name, operation)
}

/// What becomes of the members that say whose the thing is to be.
fn describe_customer(route: &RouteInfo) -> Option<String> {
    let subject = route.subject.filter(|_| route.begins_for_customer())?;
    let grade = route.grade.map(|grade| format!(", and `{grade}` with the grade that they state"));
    let grade = grade.unwrap_or_default();
    Some(format!(
        "The credentials of a customer fill in `{subject}`{grade}: another value is `403 not-yours`. Staff names the customer."
    ))
}

fn describe_id(item: &str) -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "description": format!("The number of the {item}."),
        "schema": { "type": "integer", "format": "uint64", "minimum": 1, "maximum": LARGEST }, "example": 1,
    })
}

fn refer_to_parameter(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

fn describe_answer(component_name: &str, description: &str, headers: Value) -> Value {
    let content = json!({ "schema": refer_to(component_name) });
    json!({
        "description": description,
        "headers": headers,
        "content": { "application/hal+json": content, "application/json": content },
    })
}

/// An answer that is a stream where the client asks for one.
fn with_stream(mut answer: Value) -> Value {
    if let Some(content) = answer.get_mut("content") {
        put_field(content, "text/event-stream", json!({ "schema": { "type": "string" } }));
    }
    answer
}

/// An answer that has what may be commanded of the thing where the client asks for that.
fn with_forms(component_name: &str, mut answer: Value) -> Value {
    let templates =
        json!({ "type": "object", "properties": { "_templates": { "type": "object" } } });
    let schema = json!({ "allOf": [refer_to(component_name), templates] });
    if let Some(content) = answer.get_mut("content") {
        put_field(content, FORMS, json!({ "schema": schema }));
    }
    answer
}

fn list_responses<const N: usize>(own: [(&str, Value); N], shared: &[&str]) -> Value {
    let mut all: Vec<_> = own.map(|(status, answer)| (status.to_owned(), answer)).into();
    let shared = shared
        .iter()
        .map(|status| (*status, json!({ "$ref": format!("#/components/responses/{status}") })));
    all.extend(shared.map(|(status, answer)| (status.to_owned(), answer)));
    all.sort_by(|a, b| a.0.cmp(&b.0));
    Value::Object(all.into_iter().collect())
}
