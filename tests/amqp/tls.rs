//! A broker that is reached by TLS.

use serde_json::json;
use support::{broker::Broker, cluster::Cluster, tls::CertificateFiles};
use tempfile::TempDir;

#[test]
fn events_and_commands_travel_over_an_encrypted_connection() {
    let directory = TempDir::new().unwrap();
    let files = CertificateFiles::in_directory(directory.path());
    let (_broker, url) = Broker::encrypted(&files);
    let toml = format!("{}[amqp]\nurl = '{url}'\n", files.trust_section());
    let cluster = Cluster::of("bookrent", &["book", "rent", "delivery", "view"], &toml);
    let gateway = cluster.gateway();
    gateway.post("/books", json!({"title": "title01"})).is(201);
    gateway.post("/rents", json!({"bookId": 1, "userId": 1, "address": "a"})).is(201);
    gateway.shows("/views/1", json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));
    let health = cluster.node("rent").get("/actuator/health").is(200);
    assert_eq!(health["components"]["amqp"]["details"]["state"], "connected", "{}", health.text);
}
