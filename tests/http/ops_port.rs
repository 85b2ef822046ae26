//! A port for operators: what is for them is there alone, and nothing else is there.

use serde_json::json;
use support::{Server, eventually, holdfast, raw};

/// What is for operators.
const FOR_OPERATORS: [&str; 9] = [
    "/admin/contexts",
    "/admin/parked",
    "/admin/sagas",
    "/admin/nodes",
    "/admin/audit",
    "/admin/keys",
    "/metrics",
    "/actuator/prometheus",
    "/readyz?verbose",
];

#[test]
fn what_is_for_operators_is_on_their_port_alone() {
    let server =
        Server::configured("[ops]\nlisten = \"127.0.0.1:0\"\n[http]\nprobes = \"127.0.0.1:0\"\n");
    let operator = server.operator();
    server.post("/books", json!({ "title": "title01", "status": true })).is(201);
    for path in FOR_OPERATORS {
        operator.get(path).is(200);
        server.get(path).refuses(404, "not-found");
    }
    for path in ["/livez", "/readyz", "/openapi.json", "/docs/"] {
        operator.get(path).is(200);
        server.get(path).is(200);
    }
    for path in
        ["/books", "/bookrent/books/1", "/events", "/events/bookrent.book", "/internal/contexts"]
    {
        operator.get(path).refuses(404, "not-found");
    }
    let stop = |client: &support::Client| {
        client.call("POST", "/admin/contexts/bookrent.view/stop", |request| request)
    };
    stop(&server).refuses(404, "not-found");
    stop(&operator).is(200);
    let health = |client: &support::Client| client.get("/actuator/health").is(200);
    assert!(!health(&operator).body["components"].is_null());
    assert!(health(&server).body["components"].is_null(), "{}", health(&server).text);
    // The probes that orchestrators ask answer as ever, and tell no details.
    let probe = |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        raw::exchange(server.probes(), request.as_bytes())
    };
    assert!(probe("/livez").starts_with("HTTP/1.1 200"));
    for path in ["/metrics", "/readyz?verbose"] {
        assert!(probe(path).starts_with("HTTP/1.1 404"), "{path}");
    }
    eventually("its log line has the port", || {
        server.said().contains("\"operations\":\"127.0.0.1:").then_some(())
    });
}

#[test]
fn no_address_is_listened_on_twice() {
    let refuses = |key: &str, by: &str, variables: &[(&str, &str)]| {
        let mut command = holdfast();
        command.args(["check-config", "--listen", "127.0.0.1:9090"]);
        let checked = command.envs(variables.iter().copied()).output().unwrap();
        let said = String::from_utf8(checked.stderr).unwrap();
        assert_eq!(checked.status.code(), Some(78), "{said}");
        assert!(said.contains(key) && said.contains(&format!("address of `{by}`")), "{said}");
    };
    let ops = |address| ("HOLDFAST_OPS__LISTEN", address);
    let probes = |address| ("HOLDFAST_HTTP__PROBES", address);
    refuses("ops.listen", "http.listen", &[ops("127.0.0.1:9090")]);
    refuses("http.probes", "http.listen", &[probes("127.0.0.1:9090")]);
    refuses("http.probes", "http.listen", &[probes("0.0.0.0:9090")]);
    refuses("ops.listen", "http.probes", &[probes("127.0.0.1:9091"), ops("127.0.0.1:9091")]);
    let one_system = ("HOLDFAST_SYSTEMS__ENABLED", "bookrent");
    let ports = ("HOLDFAST_COMPAT__PORTS", "true");
    refuses("ops.listen", "compat.ports", &[one_system, ports, ops("127.0.0.1:8081")]);
}

#[test]
fn a_port_for_operators_that_others_reach_needs_authentication() {
    let check = |allow: bool| {
        let mut command = holdfast();
        command.arg("check-config").env("HOLDFAST_OPS__LISTEN", "0.0.0.0:9090");
        if allow {
            command.env("HOLDFAST_AUTH__ALLOW_OPEN_BEYOND_LOOPBACK", "true");
        }
        command.output().unwrap()
    };
    let refused = check(false);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(78), "{said}");
    assert!(said.contains("ops.listen") && said.contains("0.0.0.0:9090"), "{said}");
    assert!(check(true).status.success());
}
