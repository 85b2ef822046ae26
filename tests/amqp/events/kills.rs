//! One consumer of everything, while the broker is killed under load again and again: it gets every event, and in order.
//!
//! `HOLDFAST_BROKER_KILLS` sets how often (2 when absent).

use super::server;
use futures_util::StreamExt;
use lapin::{
    Connection, ConnectionProperties, ExchangeKind,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicQosOptions, ExchangeDeclareOptions,
        QueueBindOptions, QueueDeclareOptions,
    },
    types::FieldTable,
};
use serde_json::json;
use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use support::queue::ordered_queue;
use support::{Client, Server, broker::Broker, within};
use tokio::runtime::Builder;

const CLIENTS: u64 = 8;
const PACE: Duration = Duration::from_millis(20);
/// How many events go out between two kills.
const BETWEEN: f64 = 3000.0;
const PATIENCE: Duration = Duration::from_secs(240);
/// How long nothing may come while something is missing.
const SILENCE: Duration = Duration::from_secs(45);
const QUEUE: &str = "everything";

/// What has come: source and id of each event, and whether the broker had delivered it before.
type Came = Arc<Mutex<Vec<(String, String, bool)>>>;

/// A consumer that comes again whenever its broker is back.
struct Listener {
    came: Came,
    ready: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    fn start(url: String) -> Self {
        let came = Came::default();
        let ready = Arc::<AtomicBool>::default();
        let stop = Arc::<AtomicBool>::default();
        let thread = {
            let came = came.clone();
            let ready = ready.clone();
            let stop = stop.clone();
            thread::spawn(move || {
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                while !stop.load(Relaxed) {
                    let _ = runtime.block_on(listen(&url, &came, &ready, &stop));
                    thread::sleep(Duration::from_millis(100));
                }
            })
        };
        Self { came, ready, stop, thread: Some(thread) }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn listen(
    url: &str,
    came: &Came,
    ready: &AtomicBool,
    stop: &AtomicBool,
) -> lapin::Result<()> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
    let exchange = "holdfast.events";
    channel
        .exchange_declare(exchange.into(), ExchangeKind::Topic, durable, FieldTable::default())
        .await?;
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare(QUEUE.into(), durable, ordered_queue()).await?;
    channel
        .queue_bind(
            QUEUE.into(),
            exchange.into(),
            "#".into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await?;
    channel.basic_qos(256, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer =
        channel.basic_consume(QUEUE.into(), "".into(), options, FieldTable::default()).await?;
    ready.store(true, Relaxed);
    loop {
        let next = tokio::time::timeout(Duration::from_millis(200), consumer.next()).await;
        if stop.load(Relaxed) {
            return Ok(());
        }
        let Ok(next) = next else { continue };
        let Some(delivery) = next else { return Ok(()) };
        let delivery = delivery?;
        let headers = delivery.properties.headers().clone().unwrap_or_default();
        let header = |name: &str| {
            headers
                .inner()
                .get(name)
                .and_then(|value| value.as_long_string())
                .map(ToString::to_string)
        };
        let source = header("cloudEvents:source").unwrap();
        let id = header("cloudEvents:id").unwrap();
        came.lock().unwrap().push((source, id, delivery.redelivered));
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

/// Books and rents of them; each pair is five events.
fn rents(client: &Client, user: u64, stop: &AtomicBool, placed: &AtomicU64) {
    while !stop.load(Relaxed) {
        let book = client.post("/books", json!({"title": "title01"}));
        // More may be under way than the store has room for; what is answered late is done all the same.
        if book.status == 503 {
            thread::sleep(Duration::from_millis(100));
            continue;
        }
        assert!(matches!(book.status, 201 | 202), "{}", book.text);
        client.post("/rents", json!({"bookId": book.id(), "userId": user, "address": "address1"}));
        placed.fetch_add(1, Relaxed);
        // All of them together cause more than a thousand events a second, and no backlog that takes minutes.
        thread::sleep(PACE);
    }
}

/// However the test ends, its clients do.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// The ids in the log of a context, in their order.
fn log(server: &Server, context: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut path = format!("/events/{context}?limit=1000");
    loop {
        let page = server.get(&path).is(200);
        let events = page.body.as_array().unwrap();
        if events.is_empty() {
            return ids;
        }
        ids.extend(events.iter().map(|event| event["id"].as_str().unwrap().to_owned()));
        let link = page.header("link");
        path = link[link.find('<').unwrap() + 1..link.find('>').unwrap()].to_owned();
    }
}

#[test]
fn a_consumer_of_everything_receives_all_of_it_in_order_however_often_the_broker_is_killed() {
    let kills = std::env::var("HOLDFAST_BROKER_KILLS").map_or(2, |kills| kills.parse().unwrap());
    let mut broker = Broker::start();
    let listener = Listener::start(broker.url());
    within(PATIENCE, "the queue is there", || listener.ready.load(Relaxed).then_some(()));
    let server = server(&broker.url());
    let stop = AtomicBool::new(false);
    let placed = AtomicU64::new(0);
    let begun = Instant::now();
    let sent = || server.metric("holdfast_outbox_sent_total");
    let goes_on = || {
        let before = sent();
        within(PATIENCE, "events are confirmed", || (sent() >= before + BETWEEN).then_some(()));
    };
    thread::scope(|scope| {
        let _stop = Stop(&stop);
        for user in 0..CLIENTS {
            let client = server.apart();
            let stop = &stop;
            let placed = &placed;
            scope.spawn(move || rents(&client, user, stop, placed));
        }
        for kill in 0..kills {
            goes_on();
            // The queue is young at the first kill; later ones give no warning of any kind.
            if kill == 0 {
                broker.kill()
            } else {
                broker.end()
            }
            broker.restart();
        }
        goes_on();
    });
    let loaded = begun.elapsed();
    within(PATIENCE, "all deliveries have started", || {
        (server.total("deliveries") == server.total("rents?status=Rent")).then_some(())
    });
    within(PATIENCE, "everything has gone out", || {
        (server.metric("holdfast_outbox_pending") == 0.0).then_some(())
    });
    assert_eq!(server.metric("holdfast_outbox_returned_total"), 0.0, "some had no queue to go to");
    let logs = ["book", "rent", "delivery"]
        .map(|name| (format!("/bookrent/{name}"), log(&server, &format!("bookrent.{name}"))));
    let events: usize = logs.iter().map(|(_, ids)| ids.len()).sum();
    // What comes again is had already.
    let once = || {
        let mut had = HashSet::new();
        let mut first = BTreeMap::<String, Vec<String>>::new();
        for (source, id, _) in listener.came.lock().unwrap().iter() {
            if had.insert((source.clone(), id.clone())) {
                first.entry(source.clone()).or_default().push(id.clone());
            }
        }
        first
    };
    // What the broker has for it, while it is silent.
    let queues = || {
        broker.tells(&[
            "list_queues",
            "name",
            "messages_ready",
            "messages_unacknowledged",
            "consumers",
        ])
    };
    let mut before = 0;
    let mut since = Instant::now();
    loop {
        let all = listener.came.lock().unwrap().len();
        if all >= events && once().values().map(Vec::len).sum::<usize>() >= events {
            break;
        }
        if all > before {
            (before, since) = (all, Instant::now());
        }
        let once: Vec<_> = once().into_iter().map(|(source, ids)| (source, ids.len())).collect();
        assert!(
            since.elapsed() < SILENCE,
            "of {events} events came {once:?}; queues:\n{}",
            queues()
        );
        thread::sleep(Duration::from_millis(200));
    }
    let heard = once();
    let all = listener.came.lock().unwrap().len();
    println!(
        "{kills} kills in {loaded:.1?}: {events} events of {} rents, {:.0} a second; {} came again",
        placed.load(Relaxed),
        events as f64 / loaded.as_secs_f64(),
        all - events
    );
    for (source, ids) in &logs {
        let first_wrong = heard[source].iter().zip(ids).position(|(heard, id)| heard != id);
        assert_eq!(
            first_wrong.map(|place| (&heard[source][place], &ids[place])),
            None,
            "{source} at {first_wrong:?}"
        );
        assert_eq!(heard[source].len(), ids.len(), "{source}");
    }
}
