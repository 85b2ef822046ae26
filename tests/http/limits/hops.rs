//! Requests that are passed on, and nodes that name each other, or themselves.

use super::connection::{Connection, refuses};
use std::fs;
use support::{Server, cluster::Cluster, free_ports, holdfast};

/// A node that hosts nothing, and believes that another one does.
fn gateway(port: u16, peer: u16, further: &str) -> Server {
    let peers: String = ["book", "rent", "delivery", "view"]
        .iter()
        .map(|context| format!("\"bookrent.{context}\" = \"http://127.0.0.1:{peer}\"\n"))
        .collect();
    let toml =
        format!("{further}\n[node]\ncredential = 'a-credential-for-tests-only'\n[peers]\n{peers}");
    Server::at(&format!("127.0.0.1:{port}"), "bookrent", &toml, &["--contexts", "none"])
}

#[test]
fn a_request_that_goes_in_circles_is_stopped_at_its_second_visit() {
    let ports = free_ports(3);
    let all: Vec<_> = (0..3).map(|n| gateway(ports + n, ports + (n + 1) % 3, "")).collect();
    for node in &all {
        node.get("/books").refuses(508, "loop-detected");
        node.post("/rents", serde_json::json!({})).refuses(508, "loop-detected");
    }
    // The node in whose place it was the second time has seen it twice, and the others once.
    let seen: f64 = all
        .iter()
        .map(|node| {
            node.metric(
                "http_server_request_duration_seconds_count{http_request_method=\"GET\",http_route=\"/bookrent/books\"",
            )
        })
        .sum();
    assert!(seen <= 12.0, "{seen} requests of 3");
}

#[test]
fn a_request_has_so_many_hops_and_no_more_and_proxies_are_not_counted() {
    let cluster = Cluster::of("bookrent", &["book", "rent", "delivery", "view"], "");
    let call =
        |via: &str| cluster.gateway().call("GET", "/books", |request| request.header("Via", via));
    call("1.1 edge.example, 1.0 fred, HTTP/1.1 cache (nginx), 1.1 a, 1.1 b, 1.1 c").is(200);
    call("1.1 holdfast-a-1, 1.1 edge, 1.1 holdfast-b-2,1.1 holdfast-c-3").is(200);
    call("1.1 holdfast-a-1, 1.1 holdfast-b-2, 1.1 holdfast-c-3, 1.1 holdfast-d-4")
        .refuses(508, "loop-detected");
    call("nonsense,,, ,").is(200);
    // Who hosts it answers, whatever it has come by.
    let far =
        "1.1 holdfast-a-1, 1.1 holdfast-b-2, 1.1 holdfast-c-3, 1.1 holdfast-d-4, 1.1 holdfast-e-5";
    cluster.node("book").call("GET", "/books", |request| request.header("Via", far)).is(200);
}

#[test]
fn a_node_passes_on_what_it_is_called_and_by_which_way_it_came() {
    let peer = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free_ports(1);
    let node = gateway(port, peer.local_addr().unwrap().port(), "");
    let mut client = Connection::to(node.address());
    client.say("GET /books HTTP/1.1\r\nHost: localhost\r\nVia: 1.1 edge\r\nVia: 1.0 fred\r\n\r\n");
    let head = super::peers::answer_once(&peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    client.hear().unwrap().is(200);
    let via: Vec<_> = head.lines().filter_map(|line| line.strip_prefix("via: ")).collect();
    let expected = format!("1.1 edge, 1.0 fred, 1.1 holdfast-127-0-0-1-{port}-");
    assert!(via.len() == 1 && via[0].starts_with(&expected), "{head}");
}

#[test]
fn a_node_configured_as_its_own_peer_does_not_start() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("holdfast.toml");
    let data = directory.path().join("data");
    for (listen, url, wrong) in [
        ("127.0.0.1:18088", "http://127.0.0.1:18088", true),
        ("127.0.0.1:18088", "http://localhost:18088/", true),
        ("0.0.0.0:18088", "http://127.0.0.1:18088", true),
        ("0.0.0.0:18088", "http://0.0.0.0:18088", true),
        ("127.0.0.1:18088", "http://book:18088", false),
        ("127.0.0.1:18088", "http://127.0.0.1:18089", false),
    ] {
        let toml = format!(
            "[http]\nlisten = '{listen}'\n[auth]\nallow_open_beyond_loopback = true\n[node]\n\
             contexts = ['bookrent.rent']\ncredential = 'a-credential-for-tests-only'\n[peers]\n\
             'bookrent.book' = '{url}'\n"
        );
        fs::write(&file, toml).unwrap();
        let mut check = holdfast();
        check.args(["check-config", "--config"]).arg(&file);
        if wrong {
            refuses(&mut check, 78, &["peers.bookrent.book", url, "itself"]);
            let mut serve = holdfast();
            serve.args(["serve", "--config"]).arg(&file).arg("--data").arg(&data);
            refuses(&mut serve, 78, &["peers.bookrent.book"]);
        } else {
            assert!(support::run(&mut check).status.success(), "{url}")
        }
    }
    // All nodes may have the same list: what a node hosts itself, it does not ask for.
    let toml = "[http]\nlisten = '127.0.0.1:18088'\n[node]\ncontexts = ['bookrent.book']\n\
                credential = 'a-credential-for-tests-only'\n[peers]\n'bookrent.book' = 'http://127.0.0.1:18088'\n\
                'bookrent.rent' = 'http://rent:8088'\n'bookrent.delivery' = 'http://delivery:8088'\n";
    fs::write(&file, toml).unwrap();
    assert!(
        support::run(holdfast().args(["check-config", "--config"]).arg(&file)).status.success()
    );
}
