//! `[compat]`: for clients of the services that this server replaces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// For clients of the services that this server replaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Compat {
    /// Whether each context also answers on the port of its original, on the host of `http.listen`; for one system at a
    /// time.
    pub ports: bool,
    /// The first of these ports; the others keep their distance from it.
    #[schemars(range(min = 1, max = 65_000))]
    pub first_port: u16,
}

/// The lowest port that a context had in the originals.
pub(super) const FIRST_PORT: u16 = 8081;

impl Default for Compat {
    fn default() -> Self {
        Self { ports: false, first_port: FIRST_PORT }
    }
}

impl Compat {
    /// Where the port `original` of a context is now.
    pub(super) fn moved_port(&self, original: u16) -> u16 {
        original.saturating_sub(FIRST_PORT).saturating_add(self.first_port)
    }
}
