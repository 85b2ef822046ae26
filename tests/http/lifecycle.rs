//! What a server logs of its start and its end.

use serde_json::Value;
use support::{Server, eventually};

/// The JSON line with this message, once it is there.
fn line(server: &Server, message: &str) -> Value {
    eventually(&format!("`{message}` is logged"), || {
        let said = server.said();
        let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut found = lines.filter(|line| line["message"] == message);
        let first = found.next()?;
        assert!(found.next().is_none(), "twice: {said}");
        Some(first)
    })
}

fn text<'a>(line: &'a Value, field: &str) -> &'a str {
    line[field].as_str().unwrap_or_else(|| panic!("no {field} in {line}"))
}

fn number(line: &Value, field: &str) -> u64 {
    line[field].as_u64().unwrap_or_else(|| panic!("no {field} in {line}"))
}

#[test]
fn a_server_logs_one_line_when_it_has_started_and_one_when_it_has_stopped() {
    let toml = "http.probes = '127.0.0.1:0'\nnode.name = 'one'\n";
    let mut server = Server::of("bookrent", toml, &["--clock", "2030-01-01T00:00:00Z"]);
    let started = line(&server, "server started");
    assert_eq!(text(&started, "level"), "INFO");
    assert_eq!(text(&started, "version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&started, "listen"), server.address());
    assert_eq!(text(&started, "probes"), server.probes());
    assert_eq!(text(&started, "data"), server.data().display().to_string());
    assert_eq!(text(&started, "systems"), "bookrent");
    let contexts = "bookrent.book,bookrent.rent,bookrent.delivery,bookrent.view";
    assert_eq!(text(&started, "contexts"), contexts);
    assert_eq!(text(&started, "node"), "one");
    assert_eq!(number(&started, "replayed"), 0);
    assert!(text(&started, "clock").starts_with("2030-01-01T"), "{started}");
    assert!(number(&started, "clock_ahead_s") > 0, "{started}");
    for field in ["recovery_ms", "start_ms", "last_commit"] {
        number(&started, field);
    }
    let book = server.register_book("title01");
    server.rent(book, 1);
    // What was acknowledged last is in the journal, unless a run has it already.
    let replayed = (0..10).find_map(|_| {
        server.register_book("title02");
        server.kill();
        server.restart();
        Some(line(&server, "server started")).filter(|line| number(line, "replayed") > 0)
    });
    let started = replayed.expect("nothing is ever replayed");
    let before = number(&started, "last_commit");
    assert!(before > 0, "{started}");
    server.register_book("title02");
    assert!(server.terminate().success());
    let stopped = line(&server, "server stopped");
    assert_eq!(text(&stopped, "level"), "INFO");
    assert_eq!(text(&stopped, "reason"), "signal");
    assert!(number(&stopped, "commits") > 0, "{stopped}");
    assert_eq!(number(&stopped, "last_commit"), before + number(&stopped, "commits"));
    assert_eq!(number(&stopped, "lost"), 0);
    number(&stopped, "uptime_s");
    // It is the last line.
    let said = server.said();
    assert!(!said.contains("actix"), "the server speaks for itself: {said}");
    assert!(said.trim_end().lines().next_back().unwrap().contains("server stopped"), "{said}");
}

#[test]
fn the_lines_are_there_as_text_too() {
    let environment = [("HOLDFAST_LOG_FORMAT", "text")];
    let mut server = Server::among(&environment, "127.0.0.1:0", "gbike", "", &[]);
    assert!(server.terminate().success());
    let said = eventually("both are logged", || {
        let said = server.said();
        said.contains("server stopped").then_some(said)
    });
    let find = |message: &str| said.lines().find(|line| line.contains(message)).unwrap();
    let started = find("server started");
    for field in
        ["version=", "listen=127.0.0.1:", "systems=\"gbike\"", "replayed=0", "recovery_ms="]
    {
        assert!(started.contains(field), "no {field} in {started}");
    }
    assert!(find("server stopped").contains("reason=\"signal\""), "{said}");
}
