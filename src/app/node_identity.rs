//! How nodes know each other.

use super::failure::Failure;
use crate::{
    actors::Machine,
    config::{ConfigProblem, Settings, needs_of},
    credentials::{NodeKey, NodePass, NodeTrust},
    identity::NodeRights,
    systems,
};
use std::sync::Arc;

/// How this node knows others, and how it shows that it is one of them.
pub struct NodeIdentity {
    /// The nodes that are known.
    pub trust: NodeTrust,
    /// How this one shows itself.
    pub pass: NodePass,
    /// What nodes may ask of each other.
    pub rights: NodeRights,
}

impl NodeIdentity {
    /// By the settings, and with the key of the data directory where nodes are known by their keys.
    ///
    /// # Errors
    /// [`Failure`] if the settings are wrong, or the key cannot be read or made.
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        let credential = settings.node.credential.as_ref();
        let credential = credential.map(|secret| Arc::<str>::from(secret.reveal()));
        let nodes = settings.node.known_nodes().map_err(ConfigProblem::from)?;
        let has_keys = !nodes.is_empty();
        let key = has_keys.then(|| NodeKey::open(&settings.store.dir, Machine::default()));
        let key = key.transpose().map_err(Failure::from_error)?;
        let trust = NodeTrust::new(credential.clone(), nodes, Machine::default());
        Ok(Self { trust, pass: NodePass { credential, key }, rights: declared_rights() })
    }
}

/// What the contexts of all systems need of each other.
fn declared_rights() -> NodeRights {
    let mut rights = NodeRights::default();
    for need in systems::NAMES.iter().flat_map(|system| needs_of(system)) {
        let pairs = if need.is_ask() { &mut rights.asks } else { &mut rights.listens };
        pairs.insert((need.by, need.context));
    }
    rights
}
