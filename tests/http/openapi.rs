//! The API document against what the server does. `scripts/test` has it checked by other people's tools as well.
use serde_json::{Value, json};
use support::Server;
use tempfile::TempDir;

/// Follows a `$ref` within the document.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(place) => document
            .pointer(place.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{place} is missing")),
        None => schema,
    }
}

/// Every property that a schema speaks of, those of its `allOf` parts included.
fn properties(document: &Value, schema: &Value) -> Vec<String> {
    let schema = resolve(document, schema);
    let own =
        schema["properties"].as_object().into_iter().flat_map(|fields| fields.keys().cloned());
    let parts = schema["allOf"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|part| properties(document, part));
    own.chain(parts).collect()
}

/// The schema of an answer's body, whichever media type it is listed under first.
fn answer_schema<'a>(document: &'a Value, operation: &'a Value, status: &str) -> &'a Value {
    let answer = resolve(document, &operation["responses"][status]);
    let content = answer["content"]
        .as_object()
        .unwrap_or_else(|| panic!("no content for {status} in {operation}"));
    &content.values().next().unwrap()["schema"]
}

#[test]
fn it_lists_what_there_is_and_nothing_else() {
    let server = Server::start(&[]);
    let document = server.get("/openapi.json").is(200).body;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let methods = |path: &str| -> Vec<String> {
        let mut methods: Vec<_> = document["paths"][format!("/bookrent{path}")]
            .as_object()
            .unwrap_or_else(|| panic!("{path} is missing"))
            .keys()
            .filter(|key| ["get", "post", "put", "patch", "delete"].contains(&key.as_str()))
            .cloned()
            .collect();
        methods.sort();
        methods
    };
    assert_eq!(methods("/books"), ["get", "post"]);
    assert_eq!(methods("/books/{id}"), ["delete", "get", "patch"]);
    assert_eq!(methods("/rents"), ["get", "post"]);
    assert_eq!(methods("/rents/{id}"), ["get", "patch"]);
    for path in ["/deliveries", "/deliveries/{id}", "/views", "/views/{id}"] {
        assert_eq!(methods(path), ["get"]);
    }
}

#[test]
fn every_get_of_it_is_answered_with_what_it_describes() {
    let server = Server::start(&[]);
    server.register_book("title01");
    server.rent(1, 1);
    server.shows("/views/1", json!({"deliveryStatus": "Delivery Started"}));
    let document = server.get("/openapi.json").is(200).body;
    let mut seen = 0;
    for (path, item) in document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(path, _)| path.starts_with("/bookrent/"))
    {
        if item["get"].is_null() {
            continue;
        }
        let answer = server.get(&path.replace("{id}", "1")).is(200);
        let described = properties(&document, answer_schema(&document, &item["get"], "200"));
        let shown = answer.body.as_object().unwrap().keys();
        for field in shown {
            assert!(
                described.contains(field),
                "`{field}` of {path} is not described: {described:?}"
            );
        }
        seen += 1;
    }
    assert_eq!(seen, 8);
}

#[test]
fn every_reference_of_it_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
    let server = Server::start(&[]);
    let document = server.get("/openapi.json").is(200).body;
    let mut names = Vec::new();
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                resolve(&document, value);
                names.extend(fields.get("operationId").and_then(Value::as_str));
                open.extend(fields.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert!(count > 0 && names.len() == count, "{names:?}");
}

#[test]
fn the_bodies_that_it_asks_for_are_the_bodies_that_are_taken() {
    let server = Server::start(&[]);
    let document = server.get("/openapi.json").is(200).body;
    let body = |path: &str, method: &str| {
        let content = &document["paths"][path][method]["requestBody"]["content"];
        properties(&document, &content.as_object().unwrap().values().next().unwrap()["schema"])
    };
    assert_eq!(body("/bookrent/books", "post"), ["title", "status"]);
    assert_eq!(body("/bookrent/rents", "post"), ["bookId", "userId", "address"]);
    assert_eq!(body("/bookrent/rents/{id}", "patch"), ["status"]);
    for (path, method) in [("/bookrent/rents", "post"), ("/bookrent/rents/{id}", "patch")] {
        let answers = document["paths"][path][method]["responses"].as_object().unwrap();
        assert!(
            answers.keys().any(|status| status.starts_with('4') || status == "default"),
            "{path} has no problems"
        );
    }
}

#[test]
fn its_pages_need_no_network() {
    let server = Server::start(&[]);
    let page = server.get("/docs/").is(200).text;
    assert!(!page.contains("src=\"http") && !page.contains("href=\"http"), "{page}");
    let mut named = 0;
    for part in page
        .split(['"', '\''])
        .filter(|part| part.starts_with("./") || part.ends_with(".js") || part.ends_with(".css"))
    {
        let file = server.get(&format!("/docs/{}", part.trim_start_matches("./"))).is(200);
        assert!(!file.text.is_empty(), "{part}");
        named += 1;
    }
    assert!(named >= 3, "{page}");
    let settings = server.get("/docs/swagger-initializer.js").is(200).text;
    assert!(
        settings.contains("/openapi.json")
            && !settings.contains("http://")
            && !settings.contains("https://")
    );
    assert!(settings.contains("\"validatorUrl\": \"none\""), "{settings}");
    assert_eq!(server.get("/docs").is(200).text, page, "`/docs` leads to the pages");
    server.get("/docs/nothing.js").refuses(404, "not-found");
    server.post("/docs/", json!({})).problem(405);
}

#[test]
fn each_example_of_the_document_can_be_created_today() {
    let server = Server::over(&[], TempDir::new().unwrap());
    let document = server.get("/openapi.json").is(200).body;
    let mut tried = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let example = &operations["post"]["requestBody"]["content"]["application/json"]["example"];
        if path.starts_with("/admin/") || example.is_null() {
            continue;
        }
        let made = server.post(path, example.clone()).is(201);
        assert_ne!(made.body["status"], "Fail", "{path}: {}", made.text);
        // What expires has a long life before it.
        let seen = server.get(&format!("{path}/{}", made.id())).is(200);
        assert_ne!(seen.body["status"], "만료됨", "{path}: {}", seen.text);
        tried += 1;
    }
    assert!(tried >= 12, "{tried}");
}
