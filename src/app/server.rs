//! `serve`: what stands around the server while it runs.

use super::exit::{Failure, print};
use crate::{
    actors::{
        ClockHealth, Context, GuardSettings, ListLimits, LocalNode, Node, NodeSettings,
        accept_histories,
    },
    amqp::{self, ownership::OwnershipConflict},
    app::{
        broker::Broker,
        connection_budget,
        listening::{Listening, bind},
        outbound::{self, Outside},
    },
    config::{AuthMode, Config, Settings},
    domain::Timestamp,
    events::{self, Documents},
    http::{self, HttpSettings, Listeners},
    limits,
    store::{Commit, MemoryStore, Options, Reserve, ScrubSettings, SledStore, Store},
    systems,
};
use futures_util::{FutureExt, future::Either};
use std::{
    collections::HashMap,
    io::{IsTerminal, Write},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::signal::unix::SignalKind;

/// The machine's clock.
pub fn machine_now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Runs the server until it is told to stop. `ahead` is how far business time is ahead of the machine's, in
/// microseconds.
///
/// # Errors
/// [`Failure`] when it cannot start, or when what it stands on fails.
pub fn run(config: &Config, ahead: i64) -> Result<(), Failure> {
    let Listening { listeners, address, probes } = bind(&config.settings)?;
    let accepting = || announce(config, address, probes);
    actix_rt::System::new().block_on(serve(config, ahead, listeners, accepting, told_to_stop()))
}

/// Runs the server from `accepting`, which is called when it accepts, until `told` resolves.
pub async fn serve(
    config: &Config,
    ahead: i64,
    listeners: Listeners,
    accepting: impl FnOnce() -> Result<(), Failure>,
    told: impl Future<Output = ()> + 'static,
) -> Result<(), Failure> {
    let settings = &config.settings;
    let options = Options {
        cache_bytes: settings.store.cache_mb << 20,
        unwritten_limit_bytes: settings.store.unwritten_mb << 20,
        accept_data_loss: settings.store.accept_data_loss,
        reserve: settings.store.reserve_mb.map_or(Reserve::Auto, |mb| Reserve::Bytes(mb << 20)),
        scrub: (settings.store.scrub_hours > 0).then(|| ScrubSettings {
            every: Duration::from_secs(settings.store.scrub_hours * 60 * 60),
            bytes_per_second: settings.store.scrub_mb_per_second << 20,
        }),
    };
    let failed = |why: &dyn std::fmt::Display| Failure::Failed(why.to_string());
    let store =
        Arc::new(SledStore::open(&settings.store.dir, &options).map_err(|why| failed(&why))?);
    let systems = settings.enabled();
    let outside = Outside::new()?;
    let mut broker = Broker::connect(outside.runtime(), settings, &store)?;
    let taken = match &broker {
        Some(broker) => broker.claim().await?.boxed(),
        None => std::future::pending().boxed(),
    };
    let set_up = NodeSettings { wire: outside.wire(settings)?, ..node_settings(settings, ahead) };
    let trees: Arc<dyn Store> = store.clone();
    let accepted = accept_histories(&trees, &set_up, |board| {
        for system in &systems {
            systems::lay_out(system, board);
        }
    });
    accepted.await.map_err(|why| failed(&why))?;
    let node = LocalNode::start(trees, set_up, |board| {
        for system in &systems {
            systems::lay_out(system, board);
        }
    });
    let node = Arc::new(node.map_err(|why| failed(&why))?);
    say_what_time_it_is(&node.clock_health(), ahead);
    while !node.ready() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    outside.start(settings, &node)?;
    let dead_letters =
        broker.as_mut().map(|broker| broker.start(settings, &node, &store)).transpose()?;
    accepting()?;

    // A store that has failed answers nobody any more, and a node that has no right to a context decides no more in it:
    // the process ends, and says so.
    let broken = node.durable(Commit::MAX).map(|_| None);
    let taken = taken.map(|taken| taken.ok().map(|taken: OwnershipConflict| taken.to_string()));
    let (stop, stopped) = tokio::sync::watch::channel(None);
    let stopper = actix_rt::spawn(async move {
        let why = futures_util::future::select(
            Box::pin(told.map(|()| None)),
            futures_util::future::select(broken, taken),
        );
        let why = match why.await {
            Either::Left((why, _))
            | Either::Right((Either::Left((why, _)) | Either::Right((why, _)), _)) => why,
        };
        let _ = stop.send(Some(why));
    });
    let mut told_to_stop = stopped.clone();
    let drain = async move { drop(told_to_stop.wait_for(Option::is_some).await) };
    let room =
        connection_budget::of(settings, limits::open_files(), connection_budget::open_now())?;
    let http = HttpSettings {
        max_connections: room.connections,
        max_forwarded: room.forwarded,
        max_streams: room.streams,
        node_credential: outbound::credential(settings)?,
        remote_contexts: outbound::remote_contexts(settings),
        ingresses: broker.iter().flat_map(Broker::ingress).collect(),
        documents: documents(settings, node.contexts()),
        dead_letters,
        ..http_settings(settings)
    };
    http::serve(http, node.clone(), listeners, drain).await.map_err(|why| failed(&why))?;
    if let Some(broker) = &broker {
        broker.finish(Duration::from_millis(settings.http.drain_timeout_ms)).await;
    }
    let broken =
        node.store_health().failed.map(|why| format!("{why}; nothing more was acknowledged"));
    let broken = broken.or_else(|| stopped.borrow().clone().flatten());
    stopper.abort();
    drop((broker, outside));
    for context in node.contexts() {
        context.stop().await;
    }
    store.close();
    match broken {
        None => Ok(()),
        Some(why) => Err(Failure::Failed(why)),
    }
}

/// Says what business time is, where that is not the machine's.
fn say_what_time_it_is(clock: &ClockHealth, ahead: i64) {
    let ClockHealth { now, carried_on_from, .. } = clock;
    match carried_on_from {
        Some(reached) => tracing::warn!(
            %now, %reached,
            "business time goes on from {reached}, which the data has reached: it does not begin at an earlier one"
        ),
        None if ahead != 0 => tracing::info!(%now, "business time is {now}"),
        None => {}
    }
}

/// Resolves when the process is to stop: gracefully the first time; a second time it stops at once.
pub async fn told_to_stop() {
    let signal = |kind| tokio::signal::unix::signal(kind).ok();
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Some(mut terminate), Some(mut interrupt)) = (terminate, interrupt) else {
        tracing::error!(
            "signals cannot be heard; stop the process by killing it, nothing acknowledged is lost"
        );
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping; once more stops at once");
    actix_rt::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(1);
    });
}

fn node_settings(settings: &Settings, ahead: i64) -> NodeSettings {
    let mut system_guards = HashMap::new();
    for system in systems::NAMES {
        let timeout = systems::ask_timeout_millis(system).map(Duration::from_millis);
        let default = GuardSettings::default();
        system_guards.insert(
            (*system).to_owned(),
            GuardSettings { timeout: timeout.unwrap_or(default.timeout), ..default },
        );
    }
    let mut guards = HashMap::new();
    for (system, contexts) in &settings.guard {
        let base = system_guards.get(system).copied().unwrap_or_default();
        for (context, guard) in contexts {
            guards.insert(format!("{system}.{context}"), guard.over(base));
        }
    }
    let systems = settings.systems.settings.clone().into_iter().collect();
    let admission = settings.admission.per_context;
    let (contexts, accept_history) = (settings.hosted(), settings.node.accept_history.clone());
    let event_versions = settings.events.write_versions.clone().into_iter().collect();
    let clock_offset = ahead;
    let settings = NodeSettings {
        admission,
        guards,
        system_guards,
        systems,
        contexts,
        clock_offset,
        ..NodeSettings::default()
    };
    NodeSettings { accept_history, event_versions, ..settings }
}

fn http_settings(settings: &Settings) -> HttpSettings {
    let http = &settings.http;
    // Beyond loopback, authentication that is open by choice does not open the administration, nor the door to scripts
    // of any origin.
    let development = settings.auth.mode == AuthMode::Open && http.listen.ip().is_loopback();
    let any = match http.cors_origins.as_slice() {
        [] => development,
        origins => origins.iter().any(|origin| origin == "*"),
    };
    HttpSettings {
        workers: http.workers,
        uri_limit: http.uri_limit,
        header_limit: http.header_limit,
        unsent_bytes: http.unsent_mb << 20,
        write_timeout: Duration::from_millis(http.write_timeout_ms),
        body_limit: http.body_limit,
        json_depth: http.json_depth,
        header_timeout: Duration::from_millis(http.header_timeout_ms),
        body_timeout: Duration::from_millis(http.body_timeout_ms),
        drain_delay: Duration::from_millis(http.drain_delay_ms),
        drain_timeout: Duration::from_millis(http.drain_timeout_ms),
        cors_origins: (!any).then(|| http.cors_origins.clone()),
        bare: settings.alone().is_some(),
        development,
        trusted_proxies: http.trusted_proxies.clone(),
        list_limits: ListLimits { rows: http.max_scan_rows, filters: http.max_filters },
        scans: http.scans,
        scans_waiting: http.scans_waiting,
        answer_limit: settings.node.answer_limit,
        max_hops: settings.node.max_hops,
        node_name: settings.node_name(),
        ..HttpSettings::default()
    }
}

/// What is said of the events of a server with these settings, and of the commands that it takes from a broker.
fn documents(settings: &Settings, contexts: &[Arc<dyn Context>]) -> Documents {
    let events = events::describe(|board| {
        for system in settings.enabled() {
            systems::lay_out(system, board);
        }
    });
    let broker = events::Broker {
        exchange: settings.amqp.exchange.clone(),
        prefix: settings.events.amqp_prefix.clone(),
    };
    Documents::of(&events, &broker, |document| {
        if settings.amqp.commands {
            amqp::describe_commands(document, contexts);
        }
    })
}

/// What `tell` makes of the contexts of a server with these settings. They are laid out in memory: no data is touched.
fn told<T>(settings: &Settings, tell: impl FnOnce(&[Arc<dyn Context>]) -> T) -> Result<T, Failure> {
    let systems = settings.enabled();
    let told = actix_rt::System::new().block_on(async {
        let node = LocalNode::start(
            Arc::new(MemoryStore::default()),
            node_settings(settings, 0),
            |board| {
                for system in &systems {
                    systems::lay_out(system, board);
                }
            },
        );
        node.map(|node| tell(node.contexts()))
    });
    told.map_err(|why| Failure::Failed(why.to_string()))
}

/// The API document of a server with these settings.
///
/// # Errors
/// [`Failure::Failed`] for a system that is configured wrongly.
pub fn api_document(settings: &Settings) -> Result<String, Failure> {
    let document =
        told(settings, |contexts| http::openapi::document(contexts, settings.alone().is_some()))?;
    Ok(format!("{document:#}\n"))
}

/// The AsyncAPI document of a server with these settings.
///
/// # Errors
/// [`Failure::Failed`] for a system that is configured wrongly.
pub fn async_document(settings: &Settings) -> Result<String, Failure> {
    told(settings, |contexts| documents(settings, contexts).asyncapi)
}

/// Says on stdout that `address` accepts, in one line for programs, and on a terminal more on stderr, for people.
///
/// # Errors
/// [`Failure::Failed`] when stdout cannot be written.
pub fn announce(
    config: &Config,
    address: SocketAddr,
    probes: Option<SocketAddr>,
) -> Result<(), Failure> {
    if std::io::stderr().is_terminal() {
        // Talk; nobody has to hear it.
        let _ = std::io::stderr().write_all(banner(config, address).as_bytes());
    }
    let probes = probes.map(|probes| format!("probes on http://{probes}\n")).unwrap_or_default();
    print(&format!("{probes}listening on http://{address}\n"))
}

/// The greeting of a server that listens on `address`.
pub fn banner(config: &Config, address: SocketAddr) -> String {
    let settings = &config.settings;
    let reach = if address.ip().is_loopback() { "loopback only" } else { "REACHABLE FROM OUTSIDE" };
    let systems = settings.enabled();
    let mut banner = format!(
        "  Holdfast {}            DEVELOPMENT: authentication is open, {reach}\n  API docs  http://{address}/docs/\n  \
         Metrics   http://{address}/metrics\n  Data      {} (kept)\n  Systems   {}\n",
        env!("CARGO_PKG_VERSION"),
        settings.store.dir.display(),
        systems.join(" "),
    );
    let ports = settings.compat_ports();
    if !ports.is_empty() {
        let ports: Vec<_> =
            ports.into_iter().map(|(context, port)| format!("{context} :{port}")).collect();
        banner.push_str(&format!("  Ports     {}\n", ports.join("  ")));
    }
    if systems.contains(&"bookrent") {
        banner.push_str(&format!(
            "  Try       http POST :{}/bookrent/books title=title01 status=true\n",
            address.port()
        ));
    }
    banner
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Flags;

    fn at(listen: &str, compat: &str) -> Settings {
        let environment =
            [("HOLDFAST_COMPAT__PORTS", "true"), ("HOLDFAST_COMPAT__FIRST_PORT", compat)];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let compat = environment.into_iter().filter(|_| !compat.is_empty());
        let flags = Flags {
            listen: Some(listen.into()),
            systems: vec!["bookrent".into()],
            ..Flags::default()
        };
        Config::load(None, compat, flags).unwrap().settings
    }

    #[test]
    fn a_taken_port_is_named_with_the_way_out() {
        let taken = bind(&at("127.0.0.1:0", "")).unwrap();
        assert_ne!(taken.address.port(), 0);
        let address = taken.address.to_string();
        let why = bind(&at(&address, "")).unwrap_err().to_string();
        assert!(why.contains(&address) && why.contains("--listen"), "{why}");
        let why =
            bind(&at("127.0.0.1:0", &taken.address.port().to_string())).unwrap_err().to_string();
        for word in [address.as_str(), "bookrent.book", "compat.first_port"] {
            assert!(why.contains(word), "{word} is missing in {why}");
        }
    }

    #[test]
    fn the_banner_says_where_and_how_open() {
        let config = Config::load(None, [], Flags::default()).unwrap();
        let banner = banner(&config, SocketAddr::from(([127, 0, 0, 1], 8088)));
        for word in ["http://127.0.0.1:8088/docs/", "loopback only", "./holdfast-data", "bookrent"]
        {
            assert!(banner.contains(word), "{word} is missing in\n{banner}");
        }
        assert!(!banner.contains("Ports"));
    }

    #[test]
    fn the_banner_names_the_ports_of_the_contexts() {
        let mut config = Config::load(None, [], Flags::default()).unwrap();
        config.settings = at("127.0.0.1:0", "9001");
        let banner = banner(&config, SocketAddr::from(([127, 0, 0, 1], 8088)));
        assert!(banner.contains("Ports     bookrent.book :9001  bookrent.rent :9002"), "{banner}");
    }
}
