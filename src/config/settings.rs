//! What can be configured, and what is allowed.

use super::http::Http;
use crate::{
    actors::{BreakerSettings, GuardSettings},
    config::{
        amqp::{Amqp, Events, PREFIXES},
        node::{Messages, NO_CONTEXTS, NodeSection},
        own_address::leads_to,
    },
    domain::Facts,
    systems,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

/// Everything that can be configured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `[http]`
    pub http: Http,
    /// `[store]`
    pub store: StoreSection,
    /// `[guard."system.context"]`, by system and context: what differs from the system's own.
    pub guard: BTreeMap<String, BTreeMap<String, GuardSection>>,
    /// `[admission]`
    pub admission: Admission,
    /// `[auth]`
    pub auth: Auth,
    /// `[messages]`
    pub messages: Messages,
    /// `[amqp]`
    pub amqp: Amqp,
    /// `[events]`
    pub events: Events,
    /// `[node]`
    pub node: NodeSection,
    /// `[peers]`: the nodes of contexts that are not hosted here, by system and context.
    pub peers: BTreeMap<String, BTreeMap<String, String>>,
    /// `[compat]`
    pub compat: Compat,
    /// `systems = [...]`, or `[systems.NAME]`
    pub systems: Systems,
}

/// Where rows are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct StoreSection {
    pub dir: PathBuf,
    pub cache_mb: u64,
    pub unwritten_mb: u64,
    pub reserve_mb: Option<u64>,
    pub accept_data_loss: bool,
    pub scrub_hours: u64,
    pub scrub_mb_per_second: u64,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            dir: "./holdfast-data".into(),
            cache_mb: 16,
            unwritten_mb: 64,
            reserve_mb: None,
            accept_data_loss: false,
            scrub_hours: 24,
            scrub_mb_per_second: 16,
        }
    }
}

/// How one context may be asked, where that differs from its system's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct GuardSection {
    pub timeout_ms: Option<u64>,
    pub tries: Option<u32>,
    pub concurrency: Option<usize>,
    pub quota_per_second: Option<u32>,
    pub breaker_window: Option<usize>,
    pub breaker_minimum: Option<usize>,
    pub breaker_failure_percent: Option<u8>,
    pub breaker_open_ms: Option<u64>,
    pub breaker_probes: Option<u32>,
}

impl GuardSection {
    /// What is configured here, and the rest as in `base`.
    pub fn over(&self, base: GuardSettings) -> GuardSettings {
        let millis = |value: Option<u64>, base| value.map_or(base, Duration::from_millis);
        let breaker = BreakerSettings {
            window: self.breaker_window.unwrap_or(base.breaker.window),
            minimum: self.breaker_minimum.unwrap_or(base.breaker.minimum),
            failure_percent: self
                .breaker_failure_percent
                .map_or(base.breaker.failure_percent, u32::from),
            open_for: millis(self.breaker_open_ms, base.breaker.open_for),
            probes: self.breaker_probes.map_or(base.breaker.probes, |probes| probes as usize),
        };
        GuardSettings {
            timeout: millis(self.timeout_ms, base.timeout),
            tries: self.tries.unwrap_or(base.tries),
            concurrency: self.concurrency.unwrap_or(base.concurrency),
            quota_per_second: self.quota_per_second.unwrap_or(base.quota_per_second),
            breaker,
        }
    }
}

/// What is offered to clients of the originals, the services that were there before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Compat {
    /// Whether each context answers on a port of its own too.
    pub ports: bool,
    /// Where the first of these ports is; the others keep their distance from it.
    pub first_port: u16,
}
impl Default for Compat {
    fn default() -> Self {
        Self { ports: false, first_port: FIRST_PORT }
    }
}

/// The lowest port that any context had before.
const FIRST_PORT: u16 = 8081;

/// How much is taken in at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Admission {
    pub per_context: usize,
}
impl Default for Admission {
    fn default() -> Self {
        Self { per_context: 1024 }
    }
}

/// Who may come in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Auth {
    pub mode: AuthMode,
    pub allow_open_beyond_loopback: bool,
}

/// How callers show who they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// They do not: for development.
    #[default]
    Open,
}

/// Which systems run, and how they are set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Systems {
    /// Those to run; none named: all.
    pub enabled: Vec<String>,
    /// What each is told, by name.
    #[serde(flatten)]
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// A value that is not allowed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wrong {
    pub(super) key: String,
    pub(super) what: String,
}

impl Settings {
    /// The systems to run, in the order of the list of systems.
    pub fn enabled(&self) -> Vec<&'static str> {
        let named = |name: &&&str| {
            self.systems.enabled.is_empty() || self.systems.enabled.iter().any(|e| e == **name)
        };
        systems::NAMES.iter().filter(named).copied().collect()
    }

    /// The one system that was asked for, if it is one: its paths are its own then.
    pub fn alone(&self) -> Option<&'static str> {
        match (self.enabled().as_slice(), self.systems.enabled.as_slice()) {
            ([system], [_]) => Some(system),
            _ => None,
        }
    }

    /// The contexts of this node that answer on ports of their own too, each with its port.
    pub fn compat_ports(&self) -> Vec<(&'static str, u16)> {
        let system = self.alone().filter(|_| self.compat.ports);
        let moved =
            |port: u16| port.saturating_sub(FIRST_PORT).saturating_add(self.compat.first_port);
        let ports = system
            .map(systems::contexts)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|context| Some((context.name.context, moved(context.port?))));
        let hosted = self.hosted();
        ports
            .filter(|(name, _)| hosted.as_ref().is_none_or(|hosted| hosted.contains(*name)))
            .collect()
    }

    /// What is configured for asking `context` (`bookrent.book`).
    pub fn guard_of(&self, context: &str) -> GuardSection {
        let place = context.split_once('.');
        place
            .and_then(|(system, context)| self.guard.get(system)?.get(context))
            .copied()
            .unwrap_or_default()
    }

    pub(super) fn check(&self) -> Result<(), Wrong> {
        let http = &self.http;
        http.check()?;
        within("store.cache_mb", self.store.cache_mb, 1, 1 << 20)?;
        within("store.unwritten_mb", self.store.unwritten_mb, 1, 1 << 20)?;
        if let Some(reserve) = self.store.reserve_mb {
            within("store.reserve_mb", reserve, 8, 1 << 20)?;
        }
        within("store.scrub_hours", self.store.scrub_hours, 0, 24 * 365)?;
        within("store.scrub_mb_per_second", self.store.scrub_mb_per_second, 1, 1 << 20)?;
        within("messages.timeout_ms", self.messages.timeout_ms, 1, 600_000)?;
        within("admission.per_context", self.admission.per_context as u64, 1, 1 << 20)?;
        within("amqp.connect_timeout_ms", self.amqp.connect_timeout_ms, 1, 600_000)?;
        within("amqp.confirm_timeout_ms", self.amqp.confirm_timeout_ms, 1, 600_000)?;
        within("amqp.heartbeat_s", self.amqp.heartbeat_s.into(), 1, 600)?;
        let wrong = self.amqp.problem();
        require(wrong.is_none(), wrong.as_ref().map_or("", |(key, _)| key), || {
            wrong.clone().unwrap_or_default().1
        })?;
        require(
            PREFIXES.contains(&self.events.amqp_prefix.as_str()),
            "events.amqp_prefix",
            || format!("there are: {PREFIXES:?}"),
        )?;
        for name in self.systems.enabled.iter().chain(self.systems.settings.keys()) {
            let known = systems::NAMES.contains(&name.as_str());
            let key = if self.systems.enabled.contains(name) {
                "systems.enabled".into()
            } else {
                format!("systems.{name}")
            };
            require(known, key, || {
                format!("there is no system `{name}`; there are: {}", systems::NAMES.join(", "))
            })?;
        }
        self.check_compat()?;
        self.check_guards()?;
        self.check_nodes()?;
        let open = self.auth.mode == AuthMode::Open && !self.auth.allow_open_beyond_loopback;
        require(!open || http.listen.ip().is_loopback(), "http.listen", || {
            format!(
                "{} is reachable from beyond this machine while authentication is open; listen on 127.0.0.1, or add \
                 `auth.allow_open_beyond_loopback = true`",
                http.listen
            )
        })
    }

    /// The contexts that are hosted here; `None`: all.
    pub fn hosted(&self) -> Option<std::collections::HashSet<String>> {
        let listed = self.node.contexts.as_ref()?.iter();
        Some(listed.filter(|name| *name != NO_CONTEXTS).cloned().collect())
    }

    /// Where this node can be reached, as far as it knows.
    fn own_addresses(&self) -> Vec<SocketAddr> {
        let listen = self.http.listen;
        let ports =
            self.compat_ports().into_iter().map(|(_, port)| SocketAddr::new(listen.ip(), port));
        [listen].into_iter().chain(ports).chain(self.http.probes).collect()
    }

    /// What this node is called.
    pub fn node_name(&self) -> String {
        self.node.name.clone().unwrap_or_else(|| self.http.listen.to_string())
    }

    fn check_nodes(&self) -> Result<(), Wrong> {
        let names = known_contexts();
        let known = |name: &str, key: String| {
            let all = || [names.0.join(", "), names.1.join(", ")].join(", ");
            let fine = names.0.contains(&name) || names.1.contains(&name);
            require(fine, key, || format!("there is no context `{name}`; there are: {}", all()))
        };
        for name in self.node.contexts.iter().flatten().filter(|name| *name != NO_CONTEXTS) {
            known(name, "node.contexts".into())?;
        }
        for name in &self.node.accept_history {
            known(name, "node.accept_history".into())?;
        }
        for (system, contexts) in &self.peers {
            for (context, url) in contexts {
                let (name, key) =
                    (format!("{system}.{context}"), format!("peers.{system}.{context}"));
                known(&name, key.clone())?;
                let fine = url.starts_with("http://") || url.starts_with("https://");
                require(fine, key.clone(), || {
                    format!("`{url}` is no URL of a node, such as `http://book:8088`")
                })?;
                let hosted = self.hosted().is_none_or(|hosted| hosted.contains(&name));
                let own = || self.own_addresses().into_iter().find(|own| leads_to(url, *own));
                let own = if hosted { None } else { own() };
                require(own.is_none(), key, || {
                    let own = own.map(|own| own.to_string()).unwrap_or_default();
                    format!(
                        "`{url}` is this node itself, which listens on {own}, and {name} is not among its contexts: \
                         say which node has it, or host it here with `node.contexts`"
                    )
                })?;
            }
        }
        within("node.max_hops", self.node.max_hops as u64, 1, 64)?;
        within("node.answer_limit", self.node.answer_limit as u64, 64 << 10, 1 << 30)?;
        let shown = self.node.credential.is_some() || self.node.credential_file.is_some();
        require(self.peers.is_empty() || shown, "node.credential", || {
            "nodes show each other a credential: set the same for all, as `openssl rand -base64 32` gives".into()
        })
    }

    fn check_compat(&self) -> Result<(), Wrong> {
        within("compat.first_port", self.compat.first_port.into(), 1, 65_000)?;
        require(!self.compat.ports || self.alone().is_some(), "compat.ports", || {
            let enabled = self.enabled().join(", ");
            format!(
                "contexts of several systems had the same ports, so this is for one system at a time, chosen with \
                 --system or `systems.enabled`; these would run: {enabled}"
            )
        })?;
        let listen = self.http.listen;
        let taken = self.compat_ports().into_iter().find(|(_, port)| *port == listen.port());
        require(taken.is_none(), "http.listen", || {
            let (context, port) = taken.unwrap_or_default();
            format!(
                "{listen} is the gateway's, and {port} is to be the port of {context} (`compat.ports`)"
            )
        })
    }

    fn check_guards(&self) -> Result<(), Wrong> {
        let names = known_contexts();
        for (system, contexts) in &self.guard {
            for (context, guard) in contexts {
                let name = format!("{system}.{context}");
                require(names.0.contains(&name.as_str()), format!("guard.{name}"), || {
                    format!(
                        "there is no context `{name}` to guard; there are: {}",
                        names.0.join(", ")
                    )
                })?;
                let check = |field: &str, value: Option<u64>, least, most| match value {
                    Some(value) => within(&format!("guard.{name}.{field}"), value, least, most),
                    None => Ok(()),
                };
                check("timeout_ms", guard.timeout_ms, 1, 600_000)?;
                check("tries", guard.tries.map(u64::from), 1, 10)?;
                check("concurrency", guard.concurrency.map(|n| n as u64), 1, 1 << 20)?;
                check("quota_per_second", guard.quota_per_second.map(u64::from), 1, 1_000_000_000)?;
                check("breaker_window", guard.breaker_window.map(|n| n as u64), 1, 100_000)?;
                check("breaker_minimum", guard.breaker_minimum.map(|n| n as u64), 1, 100_000)?;
                check(
                    "breaker_failure_percent",
                    guard.breaker_failure_percent.map(u64::from),
                    1,
                    100,
                )?;
                check("breaker_open_ms", guard.breaker_open_ms, 1, 3_600_000)?;
                check("breaker_probes", guard.breaker_probes.map(u64::from), 1, 1000)?;
            }
        }
        Ok(())
    }
}

pub(super) fn within(key: &str, value: u64, least: u64, most: u64) -> Result<(), Wrong> {
    require((least..=most).contains(&value), key, || {
        format!("{value} is not allowed; from {least} to {most} is")
    })
}

pub(super) fn require(
    fine: bool,
    key: impl Into<String>,
    what: impl FnOnce() -> String,
) -> Result<(), Wrong> {
    if fine { Ok(()) } else { Err(Wrong { key: key.into(), what: what() }) }
}

/// All contexts of all systems: those that can be asked, and the views.
fn known_contexts() -> (Vec<&'static str>, Vec<&'static str>) {
    let all = systems::NAMES.iter().flat_map(|system| systems::contexts(system));
    let (views, aggregates): (Vec<_>, Vec<_>) = all.partition(|context| context.is_view);
    let names =
        |contexts: Vec<Facts>| contexts.iter().map(|context| context.name.context).collect();
    (names(aggregates), names(views))
}
