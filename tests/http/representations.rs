//! In which form answers come: compressed, without a body, with addresses as clients see them, readable to other origins.

use serde_json::{Value, json};
use std::io::Read;
use support::{Answer, Server, raw};

fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    server.call("GET", path, |mut request| {
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
    })
}

/// The bytes of the answer, which the client of the tests would take for text.
fn bytes(server: &Server, path: &str, coding: &str) -> (String, Vec<u8>) {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {coding}\r\nConnection: close\r\n\r\n"
    );
    let mut socket = std::net::TcpStream::connect(server.address()).unwrap();
    std::io::Write::write_all(&mut socket, request.as_bytes()).unwrap();
    let mut all = Vec::new();
    socket.read_to_end(&mut all).unwrap();
    let end = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8(all[..end].to_vec()).unwrap().to_lowercase(), all[end + 4..].to_vec())
}

#[test]
fn documents_are_compressed_for_those_who_take_that() {
    let server = Server::start(&[]);
    for path in ["/openapi.json", "/asyncapi.json", "/docs/swagger-ui.css", "/metrics"] {
        let plain = get(&server, path, &[]).is(200);
        assert_eq!(plain.header("content-encoding"), "");
        assert!(plain.header("vary").contains("Accept-Encoding"), "{path}: {:?}", plain.headers);
        let (head, body) = bytes(&server, path, "br, gzip");
        assert!(head.contains("content-encoding: gzip"), "{path}: {head}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{path}: {head}");
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut unpacked).unwrap();
        assert!(body.len() < unpacked.len(), "{path}");
        if path != "/metrics" {
            assert_eq!(String::from_utf8(unpacked).unwrap(), plain.text, "{path}");
        }
        let (head, _) = bytes(&server, path, "gzip;q=0, identity");
        assert!(!head.contains("content-encoding"), "{path}: {head}");
    }
    let (_, body) = bytes(&server, "/openapi.json", "gzip");
    assert!(body.len() < 40_000, "{}", body.len());
    let schema = "/schemas/io.holdfast.bookrent.rent.BookRented.v1.json";
    for path in ["/livez", "/", "/docs/swagger-initializer.js", schema] {
        let (head, _) = bytes(&server, path, "gzip");
        assert!(!head.contains("content-encoding"), "{path} is small: {head}");
    }
}

#[test]
fn a_document_that_the_client_has_is_not_sent_again() {
    let server = Server::start(&[]);
    let plain = get(&server, "/openapi.json", &[]).header("etag").to_owned();
    let gzip =
        get(&server, "/openapi.json", &[("Accept-Encoding", "gzip")]).header("etag").to_owned();
    assert_ne!(plain, gzip, "a strong validator is of one representation");
    for (tag, coding, status) in [
        (&plain, "identity", 304),
        (&gzip, "gzip", 304),
        (&plain, "gzip", 200),
        (&gzip, "identity", 200),
    ] {
        let headers = [("If-None-Match", tag.as_str()), ("Accept-Encoding", coding)];
        assert_eq!(get(&server, "/openapi.json", &headers).status, status, "{tag} {coding}");
    }
}

#[test]
fn head_is_get_without_the_body() {
    let server = Server::start(&[]);
    server.rent(server.register_book("title"), 1);
    for path in [
        "/",
        "/livez",
        "/readyz",
        "/openapi.json",
        "/docs",
        "/docs/",
        "/events",
        "/events/bookrent.rent",
        "/books",
        "/books/1",
        "/books/9",
        "/events?x=1",
        "/admin/contexts",
        "/admin/parked",
        "/admin/sagas",
        "/admin/sagas/bookrent/1",
        "/schemas/io.holdfast.bookrent.rent.BookRented.v1.json",
    ] {
        let headers = |method: &str| {
            let text =
                format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            let heard = raw::exchange(server.address(), text.as_bytes());
            let (head, body) = heard.split_once("\r\n\r\n").unwrap();
            let lines = head.lines().filter(|line| !line.to_lowercase().starts_with("date:"));
            let mut lines: Vec<_> = lines.map(str::to_owned).collect();
            lines[1..].sort_unstable();
            (lines, body.to_owned())
        };
        let (of_get, _) = headers("GET");
        let (of_head, body) = headers("HEAD");
        assert_eq!(of_head, of_get, "{path}");
        assert_eq!(body, "", "{path}");
    }
    let stream = "HEAD /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nConnection: close\r\n\r\n";
    let heard = raw::exchange(server.address(), stream.as_bytes());
    assert!(heard.to_lowercase().contains("content-type: text/event-stream"), "{heard}");
    assert!(heard.ends_with("\r\n\r\n"), "{heard}");
}

#[test]
fn links_have_the_address_that_a_trusted_proxy_reports() {
    let trusting = Server::configured("[http]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    // It listens for others too, so any proxy may pass requests on to it, and it believes none.
    let open = "[auth]\nallow_open_beyond_loopback = true\n";
    let wary = Server::at("0.0.0.0:0", "bookrent", open, &[]);
    let headers = [
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "shop.example"),
        ("X-Forwarded-Port", "8443"),
        ("X-Forwarded-Prefix", "/rentals/"),
    ];
    for server in [&trusting, &wary] {
        server.register_book("title");
    }
    let href = |server: &Server| {
        let book = get(server, "/books/1", &headers).is(200);
        book["_links"]["self"]["href"].as_str().unwrap().to_owned()
    };
    assert_eq!(href(&trusting), "https://shop.example:8443/rentals/books/1");
    assert!(!href(&wary).contains("rentals") && !href(&wary).contains("8443"), "{}", href(&wary));
    let created = trusting.call("POST", "/books", |mut request| {
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.json(&json!({"title": "t"}))
    });
    assert_eq!(created.header("location"), "https://shop.example:8443/rentals/books/2");
    let events = get(&trusting, "/events", &headers).is(200);
    assert!(
        events.header("link").starts_with("</rentals/events?from="),
        "{}",
        events.header("link")
    );
    trusting.post("/rents", json!({"bookId": 1, "userId": 1, "address": "a"})).is(201);
    let saga = get(&trusting, "/admin/sagas/bookrent/1?limit=1", &headers).is(200);
    let next = saga["next"].as_str().unwrap();
    assert!(next.starts_with("/rentals/admin/sagas/bookrent/1?from="), "{next}");
    let document: Value = get(&trusting, "/openapi.json", &headers).is(200).body;
    assert_eq!(document["servers"][0]["url"], "/rentals");
    assert_eq!(trusting.get("/openapi.json").is(200)["servers"][0]["url"], "/");
    let evil = get(&trusting, "/books/1", &[("X-Forwarded-Prefix", "//evil.example")]).is(200);
    assert!(!evil.text.contains("evil"), "{}", evil.text);
}

#[test]
fn pages_are_restricted_and_other_answers_are_no_pages() {
    let server = Server::start(&[]);
    let html = [("Accept", "text/html")];
    let pages: [(&str, &[(&str, &str)]); 4] = [
        ("/docs/", &[]),
        ("/docs/swagger-ui-bundle.js", &[]),
        ("/docs/nothing.js", &[]),
        ("/problems/not-found", &html),
    ];
    for (path, headers) in pages {
        let page = get(&server, path, headers);
        let policy = page.header("content-security-policy");
        for part in
            ["default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"]
        {
            assert!(policy.split("; ").any(|given| given == part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(page.header("cross-origin-opener-policy"), "same-origin", "{path}");
    }
    for path in ["/books", "/openapi.json", "/problems/not-found", "/docsx"] {
        let answer = get(&server, path, &[("Accept", "application/json")]);
        assert_eq!(answer.header("content-security-policy"), "", "{path}");
    }
}

#[test]
fn no_answer_lets_a_script_of_another_origin_send_what_the_browser_keeps() {
    let own = "https://shop.example";
    let any = Server::start(&[]);
    let listed = Server::configured(&format!("[http]\ncors_origins = [\"{own}\"]\n"));
    for server in [&any, &listed] {
        let preflight = server.call("OPTIONS", "/rents", |request| {
            let request = request.header("Origin", own);
            request.header("Access-Control-Request-Method", "POST")
        });
        for answer in [preflight, get(server, "/books", &[("Origin", own)])] {
            assert_eq!(answer.header("access-control-allow-origin"), own);
            assert_eq!(answer.header("access-control-allow-credentials"), "");
        }
    }
}

#[test]
fn pages_of_other_origins_may_read_the_headers_that_a_client_needs() {
    let server = Server::start(&[]);
    let answer = get(&server, "/events", &[("Origin", "https://shop.example")]).is(200);
    let exposed = answer.header("access-control-expose-headers").to_lowercase();
    let exposed: Vec<_> = exposed.split(',').map(str::trim).collect();
    for name in [
        "link",
        "etag",
        "location",
        "retry-after",
        "holdfast-outcome",
        "idempotent-replayed",
        "allow",
        "x-correlation-id",
    ] {
        assert!(exposed.contains(&name), "{name} is not in {exposed:?}");
    }
}

#[test]
fn metrics_come_in_the_format_that_the_client_prefers() {
    let server = Server::start(&[]);
    server.rent(server.register_book("title"), 1);
    let of = |accept: &str| get(&server, "/metrics", &[("Accept", accept)]).is(200);
    for accept in ["text/plain", "*/*", "text/html,*/*;q=0.8"] {
        let prometheus = of(accept);
        assert_eq!(prometheus.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        assert!(prometheus.text.contains("\n# TYPE holdfast_events_total counter\n"));
        assert!(!prometheus.text.contains("# EOF") && !prometheus.text.contains("# UNIT"));
    }
    let scraper = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
    for accept in ["application/openmetrics-text", scraper] {
        let open = of(accept);
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert_eq!(open.header("content-type"), kind);
        assert!(open.text.contains("\n# TYPE holdfast_events counter\n"));
        assert!(open.text.ends_with("# EOF\n"));
    }
}
