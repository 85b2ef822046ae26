//! The listener for probes, while everything else is taken.

use super::connection::{Connection, refuses, text};
use std::{
    fs,
    net::TcpStream,
    time::{Duration, Instant},
};
use support::{Server, eventually, free_ports, holdfast};

fn ask(address: &str, path: &str) -> super::connection::Heard {
    Connection::to(address).ask("GET", path, "")
}

/// What is reported, without what differs at each moment.
fn at_rest(text: &str) -> String {
    let Ok(mut told) = serde_json::from_str::<serde_json::Value>(text) else {
        return text.to_owned();
    };
    for (component, detail) in [("clock", "now"), ("store", "freeBytes"), ("store", "diskBytes")] {
        let details = told.pointer_mut(&format!("/components/{component}/details"));
        if let Some(details) = details.and_then(|details| details.as_object_mut()) {
            details.remove(detail).expect(detail);
        }
    }
    told.to_string()
}

#[test]
fn probes_get_what_the_main_port_answers() {
    let server = Server::configured("[http]\nprobes = '127.0.0.1:0'\n");
    server.stop("bookrent.delivery");
    for path in [
        "/livez",
        "/readyz",
        "/readyz?verbose",
        "/readyz?verbose&exclude=store",
        "/actuator/health",
        "/actuator/health/liveness",
        "/actuator/health/readiness",
        "/actuator/info",
    ] {
        let there = server.get(path);
        let here = ask(server.probes(), path);
        assert_eq!(here.status, there.status, "{path}");
        let here_text = String::from_utf8(here.body.clone()).unwrap();
        assert_eq!(at_rest(&here_text), at_rest(&there.text), "{path}");
        assert_eq!(here.field("content-type"), there.header("content-type"), "{path}");
        assert_eq!(here.field("connection"), "close");
    }
    for path in ["/metrics", "/actuator/prometheus"] {
        let metrics = ask(server.probes(), path).is(200);
        assert_eq!(metrics.field("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        assert!(String::from_utf8(metrics.body).unwrap().contains("\nholdfast_build_info{"));
        let mut scraper = Connection::to(server.probes());
        let accept = "Accept: application/openmetrics-text\r\n";
        scraper.say(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{accept}\r\n"));
        let metrics = scraper.hear().unwrap().is(200);
        assert!(String::from_utf8(metrics.body).unwrap().ends_with("# EOF\n"));
    }
    for path in ["/", "/books", "/admin/contexts", "/internal/events/bookrent.book", "/livez/x", ""]
    {
        ask(server.probes(), path).refuses(404, "not-found");
    }
    Connection::to(server.probes()).ask("POST", "/livez", "{}").refuses(405, "method-not-allowed");
    let mut head = Connection::to(server.probes());
    head.say(&text("HEAD", "/livez", ""));
    let mut said = String::new();
    std::io::Read::read_to_string(head.stream(), &mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 200 OK") && said.ends_with("\r\n\r\n"), "{said}");
    // A client that sends nothing, or too much, keeps no other waiting, however many they are.
    let _silent: Vec<_> = (0..100).map(|_| TcpStream::connect(server.probes()).unwrap()).collect();
    let began = Instant::now();
    ask(server.probes(), "/livez").is(200);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let mut endless = Connection::to(server.probes());
    endless.stuff(&"x".repeat(100_000));
    endless.ends();
}

#[test]
fn probes_are_answered_while_the_main_port_is_taken_and_until_the_end() {
    let toml = "[http]\nprobes = '127.0.0.1:0'\nmax_connections = 4\ndrain_delay_ms = 60000\n\
                [guard.\"bookrent.book\"]\ntimeout_ms = 20000\n";
    let mut server = Server::configured(toml);
    let _busy = Connection::busy(&server, 4, 5000);
    Connection::to(server.address()).hear().unwrap().refuses(503, "retry-later");
    for path in ["/livez", "/readyz", "/actuator/health", "/metrics"] {
        ask(server.probes(), path).is(200);
    }
    // Frozen is the process, and not only its workers; a probe is then answered as soon as it goes on.
    server.freeze(true);
    let mut waits = Connection::to(server.probes());
    waits.say(&text("GET", "/livez", ""));
    server.freeze(false);
    waits.hear().unwrap().is(200);
    server.ask_to_stop();
    eventually("it is not ready", || (ask(server.probes(), "/readyz").status == 503).then_some(()));
    ask(server.probes(), "/livez").is(200);
    server.kill();
}

#[test]
fn metrics_need_the_key_of_an_operator_where_authentication_is_not_open_and_probes_do_not() {
    let toml = "[auth]\nmode = 'token'\n[http]\nprobes = '127.0.0.1:0'\n";
    let mut server = Server::configured(toml);
    assert!(server.terminate().success());
    let mut command = holdfast();
    command.args(["key", "add", "--name", "prometheus", "--role", "operator", "--data"]);
    let made = command.arg(server.data()).output().unwrap();
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    server.restart();
    for path in ["/livez", "/readyz", "/actuator/health"] {
        ask(server.probes(), path).is(200);
    }
    for path in ["/metrics", "/actuator/prometheus", "/readyz?verbose"] {
        // This port takes no credentials, so none would help there.
        let mut scraper = Connection::to(server.probes());
        let shown = format!("Authorization: Bearer {key}\r\n");
        scraper.say(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{shown}\r\n"));
        let refused = scraper.hear().unwrap();
        let text = String::from_utf8(refused.body.clone()).unwrap();
        refused.refuses(404, "not-found");
        assert!(text.contains("ops.listen"), "{text}");
        server.get(path).refuses(401, "invalid-token");
        server.call("GET", path, |request| request.bearer_auth(&key)).is(200);
    }
}

#[test]
fn the_address_of_probes_is_one_of_its_own() {
    let port = free_ports(1);
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("holdfast.toml");
    fs::write(&file, format!("[http]\nlisten = '127.0.0.1:{port}'\nprobes = '127.0.0.1:{port}'\n"))
        .unwrap();
    let mut check = holdfast();
    refuses(check.args(["check-config", "--config"]).arg(&file), 78, &["http.probes"]);
}
