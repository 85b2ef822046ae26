//! What is no HTTP, or comes too slowly.

use super::*;

#[test]
fn what_is_no_http_is_turned_away() {
    let world = Guarded::start();
    let address = world.server.address();
    let host = format!("Host: {address}\r\n");
    let json = "Content-Type: application/json\r\n";
    let book = r#"{"title": "t"}"#;
    let malformed = [
        "GARBAGE\r\n\r\n".to_owned(),
        format!("POST /books HTTP/9.9\r\n{host}\r\n"),
        format!("GET /books\0 HTTP/1.1\r\n{host}\r\n"),
        format!("POST /books HTTP/1.1\r\n{host}Content-Length: -5\r\n\r\n{book}"),
        format!(
            "POST /books HTTP/1.1\r\n{host}Content-Length: 14\r\nTransfer-Encoding: chunked\r\n\r\n{book}"
        ),
        format!(
            "POST /books HTTP/1.1\r\n{host}Content-Length: 14\r\nContent-Length: 15\r\n\r\n{book}"
        ),
        format!(
            "POST /books HTTP/1.1\r\n{host}{json}Transfer-Encoding: chunked\r\n\r\nzz\r\n{book}\r\n0\r\n\r\n"
        ),
        format!("POST /books HTTP/1.1\r\n{host}Content Length: 14\r\n\r\n{book}"),
        format!("GET /books HTTP/1.1\r\n{host}X-Huge: {}\r\n\r\n", "x".repeat(300_000)),
        format!("GET /books HTTP/1.1\r\n{host}{}\r\n", "X-Many: x\r\n".repeat(2_000)),
    ];
    for bytes in malformed {
        let heard = exchange(address, bytes.as_bytes());
        let problem = problem_of(&heard);
        let code = if bytes.contains("X-") { "headers-too-large" } else { "bad-request" };
        assert_eq!(problem["code"], code, "{bytes:.80} was answered {heard:.400}");
        assert!(problem["detail"].as_str().is_some_and(|words| !words.is_empty()), "{heard}");
    }
    world.is_unchanged();
}

#[test]
fn what_came_before_garbage_is_answered_as_ever() {
    let world = Guarded::start();
    let address = world.server.address();
    let heard = exchange(
        address,
        format!("GET /books/1 HTTP/1.1\r\nHost: {address}\r\n\r\nGARBAGE\r\n\r\n").as_bytes(),
    );
    assert_eq!(status_of(&heard), Some(200), "{heard}");
    let (_, then) = heard.split_once("}HTTP/1.1").expect("there are two answers");
    assert_eq!(problem_of(&format!("HTTP/1.1{then}"))["code"], "bad-request", "{heard}");
}

#[test]
fn a_request_that_is_too_slow_is_refused_as_such() {
    let world = Guarded::start();
    let address = world.server.address();
    let host = format!("Host: {address}\r\n");
    let body = format!(
        "POST /books HTTP/1.1\r\n{host}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"title\":"
    );
    let head = format!("POST /books HTTP/1.1\r\n{host}Content-Ty");
    thread::scope(|scope| {
        let body = scope.spawn(|| exchange(address, body.as_bytes()));
        let head = scope.spawn(|| exchange(address, head.as_bytes()));
        let heard = body.join().unwrap();
        assert_eq!(status_of(&heard), Some(408), "{heard}");
        assert_eq!(problem_of(&heard)["code"], "request-timeout");
        let heard = head.join().unwrap();
        assert_eq!(status_of(&heard), Some(408), "{heard}");
        assert_eq!(problem_of(&heard)["code"], "request-timeout");
    });
    world.is_unchanged();
}
