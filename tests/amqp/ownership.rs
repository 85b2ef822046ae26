//! A context that decides has one owner: of two nodes with different stores, the broker lets one have it.

use support::{Server, broker::Broker, eventually, holdfast, run};
use tempfile::TempDir;

fn configured(broker: &Broker, name: &str) -> String {
    let credential = "a-credential-for-tests-only";
    let node = format!("[node]\nname = '{name}'\ncredential = '{credential}'\n");
    let peers =
        ["book", "rent", "delivery"].map(|context| format!("{context} = 'http://127.0.0.1:9'\n"));
    format!("[amqp]\nurl = '{}'\n{node}[peers.bookrent]\n{}", broker.url(), peers.concat())
}

/// What becomes of a node with a store of its own that is to host `contexts`.
fn start(broker: &Broker, contexts: &str) -> (Option<i32>, String) {
    let directory = TempDir::new().unwrap();
    let config = directory.path().join("holdfast.toml");
    let data = directory.path().join("data");
    std::fs::write(&config, configured(broker, "second")).unwrap();
    let mut command = holdfast();
    command.args([
        "serve",
        "--system",
        "bookrent",
        "--listen",
        "127.0.0.1:0",
        "--contexts",
        contexts,
    ]);
    let output = run(command.arg("--config").arg(config).arg("--data").arg(data));
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_second_owner_does_not_start_and_names_the_first_and_the_remedy() {
    let broker = Broker::start();
    let mut first = Server::of("bookrent", &configured(&broker, "first"), &[]);
    let (code, said) = start(&broker, "bookrent.rent,bookrent.view");
    assert_eq!(code, Some(1), "{said}");
    for word in [
        "bookrent.rent belongs to the store of node `first`",
        "--contexts",
        "holdfast.owner.bookrent.rent",
    ] {
        assert!(said.contains(word), "`{word}` is missing in {said}");
    }
    // It stays so while the first is down, for its store is still there; and that one may always come back.
    first.kill();
    let (code, said) = start(&broker, "bookrent.book");
    assert_eq!(code, Some(1), "{said}");
    first.restart();
    first.register_book("title01");

    // A view has as many hosts as one likes.
    let view =
        Server::of("bookrent", &configured(&broker, "view"), &["--contexts", "bookrent.view"]);
    view.get("/readyz").is(200);

    // An operator who knows that the owner is gone for good removes its queue from the broker.
    first.kill();
    for context in ["book", "rent", "delivery"] {
        broker.ctl(&["delete_queue", &format!("holdfast.owner.bookrent.{context}")]);
    }
    let heir = Server::of("bookrent", &configured(&broker, "heir"), &[]);
    heir.register_book("title01");
}

#[test]
fn two_owners_that_began_without_a_broker_are_distinguished_when_it_comes() {
    let mut broker = Broker::absent();
    let mut nodes =
        ["first", "second"].map(|name| Server::of("bookrent", &configured(&broker, name), &[]));
    for node in &nodes {
        node.register_book("title01");
    }
    broker.restart();
    let loser =
        eventually("one of them has ended", || nodes.iter_mut().position(Server::has_ended));
    let status = nodes[loser].wait();
    assert_eq!(status.code(), Some(1), "{}", nodes[loser].said());
    let winner = ["first", "second"][1 - loser];
    assert!(
        nodes[loser].said().contains(&format!("the store of node `{winner}`")),
        "{}",
        nodes[loser].said()
    );
    eventually("the other one is connected", || {
        let health = nodes[1 - loser].get("/actuator/health").is(200);
        (health["components"]["amqp"]["details"]["state"] == "connected").then_some(())
    });
    nodes[1 - loser].register_book("title01");
}
