//! What nodes know of each other's logs: a second owner, and one that was started with an older copy of its data.

use super::{copy, put_back};
use serde_json::Value;
use support::{Answer, Client, Server, broker::Broker, cluster::Cluster, eventually};

const NODES: [(&str, &str); 5] = [
    ("book", "book"),
    ("rent", "rent"),
    ("second", "rent"),
    ("delivery", "delivery"),
    ("view", "view"),
];

/// A loaded machine is slow: no answer must mean here that there is none.
const PATIENT: &str = "[guard.'bookrent.book']\ntimeout_ms = 30000\n";

fn rent(node: &Client, book: u64) -> Answer {
    node.post("/rents", serde_json::json!({ "bookId": book, "userId": 1, "address": "address1" }))
        .is(201)
}

/// The node is not ready, and reports why with all of `words`.
#[track_caller]
fn is_unready(node: &Server, words: &[&str]) {
    let said = eventually("it is unready", || {
        let ready = node.get("/readyz?verbose");
        (ready.status == 503).then_some(ready.text)
    });
    for word in [&["[-]history of "], words].concat() {
        assert!(said.contains(word), "`{word}` is missing in {said}");
    }
    node.get("/readyz?exclude=history").is(200);
    node.get("/livez").is(200);
    let health = node.get("/actuator/health");
    assert_eq!((health.status, &health["status"]), (503, &Value::from("DOWN")), "{}", health.text);
    assert_eq!(health["components"]["history"]["status"], "DOWN");
    assert!(node.metric("holdfast_history_disputes") >= 1.0);
}

#[test]
fn of_two_nodes_that_decide_for_one_context_the_second_is_refused_and_both_sides_say_so() {
    let mut cluster = Cluster::laid_out("bookrent", &NODES, PATIENT);
    for _ in 0..4 {
        cluster.node("book").register_book("title01");
    }
    rent(cluster.node("rent"), 1).has("status", "Rent");
    // Its numbers are those of the first: with a book of its own it would have been answered as that one was.
    rent(cluster.node("second"), 1).has("status", "Fail").has("reason", "no-answer");
    rent(cluster.node("second"), 2).has("status", "Fail").has("reason", "no-answer");
    is_unready(
        cluster.node("second"),
        &["bookrent.book answers no questions of this node", "bookrent.rent"],
    );
    is_unready(cluster.node("book"), &["bookrent.rent", "since", "--accept-history bookrent.rent"]);
    cluster.node("book").shows("/books/2", serde_json::json!({ "status": true }));
    // The first goes on, also after a restart of it and of who is asked.
    rent(cluster.node("rent"), 2).has("status", "Rent");
    cluster.kill("book");
    cluster.restart("book");
    cluster.kill("rent");
    cluster.restart("rent");
    rent(cluster.node("rent"), 3).has("status", "Rent");
    cluster.node("book").get("/readyz").is(200);
    rent(cluster.node("second"), 4).has("status", "Fail");
    is_unready(cluster.node("book"), &["bookrent.rent"]);
}

/// Those who listen to the rents have their events up to this one.
fn all_have_heard(cluster: &Cluster, last: f64) {
    for name in ["book", "delivery", "view"] {
        let node = cluster.node(name);
        eventually("it has heard all", || {
            let health = node.get("/actuator/health");
            let replica = &health["components"]["replicas"]["details"]["bookrent.rent"];
            (replica["lastSequence"].as_f64() == Some(last) && health.status == 200).then_some(())
        });
    }
}

/// BookRent whose node of the rents is started with an older copy of its data, which all have noticed; and where its latest
/// data is. Of four books the first is rented in both pasts, the second in the lost one.
fn put_back_cluster(toml: &str) -> (Cluster, std::path::PathBuf) {
    let nodes = [NODES[0], NODES[1], NODES[3], NODES[4]];
    let mut cluster = Cluster::laid_out("bookrent", &nodes, &format!("{toml}{PATIENT}"));
    for _ in 0..4 {
        cluster.node("book").register_book("title01");
    }
    rent(cluster.node("rent"), 1).has("status", "Rent");
    cluster.kill("rent");
    let data = cluster.node("rent").data();
    let copied = cluster.node("rent").directory().join("copied");
    copy(&data, &copied);
    cluster.restart("rent");
    rent(cluster.node("rent"), 2).has("status", "Rent");
    cluster
        .node("view")
        .shows("/views/2", serde_json::json!({ "deliveryStatus": "Delivery Started" }));
    // A node that does not know what is lost would take the other past for what comes next.
    all_have_heard(&cluster, 4.0);
    cluster.kill("rent");
    let later = cluster.node("rent").directory().join("later");
    copy(&data, &later);
    put_back(&copied, &data);
    cluster.restart("rent");
    // It is number 2 again, for another book: what was answered for number 2 before is not answered for it.
    rent(cluster.node("rent"), 3).has("id", 2).has("status", "Fail").has("reason", "no-answer");
    cluster.node("book").shows("/books/3", serde_json::json!({ "status": true }));
    is_unready(cluster.node("rent"), &["bookrent.book", "bookrent.rent"]);
    is_unready(cluster.node("book"), &["bookrent.rent", "--accept-history"]);
    // Its listener reports it as well, and has taken nothing of it.
    for name in ["delivery", "view"] {
        is_unready(
            cluster.node(name),
            &["events of bookrent.rent are not taken any more", "put back from a copy"],
        );
        let health = cluster.node(name).get("/actuator/health");
        let replica = &health["components"]["replicas"]["details"]["bookrent.rent"];
        assert!(replica["historyChanged"].is_string() && replica["lastSequence"] == 4, "{replica}");
    }
    cluster
        .node("view")
        .shows("/views/2", serde_json::json!({ "bookId": 2, "rentStatus": "Rent" }));
    (cluster, later)
}

/// The node of the rents is started with an older copy of its data, and then with its latest again.
fn restored(toml: &str) {
    let (mut cluster, later) = put_back_cluster(toml);
    let data = cluster.node("rent").data();
    // With its latest data all go on, those who only listen by themselves.
    cluster.kill("rent");
    put_back(&later, &data);
    cluster.restart("rent");
    for name in ["delivery", "view"] {
        let node = cluster.node(name);
        eventually("it is ready again", || (node.get("/readyz").status == 200).then_some(()));
    }
    cluster.kill("book");
    cluster.restart("book");
    rent(cluster.node("rent"), 3).has("id", 3).has("status", "Rent");
    cluster.node("view").shows(
        "/views/3",
        serde_json::json!({ "bookId": 3, "deliveryStatus": "Delivery Started" }),
    );
    for name in ["book", "rent", "delivery", "view"] {
        cluster.node(name).get("/readyz").is(200);
    }
}

#[test]
fn a_node_that_is_started_with_an_older_copy_is_noticed_by_those_it_asks_and_those_who_listen() {
    restored("");
}

#[test]
fn the_same_with_a_broker_that_brings_events() {
    let broker = Broker::start();
    restored(&format!("[amqp]\nurl = '{}'\n", broker.url()));
}

#[test]
fn an_asked_node_whose_past_was_put_back_is_noticed_by_who_asks() {
    let nodes = [NODES[0], NODES[1], NODES[3], NODES[4]];
    let mut cluster = Cluster::laid_out("bookrent", &nodes, PATIENT);
    for _ in 0..3 {
        cluster.node("book").register_book("title01");
    }
    let data = cluster.node("book").data();
    let copied = cluster.node("book").directory().join("copied");
    cluster.kill("book");
    copy(&data, &copied);
    cluster.restart("book");
    rent(cluster.node("rent"), 1).has("status", "Rent");
    cluster.kill("book");
    put_back(&copied, &data);
    cluster.restart("book");
    // It does not know that the book is rented.
    cluster.node("book").shows("/books/1", serde_json::json!({ "status": true }));
    rent(cluster.node("rent"), 1).has("status", "Fail").has("reason", "no-answer");
    is_unready(cluster.node("book"), &["other nodes know event", "bookrent.book"]);
    is_unready(cluster.node("rent"), &["bookrent.book answers no questions of this node"]);
}

#[test]
fn an_operator_may_have_all_go_on_with_the_past_that_was_put_back() {
    let (mut cluster, _) = put_back_cluster("");
    for name in ["book", "delivery", "view"] {
        cluster.kill(name);
        cluster.restart_with(name, &["--accept-history", "bookrent.rent"]);
    }
    // Listeners go back to where the pasts part, and get what has happened since.
    rent(cluster.node("rent"), 3).has("id", 3).has("status", "Rent");
    cluster.node("view").shows(
        "/views/3",
        serde_json::json!({ "bookId": 3, "deliveryStatus": "Delivery Started" }),
    );
    cluster.node("view").shows("/views/2", serde_json::json!({ "rentStatus": "Fail" }));
    let last = cluster.node("rent").metric("holdfast_events_total{context=\"bookrent.rent\"}");
    all_have_heard(&cluster, last);
    cluster.node("rent").get("/readyz").is(200);
    // What is known now is what was accepted.
    cluster.kill("book");
    cluster.restart("book");
    rent(cluster.node("rent"), 4).has("status", "Rent");
}

#[test]
fn a_second_node_for_a_context_of_the_very_node_that_it_asks_is_refused() {
    let credential = "[node]\ncredential = 'a-credential-for-tests-only'\n";
    let first = Server::configured(credential);
    let peers: String = ["book", "delivery", "view"]
        .map(|name| format!("'bookrent.{name}' = '{}'\n", first.url()))
        .concat();
    let second = Server::of(
        "bookrent",
        &format!("{PATIENT}{credential}[peers]\n{peers}"),
        &["--contexts", "bookrent.rent"],
    );
    first.register_book("title01");
    first.register_book("title01");
    rent(&first, 1).has("status", "Rent");
    // That would be the first rent once more, and got the answer of the other one.
    rent(&second, 2).has("id", 1).has("status", "Fail").has("reason", "no-answer");
    first.shows("/books/2", serde_json::json!({ "status": true }));
    is_unready(
        &first,
        &["another node asks questions of bookrent.rent, which this one decides for"],
    );
    is_unready(&second, &["bookrent.book answers no questions of this node"]);
    rent(&first, 2).has("status", "Rent");
}
