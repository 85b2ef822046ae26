//! Liveness, readiness and health, as Kubernetes (`/livez`, `/readyz`) and Spring's actuator ask for them.

use crate::{
    actors::{Contested, ContextHealth, Dispute, OutboxHealth, Phase},
    http::{call::ProbeReply, state::AppState},
    identity::{Audience, Owner, Principal, Verdict, allowed},
};
use actix_web::{http::StatusCode, web};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// The name that text messages have among what leaves the node.
const MESSAGES: &str = "messages";
/// The parameter of `/readyz` that asks for the condition of every part.
pub const VERBOSE: &str = "verbose";
const ACTUATOR: &str = "application/vnd.spring-boot.actuator.v3+json";

fn text_reply(status: StatusCode, body: String) -> ProbeReply {
    ProbeReply { status, media_type: "text/plain; charset=utf-8", body }
}

fn json_of(status: StatusCode, body: &Value) -> ProbeReply {
    ProbeReply { status, media_type: ACTUATOR, body: body.to_string() }
}

/// `/livez`
pub fn report_alive() -> ProbeReply {
    text_reply(StatusCode::OK, "ok\n".into())
}

/// `/actuator/health/liveness`
pub fn report_liveness() -> ProbeReply {
    json_of(StatusCode::OK, &json!({ "status": "UP" }))
}

/// `/actuator/info`
pub fn report_info() -> ProbeReply {
    json_of(StatusCode::OK, &json!({ "build": { "version": env!("CARGO_PKG_VERSION") } }))
}

/// Whether requests should be sent here: not while starting or draining, nor with a store that has failed or is full, nor
/// with a log whose history is disputed. One stopped context does not make the server unready.
pub fn is_ready(state: &AppState) -> bool {
    passes_on(state) && state.node.is_ready() && !state.is_draining() && !state.node.store_is_full()
}

/// Whether a standby knows where to send requests.
fn passes_on(state: &AppState) -> bool {
    let own = &state.settings.node_name;
    state.settings.standby.as_ref().is_none_or(|standby| standby.knows_leader(own))
}

fn is_sound(health: &ContextHealth) -> bool {
    health.state == Phase::Running && health.damaged == 0 && health.contested.is_empty()
}

fn phase_name(health: &ContextHealth) -> String {
    let phase = serde_json::to_value(health.state).ok();
    phase.and_then(|phase| phase.as_str().map(str::to_owned)).unwrap_or_default()
}

/// `/readyz`, with `?verbose` and `?exclude=`
pub fn readiness_report(state: &AppState, query: &str) -> ProbeReply {
    let query = web::Query::<Vec<(String, String)>>::from_query(query);
    let query = query.map(web::Query::into_inner).unwrap_or_default();
    let is_excluded =
        |name: &str| query.iter().any(|(key, value)| key == "exclude" && value == name);
    let has_started =
        state.node.contexts().iter().all(|context| context.phase() != Phase::Starting);
    let disputes = state.node.disputes();
    let checks = [
        ("store", state.node.store_works(), "failed"),
        ("disk", !state.node.store_is_full(), "full"),
        ("start", has_started && passes_on(state), "failed"),
        ("serving", !state.is_draining(), "failed"),
        ("history", disputes.is_empty(), "changed"),
    ];
    let passed = checks.iter().all(|(name, passed, _)| *passed || is_excluded(name));
    let status = if passed { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if !query.iter().any(|(key, _)| key == VERBOSE) {
        return text_reply(status, if passed { "ok\n".into() } else { "not ready\n".into() });
    }
    let mut report = Report(String::new());
    for (name, passed, failure) in checks {
        let condition = if passed { "ok" } else { failure };
        let excluded = if is_excluded(name) { "excluded: " } else { "" };
        report.add_line(passed || is_excluded(name), format_args!("{name} {excluded}{condition}"));
    }
    for Dispute { context, since, detail } in disputes {
        report.add_line(false, format_args!("history of {context}, since {since}: {detail}"));
    }
    report.add_line(true, format_args!("authentication {}", authentication(state)));
    report_parts(state, &mut report);
    let verdict = if passed { "readyz check passed\n" } else { "readyz check failed\n" };
    report.0.push_str(verdict);
    text_reply(status, report.0)
}

/// Who may come in, in a word or two.
fn authentication(state: &AppState) -> &'static str {
    if state.settings.open { "open" } else { "by tokens and keys" }
}

/// The lines of `/readyz?verbose`.
struct Report(String);

impl Report {
    fn add_line(&mut self, passed: bool, what: std::fmt::Arguments<'_>) {
        let mark = if passed { "[+]" } else { "[-]" };
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{mark}{what}");
    }
}

/// The condition of what does not decide whether the server is ready.
fn report_parts(state: &AppState, report: &mut Report) {
    if let Some(damage) = state.node.store_health().damage {
        report.add_line(false, format_args!("store damaged: {damage}"));
    }
    if let Some(standby) = &state.settings.standby {
        let leader = standby.leader();
        let is_reached = leader.as_ref().is_some_and(|leader| leader.url.is_some());
        let node = leader.map_or_else(|| "no node".to_owned(), |leader| leader.node);
        report.add_line(is_reached, format_args!("standby: {node} leads"));
    }
    if let Some(why) = state.node.store_health().waits_for {
        report.add_line(false, format_args!("store waits: {why}"));
    }
    for context in state.node.contexts() {
        let health = context.health();
        let mut remarks = String::new();
        if let Some(rows) = health.rebuilding {
            let _ = write!(remarks, "; rebuilding its rows ({rows} so far)");
        }
        for Contested { key, numbers } in &health.contested {
            let _ = write!(remarks, "; `{key}` is claimed by {numbers:?}");
        }
        if let Some(damage) = &health.damage {
            let _ = write!(remarks, "; damaged ({}): {damage}", health.damaged);
        }
        let what = format_args!("{} {}{remarks}", health.context, phase_name(&health));
        report.add_line(is_sound(&health), what);
    }
    let refused = state.node.refused_message_count();
    if refused > 0 {
        report.add_line(false, format_args!("messages: {refused} refused by the gateway"));
    }
    for OutboxHealth { sink, context, damage, .. } in state.node.outbox_health() {
        if let Some(damage) = damage {
            report.add_line(false, format_args!("{sink} of {context}: {damage}"));
        }
    }
    for sink in state.node.sink_health() {
        report.add_line(sink.up, format_args!("{} {}", sink.sink, sink.state));
    }
    for replica in state.node.replica_health() {
        let is_reached = replica.error.is_none();
        let source = replica.feed.unwrap_or(if is_reached { "polled" } else { "unreachable" });
        report.add_line(is_reached, format_args!("events of {} {source}", replica.context));
    }
    for node in state.nodes.list_nodes() {
        let (is_reached, remark) = node_condition(&node);
        report.add_line(is_reached, format_args!("{remark}"));
    }
    for ingress in state.settings.ingresses.iter().map(|ingress| ingress.health()) {
        report.add_line(ingress.up, format_args!("{} {}", ingress.inlet, ingress.state));
    }
}

/// Whether another node was reached when it was last asked, and a line about it.
fn node_condition(node: &Value) -> (bool, String) {
    let text = |field: &str| node.get(field).and_then(Value::as_str).unwrap_or_default();
    let contexts = node.get("contexts").and_then(Value::as_array);
    let contexts: Vec<_> = contexts.into_iter().flatten().filter_map(Value::as_str).collect();
    // Its name is known once it has answered.
    let name = Some(text("node")).filter(|name| !name.is_empty());
    let name = name.map(|name| format!("{name} ")).unwrap_or_default();
    let state = match text("state") {
        "unknown" => "not asked yet",
        state => state,
    };
    let mut line = format!("node {name}at {} ({}) {state}", text("url"), contexts.join(", "));
    if !text("error").is_empty() {
        let _ = write!(line, ": {}", text("error"));
    }
    (text("state") == "reached", line)
}

/// `/actuator/health`, with the condition of every part for those who may read metrics.
pub fn report_health(state: &AppState, caller: Option<&Principal>) -> ProbeReply {
    // Beyond loopback, open authentication shows no details.
    let is_hidden = state.settings.open && !state.settings.development;
    let is_reader = allowed(Audience::Metrics, caller, Owner::Unknown) == Verdict::Allow;
    let components = (is_reader && !is_hidden).then(|| list_components(state));
    report_status(state, components)
}

/// `/actuator/health/readiness`
pub fn report_readiness(state: &AppState) -> ProbeReply {
    report_status(state, None)
}

fn report_status(state: &AppState, components: Option<Map<String, Value>>) -> ProbeReply {
    let (status, word) = match (is_ready(state), state.is_draining()) {
        (true, _) => (StatusCode::OK, "UP"),
        (false, true) => (StatusCode::SERVICE_UNAVAILABLE, "OUT_OF_SERVICE"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "DOWN"),
    };
    let mut body = Map::new();
    body.insert("status".into(), word.into());
    body.extend(components.map(|components| ("components".to_owned(), components.into())));
    json_of(status, &Value::Object(body))
}

/// `UNKNOWN` marks what has to be looked at and keeps the server ready.
fn up_or_unknown(is_up: bool) -> &'static str {
    if is_up { "UP" } else { "UNKNOWN" }
}

fn up_or_down(is_up: bool) -> &'static str {
    if is_up { "UP" } else { "DOWN" }
}

/// The components of `/actuator/health`.
fn list_components(state: &AppState) -> Map<String, Value> {
    let mut components = Map::new();
    let mut put = |name: &str, status: &str, details: Value| {
        components.insert(name.to_owned(), json!({ "status": status, "details": details }));
    };
    let store = state.node.store_health();
    let details = json!({
        "durable": store.durable_commit, "accepted": store.accepted_commit, "diskBytes": store.disk_bytes,
        "freeBytes": store.free_bytes, "reserveBytes": store.reserve_bytes, "full": store.full,
        "waitsFor": store.waits_for, "mostRuns": store.most_runs, "damage": store.damage,
    });
    let works = store.failed.is_none() && !store.full && store.waits_for.is_none();
    put("store", up_or_down(works), details);
    if let Some(standby) = &state.settings.standby {
        let leader = standby.leader();
        let is_reached = leader.as_ref().is_some_and(|leader| leader.url.is_some());
        let node = leader.as_ref().map(|leader| &leader.node);
        let url = leader.as_ref().and_then(|leader| leader.url.as_ref()).map(ToString::to_string);
        put("standby", up_or_unknown(is_reached), json!({ "leader": node, "url": url }));
    }
    put("authentication", "UP", json!({ "mode": authentication(state) }));
    let clock = state.node.clock_health();
    put("clock", up_or_unknown(clock.stepped_back_seconds == 0), json!(clock));
    let flows = state.node.outbox_health();
    for sink in state.node.sink_health() {
        let of_sink = flows.iter().filter(|flow| flow.sink == sink.sink);
        let damaged: Vec<_> = of_sink.filter(|flow| flow.damage.is_some()).collect();
        let is_sound = sink.up && damaged.is_empty();
        let mut details = json!(sink);
        if let Some(details) = details.as_object_mut().filter(|_| !damaged.is_empty()) {
            details.insert("damaged".into(), json!(damaged));
        }
        put(sink.sink, up_or_unknown(is_sound), details);
    }
    let queues = flows.iter().filter(|flow| flow.sink == MESSAGES).collect::<Vec<_>>();
    if !queues.is_empty() {
        let refused = state.node.refused_message_count();
        let is_sound = |queue: &OutboxHealth| queue.error.is_none() && queue.damage.is_none();
        let works = refused == 0 && queues.iter().all(|queue| is_sound(queue));
        put(MESSAGES, up_or_unknown(works), json!({ "refused": refused, "queues": queues }));
    }
    let replicas = state.node.replica_health();
    if !replicas.is_empty() {
        let all_reached = replicas.iter().all(|replica| replica.error.is_none());
        let details = replicas.iter().map(|replica| (replica.context.to_owned(), json!(replica)));
        let details: Map<_, _> = details.collect();
        put("replicas", up_or_unknown(all_reached), details.into());
    }
    let nodes = state.nodes.list_nodes();
    if !nodes.is_empty() {
        let all_reached = nodes.iter().all(|node| node_condition(node).0);
        put("nodes", up_or_unknown(all_reached), json!({ "nodes": nodes }));
    }
    let disputes = state.node.disputes();
    if !disputes.is_empty() {
        put("history", "DOWN", json!({ "disputes": disputes }));
    }
    for ingress in state.settings.ingresses.iter().map(|ingress| ingress.health()) {
        put(ingress.inlet, up_or_unknown(ingress.up), json!(ingress));
    }
    for (context, guard) in state.node.guard_health() {
        let is_closed = guard.breaker == "closed";
        put(&format!("guard of {context}"), up_or_unknown(is_closed), json!(guard));
    }
    for context in state.node.contexts() {
        let health = context.health();
        put(health.context, up_or_unknown(is_sound(&health)), context_details(&health));
    }
    components
}

fn context_details(health: &ContextHealth) -> Value {
    let mut details = Map::new();
    let mut put = |name: &str, value: Value| drop(details.insert(name.to_owned(), value));
    put("state", json!(health.state));
    put("backlog", health.backlog.into());
    put("restarts", health.restarts.into());
    if let Some(damage) = &health.damage {
        put("damaged", health.damaged.into());
        put("damage", damage.as_str().into());
    }
    if !health.contested.is_empty() {
        put("contested", json!(health.contested));
    }
    if let Some(rows) = health.rebuilding {
        put("rebuilding", rows.into());
    }
    details.into()
}
