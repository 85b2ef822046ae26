//! Several servers that are one: each hosts some contexts and knows where the others are.

use super::{Server, holdfast};
use std::{collections::BTreeMap, net::TcpListener, process::ExitStatus};
use tempfile::TempDir;

/// What the nodes show each other.
const CREDENTIAL: &str = "a-credential-for-tests-only";

/// What a node shows others of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// The credential that all share, as nodes of earlier releases do.
    Credential,
    /// A token that its own key has signed.
    Key,
    /// One beside the other.
    Both,
}

/// The name of a node, what it hosts, and its address.
type Place = (&'static str, &'static str, String);

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
        let addresses = free_addresses(nodes);
        let scheme = if toml.contains("[http.tls]") { "https" } else { "http" };
        let peers = peers(system, &addresses, scheme);
        let start = |(name, context, address): &Place| {
            let node = format!("[node]\nname = \"{name}\"\ncredential = \"{CREDENTIAL}\"\n");
            let toml = format!("{toml}\n{node}{peers}");
            (*name, Server::at(address, system, &toml, &["--contexts", &hosted(system, context)]))
        };
        Self { nodes: addresses.iter().map(start).collect() }
    }

    /// A node for each of `contexts` of `system`, and a gateway, that know each other by their own keys. What each shows of
    /// itself is what `shows` says of its name.
    pub fn with_keys(
        system: &'static str,
        contexts: &[&'static str],
        shows: impl Fn(&str) -> Shows,
    ) -> Self {
        Self::with_lines(system, contexts, shows, |line| line)
    }

    /// The same, where the line of each node in `node.keys` is changed for the others. Its own list has it as it is.
    pub fn with_lines(
        system: &'static str,
        contexts: &[&'static str],
        shows: impl Fn(&str) -> Shows,
        change: impl Fn(String) -> String,
    ) -> Self {
        let nodes: Vec<_> = contexts.iter().map(|context| (*context, *context)).collect();
        let addresses = free_addresses(&nodes);
        let peers = peers(system, &addresses, "http");
        let directories: Vec<_> = addresses.iter().map(|_| TempDir::new().unwrap()).collect();
        let lines = addresses.iter().zip(&directories).map(|((name, context, _), directory)| {
            let mut command = holdfast();
            let data = directory.path().join("data");
            command.args(["node-key", "--name", name, "--data"]).arg(data);
            if *context != "none" {
                command.args(["--contexts", &hosted(system, context)]);
            }
            let output = command.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            (*name, String::from_utf8(output.stdout).unwrap().trim().to_owned())
        });
        let lines = lines.collect::<Vec<_>>();
        let known_to = |reader: &str| {
            let known = lines.iter().map(|(name, line)| {
                let line = line.clone();
                format!("{:?}", if *name == reader { line } else { change(line) })
            });
            known.collect::<Vec<_>>().join(", ")
        };
        let start = |((name, context, address), directory): (&Place, TempDir)| {
            let credential = format!("credential = \"{CREDENTIAL}\"\n");
            let keys = format!("keys = [{}]\n", known_to(name));
            let shown = match shows(name) {
                Shows::Credential => credential,
                Shows::Key => keys,
                Shows::Both => credential + &keys,
            };
            let toml = format!("[node]\nname = \"{name}\"\n{shown}{peers}");
            let contexts = hosted(system, context);
            let further = ["--contexts", &contexts];
            (*name, Server::inside(directory, &[], address, system, &toml, &further))
        };
        Self { nodes: addresses.iter().zip(directories).map(start).collect() }
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

    /// Another process takes over from the node called `name`. Waits until the first one has ended.
    pub fn hand_over(&mut self, name: &str) -> ExitStatus {
        self.nodes.get_mut(name).unwrap().hand_over()
    }

    /// Starts the node called `name` again, where it was.
    pub fn restart(&mut self, name: &str) {
        self.nodes.get_mut(name).unwrap().restart();
    }
}

/// An address for each of `nodes`, and for a gateway. The ports are free now; the system hands them out in turns, so they are
/// free a moment later.
fn free_addresses(nodes: &[(&'static str, &'static str)]) -> Vec<Place> {
    let names = nodes.iter().copied().chain([("gateway", "none")]);
    let listeners: Vec<_> = names
        .map(|(name, context)| (name, context, TcpListener::bind("127.0.0.1:0").unwrap()))
        .collect();
    let address = |listener: &TcpListener| listener.local_addr().unwrap().to_string();
    listeners.iter().map(|(name, context, listener)| (*name, *context, address(listener))).collect()
}

/// The section of the peers of all nodes.
fn peers(system: &str, addresses: &[Place], scheme: &str) -> String {
    let mut peers = BTreeMap::new();
    for (_, context, address) in addresses.iter().filter(|(_, context, _)| *context != "none") {
        peers.entry(context).or_insert(address);
    }
    let lines = peers
        .iter()
        .map(|(context, address)| format!("\"{system}.{context}\" = \"{scheme}://{address}\"\n"));
    lines.fold("[peers]\n".to_owned(), |section, line| section + &line)
}

/// The contexts that a node hosts.
fn hosted(system: &str, context: &str) -> String {
    if context == "none" { "none".to_owned() } else { format!("{system}.{context}") }
}
