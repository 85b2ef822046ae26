//! Other nodes that answer too much, or break off.

use super::connection::{Connection, resident, text};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};
use support::{Server, eventually};

/// Hears one request, and gives that answer. Says the head of the request, in lower case.
pub fn answer_once(listener: &TcpListener, answer: &str) -> String {
    let mut stream = listener.accept().unwrap().0;
    let head = hear(&mut stream);
    stream.write_all(answer.as_bytes()).unwrap();
    head
}

fn hear(stream: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    let mut part = [0; 4096];
    while !heard.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part) {
            Ok(0) | Err(_) => break,
            Ok(read) => heard.extend_from_slice(&part[..read]),
        }
    }
    String::from_utf8_lossy(&heard).to_lowercase()
}

/// A node that gives each request the same answer: a head, and so many bytes.
fn talker(head: &'static str, bytes: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut stream = stream;
                hear(&mut stream);
                let piece = vec![b' '; 64 * 1024];
                let mut left = bytes;
                if stream.write_all(head.as_bytes()).is_err() {
                    return;
                }
                while left > 0 {
                    let now = left.min(piece.len());
                    let chunked = head.contains("chunked");
                    let size = if chunked { format!("{now:x}\r\n") } else { String::new() };
                    let end = if chunked { "\r\n" } else { "" };
                    let piece = [size.as_bytes(), &piece[..now], end.as_bytes()].concat();
                    if stream.write_all(&piece).is_err() {
                        return;
                    }
                    left -= now;
                }
                if head.contains("chunked") {
                    let _ = stream.write_all(b"0\r\n\r\n");
                }
            });
        }
    });
    address
}

fn asking(contexts: &str, peer: &str, further: &str) -> Server {
    let toml = format!(
        "[guard.\"bookrent.book\"]\ntimeout_ms = 20000\n[http]\nprobes = '127.0.0.1:0'\n[node]\n{further}\n\
         credential = 'a-credential-for-tests-only'\n[peers]\n'bookrent.book' = 'http://{peer}'\n"
    );
    Server::of("bookrent", &toml, &["--contexts", contexts])
}

#[test]
fn a_peers_body_is_passed_on_as_it_arrives_and_not_buffered() {
    let length = 12 << 20;
    let peer = talker("HTTP/1.1 200 OK\r\nContent-Length: 12582912\r\n\r\n", length);
    let server = asking("none", &peer, "");
    let before = resident(&server);
    let mut readers: Vec<_> = (0..30)
        .map(|_| {
            let mut wire = Connection::to(server.address());
            wire.say(&text("GET", "/books", ""));
            wire
        })
        .collect();
    // One of them reads it all; what the others have not read would be 350 MB.
    assert_eq!(readers.pop().unwrap().hear().unwrap().is(200).body.len(), length);
    let after = resident(&server);
    assert!(after < before + 80, "{before} MiB, then {after} MiB");
}

#[test]
fn an_answer_that_is_too_large_is_refused_or_broken_off() {
    let large = talker("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", 1_000_000);
    let server = asking("none", &large, "answer_limit = 100000");
    server.get("/books").refuses(502, "bad-gateway");
    // What was sent may have been done, whatever was answered.
    Connection::to(server.address())
        .ask("POST", "/books", "{\"title\":\"t\"}")
        .refuses(500, "outcome-unknown");
    let endless = talker("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 1 << 30);
    let server = asking("none", &endless, "answer_limit = 100000");
    let mut wire = Connection::to(server.address());
    wire.say(&text("GET", "/books", ""));
    wire.ends();
    assert!(resident(&server) < 150, "{} MiB", resident(&server));
    // A small one without a length is as good as any.
    let small = talker("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 20);
    let server = asking("none", &small, "answer_limit = 100000");
    assert_eq!(server.get("/books").is(200).text.len(), 20);
    // One that breaks off is none.
    let short = talker("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 20);
    let server = asking("none", &short, "");
    server.get("/books").refuses(503, "context-away");
}

#[test]
fn questions_and_logs_are_not_answered_at_any_length() {
    let endless = talker(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        1 << 30,
    );
    let server =
        asking("bookrent.rent,bookrent.delivery,bookrent.view", &endless, "answer_limit = 200000");
    let rent = server.rent(1, 1);
    assert_eq!(rent["status"], "Fail", "{}", rent.text);
    assert!(resident(&server) < 150, "{} MiB", resident(&server));
    let toml = format!(
        "[node]\nanswer_limit = 200000\ncredential = 'a-credential-for-tests-only'\n[peers]\n\
         'bookrent.rent' = 'http://{endless}'\n'bookrent.delivery' = 'http://{endless}'\n"
    );
    let listener = Server::of("bookrent", &toml, &["--contexts", "bookrent.view"]);
    eventually("the logs of the other node are not read", || {
        listener.get("/actuator/health").is(200).text.contains("node.answer_limit").then_some(())
    });
    assert!(resident(&listener) < 150, "{} MiB", resident(&listener));
}
