//! Nodes that speak to each other by TLS.

use serde_json::json;
use std::fs;
use support::{Server, cluster::Cluster, eventually, tls::CertificateFiles};
use tempfile::TempDir;

#[test]
fn nodes_ask_each_other_and_read_each_others_events_by_tls() {
    let directory = TempDir::new().unwrap();
    let files = CertificateFiles::in_directory(directory.path());
    let toml = format!("{}{}", files.http_section(), files.trust_section());
    let cluster = Cluster::of("bookrent", &["book", "rent", "delivery", "view"], &toml);
    let gateway = cluster.gateway();
    assert!(gateway.url().starts_with("https://"), "{}", gateway.url());
    gateway.post("/books", json!({"title": "title01"})).is(201);
    let rent = json!({"bookId": 1, "userId": 1, "address": "address1"});
    gateway.post("/rents", rent).is(201).has("status", "Rent");
    gateway.shows("/views/1", json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));
}

#[test]
fn a_node_that_no_trusted_authority_vouches_for_is_not_asked() {
    let directory = TempDir::new().unwrap();
    let files = CertificateFiles::in_directory(directory.path());
    let credential = "[node]\ncredential = \"a-credential-for-tests-only\"\n";
    let other = Server::configured(&format!("{}{credential}", files.http_section()));
    let peer = format!("[peers]\n\"bookrent.book\" = \"{}\"\n", other.url());
    // It vouches for itself, and for no one else.
    let stranger = directory.path().join("stranger.pem");
    fs::write(&stranger, support::tls::stranger()).unwrap();
    let toml = format!("{credential}[tls]\nca_file = {stranger:?}\n{peer}");
    let gateway = Server::of("bookrent", &toml, &["--contexts", "none"]);
    assert_eq!(gateway.get("/books").status, 503);
    let shown = eventually("the gateway says why", || {
        let contexts = gateway.get("/admin/contexts").is(200).text;
        contexts.contains("no connection").then_some(contexts)
    });
    assert!(shown.contains("bookrent.book"), "{shown}");
}
