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
        let nodes: Vec<_> = contexts.iter().map(|context| (*context, *context)).collect();
        Self::laid_out(system, &nodes, toml)
    }

    /// BookRent, a node a context, and `another` one for its view.
    pub fn with_two_views(toml: &str) -> Self {
        let nodes = ["book", "rent", "delivery", "view"].map(|context| (context, context));
        Self::laid_out("bookrent", &[&nodes[..], &[("another", "view")]].concat(), toml)
    }

    /// The same, with the name of each node and the context that it hosts. Of several that host the same, the first is
    /// the one that others know.
    pub fn laid_out(
        system: &'static str,
        nodes: &[(&'static str, &'static str)],
        toml: &str,
    ) -> Self {
        // Ports that are free now; the system hands them out in turns, so they are free a moment later.
        let names = nodes.iter().copied().chain([("gateway", "none")]);
        let listeners: Vec<_> = names
            .map(|(name, context)| (name, context, TcpListener::bind("127.0.0.1:0").unwrap()))
            .collect();
        let addresses: Vec<_> = listeners
            .iter()
            .map(|(name, context, listener)| {
                (*name, *context, listener.local_addr().unwrap().to_string())
            })
            .collect();
        drop(listeners);
        let mut peers = BTreeMap::new();
        for (_, context, address) in addresses.iter().filter(|(_, context, _)| *context != "none") {
            peers.entry(context).or_insert(address);
        }
        let scheme = if toml.contains("[http.tls]") { "https" } else { "http" };
        let peers: String = peers
            .iter()
            .map(|(context, address)| {
                format!("\"{system}.{context}\" = \"{scheme}://{address}\"\n")
            })
            .collect();
        let start = |(name, context, address): &(&'static str, &'static str, String)| {
            let hosted =
                if *context == "none" { "none".to_owned() } else { format!("{system}.{context}") };
            let node = format!("[node]\nname = \"{name}\"\ncredential = \"{CREDENTIAL}\"\n");
            let toml = format!("{toml}\n{node}[peers]\n{peers}");
            (*name, Server::at(address, system, &toml, &["--contexts", &hosted]))
        };
        Self { nodes: addresses.iter().map(start).collect() }
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

    /// All nodes that host something.
    pub fn hosts(&self) -> impl Iterator<Item = &Server> {
        self.nodes.iter().filter(|(name, _)| **name != "gateway").map(|(_, node)| node)
    }

    /// The same, with further arguments from now on.
    pub fn restart_with(&mut self, name: &str, further: &[&str]) {
        let node = self.nodes.get_mut(name).unwrap();
        node.add_arguments(further);
        node.restart();
    }

    /// Starts the node called `name` again, where it was.
    pub fn restart(&mut self, name: &str) {
        self.nodes.get_mut(name).unwrap().restart();
    }
}
