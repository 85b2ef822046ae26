//! Events of one node for the contexts of others, over a real broker: whatever becomes of it, each is taken once, in
//! order, and what cannot be taken is set aside where an operator sees it.

mod seals;

use serde_json::{Value, json};
use std::thread;
use support::queue::Queue;
use support::{Client, Server, broker::Broker, cluster::Cluster, eventually};

/// BookRent, with a second node for the view.
fn bookrent(url: &str) -> Cluster {
    Cluster::with_two_views(&format!("[amqp]\nurl = '{url}'\n"))
}

/// Rents `count` books over the gateway, some at once, every fourth of them to be canceled.
fn load(gateway: &Client, count: u64) {
    thread::scope(|scope| {
        for user in 0..4 {
            let client = gateway.apart();
            scope.spawn(move || {
                for turn in 0..count / 4 {
                    let book = client.register_book("title01");
                    let rent = client.rent(book, user);
                    if turn % 4 == 0 {
                        client.cancel(rent.id()).is(200);
                    }
                }
            });
        }
    });
}

fn events(node: &Server, context: &str, from: &str) -> f64 {
    let line = format!("holdfast_inbox_events_total{{context=\"{context}\",from=\"{from}\"}} ");
    let text = node.get("/metrics").is(200).text;
    text.lines().find_map(|text| text.strip_prefix(&line)?.parse().ok()).unwrap()
}

fn replica(node: &Server, context: &str) -> Value {
    node.get("/actuator/health").is(200)["components"]["replicas"]["details"][context].clone()
}

/// Waits until both views have `count` rents, and holds that they are the same, and what the rents and deliveries are.
#[track_caller]
fn both_views_are_right(cluster: &Cluster, count: u64) {
    let row = |view: &Server, number: u64| view.get(&format!("/views/{number}")).text;
    for number in 1..=count {
        let rent = cluster.node("rent").get(&format!("/rents/{number}")).is(200);
        let delivery =
            if rent["status"] == "Cancel" { "Delivery Cancelled" } else { "Delivery Started" };
        for name in ["view", "another"] {
            let path = format!("/views/{number}");
            cluster
                .node(name)
                .shows(&path, json!({"rentStatus": rent["status"], "deliveryStatus": delivery}));
        }
        let links_apart = |name: &str| {
            let view = cluster.node(name);
            row(view, number).replace(view.url(), "")
        };
        assert_eq!(links_apart("view"), links_apart("another"), "rent {number}");
    }
}

/// Holds that each node has taken each event once: as many as the source has published.
#[track_caller]
fn each_was_taken_once(cluster: &Cluster) {
    for context in ["bookrent.rent", "bookrent.delivery"] {
        for name in ["view", "another"] {
            let health = replica(cluster.node(name), context);
            let whose = context.trim_start_matches("bookrent.");
            let said = cluster
                .node(whose)
                .metric(&format!("holdfast_events_total{{context=\"{context}\"}}"));
            assert_eq!(
                health["lastSequence"].as_f64(),
                Some(said),
                "{context} at {name}: {health}"
            );
        }
    }
}

/// What is parked on a node itself; what others have parked is listed with their context.
fn parked_at(node: &Server) -> Vec<Value> {
    let listed = node.get("/admin/parked").is(200)["parked"].as_array().unwrap().clone();
    let own = listed.into_iter().filter(|item| !item["id"].as_str().unwrap().contains('@'));
    own.collect()
}

fn is_fed(node: &Server, context: &str) -> Option<()> {
    (replica(node, context)["feed"] == "amqp").then_some(())
}
fn all_are_fed(cluster: &Cluster) {
    for name in ["view", "another", "delivery"] {
        eventually("the broker brings events", || is_fed(cluster.node(name), "bookrent.rent"));
    }
}

#[test]
fn events_come_by_the_broker_to_every_node_that_listens() {
    let broker = Broker::start();
    let cluster = bookrent(&broker.url());
    all_are_fed(&cluster);
    load(cluster.gateway(), 40);
    both_views_are_right(&cluster, 40);
    each_was_taken_once(&cluster);
    for name in ["view", "another"] {
        let (brought, asked) = ["broker", "source"]
            .map(|from| events(cluster.node(name), "bookrent.rent", from))
            .into();
        assert!(
            brought + asked >= 80.0 && brought > asked,
            "{brought} were brought, {asked} asked for"
        );
        let ready = cluster.node(name).get("/readyz?verbose").is(200).text;
        assert!(ready.contains("[+]events of bookrent.rent amqp"), "{ready}");
    }
}

#[test]
fn a_broker_that_is_killed_under_load_fails_no_request() {
    let mut broker = Broker::start();
    let cluster = bookrent(&broker.url());
    all_are_fed(&cluster);
    let gateway = cluster.gateway().apart();
    let clients = thread::spawn(move || load(&gateway, 200));
    eventually("some have come", || {
        (events(cluster.node("view"), "bookrent.rent", "broker") > 50.0).then_some(())
    });
    broker.kill();
    clients.join().unwrap();
    // The sources are asked instead.
    both_views_are_right(&cluster, 200);
    let health = replica(cluster.node("view"), "bookrent.rent");
    assert!(
        health["feed"].is_null() && health["feedError"].is_string() && health["error"].is_null(),
        "{health}"
    );
    broker.restart();
    all_are_fed(&cluster);
    load(cluster.gateway(), 40);
    both_views_are_right(&cluster, 240);
    each_was_taken_once(&cluster);
}

#[test]
fn a_view_that_is_killed_under_load_and_one_whose_queue_is_deleted_catch_up_with_the_other() {
    let broker = Broker::start();
    let mut cluster = bookrent(&broker.url());
    all_are_fed(&cluster);
    load(cluster.gateway(), 40);
    cluster.kill("another");
    load(cluster.gateway(), 80);
    cluster.restart("another");
    both_views_are_right(&cluster, 120);
    each_was_taken_once(&cluster);

    cluster.kill("another");
    let feeds =
        || broker.queues(".bookrent.rent").into_iter().filter(|queue| queue.contains(".feed."));
    let queues: Vec<_> = feeds().collect();
    assert_eq!(queues.len(), 4, "of the book, of the delivery and of two views: {queues:?}");
    queues.iter().for_each(|queue| broker.ctl(&["delete_queue", queue]));
    load(cluster.gateway(), 80);
    cluster.restart("another");
    both_views_are_right(&cluster, 200);
    each_was_taken_once(&cluster);
    all_are_fed(&cluster);
    assert_eq!(feeds().count(), 4);
}

#[test]
fn what_comes_again_late_and_out_of_order_has_no_second_effect() {
    let broker = Broker::start();
    let heard = Queue::bind(&broker.url(), "all", "bookrent.rent.*");
    let cluster = bookrent(&broker.url());
    all_are_fed(&cluster);
    load(cluster.gateway(), 40);
    both_views_are_right(&cluster, 40);
    let mut came = heard.take_all();
    came.reverse();
    for queue in broker.queues(".bookrent.rent").iter().filter(|queue| queue.contains(".feed.")) {
        Queue::of(&broker.url(), queue).put(&came);
    }
    for name in ["view", "another", "delivery"] {
        eventually("all of them came again", || {
            (replica(cluster.node(name), "bookrent.rent")["again"].as_u64()? >= came.len() as u64)
                .then_some(())
        });
    }
    both_views_are_right(&cluster, 40);
    each_was_taken_once(&cluster);
    let deliveries = cluster.node("delivery").get("/deliveries?size=1").is(200);
    assert_eq!(deliveries["page"]["totalElements"], 40);
}

#[test]
fn what_cannot_be_read_is_set_aside_and_stops_nothing() {
    let broker = Broker::start();
    let heard = Queue::bind(&broker.url(), "all", "bookrent.rent.*");
    let mut cluster = bookrent(&broker.url());
    all_are_fed(&cluster);
    load(cluster.gateway(), 4);
    both_views_are_right(&cluster, 4);
    let came = heard.take_all();
    let mut feeds = broker.queues(".bookrent.rent");
    feeds.retain(|queue| queue.contains(".feed."));
    let mut poison = came[0].clone();
    poison
        .headers
        .insert("cloudEvents:type".into(), "io.holdfast.bookrent.rent.BookBurnt.v1".into());
    poison.headers.insert("cloudEvents:id".into(), "1000000".into());
    feeds
        .iter()
        .filter(|queue| queue.contains(".feed."))
        .for_each(|queue| Queue::of(&broker.url(), queue).put(&[poison.clone()]));
    load(cluster.gateway(), 4);
    both_views_are_right(&cluster, 8);

    let view = cluster.node("view");
    let parked = || parked_at(view);
    let letter = eventually("it is set aside", || parked().pop());
    assert_eq!(
        (&letter["context"], &letter["headers"]["cloudEvents:id"]),
        (&json!("bookrent.rent"), &json!("1000000"))
    );
    let id = letter["id"].as_str().unwrap();
    let again = view.post(&format!("/admin/parked/{id}/redrive"), json!({}));
    again.problem(422);
    assert!(again["detail"].as_str().unwrap().contains("BookBurnt"), "{}", again.text);
    view.post(&format!("/admin/parked/{id}/drop"), json!({})).is(200);
    assert_eq!(parked(), Vec::<Value>::new());
    view.post(&format!("/admin/parked/{id}/drop"), json!({})).problem(404);

    // A sound one that was set aside while no listener was there can be tried again.
    let its_queue = {
        let before = feeds.clone();
        cluster.kill("view");
        let idle = eventually("its queue alone has no consumer", || {
            let heard = broker.tells(&["list_consumers", "queue_name", "--no-table-headers"]);
            let mut idle = before.iter().filter(|queue| !heard.contains(queue.as_str()));
            idle.next().filter(|_| idle.next().is_none()).cloned()
        });
        Queue::of(&broker.url(), &idle)
    };
    its_queue.put(&came[..1]);
    its_queue.reject(1);
    cluster.restart("view");
    let view = cluster.node("view");
    let parked = || parked_at(view);
    let letter = eventually("it is set aside", || parked().pop());
    assert!(letter["reason"].as_str().unwrap().contains("rejected"), "{letter}");
    // The gateway lists what is parked on all nodes, page by page, and passes on what is to be done with it.
    let gateway = cluster.gateway();
    let id = format!("{}@bookrent.view", letter["id"].as_str().unwrap());
    let mut listed = Vec::new();
    let mut path = "/admin/parked?limit=1".to_owned();
    loop {
        let page = gateway.get(&path).is(200);
        listed.extend_from_slice(page["parked"].as_array().unwrap());
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    let all = gateway.get("/admin/parked").is(200);
    assert_eq!(all["parked"].as_array(), Some(&listed));
    assert!(listed.iter().any(|item| item["id"] == id.as_str()), "{listed:?}");
    gateway.post(&format!("/admin/parked/{id}/redrive"), json!({})).is(200).has("id", id.as_str());
    gateway.post(&format!("/admin/parked/{id}/drop"), json!({})).problem(404);
    gateway.post("/admin/parked/letter-1@bookrent.nothing/drop", json!({})).problem(404);
    assert_eq!(parked(), Vec::<Value>::new());
    both_views_are_right(&cluster, 8);
}

/// A figure, not a promise: `cargo test --release --test amqp -- --ignored --nocapture how_fast`.
#[test]
#[ignore = "a measurement"]
fn how_fast_a_node_that_was_away_takes_what_its_queues_have_gathered() {
    let broker = Broker::start();
    let mut cluster = bookrent(&broker.url());
    all_are_fed(&cluster);
    cluster.kill("another");
    let rents = std::env::var("HOLDFAST_DRAIN_RENTS").map_or(4000, |rents| rents.parse().unwrap());
    load(cluster.gateway(), rents);
    both_are_there(&cluster, &["view"], rents);
    let begun = std::time::Instant::now();
    cluster.restart("another");
    both_are_there(&cluster, &["another"], rents);
    let took = begun.elapsed().as_secs_f64();
    let another = cluster.node("another");
    for context in ["bookrent.rent", "bookrent.delivery"] {
        println!("{context}: {}", replica(another, context));
    }
    let came: f64 = ["broker", "source"]
        .map(|from| {
            ["bookrent.rent", "bookrent.delivery"]
                .map(|context| events(another, context, from))
                .iter()
                .sum::<f64>()
        })
        .iter()
        .sum();
    println!(
        "{came} events taken in {took:.2} s, the start of the process included: {:.0} events/s",
        came / took
    );
}

/// Waits until these views have so many rows, and every replica what its source has published.
fn both_are_there(cluster: &Cluster, views: &[&str], count: u64) {
    for name in views {
        support::within(std::time::Duration::from_secs(120), "everything is there", || {
            let view = cluster.node(name);
            let whole = |whose: &str| {
                let context = format!("bookrent.{whose}");
                let said = cluster
                    .node(whose)
                    .metric(&format!("holdfast_events_total{{context=\"{context}\"}}"));
                replica(view, &context)["lastSequence"].as_f64() == Some(said)
            };
            (view.total("views") == count && whole("rent") && whole("delivery")).then_some(())
        });
    }
}
