//! The list of sagas: what is owed to orders, on one page and by filters; and the list of nodes.
use serde_json::{Value, json};
use support::{Server, eventually};

fn sagas(server: &Server, query: &str) -> Vec<Value> {
    server.get(&format!("/admin/sagas?{query}")).is(200)["sagas"].as_array().unwrap().clone()
}

#[test]
fn an_order_that_waits_for_a_stopped_context_is_listed_until_that_runs_again() {
    let server = Server::configured("[sagas]\nwaiting_after_ms = 1\n");
    server.register_book("title01");
    server.register_book("title02");
    server.rent(1, 7).has("status", "Rent");
    eventually("nothing is owed", || sagas(&server, "").is_empty().then_some(()));
    let ended = sagas(&server, "system=bookrent&state=ended");
    assert_eq!((ended.len(), &ended[0]["number"]), (1, &json!(1)), "{ended:?}");
    server.stop("bookrent.delivery");
    server.rent(2, 8).has("status", "Rent");
    let waiting =
        eventually("it waits", || sagas(&server, "state=waiting&context=bookrent.delivery").pop());
    assert_eq!(waiting["number"], 2, "{waiting}");
    assert_eq!(waiting["reason"], "context-away");
    assert_eq!(waiting["why"], "bookrent.delivery is stopped");
    assert_eq!(waiting["customer"], "8");
    assert_eq!(
        waiting["links"],
        json!({ "saga": "/admin/sagas/bookrent.rent/2", "item": "/bookrent/rents/2" })
    );
    server.get(waiting["links"]["saga"].as_str().unwrap()).is(200);
    server.get(waiting["links"]["item"].as_str().unwrap()).is(200);
    assert_eq!(sagas(&server, "state=waiting&context=bookrent.delivery&customer=7"), [0; 0]);
    let since = waiting["since"].as_str().unwrap();
    let of = "context=bookrent.delivery";
    assert_eq!(sagas(&server, &format!("{of}&from={since}")).len(), 1);
    assert_eq!(sagas(&server, &format!("{of}&to={since}")).len(), 0);
    // Its order is owed something, so it has not ended.
    let ended = sagas(&server, "state=ended");
    assert!(ended.iter().all(|row| row["number"] == 1), "{ended:?}");
    server.start_again("bookrent.delivery");
    eventually("nothing is owed", || sagas(&server, "").is_empty().then_some(()));
    let first = server.get("/admin/sagas?state=ended&limit=1").is(200);
    assert_eq!(first["sagas"][0]["number"], 2);
    let second = server.get(first["next"].as_str().unwrap()).is(200);
    assert_eq!(second["sagas"][0]["number"], 1);
    assert_eq!(sagas(&server, "state=failed"), [0; 0]);
    server.rent(2, 9).has("status", "Fail");
    let failed = eventually("one has failed", || sagas(&server, "state=failed").pop());
    assert_eq!((&failed["number"], &failed["outcome"]), (&json!(3), &json!("failed")));
}

#[test]
fn what_is_no_filter_is_refused_by_name() {
    let server = Server::start(&[]);
    for (query, code, named) in [
        ("state=stick", "bad-filter", "running, waiting, stuck, ended, failed"),
        ("system=movies", "bad-filter", "bookrent"),
        ("context=bookrent.nothing", "bad-filter", "bookrent.delivery"),
        ("from=yesterday", "bad-filter", "`from`"),
        ("limit=0", "bad-request", "`limit`"),
        ("cursor=x", "bad-request", "`cursor`"),
        ("cursor=bookrent.nothing~ask~1", "bad-request", "`cursor`"),
        ("stat=stuck", "bad-filter", "cursor, customer"),
        ("state=stuck&state=waiting", "bad-filter", "twice"),
    ] {
        let refused = server.get(&format!("/admin/sagas?{query}"));
        refused.refuses(400, code);
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains(named), "{query}: {detail}");
    }
}

#[test]
fn a_node_that_is_alone_is_the_only_one_on_the_list() {
    let server = Server::start(&[]);
    let nodes = server.get("/admin/nodes").is(200)["nodes"].as_array().unwrap().clone();
    assert_eq!(nodes.len(), 1);
    assert_eq!((&nodes[0]["state"], &nodes[0]["url"]), (&json!("ready"), &Value::Null));
    assert_eq!(nodes[0]["version"], env!("CARGO_PKG_VERSION"));
    server.stop("bookrent.view");
    let nodes = server.get("/admin/nodes").is(200);
    let contexts = nodes["nodes"][0]["contexts"].as_array().unwrap();
    let state =
        |name: &str| contexts.iter().find(|it| it["context"] == name).unwrap()["state"].clone();
    assert_eq!(
        (state("bookrent.view"), state("bookrent.rent")),
        (json!("stopped"), json!("running"))
    );
}
