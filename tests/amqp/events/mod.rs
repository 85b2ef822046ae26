//! Events over a real broker that fails in every way that brokers do: nothing is lost, nothing is doubled for a consumer
//! that dedupes by source and id, and each trouble shows.

mod kills;

use std::thread;
use support::queue::{Queue, nothing_is_missing, once};
use support::{
    Client, Server,
    broker::{Broker, drained},
    eventually,
};

fn server(url: &str) -> Server {
    Server::configured(&format!("[amqp]\nurl = '{url}'\n"))
}

/// Rents `count` books, one after the other, some of them at once.
fn load(client: &Client, count: usize) {
    thread::scope(|scope| {
        for user in 0..4 {
            let client = client.apart();
            scope.spawn(move || {
                for _ in 0..count / 4 {
                    let book = client.register_book("title01");
                    client.rent(book, user);
                }
            });
        }
    });
}

/// The last sequence of each deciding context, once nothing moves any more.
fn logs(server: &Server, events: u64) -> [(&'static str, u64); 3] {
    let of = |context: &str| {
        let text = server.get("/metrics").is(200).text;
        let line = format!("holdfast_events_total{{context=\"{context}\"}} ");
        text.lines().find_map(|text| text.strip_prefix(&line)?.parse::<u64>().ok()).unwrap()
    };
    eventually("every delivery has started", || (of("bookrent.delivery") >= events).then_some(()));
    [
        ("/bookrent/book", of("bookrent.book")),
        ("/bookrent/rent", of("bookrent.rent")),
        ("/bookrent/delivery", events),
    ]
}

fn state(server: &Server) -> String {
    server.get("/actuator/health").is(200)["components"]["amqp"]["details"]["state"]
        .as_str()
        .unwrap()
        .to_owned()
}
fn shows(server: &Server, wanted: &str) {
    eventually(&format!("health says {wanted}"), || (state(server) == wanted).then_some(()));
}

#[test]
fn an_event_is_a_cloud_event_in_binary_mode_and_goes_out_once_in_order() {
    let broker = Broker::start();
    let queue = Queue::bind(&broker.url(), "all", "#");
    let server = server(&broker.url());
    load(&server, 40);
    let logs = logs(&server, 40);
    drained(&server);
    let came = queue.take_all();
    assert_eq!(came.len(), once(&came).len());
    nothing_is_missing(&came, &logs);
    let rented = came.iter().find(|event| event.key == "bookrent.rent.BookRented").unwrap();
    assert_eq!((rented.content_type.as_str(), rented.delivery_mode), ("application/json", 2));
    let header = |name: &str| rented.headers[&format!("cloudEvents:{name}")].as_str();
    assert_eq!(header("specversion"), "1.0");
    assert_eq!(header("source"), "/bookrent/rent");
    assert_eq!(header("type"), "io.holdfast.bookrent.rent.BookRented.v1");
    assert_eq!(header("correlationid"), format!("bookrent.rent-{}", header("subject")));
    assert_eq!(header("sequence"), format!("{:020}", rented.id().1));
    assert_eq!(header("aggregateversion"), "2");
    assert!(rented.body["bookId"].is_u64(), "{:?}", rented.body);
    assert_eq!(server.metric("holdfast_outbox_sent_total"), came.len() as f64);
    assert_eq!(server.metric("holdfast_outbox_up"), 1.0);
}

#[test]
fn a_broker_that_is_killed_under_load_loses_nothing_and_doubles_nothing() {
    let mut broker = Broker::start();
    let queue = Queue::bind(&broker.url(), "all", "#");
    let server = server(&broker.url());
    let client = server.apart();
    let clients = thread::spawn(move || load(&client, 400));
    eventually("some have gone out", || {
        (server.metric("holdfast_outbox_sent_total") > 50.0).then_some(())
    });
    broker.kill();
    shows(&server, "away");
    assert!(server.get("/readyz?verbose").is(200).text.contains("[-]amqp away"));
    assert!(server.said().contains("failed to connect to the broker"));
    clients.join().unwrap();
    let logs = logs(&server, 400);
    broker.restart();
    drained(&server);
    shows(&server, "connected");
    assert!(server.metric("holdfast_outbox_reconnects_total") >= 1.0);
    nothing_is_missing(&queue.take_all(), &logs);
}

#[test]
fn a_server_that_is_killed_goes_on_where_the_broker_has_confirmed() {
    let broker = Broker::start();
    let queue = Queue::bind(&broker.url(), "all", "#");
    let mut server = server(&broker.url());
    load(&server, 100);
    server.kill();
    server.restart();
    load(&server, 20);
    let logs = logs(&server, 120);
    drained(&server);
    nothing_is_missing(&queue.take_all(), &logs);
}

#[test]
fn a_broker_that_accepts_nothing_stops_no_request_and_gets_everything_afterwards() {
    let broker = Broker::start();
    let queue = Queue::bind(&broker.url(), "all", "#");
    let server = server(&broker.url());
    load(&server, 8);
    drained(&server);
    broker.alarm();
    load(&server, 200);
    shows(&server, "blocked");
    assert!(server.said().contains("the broker blocks publishing"));
    assert_eq!(server.metric("holdfast_outbox_up"), 0.0);
    let logs = logs(&server, 208);
    broker.calm();
    drained(&server);
    shows(&server, "connected");
    let came = queue.take_all();
    nothing_is_missing(&came, &logs);
    // It was waited for, on the same connection: nothing was sent twice.
    assert_eq!(came.len(), once(&came).len());
    assert_eq!(server.metric("holdfast_outbox_reconnects_total"), 0.0);
}

#[test]
fn the_exchange_is_there_as_soon_as_the_server_is_connected() {
    let broker = Broker::start();
    let server = Server::configured(&format!("[amqp]\nurl = '{}'\n", broker.url()));
    let has_exchange = || broker.exchanges().iter().any(|name| name == "holdfast.events");
    eventually("the exchange is declared", || has_exchange().then_some(()));
    assert_eq!(server.metric("holdfast_events_total"), 0.0, "there was no event yet");
    // And again on each new connection.
    broker.delete_exchange("holdfast.events");
    broker.ctl(&["close_all_connections", "the test wants new ones"]);
    eventually("the exchange is declared again", || has_exchange().then_some(()));
}

#[test]
fn a_deleted_exchange_is_declared_again_and_unroutable_messages_are_counted() {
    let broker = Broker::start();
    let server = server(&broker.url());
    load(&server, 8);
    logs(&server, 8);
    drained(&server);
    // No queue is bound: each was returned, and passed over.
    let returned = server.metric("holdfast_outbox_returned_total");
    assert!(returned > 0.0 && server.metric("holdfast_outbox_sent_total") == 0.0);
    broker.delete_exchange("holdfast.events");
    load(&server, 8);
    logs(&server, 16);
    drained(&server);
    assert!(server.metric("holdfast_outbox_returned_total") > returned);
    assert!(server.metric("holdfast_outbox_reconnects_total") >= 1.0);
    assert!(server.said().contains("NOT_FOUND"), "{}", server.said());
    // A key without a binding is returned, the others arrive.
    let queue = Queue::bind(&broker.url(), "rents", "bookrent.rent.*");
    load(&server, 8);
    logs(&server, 24);
    drained(&server);
    let came = queue.take_all();
    assert_eq!(came.len(), 16, "RentRequested and BookRented of eight");
    assert_eq!(server.metric("holdfast_outbox_sent_total"), 16.0);
}

#[test]
fn wrong_credentials_and_an_absent_broker_show_and_stop_nothing_else() {
    let mut broker = Broker::absent();
    let url = broker.url_of("holdfast", "secret-word");
    let server = server(&url);
    load(&server, 8);
    shows(&server, "away");
    broker.restart();
    // A fresh broker knows no user of that name.
    eventually("it says why", || {
        let health = server.get("/actuator/health").is(200);
        let why = health["components"]["amqp"]["details"]["error"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        why.contains("ACCESS_REFUSED").then_some(())
    });
    assert!(server.metric("holdfast_outbox_pending") > 0.0);
    broker.ctl(&["add_user", "holdfast", "secret-word"]);
    broker.ctl(&["set_permissions", "holdfast", ".*", ".*", ".*"]);
    let queue = Queue::bind(&url, "all", "#");
    let logs = logs(&server, 8);
    drained(&server);
    nothing_is_missing(&queue.take_all(), &logs);
    assert!(!server.said().contains("secret-word"));
}

/// A figure, not a promise: `cargo test --release --test amqp -- --ignored --nocapture drained`.
#[test]
#[ignore = "a measurement"]
fn how_fast_a_backlog_is_drained() {
    let mut broker = Broker::start();
    let queue = Queue::bind(&broker.url(), "all", "#");
    let server = server(&broker.url());
    shows(&server, "connected");
    broker.kill();
    let rents: u64 =
        std::env::var("HOLDFAST_DRAIN_RENTS").map_or(4000, |rents| rents.parse().unwrap());
    load(&server, rents as usize);
    logs(&server, rents);
    let pending = server.metric("holdfast_outbox_pending");
    broker.restart();
    shows(&server, "connected");
    let begun = std::time::Instant::now();
    let left = server.metric("holdfast_outbox_pending");
    while server.metric("holdfast_outbox_pending") > 0.0 {
        thread::sleep(std::time::Duration::from_millis(5));
    }
    let took = begun.elapsed().as_secs_f64();
    println!("{pending} were pending; {left} drained in {took:.2} s: {:.0} events/s", left / took);
    let came = queue.take_all();
    assert_eq!(once(&came).len() as f64, server.metric("holdfast_outbox_sent_total"));
}
