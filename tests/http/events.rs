//! What the world may read of what has happened: pages, streams, documents.

use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};
use support::{Answer, Server, eventually};

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
    server.rent_new_books(5);
    let first = server.get("/events/bookrent.rent?limit=4").is(200);
    assert_eq!(first.header("content-type"), "application/cloudevents-batch+json");
    assert_eq!(ids(&first).iter().map(|id| id.1).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(first.body[0]["type"], "io.holdfast.bookrent.rent.RentRequested.v1");
    let second = server.get(&next(&first)).is(200);
    assert_eq!(ids(&second).first().unwrap().1, 5);
    assert_eq!(ids(&server.get("/events/bookrent.rent?from=10").is(200)).len(), 1);
    // A reader that has everything waits for the next; there is no later one.
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
    server.rent_new_books(10);
    let mut url = "/events?limit=7".to_owned();
    let mut all = Vec::new();
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
    server.rent_new_books(1);
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
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{last}\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut events = Vec::new();
    let mut id = String::new();
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
    server.rent_new_books(3);
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
    // One that is open gets what happens, and the end.
    let (_, mut open) = stream(&server, "/events/bookrent.rent?from=6", None, 1);
    server.rent_new_books(1);
    server.ask_to_stop();
    let mut rest = String::new();
    open.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
    assert!(server.wait().success());
}

#[test]
fn the_documents_are_served_and_fit_the_events() {
    let server = Server::start(&[]);
    server.rent_new_books(1);
    let document = server.get("/asyncapi.json").is(200);
    assert_eq!(document["asyncapi"], "3.0.0");
    for event in server.get("/events").is(200).body.as_array().unwrap() {
        let kind = event["type"].as_str().unwrap();
        let schema = server.get(&format!("/schemas/{kind}.json")).is(200);
        assert_eq!(schema["$id"], format!("/schemas/{kind}.json"));
        assert!(event.get("dataschema").is_none(), "{event}");
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

#[test]
fn an_installation_with_a_source_and_a_public_url_names_its_events_and_schemas_by_them() {
    let toml = "http.public_url = 'https://rent.example/api/'\nevents.source = '/seoul'";
    let server = Server::configured(toml);
    server.rent_new_books(1);
    let document = server.get("/asyncapi.json").is(200);
    let events = server.get("/events").is(200);
    assert!(!events.body.as_array().unwrap().is_empty());
    for event in events.body.as_array().unwrap() {
        let kind = event["type"].as_str().unwrap();
        assert_eq!(event["dataschema"], format!("https://rent.example/api/schemas/{kind}.json"));
        let schema = server.get(&format!("/schemas/{kind}.json")).is(200);
        assert_eq!(schema["$id"], event["dataschema"]);
        let (context, name) = kind.strip_suffix(".v1").unwrap().rsplit_once('.').unwrap();
        let context = context.strip_prefix("io.holdfast.").unwrap();
        assert_eq!(event["source"], format!("/seoul/{}", context.replace('.', "/")));
        let headers = &document["components"]["messages"][format!("{context}.{name}")]["headers"];
        let source = &headers["properties"]["cloudEvents:source"];
        assert_eq!(source["const"], event["source"], "{headers}");
    }
}
