//! REST for any context: one service that dispatches over a map of collections.

mod admin;
mod input;
pub mod openapi;
pub mod problem;
mod rest;
#[cfg(test)]
mod tests;

use crate::actors::{Context, Node};
use actix_cors::Cors;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, http::header, web};
use futures_util::FutureExt;
use problem::Problem;
use std::{
    collections::HashMap,
    future::Future,
    io,
    net::TcpListener,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

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
    /// Whether collections are mounted without their system too.
    pub bare: bool,
    /// Whether administration is open.
    pub development: bool,
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
            bare: false,
            development: false,
        }
    }
}

/// What every worker shares.
struct Front {
    settings: HttpSettings,
    node: Arc<dyn Node>,
    /// `bookrent/rents`, and `rents` when bare, to the context's place among the node's.
    collections: HashMap<String, usize>,
    draining: AtomicBool,
    /// `/openapi.json`: what runs does not change while it runs.
    document: String,
}

impl Front {
    /// The context that `path` leads into, the collection's path, and what follows it.
    fn find<'a>(&self, path: &'a str) -> Option<(&Arc<dyn Context>, &'a str, &'a str)> {
        let mut slashes = path.char_indices().skip(1).filter(|(_, c)| *c == '/').map(|(at, _)| at);
        let ends = [slashes.next().unwrap_or(path.len()), slashes.next().unwrap_or(path.len())];
        ends.into_iter().find_map(|end| {
            let (collection, rest) = path.split_at(end);
            let place = self.collections.get(collection.strip_prefix('/')?)?;
            Some((self.node.contexts().get(*place)?, collection, rest))
        })
    }
}

/// Serves `node` on `listener` until `drain` resolves, then stops without losing a request.
///
/// # Errors
/// The listener cannot be used, or a worker cannot start.
pub async fn serve(
    settings: HttpSettings,
    node: Arc<dyn Node>,
    listener: TcpListener,
    drain: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut collections = HashMap::new();
    for (place, context) in node.contexts().iter().enumerate() {
        let name = context.name();
        collections.insert(format!("{}/{}", name.system, name.collection), place);
        if settings.bare {
            collections.insert(name.collection.to_owned(), place);
        }
    }
    let document = openapi::document(node.contexts(), settings.bare).to_string();
    let front = Arc::new(Front { settings, node, collections, draining: AtomicBool::new(false), document });
    let shared = web::Data::from(front.clone());
    let settings = &front.settings;
    let origins = settings.cors_origins.clone();
    let server = HttpServer::new(move || {
        App::new().app_data(shared.clone()).wrap(cors(origins.as_deref())).default_service(web::to(dispatch))
    })
    .workers(settings.workers)
    .client_request_timeout(settings.header_timeout)
    .keep_alive(settings.keep_alive)
    .shutdown_timeout(settings.drain_timeout.as_secs().max(1))
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    let stop = async {
        drain.await;
        front.draining.store(true, Ordering::Release);
        tokio::time::sleep(settings.drain_delay).await;
        handle.stop(true).await;
    };
    futures_util::future::join(server, stop).map(|(served, ())| served).await
}

fn cors(origins: Option<&[String]>) -> Cors {
    let cors = Cors::default().allow_any_method().allow_any_header().expose_any_header().max_age(600);
    match origins {
        None => cors.allow_any_origin().supports_credentials(),
        Some(origins) => origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin)),
    }
}

async fn dispatch(request: HttpRequest, payload: web::Payload, front: web::Data<Front>) -> HttpResponse {
    let began = Instant::now();
    let answer = AssertUnwindSafe(route(&request, payload, &front)).catch_unwind().await;
    let answer = answer.unwrap_or_else(|_| Err(Problem::crashed()));
    let mut response = answer.unwrap_or_else(|problem| problem.response(&request));
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    if let Some(correlation) = request.headers().get("x-correlation-id") {
        headers.insert(header::HeaderName::from_static("x-correlation-id"), correlation.clone());
    }
    if front.draining.load(Ordering::Acquire) {
        response.head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
    }
    tracing::info!(
        target: "holdfast::access",
        method = %request.method(), path = request.path(), status = response.status().as_u16(),
        micros = began.elapsed().as_micros() as u64, "answered"
    );
    response
}

async fn route(request: &HttpRequest, payload: web::Payload, front: &Front) -> Result<HttpResponse, Problem> {
    match request.path() {
        "/livez" => Ok(HttpResponse::Ok().content_type("text/plain").body("ok")),
        "/readyz" if front.node.ready() && !front.draining.load(Ordering::Acquire) => {
            Ok(HttpResponse::Ok().content_type("text/plain").body("ok"))
        }
        "/readyz" => Ok(HttpResponse::ServiceUnavailable().content_type("text/plain").body("not ready")),
        "/" => rest::root(request, front),
        "/openapi.json" => openapi::docs::document(request, &front.document),
        "/docs" => openapi::docs::redirect(request),
        path if path.starts_with("/docs/") => openapi::docs::answer(request, path.get(6..).unwrap_or_default()),
        path if path.starts_with("/admin/") => {
            admin::answer(request, payload, front, path.get(7..).unwrap_or_default()).await
        }
        path => match front.find(path) {
            Some((context, collection, rest)) => rest::answer(request, payload, front, context, collection, rest).await,
            None => Err(Problem::not_found()),
        },
    }
}
