//! From the configuration to the settings of the parts.

use crate::{
    actors::{GuardSettings, ListLimits, Machine, NodeSettings, collect_declarations},
    api::{PersonalFields, ProblemTypes, Refusals},
    backups::BackupSettings,
    config::{AuthMode, Settings},
    events::{EventNames, SealKeys},
    http::{HostList, HttpSettings},
    sagas::SagaSettings,
    store::{Options, Reserve, ScrubSettings},
    systems,
};
use reqwest::Url;
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

/// The settings of the store.
pub(crate) fn store_options(settings: &Settings) -> Options {
    let store = &settings.store;
    Options {
        cache_bytes: store.cache_mb << 20,
        unwritten_limit_bytes: store.unwritten_mb << 20,
        accept_data_loss: store.accept_data_loss,
        reserve: store.reserve_mb.map_or(Reserve::Auto, |mb| Reserve::Bytes(mb << 20)),
        scrub: (store.scrub_hours > 0).then(|| ScrubSettings {
            every: Duration::from_secs(store.scrub_hours * 60 * 60),
            bytes_per_second: store.scrub_mb_per_second << 20,
        }),
    }
}

/// The settings of the node. `ahead` is how far business time is ahead of the machine's, in microseconds.
pub(super) fn node_settings(settings: &Settings, ahead: i64) -> NodeSettings {
    let mut system_guards = BTreeMap::new();
    for system in systems::NAMES {
        let timeout = systems::ask_timeout_millis(system).map(Duration::from_millis);
        let default = GuardSettings::default();
        system_guards.insert(
            (*system).to_owned(),
            GuardSettings { timeout: timeout.unwrap_or(default.timeout), ..default },
        );
    }
    let mut guards = BTreeMap::new();
    for (system, contexts) in &settings.guard {
        let base = system_guards.get(system).copied().unwrap_or_default();
        for (context, guard) in contexts {
            guards.insert(format!("{system}.{context}"), guard.apply_to(base));
        }
    }
    let systems = settings.systems.settings.clone().into_iter().collect();
    let admission = settings.admission.per_context;
    let contexts = settings.hosted_contexts();
    let accept_history = settings.node.accept_history.clone();
    let versions = settings.events.write_versions.iter().flat_map(|(system, contexts)| {
        contexts.iter().map(move |(context, version)| (format!("{system}.{context}"), *version))
    });
    let event_versions = versions.collect();
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

/// Where backups are made, and how often.
pub(super) fn backup_settings(settings: &Settings) -> BackupSettings {
    let backup = &settings.backup;
    BackupSettings {
        directory: backup.directory.clone(),
        keep: usize::try_from(backup.keep).unwrap_or(usize::MAX),
        every: backup.interval(),
    }
}

/// How this installation names its events.
pub(super) fn event_names(settings: &Settings) -> EventNames {
    EventNames::new(&settings.events.source, settings.http.public_url().as_deref())
}

/// What events between nodes are sealed with.
pub(super) fn seal_keys(settings: &Settings) -> SealKeys {
    SealKeys::new(settings.events.key.reveal())
}

/// The names that requests may be for.
fn host_list(settings: &Settings) -> HostList {
    let http = &settings.http;
    let public =
        http.public_url().and_then(|url| Some(url.parse::<Url>().ok()?.host_str()?.to_owned()));
    let ops = settings.ops.listen.map(|listen| listen.ip().to_string());
    let names = settings.auth.hosts.iter().cloned().chain(public).chain(ops);
    let names: Vec<String> = names.collect();
    let is_loopback = http.listen.ip().is_loopback();
    // A trusted proxy is asked under any name.
    let is_known =
        !settings.auth.hosts.is_empty() || (is_loopback && http.trusted_proxies.is_empty());
    HostList { names: is_known.then_some(names), is_loopback }
}

/// The refusals that the systems of this server declare.
fn declared_refusals(settings: &Settings) -> Refusals {
    let systems = settings.enabled_systems().into_iter();
    let refusals = systems.flat_map(|system| {
        systems::refusals(system).into_iter().map(move |refusal| (system, refusal))
    });
    refusals.collect()
}

/// What the contexts of all systems declare personal, wherever they are hosted.
fn declared_personal() -> PersonalFields {
    let contexts = collect_declarations(|board| {
        for system in systems::NAMES {
            systems::lay_out(system, board);
        }
    });
    let mut fields = PersonalFields::default();
    contexts.iter().for_each(|context| fields.add(context.as_ref()));
    fields
}

/// When sagas count as waiting or stuck, and how fast what is parked is settled.
pub(super) fn saga_settings(settings: &Settings) -> SagaSettings {
    SagaSettings {
        waiting_after: Duration::from_millis(settings.sagas.waiting_after_ms),
        stuck_after: settings.sagas.stuck_after,
        redrive_per_second: settings.sagas.redrive_per_second,
    }
}

/// The settings of the HTTP server.
pub(super) fn http_settings(settings: &Settings) -> HttpSettings {
    let http = &settings.http;
    // Beyond loopback, open authentication opens neither administration nor access for scripts of any origin.
    let is_local = |listen: &SocketAddr| listen.ip().is_loopback();
    let are_local = is_local(&http.listen) && settings.ops.listen.as_ref().is_none_or(is_local);
    let development = settings.auth.mode == AuthMode::Open && are_local;
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
        problem_types: ProblemTypes::new(http.public_url().as_deref()),
        refusals: declared_refusals(settings),
        personal: declared_personal(),
        public_url: http.public_url(),
        event_names: Arc::new(event_names(settings)),
        bare: settings.only_system().is_some(),
        hosts: host_list(settings),
        open: settings.auth.mode == AuthMode::Open,
        development,
        trusted_proxies: http.trusted_proxies.clone(),
        list_limits: ListLimits { rows: http.max_scan_rows, filters: http.max_filters },
        scans: http.scans,
        scans_waiting: http.scans_waiting,
        answer_limit: settings.node.answer_limit,
        max_hops: settings.node.max_hops,
        node_name: settings.node_name(),
        sagas: saga_settings(settings),
        since: Machine::default().now(),
        pages: settings.pages.settings(),
        ..HttpSettings::default()
    }
}
