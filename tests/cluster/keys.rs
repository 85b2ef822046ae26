//! Nodes that know each other by their own keys, and by the credential that all share while they are upgraded.

use holdfast::{actors::Machine, credentials::NodeKey};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt};
use support::{
    Answer, Client, Server,
    cluster::{Cluster, Shows},
    eventually,
};

const CONTEXTS: [&str; 4] = ["book", "rent", "delivery", "view"];

/// Asks, events, and what is gathered from all nodes.
#[track_caller]
fn works_together(gateway: &Client) {
    let book = gateway.register_book("title01");
    let rent = gateway.rent(book, 1).has("status", "Rent").id();
    gateway.shows(
        &format!("/views/{rent}"),
        json!({ "rentStatus": "Rent", "deliveryStatus": "Delivery Started" }),
    );
    let listed = gateway.get("/admin/contexts").is(200).body;
    let nodes = listed["nodes"].as_array().unwrap();
    assert!(nodes.iter().all(|node| node["state"] == "reached"), "{listed}");
    let saga = gateway.get(&format!("/admin/sagas/bookrent/{rent}")).is(200).body;
    assert!(saga["entries"].as_array().unwrap().len() >= 3, "{saga}");
}

#[test]
fn nodes_that_know_each_other_by_keys_need_no_shared_credential() {
    let cluster = Cluster::with_keys("bookrent", &CONTEXTS, |_| Shows::Key);
    works_together(cluster.gateway());
    for node in cluster.hosts() {
        let key = fs::metadata(node.data().join("identity.key")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }
    // Without a token there is nothing, as for everyone.
    let rent = cluster.node("rent");
    rent.get("/internal/events/bookrent.rent?from=1").problem(404);
    let guessed = rent.call("GET", "/internal/events/bookrent.rent?from=1", |request| {
        request.bearer_auth("a-credential-for-tests-only")
    });
    guessed.problem(404);
    // A token is good for one request.
    let view = NodeKey::open(&cluster.node("view").data(), Machine::default()).unwrap();
    let log = "/internal/events/bookrent.rent";
    let token = view.sign("GET", log);
    let from_start = format!("{log}?from=1");
    shows_node(rent, &from_start, &token).is(200);
    shows_node(rent, &from_start, &token).problem(404);
    shows_node(rent, &from_start, &view.sign("GET", log)).is(200);
    assert_eq!(rent.metric("holdfast_node_tokens_repeated_total"), 1.0);
    assert!(rent.said().contains("refused the token of a node that was shown before"));
}

/// What a node gets that shows `token`.
fn shows_node(server: &Server, path: &str, token: &str) -> Answer {
    server.call("GET", path, |request| request.header("holdfast-node", token))
}

#[test]
fn a_node_reads_the_events_that_its_contexts_listen_to_and_no_others() {
    let whole = Cluster::with_keys("bookrent", &CONTEXTS, |_| Shows::Key);
    let gateway = whole.gateway();
    let book = gateway.register_book("title01");
    gateway.rent(book, 1).has("status", "Rent");
    let key = |name: &str| NodeKey::open(&whole.node(name).data(), Machine::default()).unwrap();
    let view = key("view");
    let ask = |node: &str, key: &NodeKey, path: &str| {
        shows_node(whole.node(node), path, &key.sign("GET", path))
    };
    for path in ["/events", "/events/bookrent.rent"] {
        let events = ask("rent", &view, path).is(200).body;
        assert!(!events.as_array().unwrap().is_empty(), "{path}: {events}");
        // Those that ask, and those that host nothing, read nothing.
        ask("rent", &key("gateway"), path).refuses(403, "insufficient-scope");
    }
    for path in ["/events", "/events/bookrent.book"] {
        ask("book", &view, path).refuses(403, "insufficient-scope");
        ask("book", &key("rent"), path).refuses(403, "insufficient-scope");
    }
    // A stream is restricted as a page is.
    let path = "/events";
    let token = view.sign("GET", path);
    let stream = whole.node("book").call("GET", path, |request| {
        request.header("holdfast-node", token).header("accept", "text/event-stream")
    });
    stream.refuses(403, "insufficient-scope");
    // It reads nothing else.
    let path = "/admin/contexts";
    ask("rent", &view, path).refuses(403, "insufficient-scope");
}

#[test]
fn old_and_new_nodes_work_together_until_all_have_keys() {
    let credential_alone = ["rent", "view"];
    let shows = |name: &str| {
        if credential_alone.contains(&name) { Shows::Credential } else { Shows::Both }
    };
    works_together(Cluster::with_keys("bookrent", &CONTEXTS, shows).gateway());
    // Afterwards the credential is taken from one node after the other.
    let without_credential = ["book", "gateway"];
    let shows = |name: &str| {
        if without_credential.contains(&name) { Shows::Key } else { Shows::Both }
    };
    works_together(Cluster::with_keys("bookrent", &CONTEXTS, shows).gateway());
}

#[test]
fn a_node_asks_and_reads_as_the_contexts_of_its_line_and_no_others() {
    // The others believe of the node of rents that it hosts their view.
    let change = |line: String| match line.strip_prefix("rent ") {
        Some(_) => line.replace("bookrent.rent", "bookrent.view"),
        None => line,
    };
    let cluster = Cluster::with_lines("bookrent", &CONTEXTS, |_| Shows::Key, change);
    let gateway = cluster.gateway();
    let book = gateway.register_book("title01");
    let body = json!({ "bookId": book, "userId": 1, "address": "a" });
    let rent = cluster.node("rent");
    let placed = rent.post("/rents", body);
    assert_ne!(placed.body["status"], json!("Rent"), "{}", placed.text);
    eventually("it was refused", || {
        let metrics = cluster.node("book").get("/metrics").is(200).text;
        let mut asks = metrics.lines().filter(|line| line.contains("/internal/asks/{context}"));
        asks.any(|line| line.contains("http_response_status_code=\"403\"")).then_some(())
    });
    gateway.shows(&format!("/books/{book}"), json!({ "status": true }));
}

/// A gateway before the node of books in `cluster`, which asks there for API keys.
fn gateway_that_asks(cluster: &Cluster) -> Server {
    let book = cluster.node("book").url();
    let toml = format!(
        "[auth]\nkeys_from = '{book}'\n[node]\ncredential = 'a-credential-for-tests-only'\n[peers]\n\
         \"bookrent.book\" = '{book}'\n"
    );
    Server::of("bookrent", &toml, &["--contexts", "none"])
}

#[test]
fn a_key_opens_at_every_node_that_asks_the_one_that_keeps_it() {
    let mut cluster = Cluster::of("bookrent", &["book", "rent", "delivery", "view"], "");
    let gateway = gateway_that_asks(&cluster);
    let wanted = json!({ "name": "till", "roles": ["admin"] });
    let made = cluster.node("book").post("/admin/keys", wanted).is(201).body;
    let key = made["key"].as_str().unwrap();
    let id = made["id"].as_str().unwrap();
    let shown = |server: &Server, key: &str| {
        server.call("GET", "/admin/keys", |request| request.bearer_auth(key))
    };
    shown(&gateway, key).is(200);
    // One that does not ask knows its own alone.
    shown(cluster.node("rent"), key).refuses(401, "invalid-token");
    // What its holder does is audited where it was sent to, and where it was done.
    let book = json!({ "title": "title01", "status": true });
    let made = gateway.call("POST", "/books", |request| request.bearer_auth(key).json(&book));
    made.is(201);
    for server in [&gateway, cluster.node("book")] {
        let audit = server.get("/admin/audit?limit=100").is(200).body;
        let lines = audit["audit"].as_array().unwrap();
        assert!(lines.iter().any(|line| line["subject"] == *id), "{audit}");
    }
    // A secret that is not the key's is refused, and so is a key that has been revoked before it was shown here.
    let last = if key.ends_with('A') { "E" } else { "A" };
    let forged = format!("{}{last}", &key[..key.len() - 1]);
    shown(&gateway, &forged).refuses(401, "invalid-token");
    let wanted = json!({ "name": "lost", "roles": ["admin"] });
    let lost = cluster.node("book").post("/admin/keys", wanted).is(201).body;
    let path = format!("/admin/keys/{}", lost["id"].as_str().unwrap());
    cluster.node("book").delete(&path).is(200);
    shown(&gateway, lost["key"].as_str().unwrap()).refuses(401, "invalid-token");
    // One that is revoked after it was shown here is refused here too, without anyone asking for it.
    let wanted = json!({ "name": "lost later", "roles": ["admin"] });
    let lost = cluster.node("book").post("/admin/keys", wanted).is(201).body;
    shown(&gateway, lost["key"].as_str().unwrap()).is(200);
    let path = format!("/admin/keys/{}", lost["id"].as_str().unwrap());
    cluster.node("book").delete(&path).is(200);
    eventually("the revocation has arrived", || {
        let answer = shown(&gateway, lost["key"].as_str().unwrap());
        (answer.status == 401).then_some(())
    });
    // While its keeper is away, a key that is known opens, and of another it is not known whether it would.
    cluster.kill("book");
    shown(&gateway, key).is(200);
    let unknown = shown(&gateway, &forged);
    unknown.refuses(503, "retry-later");
    assert_eq!(unknown.header("retry-after"), "1");
    // What is asked about keys is for nodes alone.
    cluster.restart("book");
    let question = json!({ "id": id, "digest": "A" });
    cluster.node("book").post("/internal/identity", question).problem(404);
    assert!(!gateway.said().contains(key), "the key is in the log");
}
