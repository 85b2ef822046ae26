//! Everything that can be configured, and the checks across sections.

use super::{
    admission::AdmissionSection,
    alerts::AlertsSection,
    amqp::Amqp,
    auth::Auth,
    backup::Backup,
    check::{Invalid, require_setting},
    compat::Compat,
    events::Events,
    guard::GuardSection,
    http::Http,
    limits::LimitsSection,
    messages::MessagesSection,
    needs::{LISTENS, Need, needs_of},
    node::{NO_CONTEXTS, NodeSection},
    ops::Ops,
    own_address::leads_to,
    pages::Pages,
    sagas::SagasSection,
    store::StoreSection,
    systems::Systems,
    tls::Tls,
    traces::TracesSection,
    url::wrong_peer,
};
use crate::{store::is_encrypted, systems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

/// Why a context that is only listened to needs a peer with a broker, too.
const BROKER_ALONE: &str = ". The broker alone is not enough: what happened before this node had a queue there, the first \
                            event after each start of that node, and whatever was not delivered are fetched from it";

/// Everything that can be configured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `[http]`
    pub http: Http,
    /// `[store]`
    pub store: StoreSection,
    /// `[backup]`
    pub backup: Backup,
    /// `[guard."system.context"]`, by system and context.
    #[schemars(extend("x-each-context" = "asked"))]
    pub guard: BTreeMap<String, BTreeMap<String, GuardSection>>,
    /// `[admission]`
    pub admission: AdmissionSection,
    /// `[auth]`
    pub auth: Auth,
    /// `[limits]`
    pub limits: LimitsSection,
    /// `[tls]`
    pub tls: Tls,
    /// `[messages]`
    pub messages: MessagesSection,
    /// `[sagas]`
    pub sagas: SagasSection,
    /// `[alerts]`
    pub alerts: AlertsSection,
    /// `[amqp]`
    pub amqp: Amqp,
    /// `[events]`
    pub events: Events,
    /// `[node]`
    pub node: NodeSection,
    /// URL of the node that hosts the context, for each context that this node does not host.
    #[schemars(extend("x-each-context" = "any", "x-expected" = "a URL such as `http://book:8088`"))]
    pub peers: BTreeMap<String, BTreeMap<String, String>>,
    /// `[ops]`
    pub ops: Ops,
    /// `[pages]`
    pub pages: Pages,
    /// `[traces]`
    pub traces: TracesSection,
    /// `[compat]`
    pub compat: Compat,
    /// `systems = [...]`, or `[systems.NAME]`
    pub systems: Systems,
}

impl Settings {
    /// The systems to run, in the order of the list of systems.
    pub fn enabled_systems(&self) -> Vec<&'static str> {
        let enabled = &self.systems.enabled;
        let is_enabled =
            |name: &&&str| enabled.is_empty() || enabled.iter().any(|known| known == **name);
        systems::NAMES.iter().filter(is_enabled).copied().collect()
    }

    /// The only system that was asked for, if it is one; its paths need no system then.
    pub fn only_system(&self) -> Option<&'static str> {
        match (self.enabled_systems().as_slice(), self.systems.enabled.as_slice()) {
            ([system], [_]) => Some(system),
            _ => None,
        }
    }

    /// The contexts of this node that also answer on ports of their own, each with its port.
    pub fn compat_ports(&self) -> Vec<(&'static str, u16)> {
        let system = self.only_system().filter(|_| self.compat.ports);
        let ports = system.map(systems::contexts).unwrap_or_default().into_iter();
        let hosted = self.hosted_contexts();
        ports
            .filter_map(|facts| Some((facts.name.context, self.compat.moved_port(facts.port?))))
            .filter(|(name, _)| hosted.as_ref().is_none_or(|hosted| hosted.contains(*name)))
            .collect()
    }

    /// The guard that is configured for `context` (`bookrent.book`).
    pub fn guard_of(&self, context: &str) -> GuardSection {
        let names = context.split_once('.');
        let guard = names.and_then(|(system, context)| self.guard.get(system)?.get(context));
        guard.copied().unwrap_or_default()
    }

    /// The contexts that this node hosts; `None`: all.
    pub fn hosted_contexts(&self) -> Option<BTreeSet<String>> {
        let listed = self.node.contexts.as_ref()?.iter();
        Some(listed.filter(|name| *name != NO_CONTEXTS).cloned().collect())
    }

    /// The name of this node.
    pub fn node_name(&self) -> String {
        self.node.name.clone().unwrap_or_else(|| self.http.listen.to_string())
    }

    /// The addresses that this node listens on.
    pub fn own_addresses(&self) -> Vec<SocketAddr> {
        let listen = self.http.listen;
        let ports = self.compat_ports().into_iter();
        let ports = ports.map(|(_, port)| SocketAddr::new(listen.ip(), port));
        [listen].into_iter().chain(ports).chain(self.http.probes).chain(self.ops.listen).collect()
    }

    /// The URL of the node that hosts `context`, if it is configured.
    fn peer_address(&self, context: &str) -> Option<&String> {
        let (system, context) = context.split_once('.')?;
        self.peers.get(system)?.get(context)
    }

    /// Whether this node connects to others by TLS.
    pub fn connects_by_tls(&self) -> bool {
        let peers = self.peers.values().flat_map(BTreeMap::values);
        let issuers = self.auth.issuers.iter().map(|issuer| &issuer.url);
        let receivers = peers
            .chain(&self.messages.url)
            .chain(&self.alerts.url)
            .chain(&self.traces.url)
            .chain(&self.auth.keys_from)
            .chain(issuers);
        receivers.into_iter().any(|url| url.starts_with("https:"))
            || self.amqp.url.reveal().iter().any(|url| url.starts_with("amqps:"))
            || self.store.url.as_ref().is_some_and(|url| is_encrypted(url.reveal()))
    }

    /// Whether this node hosts `context`.
    fn hosts_context(&self, context: &str) -> bool {
        self.hosted_contexts().is_none_or(|hosted| hosted.contains(context))
    }

    /// What is not allowed, of each section and across them.
    pub(super) fn check(&self) -> Vec<Invalid> {
        let checks = [
            self.http.check(),
            self.tls.check(),
            self.messages.check_url(),
            self.messages.check_secret(),
            self.alerts.check(),
            self.amqp.check(),
            self.events.check(),
            self.backup.check(&self.store),
            self.check_compat(),
            self.node.check(),
            self.check_credential(),
            self.check_keeper(),
            self.auth.check_listener(&self.http),
            self.traces.check(),
            self.check_ops(),
            self.pages.check(),
            self.store.check(),
            self.check_database(),
            self.check_own_line(None),
        ];
        let checks = checks.into_iter().chain(self.auth.check(&self.http));
        let checks = checks.chain(self.check_addresses());
        let checks = checks.chain(self.check_peers()).chain(self.check_needs());
        checks.filter_map(Result::err).collect()
    }

    fn check_peers(&self) -> Vec<Result<(), Invalid>> {
        let peers = self.peers.iter().flat_map(|(system, contexts)| {
            contexts.iter().map(move |(context, url)| (format!("{system}.{context}"), url))
        });
        let check = |(name, url): (String, &String)| {
            let key = format!("peers.{name}");
            let wrong = wrong_peer(url);
            require_setting(wrong.is_none(), &key, || {
                let wrong = wrong.unwrap_or_default();
                format!("`{url}` {wrong}; expected the URL of a node such as `http://book:8088`")
            })?;
            self.check_peer(&name, &key, url)
        };
        peers.map(check).collect()
    }

    fn check_credential(&self) -> Result<(), Invalid> {
        let has_credential = self.node.credential.is_some() || !self.node.keys.is_empty();
        let has_others = !self.peers.is_empty() || self.auth.keys_from.is_some();
        require_setting(!has_others || has_credential, "node.credential", || {
            "nodes need a credential: set the same for all, for example from `openssl rand -hex 32`, or list their keys in \
             `node.keys`"
                .into()
        })
    }

    /// What is for operators is protected as the rest of the server is.
    fn check_ops(&self) -> Result<(), Invalid> {
        let Some(listen) = self.ops.listen else { return Ok(()) };
        let http = Http { listen, ..self.http.clone() };
        self.auth.check_listener(&http).map_err(|invalid| match invalid.key.as_str() {
            "http.listen" => Invalid { key: "ops.listen".into(), ..invalid },
            _ => invalid,
        })
    }

    /// Contexts are spread over nodes that each have a store of their own.
    fn check_database(&self) -> Result<(), Invalid> {
        let is_whole = self.node.contexts.is_none() && self.peers.is_empty();
        require_setting(self.store.url.is_none() || is_whole, "store.url", || {
            "with a database a node runs whole systems: leave out `node.contexts` and `peers`, or keep the data in `store.dir`"
                .into()
        })
    }

    /// The node that keeps the keys must not be this one, which would ask itself.
    fn check_keeper(&self) -> Result<(), Invalid> {
        let Some(url) = &self.auth.keys_from else { return Ok(()) };
        let own = self.own_addresses().into_iter().find(|own| leads_to(url, *own));
        require_setting(own.is_none(), "auth.keys_from", || {
            let own = own.map(|own| own.to_string()).unwrap_or_default();
            format!("`{url}` is this node itself, which listens on {own}: leave it out here")
        })
    }

    /// What the contexts of this node ask or listen to has to be here or at a peer. A broker alone is not enough to listen.
    fn check_needs(&self) -> Vec<Result<(), Invalid>> {
        let all = self.enabled_systems().into_iter().flat_map(needs_of);
        let mut missing: Vec<Need> = all
            .filter(|need| self.hosts_context(need.by) && !self.hosts_context(need.context))
            .filter(|need| self.peer_address(need.context).is_none())
            .collect();
        // What is asked as well as listened to is reported as asked.
        missing.sort_by_key(|need| (need.context, need.how));
        missing.dedup_by_key(|need| need.context);
        let has_broker = !self.amqp.url.reveal().is_empty();
        let invalid = missing.into_iter().map(|Need { by, context, how }| {
            let broker = if has_broker && how == LISTENS { BROKER_ALONE } else { "" };
            Err(Invalid {
                key: format!("peers.{context}"),
                reason: format!(
                    "{by} {how} {context}, which is neither here nor at a peer: set the URL of the node that hosts it, or add \
                     it to `node.contexts`{broker}"
                ),
            })
        });
        invalid.collect()
    }

    /// The node of a context that is not hosted here must not be this one.
    fn check_peer(&self, name: &str, key: &str, url: &str) -> Result<(), Invalid> {
        if self.hosts_context(name) {
            return Ok(());
        }
        let own = self.own_addresses().into_iter().find(|own| leads_to(url, *own));
        require_setting(own.is_none(), key, || {
            let own = own.map(|own| own.to_string()).unwrap_or_default();
            format!(
                "`{url}` is this node itself, which listens on {own} and does not host {name}: give the URL of the node that \
                 does, or add it to `node.contexts`"
            )
        })
    }

    fn check_compat(&self) -> Result<(), Invalid> {
        require_setting(
            !self.compat.ports || self.only_system().is_some(),
            "compat.ports",
            || {
                let enabled = self.enabled_systems().join(", ");
                format!(
                    "systems share these ports, so only one system at a time can have them: choose it with --system or \
                 `systems.enabled`; enabled are {enabled}"
                )
            },
        )?;
        let listen = self.http.listen;
        let taken = self.compat_ports().into_iter().find(|(_, port)| *port == listen.port());
        require_setting(taken.is_none(), "http.listen", || {
            let (context, port) = taken.unwrap_or_default();
            format!(
                "port {port} of {listen} is the port of {context} (`compat.ports`); choose another"
            )
        })
    }
}
