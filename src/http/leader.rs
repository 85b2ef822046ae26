//! The node that leads, as a standby knows it.

use reqwest::Url;
use tokio::sync::watch;

/// The node that leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// Its name.
    pub node: String,
    /// Its URL; `None`: it is leaving, or cannot be reached by others.
    pub url: Option<Url>,
    /// The word of its process.
    pub start: String,
}

/// What a standby knows of the one that leads.
#[derive(Debug, Clone)]
pub struct Standby(watch::Receiver<Option<Leader>>);

impl Standby {
    /// As `leader` has it.
    pub fn new(leader: watch::Receiver<Option<Leader>>) -> Self {
        Self(leader)
    }

    /// Whether another node leads that can be reached. The process before this one on the same node cannot.
    pub fn knows_leader(&self, own: &str) -> bool {
        self.leader().is_some_and(|leader| leader.url.is_some() && leader.node != own)
    }

    /// The node that leads, and those that come to lead later.
    pub fn watch(&self) -> watch::Receiver<Option<Leader>> {
        self.0.clone()
    }

    /// The node that leads, if one does.
    pub fn leader(&self) -> Option<Leader> {
        self.0.borrow().clone()
    }
}
