//! From the settings to the parts, and from the parts to the running server.

use super::{
    broker::BrokerService,
    clock::log_business_time,
    connection_budget::{self, ConnectionBudget},
    documents::{describe_api, describe_events, remote_declarations},
    failure::Failure,
    lifecycle::{LifecycleLog, ListenAddresses},
    node_identity::NodeIdentity,
    open_store::{OpenedStore, database_options, open_directory},
    outbound::{self, Outbound},
    settings::{backup_settings, http_settings, node_settings, saga_settings},
    signals::{hangups, renew_on_hangup},
    standby::Candidacy,
    ways_in::WaysIn,
};
use crate::{
    actors::{LocalNode, Machine, Node, NodeSettings, accept_histories},
    amqp::{Senders, ownership::OwnershipConflict},
    api::RateLimits,
    audit::AuditLog,
    backups::{Backups, Schedule},
    config::{AuthMode, Config, ConfigProblem},
    http::{self, Drain, HttpSettings, Listeners},
    identity::Principal,
    limits,
    sagas::{Jobs, SagaWatch},
    store::{Commit, PostgresOptions, Store},
    systems,
};
use futures_util::FutureExt;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// How long a node goes on taking requests after it has told the others that it leaves.
const LEAVING: Duration = Duration::from_millis(600);

/// Runs the server until `stopped` resolves, with how it is to stop; `accepting` is called when it accepts connections.
///
/// # Errors
/// [`Failure`] if it cannot start, or if its store fails.
pub async fn serve_system(
    config: &Config,
    ahead: i64,
    listeners: Listeners,
    accepting: impl FnOnce() -> Result<(), Failure>,
    stopped: impl Future<Output = Drain> + 'static,
) -> Result<(), Failure> {
    let began = Instant::now();
    let settings = &config.settings;
    // Before anything that takes its time: a signal that comes meanwhile waits.
    let hangups = hangups();
    let addresses = ListenAddresses::from(&listeners);
    let certificate = settings.http.tls.certificate().map_err(ConfigProblem::from)?;
    let outbound = Outbound::new(settings)?;
    let mut accepting = Some(accepting);
    let mut stopped = Box::pin(stopped);
    let mut gateway = None;
    let opened = match database_options(settings)? {
        None => open_directory(settings)?,
        Some(options) => {
            let node_url = addresses.node_url(settings);
            let candidacy = Candidacy::begin(PostgresOptions { node_url, ..options })?;
            let http = HttpSettings {
                node_pass: NodeIdentity::open(settings)?.pass,
                certificate: certificate.clone(),
                trust: outbound.trust().clone(),
                ..http_settings(settings)
            };
            match candidacy.lead(http, &listeners, &mut accepting, &mut stopped).await? {
                None => return Ok(()),
                Some((opened, passing_on)) => {
                    gateway = passing_on;
                    opened
                }
            }
        }
    };
    let OpenedStore { store, recovery, database } = opened;
    let nodes = NodeIdentity::open(settings)?;
    let spans = outbound.start_spans(settings)?;
    let mut broker = BrokerService::connect_broker(&outbound, settings, store.identity());
    let conflict = match &broker {
        Some(broker) => broker.claim_contexts().await?.boxed(),
        None => std::future::pending().boxed(),
    };
    let wire = outbound.peer_client(settings, &nodes.pass)?;
    let node_settings = NodeSettings { wire, ..node_settings(settings, ahead) };
    let trees = store.clone();
    let audit = AuditLog::open(&trees, Machine::default()).map_err(Failure::from_error)?;
    let audit = Arc::new(audit);
    let keeper = outbound.key_keeper(settings, &nodes.pass)?;
    let ways_in = WaysIn::open(settings, &trees, keeper, &outbound)?;
    let is_open = settings.auth.mode == AuthMode::Open;
    let rates = (!is_open).then(|| Arc::new(RateLimits::new(settings.limits.rates())));
    let users = settings.amqp.principals().map_err(ConfigProblem::from)?;
    let senders = Senders {
        identifiers: ways_in.identifiers.clone(),
        users,
        // While authentication is open, one that shows nothing may do everything.
        otherwise: is_open.then(|| Arc::new(Principal::development())),
        audit: Some(Arc::clone(&audit)),
        rates: rates.clone(),
    };
    let kept_in = trees.clone();
    let node = start_node(trees, node_settings, &settings.enabled_systems(), ahead).await?;
    outbound.start_sinks(settings, &node)?;
    let jobs = Jobs::open(&kept_in, Machine::default(), saga_settings(settings));
    let jobs = Arc::new(jobs.map_err(Failure::from_error)?);
    drop(outbound.runtime().spawn(jobs.clone().run(node.clone())));
    let watch = SagaWatch::open(
        &kept_in,
        Machine::default(),
        saga_settings(settings),
        Duration::from_millis(settings.alerts.every_ms),
        outbound.alert_receiver(settings)?,
    );
    drop(outbound.runtime().spawn(watch.map_err(Failure::from_error)?.run(node.clone())));
    let dead_letters = broker
        .as_mut()
        .map(|broker| broker.start_consumers(settings, &node, &store, senders))
        .transpose()?;
    let backups = Backups::new(
        store.clone(),
        store.identity(),
        backup_settings(settings),
        Machine::default(),
    );
    let backups = Arc::new(backups);
    let schedule = Schedule::start(&backups).map_err(Failure::from_error)?;
    let lifecycle =
        LifecycleLog::log_start(began, settings, &addresses, &node, (&*store, recovery));
    if let Some(accepting) = accepting {
        accepting()?;
    }

    // The process ends if its store fails, or if another node owns one of its contexts.
    let store_failed = node.wait_durable(Commit::MAX).map(|_| None);
    let conflict =
        conflict.map(|found| found.ok().map(|found: OwnershipConflict| found.to_string()));
    let (stop, drain) = oneshot::channel();
    let stopper = actix_rt::spawn(async move {
        let (drain, reason) = tokio::select! {
            drain = stopped => (drain, None),
            failure = store_failed => (Drain::Announced, failure),
            conflict = conflict => (Drain::Announced, conflict),
        };
        let ending = match drain {
            Drain::HandedOver(_) => "handed over",
            Drain::Announced | Drain::Shared => "signal",
        };
        let _ = stop.send(drain);
        (ending, reason)
    });
    let drain = drain.map(|drain| drain.unwrap_or(Drain::Announced));
    let renewing = actix_rt::spawn(renew_on_hangup(hangups, certificate.clone()));
    let leaving = database.clone();
    let drain = async move {
        let drain = drain.await;
        if let Some(database) = leaving {
            let told = tokio::task::spawn_blocking(move || database.announce_leaving());
            let _ = told.await;
            // Other nodes look at the lease several times in this while.
            tokio::time::sleep(LEAVING).await;
        }
        drain
    };
    let budget = ConnectionBudget::from_limit(
        settings,
        limits::open_files(),
        connection_budget::open_now(),
    )?;
    let http = HttpSettings {
        max_connections: budget.connections,
        max_forwarded: budget.forwarded,
        max_streams: budget.streams,
        scopes: systems::all_names(),
        max_streams_of_caller: settings.http.max_streams_of_caller,
        identifiers: ways_in.identifiers,
        keys: Some(ways_in.keys),
        jobs: Some(jobs),
        login: ways_in.login,
        sessions: ways_in.sessions,
        ended: ways_in.ended,
        audit: Some(audit),
        rates,
        backups: Some(Arc::clone(&backups)),
        nodes: nodes.trust,
        node_rights: nodes.rights,
        node_pass: nodes.pass,
        remote_contexts: outbound::remote_contexts(settings),
        remote_declarations: remote_declarations(settings),
        ingresses: broker.iter().flat_map(BrokerService::ingress).collect(),
        openapi: Some(describe_api(settings).to_string()),
        documents: describe_events(settings),
        dead_letters,
        certificate,
        trust: outbound.trust().clone(),
        ..http_settings(settings)
    };
    if let Some(gateway) = gateway {
        // What it still takes goes to this server, which listens by then.
        actix_rt::spawn(async move {
            tokio::time::sleep(LEAVING).await;
            gateway.end().await;
        });
    }
    http::serve_http(http, node.clone(), listeners, drain).await.map_err(Failure::from_error)?;
    if let Some(broker) = &broker {
        broker.finish_commands(Duration::from_millis(settings.http.drain_timeout_ms)).await;
    }
    // It has ended if the server drained, and is of no use if that could not serve.
    let ended = stopper.now_or_never().and_then(Result::ok);
    let (ending, reason) = ended.unwrap_or(("signal", None));
    let failed = store_failure(&node).or(reason);
    renewing.abort();
    backups.stop();
    drop((broker, schedule));
    for context in node.contexts() {
        context.stop().await;
    }
    if let Some(spans) = spans {
        spans.finish();
    }
    drop(outbound);
    store.close();
    lifecycle.log_stop(ending, failed.as_deref(), &*store);
    failed.map_or(Ok(()), |error| Err(Failure::Failed(error)))
}

/// Starts the contexts of these systems; ready when this resolves.
async fn start_node(
    store: Arc<dyn Store>,
    settings: NodeSettings,
    systems: &[&'static str],
    ahead: i64,
) -> Result<Arc<LocalNode>, Failure> {
    let accepted = accept_histories(&store, &settings, |board| {
        for system in systems {
            systems::lay_out(system, board);
        }
    });
    accepted.await.map_err(Failure::from_error)?;
    let node = LocalNode::start(store, settings, |board| {
        for system in systems {
            systems::lay_out(system, board);
        }
    });
    let node = Arc::new(node.map_err(Failure::from_error)?);
    log_business_time(&node.clock_health(), ahead);
    while !node.is_ready() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(node)
}

fn store_failure(node: &LocalNode) -> Option<String> {
    let failed = node.store_health().failed;
    failed.map(|error| format!("{error}; nothing more was acknowledged"))
}
