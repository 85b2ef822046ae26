//! The ports of the services that were there before: each context on one of its own, beside the gateway.
use holdfast::systems;
use serde_json::json;
use std::{fs, net::TcpListener};
use support::{Client, Server, free_ports, holdfast, run};
use tempfile::TempDir;

/// The lowest port that any context had.
const FIRST: u16 = 8081;

/// The contexts of `system` that had a port of their own, each with it.
fn ports(system: &str) -> Vec<(&'static str, u16)> {
    let contexts = systems::contexts(system).into_iter();
    contexts.filter_map(|context| Some((context.name.context, context.port?))).collect()
}

/// `system` on free ports; and a client for each context, by its name.
fn started(system: &str) -> (Server, impl Fn(&str) -> Client) {
    let ports = ports(system);
    let first = free_ports(u16::try_from(ports.len()).unwrap());
    let server =
        Server::of(system, &format!("[compat]\nports = true\nfirst_port = {first}\n"), &[]);
    let of = move |context: &str| {
        let (_, port) = ports.iter().find(|(name, _)| *name == context).unwrap();
        Client::new(format!("http://127.0.0.1:{}", port - FIRST + first))
    };
    (server, of)
}

#[test]
fn the_contexts_of_a_system_have_the_ports_from_8081_on() {
    let mut without = Vec::new();
    // A system that had no ports has none.
    for system in systems::NAMES.iter().filter(|system| !self::ports(system).is_empty()) {
        let mut ports: Vec<_> = self::ports(system).into_iter().map(|(_, port)| port).collect();
        ports.sort_unstable();
        assert!(
            ports.len() >= 4 && ports.iter().copied().eq((FIRST..).take(ports.len())),
            "{system}: {ports:?}"
        );
        let with: Vec<_> = self::ports(system).into_iter().map(|(name, _)| name).collect();
        without.extend(
            systems::contexts(system)
                .into_iter()
                .map(|context| context.name.context)
                .filter(|name| !with.contains(name)),
        );
    }
    // Only the text messages had no service.
    assert!(without.iter().all(|name| name.ends_with(".notification")), "{without:?}");
}

#[test]
fn in_every_system_a_port_answers_for_its_own_context_alone() {
    for system in systems::NAMES.iter().filter(|system| !ports(system).is_empty()) {
        let (_server, of) = started(system);
        for (own, _) in ports(system) {
            let client = of(own);
            for name in systems::contexts(system).iter().map(|context| context.name) {
                let context = name.context;
                let collection = name.collection;
                let status = if context == own { 200 } else { 404 };
                client.get(&format!("/{collection}")).is(status);
                client.get(&format!("/{system}/{collection}")).is(status);
            }
        }
    }
}

#[test]
fn the_transcript_of_bookrent_replays_on_the_ports_of_its_services() {
    let (server, of) = started("bookrent");
    let books = of("bookrent.book");
    let rents = of("bookrent.rent");
    let deliveries = of("bookrent.delivery");
    let views = of("bookrent.view");
    let book =
        books.post("/books", json!({"title": "title01", "status": "true"})).is(201).has("id", 1);
    assert_eq!(book.header("location"), format!("{}/books/1", books.url()));
    let rent = json!({"bookId": "1", "userId": "1", "address": "address1"});
    let rent = rents.post("/rents", rent).is(201).has("status", "Rent");
    assert_eq!(rent["_links"]["rent"]["href"], format!("{}/rents/1", rents.url()));
    books.get("/books/1").is(200).has("status", false);
    server.stop("bookrent.book");
    let second = json!({"bookId": "1", "userId": "2", "address": "address2"});
    rents.post("/rents", second).is(201).has("status", "Fail");
    books.get("/books/1").problem(503);
    server.start_again("bookrent.book");
    deliveries.shows("/deliveries/1", json!({"status": "Delivery Started"}));
    views.shows("/views/1", json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));
    rents.patch("/rents/1", json!({"status": "Cancel"})).is(200).has("status", "Cancel");
    deliveries.shows("/deliveries/1", json!({"status": "Delivery Cancelled"}));
    books.shows("/books/1", json!({"status": true}));
    views
        .shows("/views/1", json!({"rentStatus": "Cancel", "deliveryStatus": "Delivery Cancelled"}));
    // The gateway has all of it.
    server.get("/rents/1").is(200).has("status", "Cancel");
    server.get("/bookrent/books/1").is(200).has("status", true);
}

#[test]
fn a_request_is_the_same_over_any_port() {
    let (server, of) = started("bookrent");
    let books = of("bookrent.book");
    let rents = of("bookrent.rent");
    books.register_book("title01");
    rents.get("/books/1").refuses(404, "not-found");
    rents.post("/bookrent/books", json!({"title": "title02"})).problem(404);
    rents.get("/bookrent/rents").is(200);
    books.get("/rents").problem(404);
    rents.get("/actuator/health").is(200);
    let links = rents.get("/").is(200)["_links"].clone();
    assert!(links["rents"].is_object() && links.get("books").is_none(), "{links}");

    // Whichever way a request takes, it is the same one.
    let body = json!({"bookId": 1, "userId": 1, "address": "a"});
    rents.try_post_once("/rents", "key", &body).unwrap().is(201);
    let again = server.try_post_once("/bookrent/rents", "key", &body).unwrap().is(201);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(rents.total("rents"), 1);
}

#[test]
fn an_order_that_is_refused_on_a_port_of_its_own_says_how_it_ended() {
    let (_server, of) = started("ticketing");
    let refused = of("ticketing.reservation").post("/reservations", json!({"ticketId": 77}));
    refused.refuses(409, "ticket-unknown");
    assert_eq!(refused.header("holdfast-outcome"), "refused");
}

#[test]
fn a_taken_port_is_named_with_its_context() {
    let first = free_ports(4);
    let _taken = TcpListener::bind(("127.0.0.1", first + 1)).unwrap();
    let (code, said) =
        refused(&["--system", "bookrent"], &format!("ports = true\nfirst_port = {first}"));
    assert_eq!(code, 1);
    for word in [&format!("127.0.0.1:{}", first + 1), "bookrent.rent", "compat.first_port"] {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

#[test]
fn the_ports_are_for_one_system_at_a_time() {
    let (code, said) = refused(&[], "ports = true");
    assert_eq!(code, 78, "{said}");
    for word in ["compat.ports", "one system", "--system"] {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    let (code, said) =
        refused(&["--system", "bookrent", "--listen", "127.0.0.1:8083"], "ports = true");
    assert_eq!(code, 78, "{said}");
    assert!(said.contains("bookrent.delivery") && said.contains("http.listen"), "{said}");
}

/// How `serve` ends that cannot start.
fn refused(arguments: &[&str], compat: &str) -> (i32, String) {
    let directory = TempDir::new().unwrap();
    let config = directory.path().join("holdfast.toml");
    fs::write(&config, format!("[http]\nlisten = '127.0.0.1:0'\n[compat]\n{compat}\n")).unwrap();
    let mut serve = holdfast();
    serve
        .args(["serve", "--config"])
        .arg(config)
        .arg("--data")
        .arg(directory.path().join("data"))
        .args(arguments);
    let output = run(&mut serve);
    assert!(output.stdout.is_empty());
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}
