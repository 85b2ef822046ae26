//! The traces that a collector of OpenTelemetry gets: of one request, through every node that has a part in it.

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value as Attribute,
    trace::v1::Span,
};
use prost::Message;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};
use support::{Client, Server, broker::Broker, cluster::Cluster, eventually};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const UNSAMPLED: &str = "1af7651916cd43dd8448eb211c80319c";
const CLIENT: &str = "b7ad6b7169203331";

/// A span, and the node that it comes from.
#[derive(Debug, Clone)]
struct Seen {
    node: String,
    span: Span,
}

impl Seen {
    fn trace(&self) -> String {
        hex(&self.span.trace_id)
    }
    fn id(&self) -> String {
        hex(&self.span.span_id)
    }
    fn parent(&self) -> String {
        hex(&self.span.parent_span_id)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A collector that takes OTLP over HTTP.
struct Collector {
    url: String,
    spans: Arc<Mutex<Vec<Seen>>>,
    refuses: Arc<AtomicBool>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let spans = Arc::<Mutex<Vec<Seen>>>::default();
        let refuses = Arc::<AtomicBool>::default();
        let (to, no) = (Arc::clone(&spans), Arc::clone(&refuses));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (to, no) = (Arc::clone(&to), Arc::clone(&no));
                thread::spawn(move || while take_batch(&stream, &to, &no).is_some() {});
            }
        });
        Self { url, spans, refuses }
    }

    /// What configures a server to send here.
    fn section(&self) -> String {
        format!("[traces]\nurl = \"{}\"\nauthorization = \"Bearer of-traces\"\n", self.url)
    }

    fn spans(&self, trace: &str) -> Vec<Seen> {
        let spans = self.spans.lock().unwrap();
        spans.iter().filter(|seen| seen.trace() == trace).cloned().collect()
    }
}

/// Answers one request; `None` once the connection has ended.
fn take_batch(stream: &TcpStream, to: &Mutex<Vec<Seen>>, refuses: &AtomicBool) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).ok().filter(|read| *read > 0).is_some() {
        if head.ends_with("\r\n\r\n") {
            break;
        }
    }
    let head = head.to_lowercase();
    let value = |name: &str| {
        head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).map(str::to_owned)
    };
    let mut body = vec![0; value("content-length")?.parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    let status = if refuses.load(Relaxed) { "503 Service Unavailable" } else { "200 OK" };
    if status == "200 OK" {
        assert!(head.starts_with("post /v1/traces "), "{head}");
        assert_eq!(value("authorization").as_deref(), Some("bearer of-traces"));
        let sent = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
        let mut spans = to.lock().unwrap();
        for of_node in sent.resource_spans {
            let resource = of_node.resource.unwrap();
            let node = resource.attributes.iter().find(|kept| kept.key == "service.instance.id");
            let value = node.and_then(|node| node.value.clone()?.value);
            let Some(Attribute::StringValue(node)) = value else { panic!("no name of a node") };
            let all = of_node.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.extend(all.map(|span| Seen { node: node.clone(), span }));
        }
    }
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
    let mut stream = stream;
    stream.write_all(answer.as_bytes()).ok()
}

/// Rents the book, as the client of this trace.
fn rent(client: &Client, book: u64, traceparent: &str) {
    let body = json!({ "bookId": book, "userId": 7, "address": "Seoul" });
    let rented = client
        .call("POST", "/rents", |request| request.header("traceparent", traceparent).json(&body));
    rented.is(201);
}

#[test]
fn one_rent_over_five_nodes_and_a_broker_is_one_trace_with_its_causes() {
    let collector = Collector::start();
    let broker = Broker::start();
    let toml = format!("[amqp]\nurl = '{}'\n{}", broker.url(), collector.section());
    let cluster = Cluster::of("bookrent", &["book", "rent", "delivery", "view"], &toml);
    let gateway = cluster.gateway();
    let book = gateway.register_book("Cause and effect");
    rent(gateway, book, &format!("00-{UNSAMPLED}-{CLIENT}-00"));
    let other = gateway.register_book("Another one");
    rent(gateway, other, &format!("00-{TRACE}-{CLIENT}-01"));

    // Each span, with those that it is below: the name of its parent.
    let wanted: BTreeSet<_> = [
        ("gateway", "POST /bookrent/rents", "the client"),
        ("rent", "POST /bookrent/rents", "POST /bookrent/rents"),
        ("rent", "decide bookrent.rent", "POST /bookrent/rents"),
        ("rent", "commit", "decide bookrent.rent"),
        ("rent", "ask bookrent.book", "decide bookrent.rent"),
        ("book", "decide bookrent.book", "ask bookrent.book"),
        ("book", "commit", "decide bookrent.book"),
        ("rent", "decide bookrent.rent", "decide bookrent.rent"),
        ("rent", "send holdfast.events", "decide bookrent.rent"),
        ("book", "send holdfast.events", "decide bookrent.book"),
        ("delivery", "decide bookrent.delivery", "decide bookrent.rent"),
        ("delivery", "send holdfast.events", "decide bookrent.delivery"),
        ("view", "project bookrent.view", "decide bookrent.rent"),
    ]
    .map(|(node, name, parent)| [node, name, parent].map(str::to_owned))
    .into();
    let find = || -> BTreeSet<[String; 3]> {
        let all = collector.spans(TRACE);
        let names: BTreeMap<_, _> =
            all.iter().map(|seen| (seen.id(), seen.span.name.clone())).collect();
        let named = |id: &str| {
            let client = (id == CLIENT).then(|| "the client".to_owned());
            client.or_else(|| names.get(id).cloned())
        };
        let place = |seen: &Seen| {
            let parent = named(&seen.parent()).unwrap_or_else(|| "unknown".to_owned());
            [seen.node.clone(), seen.span.name.clone(), parent]
        };
        all.iter().map(place).collect()
    };
    eventually("every part has its span", || {
        let missing: Vec<_> = wanted.difference(&find()).cloned().collect();
        missing.is_empty().then_some(())
    });
    // What comes late has its parent too.
    assert!(find().iter().all(|[.., parent]| parent != "unknown"), "{:?}", find());
    assert!(collector.spans(UNSAMPLED).is_empty(), "the client has not sampled it");
    for seen in collector.spans(TRACE) {
        assert!(seen.span.end_time_unix_nano >= seen.span.start_time_unix_nano, "{seen:?}");
    }
}

#[test]
fn a_collector_that_takes_nothing_delays_nothing_and_its_spans_are_counted() {
    let collector = Collector::start();
    collector.refuses.store(true, Relaxed);
    let server = Server::configured(&collector.section());
    let book = server.register_book("Cause and effect");
    rent(&server, book, &format!("00-{TRACE}-{CLIENT}-01"));
    let dropped =
        || server.metric("holdfast_spans_total") - server.metric("holdfast_spans_taken_total");
    assert!(dropped() >= 6.0);
    eventually("the log says so", || {
        server.said().contains("the collector does not take traces").then_some(())
    });
    collector.refuses.store(false, Relaxed);
    eventually("it takes them again", || {
        server.shows(&format!("/books/{book}"), json!({ "status": false }));
        rent(&server, server.register_book("Another one"), &format!("00-{TRACE}-{CLIENT}-01"));
        (!collector.spans(TRACE).is_empty()).then_some(())
    });
}
