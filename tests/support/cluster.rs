//! Several servers that are one: each hosts some contexts and knows where the others are.

use super::Server;
use std::{collections::BTreeMap, net::TcpListener};

/// What the nodes show each other.
const CREDENTIAL: &str = "a-credential-for-tests-only";

/// Nodes by name. One that hosts nothing is called `gateway`.
pub struct Cluster {
    nodes: BTreeMap<&'static str, Server>,
}

impl Cluster {
    /// A node for each of `contexts` of `system`, and a gateway, every one configured by `toml` too.
    pub fn of(system: &'static str, contexts: &[&'static str], toml: &str) -> Self {
        // Ports that are free now; the system hands them out in turns, so they are free a moment later.
        let listeners: Vec<_> = contexts
            .iter()
            .chain(&["gateway"])
            .map(|name| (*name, TcpListener::bind("127.0.0.1:0").unwrap()))
            .collect();
        let addresses: BTreeMap<_, _> =
            listeners.iter().map(|(name, listener)| (*name, listener.local_addr().unwrap().to_string())).collect();
        drop(listeners);
        let peers: String =
            contexts.iter().map(|name| format!("\"{system}.{name}\" = \"http://{}\"\n", addresses[name])).collect();
        let toml = format!("{toml}\n[node]\ncredential = \"{CREDENTIAL}\"\n[peers]\n{peers}");
        let start = |name: &'static str| {
            let hosted = if name == "gateway" { "none".to_owned() } else { format!("{system}.{name}") };
            (name, Server::at(&addresses[name], system, &toml, &["--contexts", &hosted]))
        };
        Self { nodes: addresses.keys().map(|name| start(name)).collect() }
    }

    /// The node called `name`.
    pub fn node(&self, name: &str) -> &Server {
        &self.nodes[name]
    }

    /// The way in.
    pub fn gateway(&self) -> &Server {
        self.node("gateway")
    }

    /// `kill -9` of the node called `name`.
    pub fn kill(&mut self, name: &str) {
        self.nodes.get_mut(name).unwrap().kill();
    }

    /// Starts the node called `name` again, where it was.
    pub fn restart(&mut self, name: &str) {
        self.nodes.get_mut(name).unwrap().restart();
    }
}
