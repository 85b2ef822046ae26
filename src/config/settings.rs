//! Everything that can be configured, and the checks across sections.

use super::{
    admission::Admission,
    amqp::Amqp,
    auth::Auth,
    check::{Invalid, in_range, require},
    compat::Compat,
    events::Events,
    guard::{self, GuardSection},
    http::Http,
    messages::Messages,
    node::{NO_CONTEXTS, NodeSection},
    own_address::leads_to,
    store::StoreSection,
    systems::Systems,
};
use crate::{domain::Facts, systems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashSet},
    net::SocketAddr,
};

/// Everything that can be configured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `[http]`
    pub http: Http,
    /// `[store]`
    pub store: StoreSection,
    /// `[guard."system.context"]`, by system and context.
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
    /// URL of the node that hosts the context, for each context that this node does not host.
    pub peers: BTreeMap<String, BTreeMap<String, String>>,
    /// `[compat]`
    pub compat: Compat,
    /// `systems = [...]`, or `[systems.NAME]`
    pub systems: Systems,
}

impl Settings {
    /// The systems to run, in the order of the list of systems.
    pub fn enabled(&self) -> Vec<&'static str> {
        let enabled = &self.systems.enabled;
        let is_enabled =
            |name: &&&str| enabled.is_empty() || enabled.iter().any(|known| known == **name);
        systems::NAMES.iter().filter(is_enabled).copied().collect()
    }

    /// The only system that was asked for, if it is one; its paths need no system then.
    pub fn alone(&self) -> Option<&'static str> {
        match (self.enabled().as_slice(), self.systems.enabled.as_slice()) {
            ([system], [_]) => Some(system),
            _ => None,
        }
    }

    /// The contexts of this node that also answer on ports of their own, each with its port.
    pub fn compat_ports(&self) -> Vec<(&'static str, u16)> {
        let system = self.alone().filter(|_| self.compat.ports);
        let ports = system.map(systems::contexts).unwrap_or_default().into_iter();
        let hosted = self.hosted();
        ports
            .filter_map(|facts| Some((facts.name.context, self.compat.moved(facts.port?))))
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
    pub fn hosted(&self) -> Option<HashSet<String>> {
        let listed = self.node.contexts.as_ref()?.iter();
        Some(listed.filter(|name| *name != NO_CONTEXTS).cloned().collect())
    }

    /// The name of this node.
    pub fn node_name(&self) -> String {
        self.node.name.clone().unwrap_or_else(|| self.http.listen.to_string())
    }

    /// The addresses that this node listens on.
    fn own_addresses(&self) -> Vec<SocketAddr> {
        let listen = self.http.listen;
        let ports = self.compat_ports().into_iter();
        let ports = ports.map(|(_, port)| SocketAddr::new(listen.ip(), port));
        [listen].into_iter().chain(ports).chain(self.http.probes).collect()
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        let contexts = ContextNames::collect();
        self.http.check()?;
        self.store.check()?;
        self.messages.check()?;
        self.admission.check()?;
        self.amqp.check()?;
        self.events.check()?;
        self.systems.check()?;
        self.check_compat()?;
        guard::check(&self.guard, &contexts.askable)?;
        self.check_contexts(&contexts)?;
        self.check_peers(&contexts)?;
        self.node.check()?;
        self.auth.check(self.http.listen)
    }

    fn check_contexts(&self, known: &ContextNames) -> Result<(), Invalid> {
        let hosted = self.node.contexts.iter().flatten().filter(|name| *name != NO_CONTEXTS);
        for name in hosted {
            known.require(name, "node.contexts")?;
        }
        for name in self.events.write_versions.keys() {
            known.require(name, "events.write_versions")?;
        }
        for name in &self.node.accept_history {
            known.require(name, "node.accept_history")?;
        }
        Ok(())
    }

    fn check_peers(&self, known: &ContextNames) -> Result<(), Invalid> {
        for (system, contexts) in &self.peers {
            for (context, url) in contexts {
                let name = format!("{system}.{context}");
                let key = format!("peers.{name}");
                known.require(&name, &key)?;
                let is_url = url.starts_with("http://") || url.starts_with("https://");
                require(is_url, &key, || {
                    format!("`{url}` is not the URL of a node, such as `http://book:8088`")
                })?;
                self.check_peer(&name, &key, url)?;
            }
        }
        let has_credential = self.node.credential.is_some() || self.node.credential_file.is_some();
        require(self.peers.is_empty() || has_credential, "node.credential", || {
            "nodes need a credential: set the same for all, for example from `openssl rand -base64 32`".into()
        })
    }

    /// The node of a context that is not hosted here must not be this one.
    fn check_peer(&self, name: &str, key: &str, url: &str) -> Result<(), Invalid> {
        if self.hosted().is_none_or(|hosted| hosted.contains(name)) {
            return Ok(());
        }
        let own = self.own_addresses().into_iter().find(|own| leads_to(url, *own));
        require(own.is_none(), key, || {
            let own = own.map(|own| own.to_string()).unwrap_or_default();
            format!(
                "`{url}` is this node itself, which listens on {own} and does not host {name}: give the URL of the node that \
                 does, or add it to `node.contexts`"
            )
        })
    }

    fn check_compat(&self) -> Result<(), Invalid> {
        in_range("compat.first_port", self.compat.first_port.into(), 1, 65_000)?;
        require(!self.compat.ports || self.alone().is_some(), "compat.ports", || {
            let enabled = self.enabled().join(", ");
            format!(
                "systems share these ports, so only one system at a time can have them: choose it with --system or \
                 `systems.enabled`; enabled are {enabled}"
            )
        })?;
        let listen = self.http.listen;
        let taken = self.compat_ports().into_iter().find(|(_, port)| *port == listen.port());
        require(taken.is_none(), "http.listen", || {
            let (context, port) = taken.unwrap_or_default();
            format!(
                "port {port} of {listen} is the port of {context} (`compat.ports`); choose another"
            )
        })
    }
}

/// The names of all contexts of all systems.
struct ContextNames {
    askable: Vec<&'static str>,
    views: Vec<&'static str>,
}

impl ContextNames {
    fn collect() -> Self {
        let all = systems::NAMES.iter().flat_map(|system| systems::contexts(system));
        let (views, aggregates): (Vec<_>, Vec<_>) = all.partition(|facts| facts.is_view);
        let names =
            |contexts: Vec<Facts>| contexts.iter().map(|facts| facts.name.context).collect();
        Self { askable: names(aggregates), views: names(views) }
    }

    fn require(&self, name: &str, key: &str) -> Result<(), Invalid> {
        let mut known = self.askable.iter().chain(&self.views);
        require(known.any(|known| *known == name), key, || {
            let all = [self.askable.join(", "), self.views.join(", ")].join(", ");
            format!("unknown context `{name}`; contexts are {all}")
        })
    }
}
