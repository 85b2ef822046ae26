//! Starts the workers, and stops them without losing a request.

use crate::{
    actors::{Declaration, Node},
    api::Paths,
    http::{
        document::Document,
        drain::{Drain, MAIN_PORT, OPS_PORT, PassedConnection},
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
        read_pool::ReadPool,
        router,
        settings::{HttpSettings, connection_headroom},
        state::{AppState, Host, Port},
        stream_permits::StreamPermits,
        workers::Workers,
    },
    pages::Site,
    tls::ServerCertificate,
};
use actix_http::{HttpService, Protocol};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, map_config};
use actix_web::{
    App,
    dev::{AppConfig, Service, fn_service},
    web,
};
use futures_util::FutureExt;
use std::{future::Future, io, net::TcpListener, sync::Arc, time::Duration};
use tokio::{net, sync::watch};

/// After this time without a request, a connection of a server that stops is closed.
const DRAIN_IDLE: Duration = Duration::from_millis(200);
/// How often a server that stops looks for them.
const DRAIN_STEP: Duration = Duration::from_millis(10);

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
    /// Connections that another process has accepted there.
    pub connections: Vec<PassedConnection>,
}

impl Listeners {
    /// The same sockets again, without connections.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn duplicate(&self) -> io::Result<Self> {
        let again = |listener: &Option<TcpListener>| {
            listener.as_ref().map(TcpListener::try_clone).transpose()
        };
        let contexts = self.contexts.iter();
        let contexts = contexts.map(|(name, listener)| Ok((*name, listener.try_clone()?)));
        Ok(Self {
            main: self.main.try_clone()?,
            contexts: contexts.collect::<io::Result<_>>()?,
            probes: again(&self.probes)?,
            ops: again(&self.ops)?,
            connections: Vec::new(),
        })
    }
}

impl From<TcpListener> for Listeners {
    fn from(main: TcpListener) -> Self {
        Self { main, contexts: Vec::new(), probes: None, ops: None, connections: Vec::new() }
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
    drain: impl Future<Output = Drain>,
) -> io::Result<()> {
    let Listeners { main, contexts, probes, ops, connections } = listeners.into();
    let settings = HttpSettings { has_ops_port: ops.is_some(), ..settings };
    let mut ports = open_ports(main, contexts, node.as_ref());
    ports.extend(ops.map(|listener| (Port::Operations, listener)));
    let state = Arc::new(build_state(settings, node)?);
    let settings = &state.settings;
    let probes =
        probes.map(|listener| probes::serve_probes(listener, Arc::clone(&state))).transpose()?;
    let most = settings.max_connections;
    let accepted = most.saturating_add(connection_headroom(most));
    let (ports, listeners): (Vec<_>, Vec<_>) = ports.into_iter().unzip();
    let names: Vec<_> = ports.iter().map(|port| port_name(*port, state.node.as_ref())).collect();
    let shared = Arc::clone(&state);
    let services = move || ports.iter().map(|port| serve_port(&shared, *port)).collect();
    let workers = Workers::start(settings.workers, accepted, services).await?;
    for PassedConnection { port, stream } in connections {
        if let Some(port) = names.iter().position(|name| **name == *port) {
            workers.serve_connection(port, stream)?;
        }
    }
    let acceptors = workers.accept_from(listeners)?;
    let drain = drain.await;
    if let Drain::Announced = drain {
        state.draining.send_replace(true);
        tokio::time::sleep(settings.drain_delay).await;
    }
    acceptors.stop().await;
    // A probe would see this process, which is no longer ready; where another one comes, it waits for that.
    let probes = probes.filter(|_| matches!(drain, Drain::Announced));
    state.draining.send_replace(true);
    let drained = async {
        tokio::select! {
            () = workers.all_ended() => {}
            () = close_idle(&state, drain) => {}
        }
    };
    let _ = tokio::time::timeout(settings.drain_timeout, drained).await;
    drop((workers, probes));
    Ok(())
}

/// Closes connections that have been idle for a while, or leaves them to the next process, as long as this is polled: each answer announces that its connection closes,
/// so a client that has just been answered, or has just connected, gets the time to send its next request.
async fn close_idle(state: &AppState, drain: Drain) {
    let leave_to = match drain {
        // What TLS has agreed on with a client stays in this process.
        Drain::HandedOver(to) if state.settings.certificate.is_none() => Some(to),
        _ => None,
    };
    let time = if leave_to.is_some() { Duration::ZERO } else { DRAIN_IDLE };
    state.connections.begin_drain(leave_to);
    loop {
        state.connections.close_idle(time);
        tokio::time::sleep(DRAIN_STEP).await;
    }
}

/// What `port` is called where its connections are passed on.
fn port_name(port: Port, node: &dyn Node) -> Arc<str> {
    match port {
        Port::Main => MAIN_PORT.into(),
        Port::Operations => OPS_PORT.into(),
        Port::Context(index) => {
            node.contexts().get(index).map_or("", |context| context.name().context).into()
        }
    }
}

/// What serves the connections of `port`: what `actix_web::HttpServer` makes, with our own connection below it.
fn serve_port(
    state: &Arc<AppState>,
    port: Port,
) -> impl ServiceFactory<net::TcpStream, Config = (), Service: Service<net::TcpStream> + 'static>
+ 'static
+ use<> {
    let shared = web::Data::from(Arc::clone(state));
    let bounds = connection_bounds(&state.settings);
    let tls = state.settings.certificate.as_ref().map(ServerCertificate::acceptor);
    let connections = Arc::clone(&state.connections);
    let keep_alive = state.settings.keep_alive;
    let name = port_name(port, state.node.as_ref());
    let app = App::new()
        .wrap(cors::allow_origins(state.settings.cors_origins.as_deref()))
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
        // The connection times each request; this would time the first one only.
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(LINGER)
        .keep_alive(keep_alive)
        .h1_write_buffer_size(CHUNK)
        .on_connect_ext(|connection: &Connection, data| drop(data.insert(connection.slot())))
        .finish(map_config(app.into_factory(), |()| AppConfig::default()));
    fn_service(move |stream: net::TcpStream| {
        let peer = stream.peer_addr().ok();
        let transport = Transport::new(stream, tls.as_ref());
        let connection = Connection::new(transport, &connections, bounds.clone(), &name);
        std::future::ready(Ok((connection, Protocol::Http1, peer)))
    })
    .and_then(http)
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
