//! What an open server on loopback does not answer: requests that are for another name, or have come through a proxy that
//! is not trusted.

use support::{Answer, Client, Server, raw};

fn for_host(client: &Client, host: &str, path: &str) -> Answer {
    client.call("GET", path, |request| request.header("host", host))
}

#[test]
fn a_request_for_another_name_is_refused_whatever_it_asks() {
    let server = Server::start(&[]);
    for path in [
        "/books",
        "/bookrent/books",
        "/admin/contexts",
        "/events",
        "/docs/",
        "/openapi.json",
        "/metrics",
        "/actuator/health",
        "/livez",
        "/nothing",
    ] {
        for host in ["evil.example", "evil.example:8088", "localhost.evil.example", "192.0.2.1"] {
            assert_eq!(for_host(&server, host, path).problem(421), "misdirected", "{host}{path}");
        }
    }
    for host in ["localhost", "LOCALHOST:80", "rent.localhost:8088", "[::1]:8088", "127.0.0.1"] {
        for_host(&server, host, "/books").is(200);
    }
    let body = r#"{"title":"t"}"#;
    let written = format!(
        "POST /books HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(raw::status_of(&raw::exchange(server.address(), written.as_bytes())), Some(421));
    let unreadable = "GET /books HTTP/1.1\r\nHost: \u{e9}\r\nConnection: close\r\n\r\n";
    let answer = raw::exchange(server.address(), unreadable.as_bytes());
    assert_eq!(raw::status_of(&answer), Some(421), "{answer}");
    let absolute =
        b"GET http://evil.example/books HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(raw::status_of(&raw::exchange(server.address(), absolute)), Some(421));
    assert_eq!(server.get("/books").is(200)["page"]["totalElements"], 0);
}

#[test]
fn names_that_are_configured_are_answered() {
    let server = Server::configured(
        "[http]\npublic_url = \"https://rent.example/api\"\n[auth]\nhosts = [\"Shop.example\"]\n",
    );
    for host in ["shop.example", "rent.example:443", "localhost"] {
        for_host(&server, host, "/books").is(200);
    }
    for_host(&server, "evil.example", "/books").is(421);
}

#[test]
fn other_nodes_are_answered_by_whatever_name_they_know_this_one() {
    let server = Server::configured("[node]\ncredential = \"0123456789abcdef\"\n");
    let asked_with = |credential: &str| {
        server.call("GET", "/internal/contexts", |request| {
            request.header("host", "book.internal:8088").bearer_auth(credential)
        })
    };
    asked_with("0123456789abcdef").is(200);
    asked_with("0123456789abcdeg").refuses(421, "misdirected");
}

#[test]
fn a_request_through_an_unknown_proxy_is_refused() {
    let server = Server::start(&[]);
    for (name, value) in [
        ("X-Forwarded-For", "192.0.2.1"),
        ("Forwarded", "for=192.0.2.1"),
        ("X-Forwarded-Host", "localhost"),
    ] {
        let answer = server.call("GET", "/books", |request| request.header(name, value));
        assert_eq!(answer.problem(403), "proxy-unknown", "{name}");
    }
    let trusting = Server::configured("[http]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    let proxied = trusting.call("GET", "/books", |request| {
        request.header("host", "shop.example").header("X-Forwarded-For", "192.0.2.1")
    });
    proxied.is(200);
}
