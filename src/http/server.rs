//! Starts the workers, and stops them without losing a request.

use crate::{
    actors::{Declaration, Node},
    api::Paths,
    http::{
        document::Document,
        forwarder::Forwarder,
        handlers::documents::JSON,
        inner::InnerServer,
        metrics::requests::RequestMetrics,
        middleware::{
            connection::{Bounds, Connection},
            connection_limit::ConnectionLimit,
            cors,
            raw_response::LINGER,
            response_body::{self, CHUNK},
            transport::Transport,
        },
        nodes::OtherNodes,
        openapi, probes,
        rate_limits::RateLimits,
        read_pool::ReadPool,
        router,
        settings::{HttpSettings, connection_headroom},
        state::{AppState, Host, Port},
        stream_permits::StreamPermits,
    },
    pages::Site,
    tls::ServerCertificate,
};
use actix_http::{HttpService, Protocol};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, map_config};
use actix_web::{
    App,
    dev::{AppConfig, Server, Service, fn_service},
    rt::net::TcpStream,
    web,
};
use futures_util::FutureExt;
use std::{future::Future, io, net::TcpListener, sync::Arc, time::Duration};
use tokio::sync::watch;

/// The listeners of a server.
#[derive(Debug)]
pub struct Listeners {
    /// Serves everything.
    pub main: TcpListener,
    /// Serve one context each, by its name: `bookrent.rent`.
    pub contexts: Vec<(&'static str, TcpListener)>,
    /// Serves probes, apart from everything else.
    pub probes: Option<TcpListener>,
    /// Serves operators, and is the only one that does.
    pub ops: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(main: TcpListener) -> Self {
        Self { main, contexts: Vec::new(), probes: None, ops: None }
    }
}

/// Serves `node` on `listeners` until `drain` resolves, then stops without losing a request.
///
/// # Errors
/// A listener cannot be used, or a worker cannot start.
pub async fn serve_http(
    settings: HttpSettings,
    node: Arc<dyn Node>,
    listeners: impl Into<Listeners>,
    drain: impl Future<Output = ()>,
) -> io::Result<()> {
    let Listeners { main, contexts, probes, ops } = listeners.into();
    let settings = HttpSettings { has_ops_port: ops.is_some(), ..settings };
    let mut ports = open_ports(main, contexts, node.as_ref());
    ports.extend(ops.map(|listener| (Port::Operations, listener)));
    let state = Arc::new(build_state(settings, node)?);
    let settings = &state.settings;
    let probes =
        probes.map(|listener| probes::serve_probes(listener, Arc::clone(&state))).transpose()?;
    let most = settings.max_connections;
    let accepted = most.saturating_add(connection_headroom(most)) / settings.workers.max(1);
    let mut server = Server::build().workers(settings.workers).disable_signals();
    server = server.max_concurrent_connections(accepted.max(1));
    let bounds = connection_bounds(settings);
    let tls = settings.certificate.as_ref().map(ServerCertificate::acceptor);
    let (close, closing) = watch::channel(false);
    for (port, listener) in ports {
        let shared = web::Data::from(Arc::clone(&state));
        let closing = closing.clone();
        let name = format!("http on {}", listener.local_addr()?);
        // What `actix_web::HttpServer` does, with our own connection below it.
        let bounds = bounds.clone();
        let tls = tls.clone();
        server = server.listen(name, listener, move || {
            let shared = shared.clone();
            let closing = closing.clone();
            let bounds = bounds.clone();
            let tls = tls.clone();
            let connections = Arc::clone(&shared.connections);
            let keep_alive = shared.settings.keep_alive;
            let app = App::new()
                .wrap(cors::allow_origins(shared.settings.cors_origins.as_deref()))
                .wrap_fn(|request, server| server.call(request).map(cors::as_problem))
                .wrap_fn(|request, server| {
                    let active = response_body::begin_request(&request);
                    server.call(request).map(|answer| response_body::send_chunked(answer, active))
                })
                .app_data(InnerServer::new(&shared, port, router::dispatch_request))
                .app_data(shared)
                .app_data(port)
                .default_service(web::to(router::dispatch_request));
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let mut closing = closing.clone();
                    async move { drop(closing.wait_for(|closing| *closing).await) }
                })
                // The connection times each request; this would time the first one only.
                .client_request_timeout(Duration::ZERO)
                .client_disconnect_timeout(LINGER)
                .keep_alive(keep_alive)
                .h1_write_buffer_size(CHUNK)
                .on_connect_ext(|connection: &Connection, data| {
                    drop(data.insert(connection.slot()))
                })
                .finish(map_config(app.into_factory(), |()| AppConfig::default()));
            fn_service(move |stream: TcpStream| {
                let peer = stream.peer_addr().ok();
                let transport = Transport::new(stream, tls.as_ref());
                let connection = Connection::new(transport, &connections, bounds.clone());
                std::future::ready(Ok((connection, Protocol::Http1, peer)))
            })
            .and_then(http)
        })?;
    }
    let server = server.run();
    let handle = server.handle();
    let stop = async {
        drain.await;
        state.draining.send_replace(true);
        tokio::time::sleep(settings.drain_delay).await;
        // A worker that stops gracefully looks only once a second whether its connections have ended.
        handle.pause().await;
        close.send_replace(true);
        let all_closed = state.connections.all_closed();
        let _ = tokio::time::timeout(settings.drain_timeout, all_closed).await;
        handle.stop(false).await;
    };
    let (served, ()) = futures_util::future::join(server, stop).await;
    drop(probes);
    served
}

/// The main port, and those of contexts. The port of a context that another node hosts stays closed.
fn open_ports(
    main: TcpListener,
    contexts: Vec<(&'static str, TcpListener)>,
    node: &dyn Node,
) -> Vec<(Port, TcpListener)> {
    let mut ports = vec![(Port::Main, main)];
    for (name, listener) in contexts {
        let mut local = node.contexts().iter();
        if let Some(index) = local.position(|context| context.name().context == name) {
            ports.push((Port::Context(index), listener));
        }
    }
    ports
}

fn connection_bounds(settings: &HttpSettings) -> Bounds {
    Bounds {
        head_time: settings.header_timeout,
        head: settings.header_limit,
        uri: settings.uri_limit,
        write_time: settings.write_timeout,
        problem_types: settings.problem_types.clone(),
    }
}

fn build_state(settings: HttpSettings, node: Arc<dyn Node>) -> io::Result<AppState> {
    let mut paths = Paths::new(settings.bare);
    for (index, context) in node.contexts().iter().enumerate() {
        paths.add_path(context.name(), context.aliases(), Host::Local(index));
    }
    for (index, context) in settings.remote_contexts.iter().enumerate() {
        paths.add_path(context.name, context.aliases, Host::Remote(index));
    }
    let openapi = settings.openapi.clone().unwrap_or_else(|| {
        let contexts = node.contexts().iter();
        let contexts: Vec<_> =
            contexts.map(|context| context.clone() as Arc<dyn Declaration>).collect();
        let public_url = settings.public_url.as_deref();
        openapi::write_document(&contexts, settings.bare, public_url).to_string()
    });
    let mut personal = settings.personal.clone();
    node.contexts().iter().for_each(|context| personal.add(context.as_ref()));
    let read_pool = || ReadPool::new(settings.scans, settings.scans_waiting);
    let draining = watch::Sender::new(false);
    let forwarder = Forwarder::new(&settings, draining.subscribe()).map_err(io::Error::other)?;
    let here = node.contexts().iter().map(|context| context.clone() as Arc<dyn Declaration>);
    let elsewhere = settings.remote_declarations.iter().cloned();
    let site = Site::new(&settings.pages, here.chain(elsewhere));
    Ok(AppState {
        site,
        personal,
        nodes: Arc::new(OtherNodes::new(&settings, &forwarder)),
        forwarder,
        list_reads: read_pool(),
        log_reads: read_pool(),
        requests: RequestMetrics::default(),
        rate_limits: settings.rates.map(RateLimits::new),
        draining,
        connections: ConnectionLimit::new(settings.max_connections, settings.unsent_bytes),
        streams: StreamPermits::new(settings.max_streams, settings.max_streams_of_caller),
        openapi: Document::new(JSON, openapi),
        asyncapi: Document::new(JSON, settings.documents.asyncapi.clone()),
        settings,
        node,
        paths,
    })
}
