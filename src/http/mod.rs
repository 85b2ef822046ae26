//! REST for any context: one service that dispatches over a map of collections.

mod admin;
mod connection;
mod cors;
mod cursor;
mod event_reader;
mod events;
mod forward;
mod input;
mod internal;
mod list;
mod metrics;
pub mod openapi;
mod ops;
mod parked;
mod rest;
mod sagas;
mod scans;
#[cfg(test)]
mod tests;

use crate::{
    actors::{ListLimits, Node},
    inbound::{Found, Inlet, Paths, Problem},
};
use actix_http::{HttpService, Protocol};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, map_config};
use actix_web::{
    App, HttpRequest, HttpResponse,
    dev::{AppConfig, Server, Service, fn_service},
    http::header,
    rt::net::TcpStream,
    web,
};
use connection::{Connection, LINGER, Open};
pub use forward::Elsewhere;
use forward::Forwarder;
use futures_util::FutureExt;
use scans::Scans;
use std::{
    future::Future,
    io,
    net::{IpAddr, TcpListener},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Threads that serve connections.
    pub workers: usize,
    /// The largest body, in bytes.
    pub body_limit: usize,
    /// The deepest nesting of a body.
    pub json_depth: usize,
    /// How long the headers may take.
    pub header_timeout: Duration,
    /// How long the body may take.
    pub body_timeout: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// How long it goes on serving, not ready, before it stops accepting.
    pub drain_delay: Duration,
    /// How long running requests may take to finish after that.
    pub drain_timeout: Duration,
    /// Origins of which scripts may call; `None` for any.
    pub cors_origins: Option<Vec<String>>,
    /// Proxies whose word for the client's scheme and host is taken.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether collections are mounted without their system too.
    pub bare: bool,
    /// Whether administration is open.
    pub development: bool,
    /// What other nodes show; without one, they are not answered.
    pub node_credential: Option<String>,
    /// Contexts of other nodes.
    pub elsewhere: Vec<Elsewhere>,
    /// By what else commands come in, to tell how that is doing.
    pub inlets: Vec<Arc<dyn Inlet>>,
    /// What is said of events.
    pub documents: crate::events::Documents,
    /// Messages of the broker that could not be taken.
    pub dead_letters: Option<Arc<dyn crate::actors::DeadLetters>>,
    /// How long another node may take to answer a request that is passed on.
    pub forward_timeout: Duration,
    /// How much one list may cost.
    pub list_limits: ListLimits,
    /// So many long reads of lists run at once, off the threads that serve connections; and as many of logs.
    pub scans: usize,
    /// So many more wait for their turn.
    pub scans_waiting: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            workers: (std::thread::available_parallelism().map_or(1, usize::from) / 2).max(1),
            body_limit: 64 * 1024,
            json_depth: 32,
            header_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(30),
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(30),
            cors_origins: Some(Vec::new()),
            trusted_proxies: Vec::new(),
            bare: false,
            development: false,
            node_credential: None,
            elsewhere: Vec::new(),
            inlets: Vec::new(),
            documents: crate::events::Documents::default(),
            dead_letters: None,
            forward_timeout: Duration::from_secs(30),
            list_limits: ListLimits::default(),
            scans: (std::thread::available_parallelism().map_or(1, usize::from) / 2).max(1),
            scans_waiting: 64,
        }
    }
}

/// Where it accepts.
#[derive(Debug)]
pub struct Listeners {
    /// For everything.
    pub all: TcpListener,
    /// For one context each, by its name: `bookrent.rent`.
    pub contexts: Vec<(&'static str, TcpListener)>,
}
impl From<TcpListener> for Listeners {
    fn from(all: TcpListener) -> Self {
        Self { all, contexts: Vec::new() }
    }
}

/// What every worker shares.
struct Front {
    settings: HttpSettings,
    node: Arc<dyn Node>,
    /// Where the collections are.
    paths: Paths<Host>,
    forwarder: Forwarder,
    /// Where long reads of lists run.
    scans: Scans,
    /// Where logs are read.
    logs: Scans,
    requests: metrics::Requests,
    /// The route of what is no collection.
    other: Arc<str>,
    draining: watch::Sender<bool>,
    /// `/openapi.json`: what runs does not change while it runs.
    document: String,
}

/// The place of the context that alone answers at a port; none where all do.
#[derive(Clone, Copy)]
struct Only(Option<usize>);

/// The place of the context that alone answers where `request` came in.
fn only(request: &HttpRequest) -> Option<usize> {
    request.app_data::<Only>().and_then(|only| only.0)
}

/// Who hosts a context.
#[derive(Debug, Clone, Copy)]
enum Host {
    /// This node: the context's place among its contexts.
    Here(usize),
    /// Another one: the context's place among those elsewhere.
    Elsewhere(usize),
}

impl Front {
    fn draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Resolves when the node is to stop.
    async fn drained(&self) {
        let _ = self.draining.subscribe().wait_for(|draining| *draining).await;
    }

    /// The template that `path` is counted under.
    fn route(&self, found: Option<&Found<'_, Host>>, path: &str) -> Arc<str> {
        match found {
            Some((collection, _, "")) => collection.path.clone(),
            Some((collection, _, _)) => collection.item.clone(),
            None if path.starts_with("/events/") => "/events/{context}".into(),
            None => ops::PATHS.iter().find(|known| **known == path).map_or(self.other.clone(), |path| Arc::from(*path)),
        }
    }
}

/// Serves `node` on `listeners` until `drain` resolves, then stops without losing a request.
///
/// # Errors
/// The listener cannot be used, or a worker cannot start.
pub async fn serve(
    settings: HttpSettings,
    node: Arc<dyn Node>,
    listeners: impl Into<Listeners>,
    drain: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut paths = Paths::new(settings.bare);
    for (place, context) in node.contexts().iter().enumerate() {
        paths.lead(context.name(), context.aliases(), Host::Here(place));
    }
    for (place, context) in settings.elsewhere.iter().enumerate() {
        paths.lead(context.name, context.aliases, Host::Elsewhere(place));
    }
    let forwarder = Forwarder::new(settings.forward_timeout).map_err(io::Error::other)?;
    let Listeners { all, contexts } = listeners.into();
    let mut doors = vec![(Only(None), all)];
    for (name, listener) in contexts {
        // Of a context that is not here, nobody answers there either.
        if let Some(place) = node.contexts().iter().position(|context| context.name().context == name) {
            doors.push((Only(Some(place)), listener));
        }
    }
    let document = openapi::document(node.contexts(), settings.bare).to_string();
    let scans = || Scans::new(settings.scans, settings.scans_waiting);
    let (scans, logs) = (scans(), scans());
    let front = Arc::new(Front {
        settings,
        node,
        paths,
        requests: metrics::Requests::default(),
        other: "{other}".into(),
        forwarder,
        scans,
        logs,
        draining: watch::Sender::new(false),
        document,
    });
    let shared = web::Data::from(front.clone());
    let settings = &front.settings;
    let mut server = Server::build().workers(settings.workers).disable_signals();
    let (open, (close, closing)) = (Open::default(), watch::channel(false));
    for (only, listener) in doors {
        let (shared, open, closing) = (shared.clone(), open.clone(), closing.clone());
        let name = format!("http on {}", listener.local_addr()?);
        server = server.listen(name, listener, move || {
            let (shared, open, closing) = (shared.clone(), open.clone(), closing.clone());
            let (header_timeout, keep_alive) = (shared.settings.header_timeout, shared.settings.keep_alive);
            let app = App::new()
                .wrap(cors::cors(shared.settings.cors_origins.as_deref()))
                .wrap_fn(|request, server| server.call(request).map(cors::as_problem))
                .app_data(shared)
                .app_data(only)
                .default_service(web::to(dispatch));
            // What `HttpServer` does, but for the connection, which is our own.
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let mut closing = closing.clone();
                    async move { drop(closing.wait_for(|closing| *closing).await) }
                })
                .client_request_timeout(header_timeout)
                .client_disconnect_timeout(LINGER)
                .keep_alive(keep_alive)
                .finish(map_config(app.into_factory(), |()| AppConfig::default()));
            fn_service(move |stream: TcpStream| {
                let peer = stream.peer_addr().ok();
                std::future::ready(Ok((Connection::new(stream, open.clone()), Protocol::Http1, peer)))
            })
            .and_then(http)
        })?;
    }
    let server = server.run();
    let handle = server.handle();
    let stop = async {
        drain.await;
        front.draining.send_replace(true);
        tokio::time::sleep(settings.drain_delay).await;
        // A worker that is to stop gracefully looks only once a second whether its connections have ended.
        handle.pause().await;
        close.send_replace(true);
        let _ = tokio::time::timeout(settings.drain_timeout, open.none()).await;
        handle.stop(false).await;
    };
    futures_util::future::join(server, stop).map(|(served, ())| served).await
}

async fn dispatch(request: HttpRequest, payload: web::Payload, front: web::Data<Front>) -> HttpResponse {
    let began = Instant::now();
    let only = only(&request);
    let found = front
        .paths
        .find(request.path())
        .filter(|(collection, ..)| only.is_none_or(|place| matches!(collection.place, Host::Here(at) if at == place)));
    let answer = AssertUnwindSafe(route(&request, payload, &front, found)).catch_unwind().await;
    let answer = answer.unwrap_or_else(|_| Err(Problem::crashed()));
    let code = answer.as_ref().err().map(|problem| problem.code().clone());
    let mut response = answer.unwrap_or_else(|problem| rest::refusal(problem, &request));
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    if let Some(correlation) = request.headers().get("x-correlation-id") {
        headers.insert(header::HeaderName::from_static("x-correlation-id"), correlation.clone());
    }
    if front.draining() {
        response.head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
    }
    let (route, status, took) =
        (front.route(found.as_ref(), request.path()), response.status().as_u16(), began.elapsed());
    front.requests.answered(request.method(), &route, status, code, took);
    if status >= 500 && status != 503 {
        log::<true>(&request, &route, status, took);
    } else if tracing::enabled!(target: "holdfast::access", tracing::Level::INFO) {
        log::<false>(&request, &route, status, took);
    }
    response
}

/// One line for an answered request.
fn log<const BAD: bool>(request: &HttpRequest, route: &str, status: u16, took: Duration) {
    let text = |name: &str| input::text(request, name).unwrap_or_default();
    let (method, micros) = (request.method().as_str(), u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    let trace = text("traceparent").split('-').nth(1).unwrap_or_default();
    let correlation = text("x-correlation-id");
    match BAD {
        true => {
            tracing::warn!(target: "holdfast::access", method, route, status, micros, correlation, trace, "answered")
        }
        false => {
            tracing::info!(target: "holdfast::access", method, route, status, micros, correlation, trace, "answered")
        }
    }
}

async fn route(
    request: &HttpRequest,
    payload: web::Payload,
    front: &Front,
    found: Option<Found<'_, Host>>,
) -> Result<HttpResponse, Problem> {
    let path = request.path();
    if let Some((collection, written, rest)) = found {
        let at = match collection.place {
            Host::Here(place) => place,
            Host::Elsewhere(place) => return forward::pass_on(request, payload, front, place).await,
        };
        let context = front.node.contexts().get(at).ok_or_else(Problem::not_found)?;
        return rest::answer(request, payload, front, (context, collection), written, rest).await;
    }
    if let Some(path) = path.strip_prefix("/internal/") {
        return internal::answer(request, payload, front, path).await;
    }
    if let Some(path) = path.strip_prefix("/admin/") {
        return admin::answer(request, payload, front, path).await;
    }
    match path {
        "/events" => events::answer(request, front, None).await,
        path if path.starts_with("/events/") => events::answer(request, front, path.get(8..)).await,
        "/asyncapi.json" => openapi::docs::document(request, &front.settings.documents.asyncapi),
        path if path.starts_with("/schemas/") => {
            let kind = path.get(9..).and_then(|file| file.strip_suffix(".json")).ok_or_else(Problem::not_found)?;
            let schema = front.settings.documents.schemas.get(kind).ok_or_else(Problem::not_found)?;
            openapi::docs::document(request, schema)
        }
        "/openapi.json" => openapi::docs::document(request, &front.document),
        "/docs" => openapi::docs::redirect(request),
        path if path.starts_with("/docs/") => openapi::docs::answer(request, path.get(6..).unwrap_or_default()),
        path if ops::PATHS.contains(&path) => ops::answer(request, front),
        _ => Err(Problem::not_found()),
    }
}
