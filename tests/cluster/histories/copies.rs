//! A copy of a node's data does not run beside the original, as soon as a broker is there.

use super::copy;
use std::path::Path;
use support::{Server, broker::Broker, eventually, holdfast, run};

fn configured(broker: &Broker, name: &str) -> String {
    format!("[amqp]\nurl = '{}'\nheartbeat_s = 3\n[node]\nname = '{name}'\n", broker.url())
}

fn connected(server: &Server) {
    eventually("it is connected", || {
        let health = server.get("/actuator/health").is(200);
        (health["components"]["amqp"]["details"]["state"] == "connected").then_some(())
    });
}

/// What becomes of a second process on `data`.
fn start(broker: &Broker, data: &Path) -> (Option<i32>, String) {
    let config = data.with_extension("toml");
    std::fs::write(&config, configured(broker, "second")).unwrap();
    let mut command = holdfast();
    command
        .args(["serve", "--system", "bookrent", "--listen", "127.0.0.1:0", "--config"])
        .arg(config);
    let output = run(command.arg("--data").arg(data));
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_copy_is_refused_while_its_original_runs_and_may_take_its_place() {
    let mut broker = Broker::start();
    let mut first = Server::of("bookrent", &configured(&broker, "first"), &[]);
    first.register_book("title01");
    first.kill();
    let copied = first.directory().join("copied");
    copy(&first.data(), &copied);
    // A killed process leaves nothing that its successor has to wait for.
    first.restart();
    connected(&first);
    let (code, said) = start(&broker, &copied);
    assert_eq!(code, Some(1), "{said}");
    for word in ["this data is that of node `first`, which runs already", "End that one first"] {
        assert!(said.contains(word), "`{word}` is missing in {said}");
    }
    first.register_book("title01");
    // A broker that goes and comes back is no reason to end.
    broker.kill();
    first.register_book("title01");
    broker.restart();
    connected(&first);
    // Once the original has ended, the copy is what there is.
    first.kill();
    let heir = Server::through(Vec::new(), &copied, &configured(&broker, "heir"));
    heir.register_book("title01");
}

#[test]
fn two_copies_that_began_without_a_broker_are_distinguished_when_it_comes() {
    let mut broker = Broker::absent();
    let mut first = Server::of("bookrent", &configured(&broker, "first"), &[]);
    first.register_book("title01");
    first.kill();
    let copied = first.directory().join("copied");
    copy(&first.data(), &copied);
    first.restart();
    let second = Server::through(Vec::new(), &copied, &configured(&broker, "second"));
    let mut both = [first, second];
    for node in &both {
        node.register_book("title01");
    }
    broker.restart();
    let loser = eventually("one of them has ended", || both.iter_mut().position(Server::has_ended));
    assert_eq!(both[loser].wait().code(), Some(1), "{}", both[loser].said());
    assert!(both[loser].said().contains("which runs already"), "{}", both[loser].said());
    connected(&both[1 - loser]);
    both[1 - loser].register_book("title01");
}
