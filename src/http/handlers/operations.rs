//! What operators and their tools ask: is it alive, is it ready, how is it doing.

use crate::{
    actors::{Contested, ContextHealth, Dispute, Phase},
    api::Problem,
    http::{AppState, handlers::metrics},
};
use actix_web::{HttpRequest, HttpResponse, http::Method, http::StatusCode, web};
use serde_json::{Map, Value, json};

const ACTUATOR: &str = "application/vnd.spring-boot.actuator.v3+json";

/// The paths that are answered here.
pub const PATHS: &[&str] = &[
    "/",
    "/livez",
    "/readyz",
    "/metrics",
    "/actuator/health",
    "/actuator/health/liveness",
    "/actuator/health/readiness",
    "/actuator/info",
    "/actuator/prometheus",
];

/// Answers one of [`PATHS`].
pub fn answer(request: &HttpRequest, front: &AppState) -> Result<HttpResponse, Problem> {
    match *request.method() {
        Method::GET | Method::HEAD => {}
        _ => return Err(Problem::method("GET, HEAD")),
    }
    let Some(Told { status, media, body }) = tell(front, request.path(), request.query_string())
    else {
        return Ok(home(request, front));
    };
    Ok(HttpResponse::build(status).content_type(media).body(body))
}

/// What is told to whoever asks how the server is doing, on whichever listener.
#[derive(Debug)]
pub struct Told {
    pub status: StatusCode,
    pub media: &'static str,
    pub body: String,
}

/// What is told under `path`, if that is one of those that ask how the server is doing.
pub fn tell(front: &AppState, path: &str, query: &str) -> Option<Told> {
    Some(match path {
        "/livez" => text(StatusCode::OK, "ok\n".into()),
        "/readyz" => readyz(query, front),
        "/metrics" | "/actuator/prometheus" => metrics::scrape(front),
        "/actuator/info" => {
            json_of(StatusCode::OK, &json!({ "build": { "version": env!("CARGO_PKG_VERSION") } }))
        }
        "/actuator/health/liveness" => json_of(StatusCode::OK, &json!({ "status": "UP" })),
        "/actuator/health" | "/actuator/health/readiness" => {
            health(front, path == "/actuator/health")
        }
        _ => return None,
    })
}

fn text(status: StatusCode, body: String) -> Told {
    Told { status, media: "text/plain; charset=utf-8", body }
}

fn json_of(status: StatusCode, body: &Value) -> Told {
    Told { status, media: ACTUATOR, body: body.to_string() }
}

/// Not ready are start-up, draining, a store that has failed or has no room for more, and a log with two pasts; a context that
/// is away is not a reason to send nobody here.
fn ready(front: &AppState) -> bool {
    front.node.ready() && !front.draining() && !front.node.store_is_full()
}

fn phase(health: &ContextHealth) -> String {
    serde_json::to_value(health.state)
        .ok()
        .and_then(|state| state.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn readyz(query: &str, front: &AppState) -> Told {
    let query = web::Query::<Vec<(String, String)>>::from_query(query);
    let query = query.map(web::Query::into_inner).unwrap_or_default();
    let excluded = |name: &str| query.iter().any(|(key, value)| key == "exclude" && value == name);
    let (store, draining) = (front.node.store_works(), front.draining());
    let started = front.node.contexts().iter().all(|context| context.phase() != Phase::Starting);
    let full = front.node.store_is_full();
    let disputes = front.node.disputes();
    let lines = [
        ("store", store, "failed"),
        ("disk", !full, "full"),
        ("start", started, "failed"),
        ("serving", !draining, "failed"),
        ("history", disputes.is_empty(), "changed"),
    ];
    let fine = lines.iter().all(|(name, fine, _)| *fine || excluded(name));
    let status = if fine { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if !query.iter().any(|(key, _)| key == "verbose") {
        return text(status, if fine { "ok\n".into() } else { "not ready\n".into() });
    }
    let mark = |fine: bool| if fine { "[+]" } else { "[-]" };
    let mut body: String = lines
        .iter()
        .map(|(name, fine, word)| {
            format!("{}{name} {}\n", mark(*fine), if *fine { "ok" } else { word })
        })
        .collect();
    for dispute in disputes {
        let Dispute { context, since, detail } = dispute;
        body.push_str(&format!("[-]history of {context}, since {since}: {detail}\n"));
    }
    if let Some(damage) = front.node.store_health().damage {
        body.push_str(&format!("[-]store damaged: {damage}\n"));
    }
    for context in front.node.contexts() {
        let health = context.health();
        let sound =
            health.state == Phase::Running && health.damaged == 0 && health.contested.is_empty();
        let rebuilding =
            health.rebuilding.map(|rows| format!("; writes its rows anew ({rows} so far)"));
        let contested = health
            .contested
            .iter()
            .map(|Contested { key, numbers }| format!("; `{key}` is held by {numbers:?}"));
        let contested: String = rebuilding.into_iter().chain(contested).collect();
        let damage =
            health.damage.as_ref().map(|what| format!("; damaged ({}): {what}", health.damaged));
        let damage = damage.unwrap_or_default();
        body.push_str(&format!(
            "{}{} {}{contested}{damage}\n",
            mark(sound),
            health.context,
            phase(&health)
        ));
    }
    for sink in front.node.sinks() {
        body.push_str(&format!("{}{} {}\n", mark(sink.up), sink.sink, sink.state));
    }
    for replica in front.node.replicas() {
        let word =
            replica.feed.unwrap_or(if replica.error.is_none() { "asked" } else { "unreachable" });
        body.push_str(&format!(
            "{}events of {} {word}\n",
            mark(replica.error.is_none()),
            replica.context
        ));
    }
    for inlet in front.settings.inlets.iter().map(|inlet| inlet.health()) {
        body.push_str(&format!("{}{} {}\n", mark(inlet.up), inlet.inlet, inlet.state));
    }
    body.push_str(if fine { "readyz check passed\n" } else { "readyz check failed\n" });
    text(status, body)
}

fn health(front: &AppState, components: bool) -> Told {
    let fine = ready(front);
    let (status, word) = match (fine, front.draining()) {
        (true, _) => (StatusCode::OK, "UP"),
        (false, true) => (StatusCode::SERVICE_UNAVAILABLE, "OUT_OF_SERVICE"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "DOWN"),
    };
    let mut body = Map::new();
    body.insert("status".into(), word.into());
    if components && front.settings.development {
        let store = front.node.store_health();
        let up = |fine: bool| if fine { "UP" } else { "DOWN" };
        let mut parts = Map::new();
        let details = json!({
            "durable": store.durable_commit, "accepted": store.accepted_commit, "diskBytes": store.disk_bytes,
            "freeBytes": store.free_bytes, "reserveBytes": store.reserve_bytes, "full": store.full,
            "waitsFor": store.waits_for, "mostRuns": store.most_runs, "damage": store.damage,
        });
        let fine = store.failed.is_none() && !store.full && store.waits_for.is_none();
        parts.insert("store".into(), json!({ "status": up(fine), "details": details }));
        let clock = front.node.clock_health();
        // What is set right by hand is nobody's fault; somebody should know of it.
        let word = if clock.stepped_back_seconds == 0 { "UP" } else { "UNKNOWN" };
        parts.insert("clock".into(), json!({ "status": word, "details": clock }));
        for sink in front.node.sinks() {
            // Events wait for it; nobody else does.
            let word = if sink.up { "UP" } else { "UNKNOWN" };
            parts.insert(sink.sink.into(), json!({ "status": word, "details": sink }));
        }
        let replicas = front.node.replicas();
        if !replicas.is_empty() {
            // They wait for it; nobody else does.
            let word = if replicas.iter().all(|replica| replica.error.is_none()) {
                "UP"
            } else {
                "UNKNOWN"
            };
            let details: Map<_, _> = replicas
                .into_iter()
                .map(|replica| (replica.context.to_owned(), json!(replica)))
                .collect();
            parts.insert("replicas".into(), json!({ "status": word, "details": details }));
        }
        let disputes = front.node.disputes();
        if !disputes.is_empty() {
            parts.insert(
                "history".into(),
                json!({ "status": "DOWN", "details": { "disputes": disputes } }),
            );
        }
        for inlet in front.settings.inlets.iter().map(|inlet| inlet.health()) {
            let word = if inlet.up { "UP" } else { "UNKNOWN" };
            parts.insert(inlet.inlet.into(), json!({ "status": word, "details": inlet }));
        }
        for (context, guard) in front.node.guards() {
            let word = if guard.breaker == "closed" { "UP" } else { "UNKNOWN" };
            parts
                .insert(format!("guard of {context}"), json!({ "status": word, "details": guard }));
        }
        for context in front.node.contexts() {
            let health = context.health();
            let mut details = Map::new();
            let mut detail =
                |name: &str, value: Value| drop(details.insert(name.to_owned(), value));
            detail("state", json!(health.state));
            detail("backlog", health.backlog.into());
            detail("restarts", health.restarts.into());
            if let Some(damage) = &health.damage {
                detail("damaged", health.damaged.into());
                detail("damage", damage.as_str().into());
            }
            if !health.contested.is_empty() {
                detail("contested", json!(health.contested));
            }
            if let Some(rows) = health.rebuilding {
                detail("rebuilding", rows.into());
            }
            // A context that is away is told, and takes nothing else with it.
            let sound = health.state == Phase::Running
                && health.damaged == 0
                && health.contested.is_empty();
            let word = if sound { "UP" } else { "UNKNOWN" };
            parts.insert(health.context.into(), json!({ "status": word, "details": details }));
        }
        body.insert("components".into(), parts.into());
    }
    json_of(status, &Value::Object(body))
}

/// Links to every collection that answers here.
fn home(request: &HttpRequest, front: &AppState) -> HttpResponse {
    let base = crate::http::handlers::collections::base(request, front);
    let mut links = Map::new();
    let mut link =
        |rel: String, path: String| links.insert(rel, json!({ "href": format!("{base}{path}") }));
    link("self".into(), "/".into());
    let only = crate::http::only(request);
    for (_, context) in front
        .node
        .contexts()
        .iter()
        .enumerate()
        .filter(|(place, _)| only.is_none_or(|o| o == *place))
    {
        let name = context.name();
        link(
            format!("{}:{}", name.system, name.collection),
            format!("/{}/{}", name.system, name.collection),
        );
        if front.settings.bare {
            link(name.collection.into(), format!("/{}", name.collection));
        }
    }
    for (rel, path) in [
        ("service-desc", "/openapi.json"),
        ("events", "/events"),
        ("asyncapi", "/asyncapi.json"),
        ("service-doc", "/docs/"),
        ("status", "/actuator/health"),
    ] {
        link(rel.into(), path.into());
    }
    HttpResponse::Ok()
        .content_type("application/hal+json")
        .body(json!({ "_links": links }).to_string())
}
