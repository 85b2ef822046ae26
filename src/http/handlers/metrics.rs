//! Metrics, in OpenMetrics text. Requests are counted as they are answered; the rest is looked up when it is asked for.

use crate::{
    actors::{ContextHealth, Phase},
    http::{AppState, handlers::operations::Told},
};
use actix_web::http::{Method, StatusCode};
use prometheus_client::{
    encoding::{EncodeLabelSet, LabelSetEncoder, text::encode},
    metrics::{
        counter::ConstCounter, family::Family, gauge::ConstGauge, histogram::Histogram, info::Info,
    },
    registry::Registry,
};
use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

/// Upper bounds of the buckets, in seconds: those of OpenTelemetry's `http.server.request.duration`.
const BUCKETS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a request is counted under. The route is a template, never a path, so that there are few of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    http_request_method: &'static str,
    http_route: Arc<str>,
    http_response_status_code: u16,
    url_scheme: &'static str,
    #[prometheus(flatten)]
    error: ErrorType,
}

/// Why the server failed a request, as OpenTelemetry has it: what is the client's fault is no failure, and without one
/// there is no such label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ErrorType(Option<Cow<'static, str>>);

impl EncodeLabelSet for ErrorType {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        match &self.0 {
            Some(why) => [("error_type", why.as_ref())].encode(encoder),
            None => Ok(()),
        }
    }
}

/// Counts answered requests.
#[derive(Debug)]
pub struct Requests(Family<Request, Histogram>);

impl Default for Requests {
    fn default() -> Self {
        Self(Family::new_with_constructor(|| Histogram::new(BUCKETS)))
    }
}

impl Requests {
    /// A request to `route` was answered; with a problem, that had this code.
    pub fn answered(
        &self,
        method: &Method,
        route: &Arc<str>,
        status: u16,
        code: Option<Cow<'static, str>>,
        took: Duration,
    ) {
        let error = (status >= 500).then(|| code.unwrap_or_else(|| status.to_string().into()));
        let known = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"];
        let request = Request {
            http_request_method: known
                .into_iter()
                .find(|name| *name == method.as_str())
                .unwrap_or("_OTHER"),
            http_route: route.clone(),
            http_response_status_code: status,
            url_scheme: "http",
            error: ErrorType(error),
        };
        self.0.get_or_create(&request).observe(took.as_secs_f64());
    }
}

type Labels = Vec<(&'static str, &'static str)>;

/// Gathers one family with a value for each context.
struct Gathered<'a> {
    registry: &'a mut Registry,
    contexts: &'a [ContextHealth],
}

impl Gathered<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: impl Fn(&ContextHealth) -> Option<u64>) {
        let family = Family::<Labels, GaugeOf>::default();
        for context in self.contexts {
            if let Some(value) = value(context) {
                family
                    .get_or_create(&vec![("context", context.context)])
                    .set(i64::try_from(value).unwrap_or(i64::MAX));
            }
        }
        self.registry.register(name, help, family);
    }
    fn counter(&mut self, name: &str, help: &str, value: impl Fn(&ContextHealth) -> Option<u64>) {
        let family = Family::<Labels, CounterOf>::default();
        for context in self.contexts {
            if let Some(value) = value(context) {
                family.get_or_create(&vec![("context", context.context)]).inc_by(value);
            }
        }
        self.registry.register(name, help, family);
    }
}

type GaugeOf = prometheus_client::metrics::gauge::Gauge;
type CounterOf = prometheus_client::metrics::counter::Counter;

/// All metrics.
pub fn scrape(front: &AppState) -> Told {
    let mut registry = Registry::default();
    registry.register(
        "http_server_request_duration_seconds",
        "How long requests took to be answered",
        front.requests.0.clone(),
    );
    let info = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("holdfast_build", "What runs", info);
    let contexts: Vec<_> = front.node.contexts().iter().map(|context| context.health()).collect();
    let mut gathered = Gathered { registry: &mut registry, contexts: &contexts };
    gathered.gauge("holdfast_context_up", "Whether the context runs", |health| {
        Some(u64::from(health.state == Phase::Running))
    });
    gathered.counter("holdfast_actor_restarts", "Restarts", |health| Some(health.restarts));
    gathered.counter("holdfast_actor_crashes", "Messages whose decision panicked", |health| {
        Some(health.crashes)
    });
    gathered.gauge("holdfast_mailbox_depth", "Mail that waits for a turn", |health| {
        Some(health.mailbox)
    });
    gathered.gauge("holdfast_listener_backlog", "Events of its sources not yet taken", |health| {
        Some(health.backlog)
    });
    gathered.gauge("holdfast_saga_waiting", "Callers that wait to be settled", |health| {
        Some(health.waiting)
    });
    gathered.gauge("holdfast_parked_events", "Events set aside", |health| Some(health.parked));
    gathered.counter("holdfast_context_damaged", "Damage found in what it keeps", |health| {
        Some(health.damaged)
    });
    gathered.counter("holdfast_events", "Events in the log", |health| {
        (!health.view).then_some(health.last_sequence)
    });
    guards(&mut registry, front, &contexts);

    let outflows = front.node.outflows();
    let pending = Family::<Labels, GaugeOf>::default();
    for flow in &outflows {
        let labels = vec![("sink", flow.sink), ("context", flow.context)];
        pending.get_or_create(&labels).set(i64::try_from(flow.pending).unwrap_or(i64::MAX));
    }
    registry.register(
        "holdfast_outbox_pending",
        "Events that a sink outside has not taken",
        pending,
    );
    let counts = ["sent", "returned", "reconnects"].map(|_| Family::<Labels, CounterOf>::default());
    let up = Family::<Labels, GaugeOf>::default();
    for sink in front.node.sinks() {
        let labels = vec![("sink", sink.sink)];
        up.get_or_create(&labels).set(sink.up.into());
        for (family, count) in counts.iter().zip([sink.sent, sink.returned, sink.reconnects]) {
            family.get_or_create(&labels).inc_by(count);
        }
    }
    let [sent, returned, reconnects] = counts;
    registry.register("holdfast_outbox_up", "Whether a sink outside can take events now", up);
    registry.register("holdfast_outbox_sent", "Events that a sink outside has taken", sent);
    registry.register(
        "holdfast_outbox_returned",
        "Events that nobody outside had asked for",
        returned,
    );
    registry.register(
        "holdfast_outbox_reconnects",
        "How often a sink outside had to be reached anew",
        reconnects,
    );

    replicas(&mut registry, front);
    let disputed = i64::try_from(front.node.disputes().len()).unwrap_or(i64::MAX);
    registry.register(
        "holdfast_history_disputes",
        "Logs with two pasts, to be mended",
        ConstGauge::new(disputed),
    );
    if !front.settings.inlets.is_empty() {
        inlets(front, &mut registry);
    }

    let store = front.node.store_health();
    registry.register(
        "holdfast_store_commits",
        "Accepted batches",
        ConstCounter::new(store.accepted_commit),
    );
    registry.register(
        "holdfast_store_syncs",
        "Groups made durable",
        ConstCounter::new(store.syncs),
    );
    let (damages, scrubs) = (ConstCounter::new(store.damages), ConstCounter::new(store.scrubs));
    registry.register(
        "holdfast_store_damaged",
        "How often something damaged was found in the store",
        damages,
    );
    registry.register(
        "holdfast_store_scrubs",
        "How often all of the store has been read to find such",
        scrubs,
    );
    let mut gauge = |name: &str, help: &str, value: u64| {
        registry.register(name, help, ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)));
    };
    gauge(
        "holdfast_store_unwritten_bytes",
        "Accepted and not yet in the trees",
        store.unwritten_bytes,
    );
    gauge("holdfast_store_disk_bytes", "Bytes on disk", store.disk_bytes);
    if let Some(free) = store.free_bytes {
        gauge("holdfast_store_free_bytes", "Bytes that are free on the disk", free);
    }
    gauge("holdfast_store_reserve_bytes", "Bytes that are to stay free", store.reserve_bytes);
    gauge(
        "holdfast_store_full",
        "Whether commands are refused for lack of room",
        store.full.into(),
    );
    gauge("holdfast_store_most_runs", "Runs of the tree that has most of them", store.most_runs);
    let clock = front.node.clock_health();
    let stepped_back = u64::try_from(clock.stepped_back_seconds).unwrap_or(0);
    gauge(
        "holdfast_clock_stepped_back_seconds",
        "By how much the machine's clock was set back",
        stepped_back,
    );
    gauge("process_resident_memory_bytes", "Resident memory", resident_bytes().unwrap_or(0));

    connections(&mut registry, front);
    let mut body = String::new();
    let status = match encode(&mut body, &registry) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Told { status, media: OPEN_METRICS, body }
}

/// Who is connected.
fn connections(registry: &mut Registry, front: &AppState) {
    let crowd = front.crowd.health();
    let mut gauge = |name: &str, help: &str, value: usize| {
        registry.register(name, help, ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)));
    };
    gauge("holdfast_connections", "Connections that are open", crowd.open);
    gauge("holdfast_connections_most", "As many may be", crowd.most);
    gauge(
        "holdfast_unsent_bytes",
        "Bytes of answers that wait for clients that do not read",
        crowd.unsent,
    );
    let streams = front.settings.max_streams.saturating_sub(front.streams.available_permits());
    gauge("holdfast_streams", "Streams of events that are open", streams);
    let mut counter = |name: &str, help: &str, value: u64| {
        registry.register(name, help, ConstCounter::new(value))
    };
    counter("holdfast_connections_spared", "Closed while idle, for a newcomer", crowd.spared);
    counter(
        "holdfast_connections_refused",
        "Turned away because all others were busy",
        crowd.refused,
    );
    counter(
        "holdfast_connections_broken",
        "Broken off because the client did not read",
        crowd.broken,
    );
}

/// The guards in front of contexts, those of other nodes included.
fn guards(registry: &mut Registry, front: &AppState, contexts: &[ContextHealth]) {
    let here = contexts.iter().filter_map(|health| Some((health.context, health.guard.clone()?)));
    let [state, in_flight] = ["", ""].map(|_| Family::<Labels, GaugeOf>::default());
    let opened = Family::<Labels, CounterOf>::default();
    for (context, guard) in here.chain(front.node.guards()) {
        let of = vec![("context", context)];
        state.get_or_create(&of).set(match guard.breaker {
            "open" => 2,
            "halfOpen" => 1,
            _ => 0,
        });
        in_flight.get_or_create(&of).set(i64::try_from(guard.in_flight).unwrap_or(i64::MAX));
        opened.get_or_create(&of).inc_by(guard.opened);
    }
    registry.register("holdfast_breaker_state", "0 closed, 1 half-open, 2 open", state);
    registry.register("holdfast_breaker_opened", "How often the breaker opened", opened);
    registry.register("holdfast_asks_in_flight", "Questions under way to the context", in_flight);
}

/// What comes from the contexts of other nodes.
fn replicas(registry: &mut Registry, front: &AppState) {
    let replicas = front.node.replicas();
    if replicas.is_empty() {
        return;
    }
    let (last, fed) = (Family::<Labels, GaugeOf>::default(), Family::<Labels, GaugeOf>::default());
    let (taken, again) =
        (Family::<Labels, CounterOf>::default(), Family::<Labels, CounterOf>::default());
    for replica in replicas {
        let of = || vec![("context", replica.context)];
        last.get_or_create(&of()).set(i64::try_from(replica.last_sequence).unwrap_or(i64::MAX));
        fed.get_or_create(&of()).set(replica.feed.is_some().into());
        for (from, count) in [("broker", replica.fed), ("source", replica.asked)] {
            taken.get_or_create(&[of(), vec![("from", from)]].concat()).inc_by(count);
        }
        again.get_or_create(&of()).inc_by(replica.again);
    }
    registry.register(
        "holdfast_inbox_sequence",
        "The last event of another node's context that is here",
        last,
    );
    registry.register("holdfast_inbox_fed", "Whether the broker brings its events", fed);
    registry.register("holdfast_inbox_events", "Its events taken, by who brought them", taken);
    registry.register("holdfast_inbox_repeated", "Its events that came again, to no effect", again);
}

/// How commands come in by something else than HTTP.
fn inlets(front: &AppState, registry: &mut Registry) {
    let up = Family::<Labels, GaugeOf>::default();
    let counts = ["answered", "unroutable", "rejected", "reconnects"]
        .map(|_| Family::<Labels, CounterOf>::default());
    for inlet in front.settings.inlets.iter().map(|inlet| inlet.health()) {
        let labels = vec![("inlet", inlet.inlet)];
        up.get_or_create(&labels).set(inlet.up.into());
        let now = [inlet.answered, inlet.unroutable, inlet.rejected, inlet.reconnects];
        for (family, count) in counts.iter().zip(now) {
            family.get_or_create(&labels).inc_by(count);
        }
    }
    let [answered, unroutable, rejected, reconnects] = counts;
    registry.register("holdfast_inlet_up", "Whether commands can come in by it now", up);
    registry.register("holdfast_inlet_answered", "Replies that were sent", answered);
    registry.register(
        "holdfast_inlet_unroutable",
        "Replies that nobody waited for any more",
        unroutable,
    );
    registry.register(
        "holdfast_inlet_rejected",
        "Commands that were refused with nobody to tell",
        rejected,
    );
    registry.register(
        "holdfast_inlet_reconnects",
        "How often the broker had to be reached anew",
        reconnects,
    );
}

/// The second number of `/proc/self/statm` counts pages, which are of 4 KiB wherever this server is measured.
fn resident_bytes() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split_whitespace().nth(1)?.parse::<u64>().ok()? * 4096)
}
