//! What holds of every catalogue that is declared, found in the API document of the server itself.

use holdfast::{
    domain::{Aggregate, Board, View},
    systems,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use support::{Answer, Server, chance::Chance};
use tempfile::TempDir;

/// A collection whose things are corrected and withdrawn.
struct Catalogue {
    path: String,
    collection: String,
    /// What registers one.
    registration: Value,
    /// A field that may be corrected, and values that it may have.
    fields: Vec<(String, Vec<Value>)>,
    /// Fields whose value no other thing may have.
    unique: Vec<&'static str>,
}

/// The unique fields of each collection, by its path.
#[derive(Default)]
struct UniqueFields(BTreeMap<String, Vec<&'static str>>);

impl Board for UniqueFields {
    fn aggregate<A: Aggregate>(&mut self) {
        let unique = A::default().unique().into_iter().map(|(field, _)| field).collect();
        self.0.insert(format!("/{}/{}", A::NAME.system, A::NAME.collection), unique);
    }
    fn view<V: View>(&mut self) {}
}

/// Fields whose values are commands of their own: e-book's `APPROVED` needs a request.
const COMMANDS: [&str; 2] = ["APPROVED", "REJECTED"];

impl Catalogue {
    /// Registers another one; its number is one that no other has.
    fn register(&self, server: &Server, number: u64) -> String {
        let mut body = self.registration.clone();
        for field in ["ticketId", "bikeid"] {
            if !body[field].is_null() {
                body[field] = json!(number);
            }
        }
        for field in &self.unique {
            body[*field] = json!(format!("key {number}"));
        }
        let id = server.post(&self.path, body).is(201).id();
        format!("{}/{id}", self.path)
    }
    fn lists(&self, server: &Server, thing: &Answer) -> bool {
        let page = server.get(&format!("{}?size=100", self.path)).is(200);
        page.items(&self.collection).iter().any(|item| item["id"] == thing["id"])
    }
}

/// The schema that `schema` refers to, or itself.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let target =
        schema["$ref"].as_str().and_then(|to| document.pointer(to.trim_start_matches('#')));
    target.map_or(schema, |target| resolve(document, target))
}

/// Values that `schema` allows, null apart.
fn values(document: &Value, schema: &Value) -> Vec<Value> {
    let schema = resolve(document, schema);
    if let Some(choices) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        return choices.iter().flat_map(|choice| values(document, choice)).collect();
    }
    if let Some(constant) = schema.get("const") {
        return vec![constant.clone()];
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().filter(|value| !value.is_null()).cloned().collect();
    }
    let has = |kind: &str| {
        schema["type"] == kind
            || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&json!(kind)))
    };
    if schema["type"] == "null" {
        return Vec::new();
    }
    if has("boolean") {
        return vec![json!(true), json!(false)];
    }
    if has("integer") {
        return vec![json!(3), json!(4), json!(5)];
    }
    if schema["format"] == "date-time" {
        return vec![json!("2099-07-06T09:00:00+09:00"), json!("2099-07-06")];
    }
    vec![json!("가나다"), json!("another")]
}

fn catalogues(server: &Server) -> Vec<Catalogue> {
    let document = server.get("/openapi.json").is(200).body;
    let body = |path: &str, method: &str| {
        let content =
            document["paths"][path][method]["requestBody"]["content"]["application/json"].clone();
        let schema = resolve(&document, &content["schema"]).clone();
        (schema, content["example"].clone())
    };
    let mut found = Vec::new();
    let mut unique = UniqueFields::default();
    for system in systems::NAMES {
        systems::lay_out(system, &mut unique);
    }
    for path in document["paths"].as_object().unwrap().keys() {
        let Some(collection) = path.strip_suffix("/{id}") else { continue };
        let (schema, _) = body(path, "patch");
        let Some(properties) = schema["properties"].as_object() else { continue };
        if !properties.contains_key("withdrawn") {
            continue;
        }
        let (_, registration) = body(collection, "post");
        let fields = properties
            .iter()
            .filter(|(name, _)| *name != "withdrawn")
            .map(|(name, schema)| (name.clone(), values(&document, schema)))
            .filter(|(_, values)| !COMMANDS.iter().any(|command| values.contains(&json!(command))));
        found.push(Catalogue {
            path: collection.to_owned(),
            collection: collection.rsplit('/').next().unwrap().to_owned(),
            registration,
            fields: fields.collect(),
            unique: unique.0.remove(collection).unwrap_or_default(),
        });
    }
    found
}

fn all() -> Server {
    Server::over(&[], TempDir::new().unwrap())
}

fn etag(answer: &Answer) -> String {
    answer.header("etag").to_owned()
}

fn correct_if(server: &Server, thing: &str, version: &str, body: &Value) -> Answer {
    server.call("PATCH", thing, |request| request.header("If-Match", version).json(body))
}

#[test]
fn every_system_that_registers_things_has_a_catalogue() {
    let server = all();
    let paths: Vec<_> = catalogues(&server).into_iter().map(|it| it.path).collect();
    for wanted in [
        "/bookrent/books",
        "/ebook/books",
        "/gbike/bikes",
        "/purifier/products",
        "/ticketing/tickets",
    ] {
        assert!(paths.iter().any(|path| path == wanted), "{wanted} is missing in {paths:?}");
    }
}

#[test]
fn a_correction_is_judged_on_the_version_and_made_once() {
    let server = all();
    for catalogue in catalogues(&server) {
        let mut corrected = 0;
        for (place, (field, values)) in (0..).zip(&catalogue.fields) {
            let thing = catalogue.register(&server, 100 + place);
            for value in values {
                let before = server.get(&thing).is(200);
                let given = json!({ field: value });
                let after = correct_if(&server, &thing, &etag(&before), &given);
                let after = after.is(200);
                if etag(&after) == etag(&before) {
                    continue; // It was so already.
                }
                corrected += 1;
                if before.body.get(field).is_some() {
                    assert_ne!(after[field], before[field], "{field} of {thing}");
                }
                correct_if(&server, &thing, &etag(&before), &given)
                    .refuses(412, "version-mismatch");
                let seen = server.get(&thing).is(200);
                assert_eq!((&seen.body, etag(&seen)), (&after.body, etag(&after)));
                // A change of the stock is another one each time; the rest is so already.
                if field != "stockChange" {
                    let again = correct_if(&server, &thing, &etag(&after), &given).is(200);
                    assert_eq!(etag(&again), etag(&after), "{field} of {thing}");
                }
            }
        }
        assert!(corrected >= 2, "{}: {corrected}", catalogue.path);
    }
}

#[test]
fn a_body_that_changes_nothing_or_too_much_is_refused_and_null_is_no_value() {
    let server = all();
    for catalogue in catalogues(&server) {
        let thing = catalogue.register(&server, 200);
        let before = server.get(&thing).is(200);
        let nulls: Map<String, Value> =
            catalogue.fields.iter().map(|(field, _)| (field.clone(), Value::Null)).collect();
        for empty in
            [json!({}), json!({ "unknown": 1 }), Value::Object(nulls), json!({ "withdrawn": null })]
        {
            server.patch(&thing, empty).refuses(400, "nothing-to-change");
        }
        let (field, values) = &catalogue.fields[0];
        server
            .patch(&thing, json!({ "withdrawn": false, field: values[0] }))
            .refuses(422, "one-at-a-time");
        server.patch(&thing, json!({ "withdrawn": "perhaps" })).problem(400);
        server.patch(&thing, json!([1])).problem(400);
        let unknown = format!("{}/987654", catalogue.path);
        server.patch(&unknown, json!({ field: values[0] })).refuses(404, "not-found");
        server.patch(&unknown, json!({ "withdrawn": false })).refuses(404, "not-found");
        server.delete(&unknown).refuses(404, "not-found");
        assert_eq!(etag(&server.get(&thing)), etag(&before), "{thing}");
    }
}

#[test]
fn a_withdrawn_thing_is_in_no_list_and_its_number_still_shows_it() {
    let server = all();
    for catalogue in catalogues(&server) {
        let thing = catalogue.register(&server, 300);
        let before = server.get(&thing).is(200);
        assert!(before.body.get("withdrawn").is_none() && catalogue.lists(&server, &before));
        let total = server.get(&catalogue.path).is(200)["page"]["totalElements"].as_u64().unwrap();

        server
            .call("DELETE", &thing, |request| request.header("If-Match", "\"999\""))
            .refuses(412, "version-mismatch");
        let gone = server.delete(&thing).is(204);
        let shown = server.get(&thing).is(200).has("withdrawn", true);
        assert_eq!(etag(&shown), etag(&gone));
        assert!(!catalogue.lists(&server, &shown), "{thing}");
        let left = server.get(&catalogue.path).is(200)["page"]["totalElements"].as_u64().unwrap();
        assert_eq!(left, total - 1);

        for (field, values) in &catalogue.fields {
            server.patch(&thing, json!({ field: values[0] })).refuses(409, "withdrawn");
        }
        assert_eq!(etag(&server.delete(&thing).is(204)), etag(&gone));
        assert_eq!(
            etag(&server.patch(&thing, json!({ "withdrawn": "true" })).is(200)),
            etag(&gone)
        );
        for field in ["ticketId", "bikeid"] {
            if let Some(number) = before.body.get(field) {
                let mut again = catalogue.registration.clone();
                again[field] = number.clone();
                server.post(&catalogue.path, again).problem(409);
            }
        }

        let restored = server.patch(&thing, json!({ "withdrawn": "false" })).is(200);
        assert!(restored.body.get("withdrawn").is_none() && catalogue.lists(&server, &restored));
        let again = server.patch(&thing, json!({ "withdrawn": false })).is(200);
        assert_eq!(etag(&again), etag(&restored));
        assert_ne!(etag(&restored), etag(&gone));
    }
}

/// What staff did to a thing, one after the other, against what it must show.
#[test]
fn whatever_staff_does_in_whatever_order_the_thing_shows_the_last_of_it() {
    let server = all();
    for (place, catalogue) in catalogues(&server).iter().enumerate() {
        let mut chance = Chance::new(7 + place as u64);
        let thing = catalogue.register(&server, 400);
        let mut shown = server.get(&thing).is(200).body;
        let mut withdrawn = false;
        for _ in 0..60 {
            let (field, values) =
                &catalogue.fields[chance.between(0, catalogue.fields.len() as u64) as usize];
            let value = &values[chance.between(0, values.len() as u64) as usize];
            match chance.between(0, 6) {
                0 => {
                    server.delete(&thing).is(204);
                    withdrawn = true;
                }
                1 => {
                    server.patch(&thing, json!({ "withdrawn": false })).is(200);
                    withdrawn = false;
                }
                _ if withdrawn => {
                    server.patch(&thing, json!({ field: value })).refuses(409, "withdrawn");
                }
                _ => {
                    let answer = server.patch(&thing, json!({ field: value })).is(200);
                    shown = answer.body;
                }
            }
            let mut seen = server.get(&thing).is(200).body;
            let is_withdrawn = seen.as_object_mut().unwrap().remove("withdrawn");
            assert_eq!(is_withdrawn, withdrawn.then_some(json!(true)), "{thing}");
            assert_eq!(seen, shown, "{thing}");
        }
    }
}
