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
        let key = has_keys.then(|| open_own_key(settings)).transpose()?;
        let trust = NodeTrust::new(credential.clone(), nodes, Machine::default());
        Ok(Self { trust, pass: NodePass { credential, key }, rights: declared_rights() })
    }
}

/// The key of this node, whose line has to fit it.
fn open_own_key(settings: &Settings) -> Result<NodeKey, Failure> {
    let key =
        NodeKey::open(&settings.store.dir, Machine::default()).map_err(Failure::from_error)?;
    settings.check_own_line(Some(&key.public_half())).map_err(ConfigProblem::from)?;
    Ok(key)
}

/// Whether the line of this node in `node.keys` fits it, where its key has been made.
///
/// # Errors
/// [`Failure`] which says which line does not, and why; or if the key cannot be read.
pub fn check_own_key(settings: &Settings) -> Result<(), Failure> {
    let is_made = || NodeKey::is_in(&settings.store.dir);
    if settings.node.keys.is_empty() || !is_made().map_err(Failure::from_error)? {
        return Ok(());
    }
    open_own_key(settings).map(drop)
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
