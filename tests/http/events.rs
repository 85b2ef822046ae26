//! What the world may read of what has happened: pages, streams, documents.

use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};
use support::{Answer, Server, eventually, holdfast, run};

fn rents(server: &Server, count: u64) {
    for user in 0..count {
        let book = server.register_book("title01");
        let rent = server.rent(book, user).id();
        server.shows(
            &format!("/deliveries/{rent}"),
            serde_json::json!({ "status": "Delivery Started" }),
        );
    }
}

/// The address of the next page.
fn next(answer: &Answer) -> String {
    let link = answer.header("link");
    link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned()
}

fn ids(answer: &Answer) -> Vec<(String, u64)> {
    let id = |event: &Value| {
        (
            event["source"].as_str().unwrap().to_owned(),
            event["sequence"].as_str().unwrap().parse().unwrap(),
        )
    };
    answer.body.as_array().unwrap().iter().map(id).collect()
}

#[test]
fn the_log_of_a_context_is_read_page_by_page() {
    let server = Server::start(&[]);
    rents(&server, 5);
    let first = server.get("/events/bookrent.rent?limit=4").is(200);
    assert_eq!(first.header("content-type"), "application/cloudevents-batch+json");
    assert_eq!(ids(&first).iter().map(|id| id.1).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(first.body[0]["type"], "io.holdfast.bookrent.rent.RentRequested.v1");
    let second = server.get(&next(&first)).is(200);
    assert_eq!(ids(&second).first().unwrap().1, 5);
    assert_eq!(ids(&server.get("/events/bookrent.rent?from=10").is(200)).len(), 1);
    // Whoever has everything waits for the next; nobody knows of a later one.
    assert_eq!(ids(&server.get("/events/bookrent.rent?from=11").is(200)), []);
    server.get("/events/bookrent.rent?from=12").refuses(409, "history-changed");
    server.get("/events/bookrent.view").is(404);
    server.get("/events/nothing").is(404);
    server.get("/events/bookrent.rent?from=x").is(400);
    server.post("/events", Value::Null).is(405);
}

#[test]
fn all_logs_are_read_with_one_cursor_each_event_once_and_each_context_in_order() {
    let server = Server::start(&[]);
    rents(&server, 10);
    let (mut url, mut all) = ("/events?limit=7".to_owned(), Vec::new());
    loop {
        let page = server.get(&url).is(200);
        if ids(&page).is_empty() {
            break;
        }
        all.extend(ids(&page));
        url = next(&page);
    }
    let mut last = BTreeMap::new();
    for (source, id) in &all {
        assert_eq!(*id, last.insert(source.clone(), *id).unwrap_or(0) + 1, "{source}");
    }
    assert_eq!(last["/bookrent/rent"], 20);
    assert_eq!(last["/bookrent/delivery"], 10);
    rents(&server, 1);
    assert!(ids(&server.get(&url).is(200)).iter().all(|(source, id)| *id > last[source]));
}

/// Reads a stream of events until there are `count`: their ids and their data.
fn stream(
    server: &Server,
    path: &str,
    last: Option<&str>,
    count: usize,
) -> (Vec<(String, Value)>, TcpStream) {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let last = last.map_or(String::new(), |last| format!("Last-Event-ID: {last}\r\n"));
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n{last}\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let (mut events, mut id) = (Vec::new(), String::new());
    for line in BufReader::new(socket.try_clone().unwrap()).lines().map(Result::unwrap) {
        if let Some(text) = line.strip_prefix("id: ") {
            id = text.to_owned();
        }
        if let Some(data) = line.strip_prefix("data: ") {
            events.push((id.clone(), serde_json::from_str(data).unwrap()));
        }
        if events.len() == count {
            break;
        }
    }
    (events, socket)
}

#[test]
fn a_stream_is_taken_up_where_it_broke_and_ends_with_the_server() {
    let mut server = Server::start(&[]);
    rents(&server, 3);
    let (events, _) = stream(&server, "/events/bookrent.rent", None, 4);
    let sequence = |event: &Value| event["sequence"].as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(events.iter().map(|(_, event)| sequence(event)).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(events.iter().all(|(id, event)| event["id"] == id.as_str()));
    let (events, _) = stream(&server, "/events/bookrent.rent", Some(&events[3].0), 2);
    assert_eq!(sequence(&events[0].1), 5);
    let (first, _) = stream(&server, "/events", None, 5);
    let (rest, _) = stream(&server, "/events", Some(&first[4].0), 7);
    let both = first
        .iter()
        .chain(&rest)
        .map(|(_, event)| (event["source"].to_string(), event["id"].to_string()));
    assert_eq!(both.collect::<std::collections::HashSet<_>>().len(), 12);
    // One that is open hears what happens, and hears the end.
    let (_, mut open) = stream(&server, "/events/bookrent.rent?from=6", None, 1);
    rents(&server, 1);
    server.ask_to_stop();
    let mut rest = String::new();
    open.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
    assert!(server.wait().success());
}

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/schemas")
}

/// What of a schema consumers rest on must stay: what was there keeps its form, and what was always there stays so.
fn breaks(old: &Value, new: &Value, at: &str, found: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (word, value) in
                old.iter().filter(|(word, _)| *word != "description" && *word != "title")
            {
                match new.get(word) {
                    Some(now) => breaks(value, now, &format!("{at}/{word}"), found),
                    None => found.push(format!("{at}/{word} is gone")),
                }
            }
            // A new bound narrows what may come, which no consumer minds; a new list of words does, unless it is new.
        }
        (Value::Array(old), Value::Array(new)) if at.ends_with("/required") => {
            found.extend(
                old.iter()
                    .filter(|name| !new.contains(name))
                    .map(|name| format!("{name} may be absent at {at}")),
            );
        }
        (old, new) if old != new => found.push(format!("{at} is {new}, was {old}")),
        _ => {}
    }
}

#[test]
fn schemas_of_events_only_ever_grow() {
    let document = run(holdfast().arg("asyncapi"));
    let document: Value = serde_json::from_slice(&document.stdout).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for (name, schema) in schemas {
        let kind = document["components"]["messages"][name]["name"].as_str().unwrap();
        let path = golden().join(format!("{kind}.json"));
        match fs::read_to_string(&path)
            .ok()
            .map(|text| serde_json::from_str::<Value>(&text).unwrap())
        {
            Some(old) => {
                let mut found = Vec::new();
                breaks(&old, schema, "", &mut found);
                if !found.is_empty() {
                    wrong.push(format!(
                        "{kind} breaks its consumers, it wants a new version: {found:?}"
                    ));
                } else if old != *schema && !update {
                    wrong.push(format!("{kind} has grown; UPDATE_GOLDEN=1 keeps it"));
                }
            }
            None if !update => wrong.push(format!("{kind} is new; UPDATE_GOLDEN=1 keeps it")),
            None => {}
        }
        if update && wrong.is_empty() {
            fs::create_dir_all(golden()).unwrap();
            fs::write(path, format!("{schema:#}\n")).unwrap();
        }
    }
    for entry in fs::read_dir(golden()).into_iter().flatten().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().trim_end_matches(".json").to_owned();
        let kinds = document["components"]["messages"].as_object().unwrap();
        if !kinds.values().any(|message| message["name"] == name.as_str()) {
            wrong.push(format!("{name} is gone; its consumers wait for it"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_field_that_goes_or_changes_breaks_and_one_that_comes_does_not() {
    let old = serde_json::json!({ "properties": { "a": { "type": "string" } }, "required": ["a"] });
    let grown = serde_json::json!({ "properties": { "a": { "type": "string" }, "b": {} }, "required": ["a", "b"] });
    let check = |new: &Value| {
        let mut found = Vec::new();
        breaks(&old, new, "", &mut found);
        found.len()
    };
    assert_eq!(check(&grown), 0);
    assert_eq!(
        check(
            &serde_json::json!({ "properties": { "a": { "type": "integer" } }, "required": ["a"] })
        ),
        1
    );
    assert_eq!(check(&serde_json::json!({ "properties": {}, "required": ["a"] })), 1);
    assert_eq!(
        check(&serde_json::json!({ "properties": { "a": { "type": "string" } }, "required": [] })),
        1
    );
}

#[test]
fn the_documents_are_served_and_fit_the_events() {
    let server = Server::start(&[]);
    rents(&server, 1);
    let document = server.get("/asyncapi.json").is(200);
    assert_eq!(document["asyncapi"], "3.0.0");
    for event in server.get("/events").is(200).body.as_array().unwrap() {
        let kind = event["type"].as_str().unwrap();
        let schema = server.get(&format!("/schemas/{kind}.json")).is(200);
        assert_eq!(schema["$id"], event["dataschema"]);
        for field in schema["required"].as_array().into_iter().flatten() {
            assert!(event["data"].get(field.as_str().unwrap()).is_some(), "{event} has no {field}");
        }
        let known = schema["properties"].as_object().unwrap();
        assert!(
            event["data"].as_object().unwrap().keys().all(|field| known.contains_key(field)),
            "{event}"
        );
    }
    server.get("/schemas/nothing.json").is(404);
    eventually("the document names each channel", || {
        document["channels"].get("bookrent.rent.BookRented").map(|_| ())
    });
}
