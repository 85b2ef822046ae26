//! What a node may ask and read, by the contexts that its key stands for.

use super::*;
use crate::{
    api::{RateLimits, RateSettings},
    credentials::{KnownNode, NodeKey, NodeTrust},
    identity::NodeRights,
};
use tempfile::TempDir;

const CREDENTIAL: &str = "shared-by-all-nodes";
const LOG: &str = "/internal/events/shop.thing";
const ASKS: &str = "/internal/asks/shop.thing";

/// The key of a node in a directory of its own, and the line by which others know it.
fn node(name: &str, contexts: &[&str]) -> (NodeKey, KnownNode) {
    let dir = TempDir::new().unwrap();
    let key = NodeKey::open(dir.path(), Machine::default()).unwrap();
    let contexts = contexts.iter().map(ToString::to_string).collect();
    let line = KnownNode { name: name.into(), key: key.public_half(), contexts };
    (key, line)
}

fn of_node(key: &NodeKey, method: &str, path: &str, body: &str) -> String {
    let token = key.sign(method, path);
    let line = format!("{method} {path}{}", if path == LOG { "?from=1" } else { "" });
    raw_request(&line, &format!("Holdfast-Node: {token}\r\n{JSON}"), body)
}

#[test]
fn a_node_reads_and_asks_as_its_contexts_do_and_strangers_find_nothing() {
    let (reader, reading) = node("reader", &["shop.view"]);
    let (asker, asking) = node("asker", &["shop.till"]);
    let (other, hosting_nothing) = node("gateway", &[]);
    let (stranger, _) = node("stranger", &["shop.view"]);
    let question = |by: &str| {
        serde_json::json!({
            "id": { "context": by, "number": 1, "attempt": 1 },
            "saga": { "context": by, "number": 1 }, "client": null, "trace": null, "number": 7,
            "command": {},
        })
        .to_string()
    };
    let mine = question("shop.till");
    let elses = question("shop.view");
    let shared = format!("Authorization: Bearer {CREDENTIAL}\r\n{JSON}");
    let requests = [
        // The things of these tests have no log, which only those learn who might read it.
        (of_node(&reader, "GET", LOG, ""), "not-found"),
        (raw_request(&format!("GET {LOG}?from=1"), &shared, ""), "not-found"),
        (of_node(&asker, "GET", LOG, ""), "insufficient-scope"),
        (of_node(&other, "GET", LOG, ""), "insufficient-scope"),
        (of_node(&stranger, "GET", LOG, ""), "not-found"),
        (of_node(&asker, "POST", ASKS, &elses), "insufficient-scope"),
        (of_node(&reader, "POST", ASKS, &elses), "insufficient-scope"),
        (of_node(&stranger, "POST", ASKS, &mine), "not-found"),
        (raw_request(&format!("POST {ASKS}"), JSON, &mine), "not-found"),
        // A token is for one path.
        (of_node(&reader, "GET", ASKS, "").replace(ASKS, "/internal/contexts"), "not-found"),
    ];
    let trust = NodeTrust::new(
        Some(CREDENTIAL.into()),
        [reading, asking, hosting_nothing],
        Machine::default(),
    );
    let rights = NodeRights {
        asks: [("shop.till", "shop.thing")].into(),
        listens: [("shop.view", "shop.thing")].into(),
    };
    let sent: Vec<&str> = requests.iter().map(|(request, _)| request.as_str()).collect();
    let change = move |settings| HttpSettings { nodes: trust, node_rights: rights, ..settings };
    let answers = send_to(change, &sent);
    for ((request, code), answer) in requests.iter().zip(&answers) {
        assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{request}\n{answer}");
    }
}

#[test]
fn what_a_node_passes_on_is_its_clients_and_is_counted_there() {
    let (gateway, known) = node("gateway", &[]);
    let trust = NodeTrust::new(None, [known], Machine::default());
    let change = move |settings: HttpSettings| {
        let one = std::num::NonZeroU32::MIN;
        let rates = RateSettings { requests: one, burst: one, posts: one };
        HttpSettings {
            nodes: trust,
            rates: Some(Arc::new(RateLimits::new(rates))),
            open: false,
            ..settings
        }
    };
    let passed_on = |token: &str| {
        let headers = format!("Holdfast-Node: {token}\r\nHoldfast-Client: 192.0.2.7\r\n");
        raw_request("GET /things/7", &headers, "")
    };
    let valid: Vec<_> = (0..4).map(|_| passed_on(&gateway.sign("GET", "/things/7"))).collect();
    let mut requests: Vec<&str> = valid.iter().map(String::as_str).collect();
    // Without the token of a node the header means nothing, and a token is good for one request.
    let forged = passed_on("e30.e30.e30");
    requests.extend([forged.as_str(), &valid[0], &forged, &valid[1]]);
    let answers = send_to_things(Reads::Owner, change, &requests);
    let [passed_on, forged] = [&answers[..4], &answers[4..]];
    for answer in passed_on {
        // It is no node's: as without credentials.
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
    assert!(forged.iter().any(|answer| answer.starts_with("HTTP/1.1 429")), "{forged:?}");
}
