//! REST for any context: one service that dispatches over a map of collections.

mod handlers;
mod middleware;
pub mod openapi;
mod probes;
mod read_pool;
mod settings;
#[cfg(test)]
mod tests;

use crate::{
    actors::Node,
    api::{Paths, Problem, RouteMatch},
};
use actix_http::{HttpService, Protocol};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, map_config};
use actix_web::{
    App, HttpRequest, HttpResponse,
    dev::{AppConfig, Server, Service, fn_service},
    http::header,
    rt::net::TcpStream,
    web,
    web::Bytes,
};
use futures_util::FutureExt;
pub use handlers::forward::Elsewhere;
use handlers::forward::Forwarder;
use middleware::admission::Crowd;
use middleware::connection::{Bounds, Connection};
use middleware::raw_response::LINGER;
use middleware::response_body::PORTION;
use read_pool::Scans;
pub use settings::{HttpSettings, MOST_CONNECTIONS, in_passing};
use std::{
    future::Future,
    io,
    net::TcpListener,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Semaphore, watch};

/// A client's own word for what it does is given back, and written into the log, when it is no longer than this.
const LONGEST_WORD: usize = 256;

/// Where it accepts.
#[derive(Debug)]
pub struct Listeners {
    /// For everything.
    pub all: TcpListener,
    /// For one context each, by its name: `bookrent.rent`.
    pub contexts: Vec<(&'static str, TcpListener)>,
    /// For probes, beside everything else.
    pub probes: Option<TcpListener>,
}
impl From<TcpListener> for Listeners {
    fn from(all: TcpListener) -> Self {
        Self { all, contexts: Vec::new(), probes: None }
    }
}

/// What every worker shares.
struct AppState {
    settings: HttpSettings,
    node: Arc<dyn Node>,
    /// Where the collections are.
    paths: Paths<Host>,
    forwarder: Forwarder,
    /// Where long reads of lists run.
    scans: Scans,
    /// Where logs are read.
    logs: Scans,
    requests: handlers::metrics::Requests,
    /// The route of what is no collection.
    other: Arc<str>,
    draining: watch::Sender<bool>,
    crowd: Arc<Crowd>,
    /// Places for streams of events.
    streams: Arc<Semaphore>,
    /// `/openapi.json`: what runs does not change while it runs.
    document: Bytes,
    /// `/asyncapi.json`
    asyncapi: Bytes,
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

impl AppState {
    fn draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Resolves when the node is to stop.
    async fn drained(&self) {
        let _ = self.draining.subscribe().wait_for(|draining| *draining).await;
    }

    /// The template that `path` is counted under.
    fn route(&self, found: Option<&RouteMatch<'_, Host>>, path: &str) -> Arc<str> {
        match found {
            Some((collection, _, "")) => collection.path.clone(),
            Some((collection, _, _)) => collection.item.clone(),
            None if path.starts_with("/events/") => "/events/{context}".into(),
            None => handlers::operations::PATHS
                .iter()
                .find(|known| **known == path)
                .map_or(self.other.clone(), |path| Arc::from(*path)),
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
    let forwarder = Forwarder::new(&settings).map_err(io::Error::other)?;
    let Listeners { all, contexts, probes } = listeners.into();
    let mut doors = vec![(Only(None), all)];
    for (name, listener) in contexts {
        // Of a context that is not here, nobody answers there either.
        if let Some(place) =
            node.contexts().iter().position(|context| context.name().context == name)
        {
            doors.push((Only(Some(place)), listener));
        }
    }
    let document = openapi::document(node.contexts(), settings.bare).to_string().into();
    let asyncapi = settings.documents.asyncapi.clone().into();
    let crowd = Crowd::new(settings.max_connections, settings.unsent_bytes);
    let scans = || Scans::new(settings.scans, settings.scans_waiting);
    let (scans, logs) = (scans(), scans());
    let front = Arc::new(AppState {
        crowd: Arc::clone(&crowd),
        streams: Arc::new(Semaphore::new(settings.max_streams)),
        settings,
        node,
        paths,
        requests: handlers::metrics::Requests::default(),
        other: "{other}".into(),
        forwarder,
        scans,
        logs,
        draining: watch::Sender::new(false),
        document,
        asyncapi,
    });
    let shared = web::Data::from(front.clone());
    let settings = &front.settings;
    let probes = probes.map(|listener| probes::serve(listener, Arc::clone(&front))).transpose()?;
    let accepted = settings.max_connections.saturating_add(in_passing(settings.max_connections));
    let mut server = Server::build().workers(settings.workers).disable_signals();
    server = server.max_concurrent_connections((accepted / settings.workers.max(1)).max(1));
    let bounds = Bounds {
        head_time: settings.header_timeout,
        head: settings.header_limit,
        uri: settings.uri_limit,
        write_time: settings.write_timeout,
    };
    let (close, closing) = watch::channel(false);
    for (only, listener) in doors {
        let (shared, crowd, closing) = (shared.clone(), crowd.clone(), closing.clone());
        let name = format!("http on {}", listener.local_addr()?);
        server = server.listen(name, listener, move || {
            let (shared, crowd, closing) = (shared.clone(), crowd.clone(), closing.clone());
            let keep_alive = shared.settings.keep_alive;
            let app = App::new()
                .wrap(middleware::cors::cors(shared.settings.cors_origins.as_deref()))
                .wrap_fn(|request, server| server.call(request).map(middleware::cors::as_problem))
                .wrap_fn(|request, server| {
                    let under_way = middleware::response_body::begin(&request);
                    server
                        .call(request)
                        .map(|answer| middleware::response_body::answered(answer, under_way))
                })
                .app_data(shared)
                .app_data(only)
                .default_service(web::to(dispatch));
            // What `HttpServer` does, but for the connection, which is our own.
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let mut closing = closing.clone();
                    async move { drop(closing.wait_for(|closing| *closing).await) }
                })
                // The connection sees to that itself, for every request and not for the first one only.
                .client_request_timeout(Duration::ZERO)
                .client_disconnect_timeout(LINGER)
                .keep_alive(keep_alive)
                .h1_write_buffer_size(PORTION)
                .on_connect_ext(|connection: &Connection, data| {
                    drop(data.insert(connection.stay()))
                })
                .finish(map_config(app.into_factory(), |()| AppConfig::default()));
            fn_service(move |stream: TcpStream| {
                let peer = stream.peer_addr().ok();
                std::future::ready(Ok((
                    Connection::new(stream, &crowd, bounds),
                    Protocol::Http1,
                    peer,
                )))
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
        let _ = tokio::time::timeout(settings.drain_timeout, crowd.none()).await;
        handle.stop(false).await;
    };
    let (served, ()) = futures_util::future::join(server, stop).await;
    drop(probes);
    served
}

async fn dispatch(
    request: HttpRequest,
    payload: web::Payload,
    front: web::Data<AppState>,
) -> HttpResponse {
    let began = Instant::now();
    let only = only(&request);
    let found = front.paths.find(request.path()).filter(|(collection, ..)| {
        only.is_none_or(|place| matches!(collection.place, Host::Here(at) if at == place))
    });
    let answer = AssertUnwindSafe(route(&request, payload, &front, found)).catch_unwind().await;
    let answer = answer.unwrap_or_else(|_| Err(Problem::crashed()));
    let code = answer.as_ref().err().map(|problem| problem.code().clone());
    let mut response =
        answer.unwrap_or_else(|problem| handlers::collections::refusal(problem, &request));
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    let correlation = request.headers().get("x-correlation-id");
    if let Some(correlation) = correlation.filter(|correlation| correlation.len() <= LONGEST_WORD) {
        headers.insert(header::HeaderName::from_static("x-correlation-id"), correlation.clone());
    }
    // Whoever offers another protocol is answered in this one, and below is then taken for somebody who has changed to it:
    // nothing more is heard of what comes behind.
    if front.draining() || request.head().upgrade() {
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
    let text = |name: &str| {
        handlers::body::text(request, name)
            .filter(|word| word.len() <= LONGEST_WORD)
            .unwrap_or_default()
    };
    let (method, micros) =
        (request.method().as_str(), u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
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
    front: &AppState,
    found: Option<RouteMatch<'_, Host>>,
) -> Result<HttpResponse, Problem> {
    let path = request.path();
    let uri = request.uri().path_and_query().map_or(0, |uri| uri.as_str().len());
    if uri > front.settings.uri_limit {
        return Err(Problem::long_uri(front.settings.uri_limit));
    }
    if let Some((collection, written, rest)) = found {
        let at = match collection.place {
            Host::Here(place) => place,
            Host::Elsewhere(place) => {
                return handlers::forward::pass_on(request, payload, front, place).await;
            }
        };
        let context = front.node.contexts().get(at).ok_or_else(Problem::not_found)?;
        return handlers::collections::answer(
            request,
            payload,
            front,
            (context, collection),
            written,
            rest,
        )
        .await;
    }
    if let Some(path) = path.strip_prefix("/internal/") {
        return handlers::internal::answer(request, payload, front, path).await;
    }
    if let Some(path) = path.strip_prefix("/admin/") {
        return handlers::admin::answer(request, payload, front, path).await;
    }
    match path {
        "/events" => handlers::events::answer(request, front, None).await,
        path if path.starts_with("/events/") => {
            handlers::events::answer(request, front, path.get(8..)).await
        }
        "/asyncapi.json" => handlers::documents::document(request, &front.asyncapi),
        path if path.starts_with("/schemas/") => {
            let kind = path
                .get(9..)
                .and_then(|file| file.strip_suffix(".json"))
                .ok_or_else(Problem::not_found)?;
            let schema =
                front.settings.documents.schemas.get(kind).ok_or_else(Problem::not_found)?;
            handlers::documents::document(request, &Bytes::from(schema.clone()))
        }
        "/openapi.json" => handlers::documents::document(request, &front.document),
        "/docs" => handlers::documents::redirect(request),
        path if path.starts_with("/docs/") => {
            handlers::documents::answer(request, path.get(6..).unwrap_or_default())
        }
        path if handlers::operations::PATHS.contains(&path) => {
            handlers::operations::answer(request, front)
        }
        _ => Err(Problem::not_found()),
    }
}
