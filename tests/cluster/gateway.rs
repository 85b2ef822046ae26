//! A node that hosts nothing shows the whole: the documents of all contexts, their condition, sagas, logs, wherever they
//! are; and it names the nodes that do not answer.
use holdfast::systems;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};
use support::{Client, Server, cluster::Cluster, eventually, holdfast, raw, run};

const CONTEXTS: [&str; 4] = ["book", "rent", "delivery", "view"];

fn bookrent() -> Cluster {
    Cluster::of("bookrent", &CONTEXTS, "")
}

/// A node of `system` without contexts, whose peers are away.
fn alone(system: &str, contexts: &[&str]) -> Server {
    let peers: String =
        contexts.iter().map(|name| format!("\"{name}\" = \"http://127.0.0.1:9\"\n")).collect();
    let toml = format!("[node]\ncredential = 'a-credential-for-tests-only'\n[peers]\n{peers}");
    Server::of(system, &toml, &["--contexts", "none"])
}

/// The document that `holdfast COMMAND` prints for a server that hosts all.
fn printed(command: &str, system: &str) -> Value {
    let output = run(holdfast().args([command, "--system", system]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_gateway_documents_all_contexts_that_it_forwards_to() {
    for system in systems::NAMES {
        let contexts = systems::contexts(system);
        let names: Vec<_> = contexts.iter().map(|context| context.name.context).collect();
        let gateway = alone(system, &names);
        assert_eq!(gateway.get("/openapi.json").is(200).body, printed("openapi", system));
        let events = gateway.get("/asyncapi.json").is(200).body;
        assert_eq!(events, printed("asyncapi", system));
        let kinds = events["components"]["schemas"].as_object().unwrap();
        assert!(kinds.len() > 5, "{kinds:?}");
        for kind in kinds.keys() {
            gateway.get(&format!("/schemas/io.holdfast.{kind}.v1.json")).is(200);
        }
        gateway.get("/docs/").is(200);
        let links = gateway.get("/").is(200)["_links"].as_object().unwrap().clone();
        for context in &contexts {
            let name = context.name;
            assert!(links.contains_key(&format!("{system}:{}", name.collection)), "{links:?}");
            let feed = format!("/events/{}", name.context);
            let listed = gateway.get("/events").is(200)["_links"][name.context].clone();
            let expected = json!({ "href": format!("{}{feed}", gateway.url()) });
            assert_eq!(listed, if context.is_view { Value::Null } else { expected });
        }
        let of_system = gateway.get(&format!("/events?system={system}")).is(200)["_links"].clone();
        assert_eq!(of_system, gateway.get("/events").is(200)["_links"]);
        gateway.get("/events?system=nothing").refuses(400, "bad-request");
    }
}

#[test]
fn a_context_whose_node_is_not_known_is_not_documented() {
    let gateway = alone("bookrent", &["bookrent.book", "bookrent.rent"]);
    let document = gateway.get("/openapi.json").is(200).body;
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.contains_key("/rents/{id}") && !paths.contains_key("/views/{id}"));
    let links = gateway.get("/").is(200).text;
    assert!(links.contains("/books\"") && !links.contains("/views\""), "{links}");
    gateway.get("/events/bookrent.delivery").problem(404);
    gateway.get("/events/bookrent.view").problem(404);
}

/// The contexts that a node lists: name, node and state.
fn listed(node: &Client) -> BTreeMap<String, (String, String)> {
    let listed = node.get("/admin/contexts").is(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let contexts = listed["contexts"].as_array().unwrap().iter();
    contexts
        .map(|context| {
            (text(&context["context"]), (text(&context["node"]), text(&context["state"])))
        })
        .collect()
}

#[test]
fn a_gateway_lists_the_contexts_of_all_nodes_and_names_those_that_do_not_answer() {
    let mut cluster = bookrent();
    let expected = |states: &dyn Fn(&str) -> &'static str| -> BTreeMap<_, _> {
        let entry = |name: &&str| {
            (format!("bookrent.{name}"), ((*name).to_owned(), states(name).to_owned()))
        };
        CONTEXTS.iter().map(entry).collect()
    };
    let gateway = cluster.gateway();
    assert_eq!(listed(gateway), expected(&|_| "running"));
    assert_eq!(listed(cluster.node("view")), expected(&|_| "running"));
    gateway.stop("bookrent.view");
    let stopped = |name: &str| if name == "view" { "stopped" } else { "running" };
    assert_eq!(listed(gateway), expected(&stopped));
    gateway.start_again("bookrent.view");
    let rebuild = gateway.call("POST", "/admin/views/bookrent.view/rebuild", |request| request);
    rebuild.is(200).has("context", "bookrent.view");

    cluster.kill("book");
    let gateway = cluster.gateway();
    let answer = gateway.get("/admin/contexts").is(200);
    let states: BTreeMap<_, _> = answer["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["contexts"][0].as_str().unwrap(), node["state"].as_str().unwrap()))
        .collect();
    let expected = [
        ("bookrent.book", "unreachable"),
        ("bookrent.rent", "reached"),
        ("bookrent.delivery", "reached"),
        ("bookrent.view", "reached"),
    ];
    assert_eq!(states, BTreeMap::from(expected));
    let names: BTreeSet<_> = listed(gateway).into_keys().collect();
    assert!(names.len() == 3 && !names.contains("bookrent.book"), "{names:?}");
    // Health shows it too, once it was asked for; a gateway stays ready.
    let line = "[-]node book at http://";
    eventually("health names the node", || {
        let report = gateway.get("/readyz?verbose").is(200).text;
        let found = report.lines().find(|line| line.contains("(bookrent.book)"))?;
        (found.starts_with(line) && found.contains("unreachable: no connection")).then_some(())
    });
    let health = gateway.get("/actuator/health").is(200).body;
    assert_eq!(health["components"]["nodes"]["status"], "UNKNOWN", "{health}");
    cluster.restart("book");
    let gateway = cluster.gateway();
    assert_eq!(listed(gateway).len(), 4);
    let health = gateway.get("/actuator/health").is(200).body;
    assert_eq!(health["components"]["nodes"]["status"], "UP", "{health}");
}

/// What happened, where, and to which number, in the order of each context.
fn told(saga: &Value) -> BTreeMap<String, Vec<(String, u64)>> {
    let mut told: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for entry in saga["entries"].as_array().unwrap() {
        let what = entry["what"].as_str().unwrap().to_owned();
        let context = entry["context"].as_str().unwrap().to_owned();
        told.entry(context).or_default().push((what, entry["number"].as_u64().unwrap()));
    }
    told
}

/// A rent that is canceled, to its end.
fn rent_and_cancel(client: &Client) {
    client.register_book("title01");
    client.rent(1, 1).has("status", "Rent");
    client.shows("/deliveries/1", json!({"status": "Delivery Started"}));
    client.cancel(1).is(200);
    client.shows("/books/1", json!({"status": true}));
    client
        .shows("/views/1", json!({"rentStatus": "Cancel", "deliveryStatus": "Delivery Cancelled"}));
}

#[test]
fn a_saga_is_gathered_from_all_nodes_as_one_node_has_it() {
    let whole = Server::start(&[]);
    rent_and_cancel(&whole);
    let expected = whole.get("/admin/sagas/bookrent/1").is(200).body;
    let mut cluster = bookrent();
    rent_and_cancel(cluster.gateway());
    let states = |saga: &Value| {
        let states = saga["states"].as_object().unwrap().iter();
        states
            .map(|(name, state)| (name.clone(), state["status"].clone()))
            .collect::<BTreeMap<_, _>>()
    };
    for node in ["gateway", "book", "view"] {
        let saga = cluster.node(node).get("/admin/sagas/bookrent/1").is(200).body;
        assert_eq!(told(&saga), told(&expected), "{node}: {saga}");
        assert_eq!(states(&saga), states(&expected), "{node}: {saga}");
    }
    // Page by page it is the same.
    let gateway = cluster.gateway();
    let mut path = "/admin/sagas/bookrent/1?limit=1".to_owned();
    let mut entries = Vec::new();
    loop {
        let page = gateway.get(&path).is(200).body;
        entries.extend_from_slice(page["entries"].as_array().unwrap());
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(told(&json!({ "entries": entries })), told(&expected));
    gateway.get("/admin/sagas/bookrent/99").refuses(404, "not-found");
    gateway.get("/admin/sagas/bookrent.nothing/1").refuses(404, "not-found");

    cluster.kill("delivery");
    let saga = cluster.gateway().get("/admin/sagas/bookrent/1").is(200).body;
    let mut known = told(&expected);
    known.remove("bookrent.delivery");
    assert_eq!(told(&saga), known);
    let away: Vec<_> = saga["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|node| node["state"] == "unreachable")
        .collect();
    assert_eq!(away.len(), 1, "{away:?}");
    assert_eq!(away[0]["contexts"], json!(["bookrent.delivery"]));
    let why = away[0]["error"].as_str().unwrap();
    assert!(why.starts_with("no connection: Connection refused"), "{why}");
    // What it would answer for another number is not known, which is not that there is none.
    let unknown = cluster.gateway().get("/admin/sagas/bookrent/99").is(200).body;
    assert_eq!(unknown["entries"], json!([]));
}

#[test]
fn a_node_that_never_answers_holds_up_what_is_gathered_for_a_bounded_time() {
    let cluster = bookrent();
    cluster.node("view").freeze(true);
    let answer = cluster.gateway().get("/admin/contexts").is(200);
    let nodes = answer["nodes"].as_array().unwrap();
    let silent = nodes.iter().find(|node| node["contexts"][0] == "bookrent.view").unwrap();
    assert!(silent["error"].as_str().unwrap().starts_with("no answer within"), "{silent}");
    assert_eq!(answer["contexts"].as_array().map(Vec::len), Some(3));
    cluster.node("view").freeze(false);
    eventually("it is listed again", || (listed(cluster.gateway()).len() == 4).then_some(()));
}

/// The lines of a stream of events, as they come.
fn stream(client: &Client, path: &str) -> impl Iterator<Item = String> + use<> {
    let mut wire = TcpStream::connect(client.address()).unwrap();
    wire.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
    wire.write_all(request.as_bytes()).unwrap();
    BufReader::new(wire).lines().map_while(Result::ok)
}

#[test]
fn the_events_of_a_node_are_read_by_the_gateway_page_by_page_and_as_they_happen() {
    let cluster = bookrent();
    let gateway = cluster.gateway();
    gateway.register_book("title01");
    let path = "/events/bookrent.book";
    let own = cluster.node("book").get(path).is(200);
    let passed_on = gateway.get(path).is(200);
    assert_eq!(
        (passed_on.text.as_str(), passed_on.header("link")),
        (own.text.as_str(), own.header("link"))
    );
    assert_eq!(own.body.as_array().map(Vec::len), Some(1));

    let mut lines = stream(gateway, path);
    assert!(lines.next().unwrap().contains("200"));
    let mut of_book = |title: &str| {
        let found = lines.find(|line| line.starts_with("data:") && line.contains(title));
        assert!(found.is_some(), "{title} is not in the stream");
    };
    of_book("title01");
    gateway.register_book("title02");
    of_book("title02");
}

#[test]
fn a_thing_of_another_node_is_shown_by_the_gateway_as_it_changes() {
    let cluster = bookrent();
    let gateway = cluster.gateway();
    let book = gateway.register_book("title01");
    let rent = gateway.rent(book, 7).id();
    let path = format!("/rents/{rent}");
    let listen = |path: &str| gateway.listen(path, |request| request).ok().unwrap();
    let [mut item, mut list] = [listen(&path), listen("/rents")];
    assert_eq!(item.event().data, gateway.get(&path).is(200).body);
    gateway.cancel(rent).is(200);
    for listener in [&mut item, &mut list] {
        let shown = listener.hears("message", &json!({ "id": rent, "status": "Cancel" }));
        let link = &shown.data["_links"]["self"]["href"];
        assert_eq!(*link, format!("{}{path}", gateway.url()));
    }
    let absent = gateway.listen("/rents/99", |request| request).err().unwrap();
    assert_eq!(absent.text, gateway.get("/rents/99").is(404).text);
}

#[test]
fn a_gateway_stops_while_streams_of_other_nodes_are_open() {
    let cluster = bookrent();
    let mut gateway = alone_before(&cluster);
    let mut lines = stream(&gateway, "/events/bookrent.book");
    assert!(lines.next().unwrap().contains("200"));
    assert!(gateway.terminate().success());
    assert_eq!(lines.last().as_deref(), Some(""), "the stream has ended");
}

#[test]
fn a_node_with_another_credential_is_named_and_learns_nothing() {
    let cluster = bookrent();
    let gateway = before(&cluster, "another-credential-for-tests");
    let answer = gateway.get("/admin/contexts").is(200);
    assert_eq!(answer["contexts"], json!([]));
    let error = answer["nodes"][0]["error"].as_str().unwrap();
    assert!(error.contains("node.credential"), "{error}");
    assert_eq!(gateway.get("/admin/sagas/bookrent.book/1").is(200)["entries"], json!([]));
}

/// Another gateway before the nodes of `cluster`, which may be stopped.
fn alone_before(cluster: &Cluster) -> Server {
    before(cluster, "a-credential-for-tests-only")
}

/// Another gateway before the nodes of `cluster`, with this credential.
fn before(cluster: &Cluster, credential: &str) -> Server {
    let book = cluster.node("book").url();
    let toml =
        format!("[node]\ncredential = '{credential}'\n[peers]\n\"bookrent.book\" = \"{book}\"\n");
    Server::of("bookrent", &toml, &["--contexts", "none"])
}

#[test]
fn business_time_moves_on_all_nodes() {
    let cluster = bookrent();
    let moved = cluster.gateway().post("/admin/clock", json!({"advance": "PT240H"})).is(200);
    assert_eq!(moved["nodes"].as_array().map(Vec::len), Some(4), "{}", moved.text);
    for name in ["gateway", "book", "rent", "delivery", "view"] {
        let health = cluster.node(name).get("/actuator/health").is(200).body;
        let ahead = health["components"]["clock"]["details"]["aheadSeconds"].as_i64();
        assert!(ahead.is_some_and(|ahead| ahead > 239 * 3600), "{name}: {health}");
    }
    cluster.gateway().post("/admin/clock", json!({"advance": "soon"})).problem(400);
}

#[test]
fn a_sender_who_may_not_is_refused_before_the_body_is_read() {
    let gateway = alone("bookrent", &["bookrent.book", "bookrent.rent"]);
    let unfinished = |who: &str, line: &str| {
        let head = format!(
            "{line} HTTP/1.1\r\nhost: localhost\r\nx-holdfast-as: {who}\r\ncontent-type: application/json\r\n\
             content-length: 9\r\nconnection: close\r\n\r\n{{"
        );
        raw::status_of(&raw::exchange(gateway.address(), head.as_bytes()))
    };
    assert_eq!(unfinished("customer/8", "POST /books"), Some(403));
    assert_eq!(unfinished("operator", "PATCH /rents/1"), Some(403));
    // Of one who may, it is read.
    assert_eq!(unfinished("customer/8", "POST /rents"), Some(408));
    assert_eq!(unfinished("staff", "POST /books"), Some(408));
}

#[test]
fn a_path_with_dot_segments_leads_nowhere() {
    let cluster = bookrent();
    for from in [
        "/rents/../..",
        "/rents/1/..",
        "/rents/%2e%2e/..",
        "/rents/.%2E/%2e.",
        "/rents/..\\..\\",
        "/rents/./",
    ] {
        for (method, to) in [
            ("GET", "/admin/contexts"),
            ("GET", "/metrics"),
            ("GET", "/books"),
            ("POST", "/admin/contexts/bookrent.book/stop"),
            ("POST", "/admin/keys"),
        ] {
            let line =
                format!("{method} {from}{to} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n");
            for node in [cluster.gateway(), cluster.node("rent")] {
                let heard = raw::exchange(
                    node.address(),
                    format!("{line}connection: close\r\n\r\n").as_bytes(),
                );
                assert!(matches!(raw::status_of(&heard), Some(400 | 404 | 405)), "{line}{heard}");
            }
        }
    }
    cluster.gateway().get("/books").is(200);
    assert_eq!(cluster.node("book").get("/admin/keys").is(200)["keys"], json!([]));
}
