//! Which events a consumer asks for, in pages and in streams.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};
use support::{Answer, Server};

/// Three rents, of which the first is cancelled.
fn rents(server: &Server) {
    server.rent_new_books(3);
    server.cancel(1).is(200);
    server.shows("/books/1", serde_json::json!({ "status": true }));
}

fn next(answer: &Answer) -> String {
    let link = answer.header("link");
    link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned()
}

/// The names and subjects of all events from `path` on, page by page.
fn walk(server: &Server, path: &str) -> Vec<String> {
    let mut url = path.to_owned();
    let mut seen = Vec::new();
    loop {
        let page = server.get(&url).is(200);
        let events = page.body.as_array().unwrap();
        if events.is_empty() {
            return seen;
        }
        seen.extend(events.iter().map(|event| {
            let kind = event["type"].as_str().unwrap();
            let name = kind.rsplit('.').nth(1).unwrap();
            format!("{name} {}", event["subject"].as_str().unwrap())
        }));
        url = next(&page);
    }
}

#[test]
fn events_are_filtered_by_type_system_and_subject() {
    let server = Server::start(&[]);
    rents(&server);
    let rented = ["BookRented 1", "BookRented 2", "BookRented 3"];
    for kind in [
        "BookRented",
        "io.holdfast.bookrent.rent.BookRented",
        "io.holdfast.bookrent.rent.BookRented.v1",
    ] {
        for limit in [1, 2, 100] {
            assert_eq!(walk(&server, &format!("/events?type={kind}&limit={limit}")), rented);
            let of_context = format!("/events/bookrent.rent?type={kind}&limit={limit}");
            assert_eq!(walk(&server, &of_context), rented);
        }
    }
    assert_eq!(
        walk(&server, "/events?type=BookCancelled,DeliveryCancelled"),
        ["BookCancelled 1", "DeliveryCancelled 1"]
    );
    let of_first = walk(&server, "/events/bookrent.rent?subject=1&limit=2");
    assert_eq!(of_first, ["RentRequested 1", "BookRented 1", "BookCancelled 1"]);
    assert_eq!(walk(&server, "/events?system=bookrent"), walk(&server, "/events"));
    assert!(walk(&server, "/events?subject=999").is_empty());
}

#[test]
fn a_parameter_of_the_events_is_known_given_once_and_well_formed() {
    let server = Server::start(&[]);
    for query in [
        "limit=x",
        "limit=-1",
        "subject=x",
        "subject=07",
        "subject=%2B7",
        "named=perhaps",
        "type=BookRent",
        "system=movie",
        "from=later",
        "from=bookrent.rent:x",
        "from=bookrent.rent:1,bookrent.rent:2",
        "from=1,1",
    ] {
        for path in ["/events", "/events/bookrent.rent"] {
            let refused = server.get(&format!("{path}?{query}"));
            refused.refuses(400, "bad-request");
        }
    }
    for query in ["form=1", "limit=1&limit=2"] {
        for path in ["/events", "/events/bookrent.rent"] {
            server.get(&format!("{path}?{query}")).refuses(400, "bad-filter");
        }
    }
    let detail = server.get("/events?form=1")["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("`form`") && detail.contains("from"), "{detail}");
}

#[test]
fn now_is_where_a_page_and_its_successors_begin() {
    for path in ["/events", "/events/bookrent.rent"] {
        let server = Server::start(&[]);
        // Once with nothing in the logs, and once with something.
        for _ in 0..2 {
            let page = server.get(&format!("{path}?from=now")).is(200);
            assert_eq!(page.body, serde_json::json!([]));
            let rent = server.rent(server.register_book("title"), 1).id();
            let after = walk(&server, &next(&page));
            let rented = after.iter().filter(|event| event.starts_with("BookRented"));
            assert_eq!(rented.collect::<Vec<_>>(), [&format!("BookRented {rent}")]);
        }
    }
}

/// A stream of server-sent events, event by event.
struct Stream(BufReader<TcpStream>);

impl Stream {
    fn open(server: &Server, path: &str, last: Option<&str>) -> Self {
        let mut socket = TcpStream::connect(server.address()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let last = last.map_or(String::new(), |last| format!("Last-Event-ID: {last}\r\n"));
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{last}\r\n"
        );
        socket.write_all(head.as_bytes()).unwrap();
        Self(BufReader::new(socket))
    }

    /// The fields of the next block that has this one.
    fn next_with(&mut self, field: &str) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream has ended");
            match line.trim_end().split_once(": ") {
                Some((name, value)) => fields.push((name.to_owned(), value.to_owned())),
                None if fields.iter().any(|(name, _)| name == field) => return fields,
                None => fields.clear(),
            }
        }
    }
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[test]
fn the_events_of_a_stream_have_no_names_unless_they_are_wanted() {
    let server = Server::start(&[]);
    rents(&server);
    let mut stream = Stream::open(&server, "/events/bookrent.rent?from=1", None);
    let event = stream.next_with("data");
    assert_eq!(field(&event, "event"), None, "a browser would not hear it by `onmessage`");
    let data: Value = serde_json::from_str(field(&event, "data").unwrap()).unwrap();
    assert_eq!(data["type"], "io.holdfast.bookrent.rent.RentRequested.v1");
    let mut named = Stream::open(&server, "/events/bookrent.rent?from=1&named=true", None);
    let event = named.next_with("data");
    assert_eq!(field(&event, "event"), Some("io.holdfast.bookrent.rent.RentRequested.v1"));
}

#[test]
fn a_stream_from_now_resumes_where_it_broke_even_before_its_first_event() {
    let server = Server::start(&[]);
    rents(&server);
    for path in ["/events", "/events/bookrent.rent"] {
        let path = format!("{path}?from=now&type=BookRented");
        let mut stream = Stream::open(&server, &path, None);
        let began = stream.next_with("id");
        let last = field(&began, "id").unwrap().to_owned();
        drop(stream);
        let book = server.register_book("title");
        let rent = server.rent(book, 9).id();
        let mut resumed = Stream::open(&server, &path, Some(&last));
        let event = resumed.next_with("data");
        let data: Value = serde_json::from_str(field(&event, "data").unwrap()).unwrap();
        assert_eq!(data["subject"], rent.to_string());
        // What was left out after it is not read again by the next one.
        let last = field(&event, "id").unwrap().to_owned();
        let mut resumed = Stream::open(&server, &path, Some(&last));
        let rent = server.rent(server.register_book("title"), 9).id();
        let event = resumed.next_with("data");
        let data: Value = serde_json::from_str(field(&event, "data").unwrap()).unwrap();
        assert_eq!(data["subject"], rent.to_string());
    }
}

#[test]
fn an_event_names_the_event_that_it_follows_from() {
    let server = Server::start(&[]);
    rents(&server);
    let all = server.get("/events?limit=1000").is(200).body;
    let all = all.as_array().unwrap();
    let named = |kind: &str| {
        let is_of = |event: &&Value| event["type"].as_str().unwrap().contains(kind);
        all.iter().find(is_of).unwrap_or_else(|| panic!("no {kind}"))
    };
    for (event, cause) in [
        (".DeliveryStarted.", ".BookRented."),
        (".DeliveryCancelled.", ".BookCancelled."),
        (".BookFreed.", ".DeliveryCancelled."),
        // The request asked, and this follows from the answer.
        (".BookRented.", ".RentRequested."),
        // The book was asked by it.
        (".StatusChanged.", ".RentRequested."),
    ] {
        let event = named(event);
        let cause = named(cause);
        assert_eq!(event["causationid"], cause["id"], "{event}");
        assert_eq!(event["causationsource"], cause["source"], "{event}");
    }
    for (event, cause) in [
        (".RentRequested.", "command Request"),
        (".StatusChanged.", "ask bookrent.rent-1/1"),
        (".BookRented.", "answer of bookrent.book"),
        (".DeliveryStarted.", "event bookrent.rent/2"),
    ] {
        assert_eq!(named(event)["cause"], cause);
    }
    assert!(named(".RentRequested.").get("causationid").is_none());
}

#[test]
fn the_events_of_all_subjects_are_all_events() {
    let server = Server::start(&[]);
    rents(&server);
    let mut subjects = Vec::new();
    for subject in 1..=4 {
        let here = walk(&server, &format!("/events?subject={subject}&limit=3"));
        subjects.extend(here);
    }
    let mut all = walk(&server, "/events");
    all.sort_unstable();
    subjects.sort_unstable();
    assert_eq!(subjects, all);
}
