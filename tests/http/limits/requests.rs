//! How requests may come in: one after another, in pieces, slowly, and how large.

use super::connection::{Connection, text};
use serde_json::json;
use support::Server;

fn server(further: &str) -> Server {
    Server::of("bookrent", &format!("[http]\n{further}"), &[])
}

#[test]
fn pipelined_requests_are_answered_in_order_however_they_are_cut() {
    let server = server("");
    let books: Vec<_> = (0..20).map(|n| server.register_book(&format!("title{n}"))).collect();
    let mut all = String::new();
    for n in 0..500 {
        let book = books[n % books.len()];
        all += &text("GET", &format!("/books/{book}"), "");
        // With a body, of which a part looks like the end of a head.
        all += &text("POST", "/books", "{\r\n\r\n\r\n\r\n\"title\"\n\n:\"t\"}");
    }
    // The smallest pieces are of the beginning only.
    for (size, length) in
        [(1, 600), (7, 2000), (100, all.len()), (4096, all.len()), (all.len(), all.len())]
    {
        let said = &all[..length];
        let mut wire = Connection::to(server.address());
        let mut listening = wire.again();
        let (answers, shown) = std::thread::scope(|scope| {
            let heard = scope.spawn(move || {
                let mut answers = 0;
                let mut shown = Vec::new();
                while let Some(heard) = listening.hear() {
                    answers += 1;
                    if heard.status == 200 {
                        shown.push(heard.json()["id"].as_u64().unwrap());
                    } else {
                        heard.is(201);
                    }
                }
                (answers, shown)
            });
            for piece in said.as_bytes().chunks(size) {
                wire.say(std::str::from_utf8(piece).unwrap());
            }
            wire.end();
            heard.join().unwrap()
        });
        let whole = said.matches(" HTTP/1.1\r\nHost: localhost\r\n").count();
        // The last one may be cut off in its head or its body.
        assert!(
            answers == whole || (length < all.len() && answers + 1 == whole),
            "{answers} of {whole}"
        );
        let wanted: Vec<_> = (0..500).map(|n| books[n % books.len()]).take(shown.len()).collect();
        assert_eq!(shown, wanted, "in pieces of {size}");
    }
}

#[test]
fn a_body_may_have_as_many_blank_lines_as_it_likes() {
    let server = server("");
    let mut wire = Connection::to(server.address());
    for line in ["\n", "\r\n", "\r\n\r\n\n"] {
        let body = format!("{{{}\"title\":\"t\"}}", line.repeat(60_000 / line.len()));
        wire.ask("POST", "/books", &body).is(201);
    }
    wire.say("POST /books HTTP/1.1\nHost: localhost\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n");
    wire.say("b\r\n{\"title\":\r\n\r\n");
    assert_eq!(wire.hear().unwrap().status / 100, 4, "a chunk that is too long");
    let mut wire = Connection::to(server.address());
    wire.say("POST /books HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
    for part in ["{\"title\"", ":\n\n", "\"t\"", "}"] {
        wire.say(&format!("{:x}\r\n{part}\r\n", part.len()));
    }
    wire.say("0\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    wire.hear().unwrap().is(201);
    wire.hear().unwrap().is(200);
}

#[test]
fn every_head_has_its_time_and_not_the_first_only() {
    let server = server("header_timeout_ms = 500\n");
    let mut wire = Connection::to(server.address());
    wire.ask("GET", "/livez", "").is(200);
    wire.say("GET /livez HTTP/1.1\r\nHo");
    wire.hear().unwrap().refuses(408, "request-timeout");
    wire.has_ended();
    // One that sends nothing at all.
    let mut wire = Connection::to(server.address());
    wire.hear().unwrap().refuses(408, "request-timeout");
    // And one that goes on and on with a body that no route takes.
    let mut wire = Connection::to(server.address());
    wire.say(
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
    );
    wire.hear().unwrap().is(200);
    wire.say("1\r\na\r\n");
    wire.has_ended();
}

#[test]
fn addresses_and_heads_have_a_size() {
    let server = server("");
    let of_length =
        |length: usize| format!("/rents?status={}", "a".repeat(length - "/rents?status=".len()));
    Connection::to(server.address()).ask("GET", &of_length(8 * 1024), "").is(200);
    for length in [8 * 1024 + 1, 9000, 31_000, 33_000, 70_000, 200_000] {
        let mut wire = Connection::to(server.address());
        wire.say(&text("GET", &of_length(length), ""));
        wire.hear().unwrap().refuses(414, "uri-too-long");
    }
    // Also where it comes slowly, and in whatever form.
    let mut wire = Connection::to(server.address());
    wire.say(&format!("GET {}", of_length(20_000)));
    wire.hear().unwrap().refuses(414, "uri-too-long");
    for (lines, length) in [(1, 33_000), (30, 1200), (95, 400)] {
        let mut wire = Connection::to(server.address());
        wire.ask("GET", "/livez", "").is(200);
        let headers = format!("X-Much: {}\r\n", "x".repeat(length)).repeat(lines);
        wire.say(&format!("GET /livez HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"));
        wire.hear().unwrap().refuses(431, "headers-too-large");
        wire.has_ended();
    }
    let headers = format!("X-Much: {}\r\n", "x".repeat(300)).repeat(90);
    let mut wire = Connection::to(server.address());
    wire.say(&format!("GET /livez HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"));
    wire.hear().unwrap().is(200);
}

#[test]
fn lists_in_headers_and_long_words_of_clients_do_no_harm() {
    let server = server("");
    let book = server.register_book("title");
    let tags: Vec<_> = (0..3000).map(|n| format!("\"{}\"", n + 100)).collect();
    let call = |name: &str, value: &str| {
        server.call("GET", &format!("/books/{book}"), |request| {
            request.header(name.to_owned(), value.to_owned())
        })
    };
    call("If-None-Match", &tags.join(",")).is(200);
    call("If-None-Match", &format!("{},\"1\"", tags.join(","))).is(304);
    call("Accept", &"text/html;q=0.1,".repeat(1500)).is(200);
    call("Accept-Language", &"ko;q=0.1,".repeat(3000)).is(200);
    call("Cookie", &"a=b; ".repeat(5000)).is(200);
    let long = "c".repeat(20_000);
    for name in ["X-Correlation-Id", "traceparent"] {
        let body = json!({"title": "title"});
        let answer = server
            .call("POST", "/books", |request| request.header(name, &long).json(&body))
            .is(201);
        let saga = server.get(&format!("/admin/sagas/bookrent.book/{}", answer.id()));
        assert!(!saga.text.contains("cccccc"), "{name} is kept");
        assert!(answer.headers.values().all(|value| value.len() < 1000), "{name} is echoed");
        let refused = server
            .call("GET", "/books/999", |request| request.header(name, format!("00-{long}-01")));
        assert!(refused.text.len() < 2000, "{name} is echoed in a problem");
    }
}

#[test]
fn an_offer_of_another_protocol_is_answered_in_this_one_and_the_connection_closes() {
    let server = server("");
    for offer in ["h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__", "websocket", "something"] {
        let offered = format!("Connection: Upgrade\r\nUpgrade: {offer}\r\n\r\n");
        let mut wire = Connection::to(server.address());
        wire.say(&format!("GET /livez HTTP/1.1\r\nHost: localhost\r\n{offered}"));
        assert_eq!(wire.hear().unwrap().is(200).field("connection"), "close", "{offer}");
        wire.has_ended();
    }
}
