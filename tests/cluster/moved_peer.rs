//! A peer whose name gets another address is found there without a restart of those who know it by its name.
//!
//! The name is in a list of hosts that the asking server alone sees. Where a process cannot have mounts of its own this is
//! skipped.

use serde_json::json;
use support::{Server, eventually, free_ports, hosts::Hosts};
use tempfile::TempDir;

const NODE: &str = "[node]\ncredential = \"a-credential-for-tests-only\"\n";

#[test]
fn a_peer_that_moves_is_asked_and_forwarded_to_at_its_new_address() {
    let Some(mut hosts) = Hosts::of_one_server() else {
        eprintln!("skipped: no process can have mounts of its own here");
        return;
    };
    let port = free_ports(1);
    // The book listens to these; nothing of this test waits for that.
    let heard =
        ["rent", "delivery"].map(|it| format!("\"bookrent.{it}\" = \"http://127.0.0.1:9\"\n"));
    let listening = format!("{NODE}[peers]\n{}", heard.concat());
    hosts.set("book.moves.example", "127.0.0.1");
    let hosted = ["--contexts", "bookrent.book"];
    let mut book = Server::at(&format!("127.0.0.1:{port}"), "bookrent", &listening, &hosted);
    let others = "contexts = [\"bookrent.rent\", \"bookrent.delivery\", \"bookrent.view\"]\n";
    let peers = format!("[peers]\n\"bookrent.book\" = \"http://book.moves.example:{port}\"\n");
    let data = TempDir::new().unwrap();
    let asker = Server::through(hosts.launcher(), data.path(), &format!("{NODE}{others}{peers}"));
    let rent = |book: u64| {
        asker.post("/rents", json!({"bookId": book, "userId": 7, "address": "address1"}))
    };
    for _ in 0..2 {
        book.post("/books", json!({"title": "title01"})).is(201);
    }
    rent(1).is(201).has("status", "Rent");
    asker.get("/books/1").is(200).has("status", false);

    // It ends, and comes back somewhere else: nothing listens at the old address any more.
    book.kill();
    book.set_argument("--listen", &format!("127.0.0.2:{port}"));
    book.restart();
    hosts.set("book.moves.example", "127.0.0.2");
    eventually("requests are forwarded to the new address", || {
        let found = asker.get("/books/1");
        (found.status == 200 && found["status"] == false).then_some(())
    });
    eventually("asks reach the new address", || {
        let answer = rent(2);
        (answer.status == 201 && answer["status"] == "Rent").then_some(())
    });
}
