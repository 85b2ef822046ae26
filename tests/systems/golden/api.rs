//! The API as clients know it: paths, methods, parameters, statuses and fields stay, and types are not narrowed.

use super::{COMMAND, breaking::breaking_changes, is_writing, read, write};
use serde_json::{Map, Value, json};
use support::{holdfast, run};

const FILE: &str = "openapi.json";

/// A document without what only people read.
fn without_prose(value: &Value) -> Value {
    let is_prose = |name: &str, value: &Value| match name {
        "description" | "summary" | "title" => value.is_string(),
        "examples" => value.is_array(),
        "example" => true,
        _ => false,
    };
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, value)| !is_prose(name, value));
            kept.map(|(name, value)| (name.clone(), without_prose(value)))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.iter().map(without_prose).collect(),
        other => other.clone(),
    }
}

/// The API document of the server, for all systems.
fn document() -> Value {
    let output = run(holdfast().arg("openapi"));
    let mut document = without_prose(&serde_json::from_slice(&output.stdout).unwrap());
    for about in ["info", "servers", "tags"] {
        document.as_object_mut().unwrap().remove(about);
    }
    document
}

#[test]
fn the_api_only_ever_grows() {
    let now = document();
    let then: Value = read(FILE).map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
    let broken = breaking_changes(&then, &now);
    assert!(broken.is_empty(), "clients of {FILE} break: {broken:#?}");
    if is_writing() {
        write(FILE, &format!("{now:#}\n"));
    } else {
        assert!(now == then, "the API has grown; {COMMAND}");
    }
}

/// What everyone may read.
const BOOKS: &str = "/paths/~1bookrent~1books/get";
/// Where BookRent's rents and their schemas are in the document.
const RENTS: &str = "/paths/~1bookrent~1rents";
const RENT: &str = "/components/schemas/bookrent.Rent";
const WANTED: &str = "/components/schemas/bookrent.Rent.Post";
const STATUS: &str = "/components/schemas/bookrent.Rent.Status";

/// The document after `value` was put at a place, or what is there was taken away.
fn edited(document: &Value, at: &str, value: Option<Value>) -> Value {
    let mut document = document.clone();
    let (parent, name) = at.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"));
    let name = name.replace("~1", "/");
    match (parent, value) {
        (Value::Object(fields), Some(value)) => drop(fields.insert(name, value)),
        (Value::Object(fields), None) => {
            fields.shift_remove(&name).unwrap_or_else(|| panic!("no {name}"));
        }
        (Value::Array(items), Some(value)) => items.push(value),
        (Value::Array(items), None) => drop(items.remove(name.parse().unwrap())),
        (other, _) => panic!("{at} lies in {other}"),
    }
    document
}

#[test]
fn each_kind_of_break_is_found() {
    let document = document();
    let post = format!("{RENTS}/post");
    let get = format!("{RENTS}/get");
    let id = "/paths/~1bookrent~1rents~1{id}/get/parameters/0";
    let parameters = "/components/parameters";
    let parameter = json!({"name": "tenant", "in": "query", "required": true, "schema": {}});
    let content = "content/application~1json";
    for (at, value, what) in [
        (RENTS.to_owned(), None, "the path is gone"),
        (post.clone(), None, "the method is gone"),
        (format!("{post}/responses/202"), None, "the status is gone"),
        (format!("{post}/responses/201/headers/ETag"), None, "header ETag: it is gone"),
        (format!("{post}/responses/201/{content}"), None, "the media type is gone"),
        (format!("{post}/requestBody"), None, "no body is taken now"),
        (format!("{post}/requestBody/{content}"), None, "the media type is gone"),
        (format!("{get}/parameters/0"), None, "it is gone"),
        (format!("{get}/parameters/-"), Some(parameter), "it is new and required"),
        (format!("{parameters}/size/required"), Some(json!(true)), "it is required now"),
        (format!("{parameters}/size/schema/maximum"), Some(json!(5)), "maximum is 5"),
        (format!("{get}/parameters/3/schema/pattern"), Some(json!("^(id)$")), "the pattern is"),
        (format!("{id}/schema/type"), Some(json!("string")), "was {\"integer\"}"),
        (format!("{BOOKS}/security"), Some(json!([{"key": []}])), "credentials are required now"),
        (format!("{RENT}/properties/address"), None, "the field is gone"),
        (format!("{RENT}/properties/bookId/type"), Some(json!(["integer", "null"])), "\"null\""),
        (format!("{RENT}/properties/bookId/type"), Some(json!("string")), "was {\"integer\"}"),
        (format!("{RENT}/properties/bookId/type"), Some(Value::Null), "any type was"),
        (format!("{RENT}/properties/bookId/format"), None, "the format uint64 is gone"),
        (format!("{RENT}/required"), Some(json!([])), "the field may be absent now"),
        (format!("{WANTED}/properties/address"), None, "the field is gone"),
        (format!("{WANTED}/properties/address/maxLength"), Some(json!(10)), "maxLength is 10"),
        (format!("{WANTED}/properties/address/minLength"), Some(json!(2)), "minLength is 2"),
        (format!("{WANTED}/properties/address/enum"), Some(json!(["a"])), "only listed values"),
        (format!("{WANTED}/properties/address/format"), Some(json!("uri")), "the format uri"),
        (format!("{WANTED}/properties/bookId/type"), Some(json!("integer")), "was {\"integer\""),
        (format!("{WANTED}/properties/bookId/pattern"), Some(json!("^1$")), "the pattern is"),
        (format!("{WANTED}/required/-"), Some(json!("tenant")), "the field is required now"),
        (format!("{WANTED}/additionalProperties"), Some(json!(false)), "further fields"),
        (STATUS.to_owned(), Some(json!({"type": "string"})), "any value may come now"),
        (
            STATUS.to_owned(),
            Some(json!({"enum": ["New", "Requested", "Rent", "Fail"]})),
            "\"Cancel\" is gone",
        ),
    ] {
        let broken = breaking_changes(&document, &edited(&document, &at, value));
        assert!(broken.iter().any(|found| found.contains(what)), "{at} ({what}): {broken:?}");
    }
}

#[test]
fn no_addition_is_taken_for_a_break() {
    let document = document();
    let parameter = json!({"name": "tenant", "in": "query", "schema": {"type": "string"}});
    let pattern = "^(id|status|userId|bookId|tenant)(,(asc|desc))?$";
    let words = json!(["New", "Requested", "Rent", "Fail", "Cancel", "Returned"]);
    for (at, value) in [
        ("/paths/~1bookrent~1tenants".to_owned(), json!({"get": {"responses": {}}})),
        (format!("{RENTS}/delete"), json!({"responses": {"204": {}}})),
        (format!("{RENTS}/post/responses/429"), json!({"description": "Too many."})),
        (format!("{RENTS}/post/responses/201/headers/X"), json!({"schema": {}})),
        (format!("{RENTS}/get/parameters/-"), parameter),
        (format!("{RENTS}/get/parameters/3/schema/pattern"), json!(pattern)),
        (format!("{WANTED}/properties/bookId/minimum"), json!(-1)),
        (format!("{RENT}/properties/tenant"), json!({"type": "string"})),
        (format!("{RENT}/required/-"), json!("tenant")),
        (format!("{WANTED}/properties/tenant"), json!({"type": "string"})),
        (format!("{WANTED}/properties/address/type"), json!(["string", "null"])),
        (format!("{WANTED}/required"), json!([])),
        (STATUS.to_owned(), json!({"type": "string", "enum": words})),
        (format!("{RENT}/description"), json!("Another text.")),
    ] {
        let broken = breaking_changes(&document, &edited(&document, &at, Some(value)));
        assert!(broken.is_empty(), "{at}: {broken:?}");
    }
}

/// A component that has another name, or is written out where it was referred to, is the same to clients.
#[test]
fn names_of_components_are_not_part_of_the_api() {
    let document = document();
    let renamed = document.to_string().replace("bookrent.Rent\"", "bookrent.Lease\"");
    let renamed: Value = serde_json::from_str(&renamed).unwrap();
    assert_ne!(document, renamed);
    assert_eq!(breaking_changes(&document, &renamed), Vec::<String>::new());
    let status = document.pointer(STATUS).unwrap().clone();
    let inlined = edited(&document, &format!("{RENT}/properties/status"), Some(status));
    assert_eq!(breaking_changes(&document, &inlined), Vec::<String>::new());
}
