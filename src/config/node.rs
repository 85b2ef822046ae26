//! `[node]`: this node among others.

use super::{
    check::{Invalid, require_setting},
    secret::Secret,
    url::wrong_peer,
};
use crate::{
    credentials::{KnownNode, NotANode},
    systems,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// This node among others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NodeSection {
    /// Name of this node in messages of other nodes.
    #[schemars(length(max = 64), extend("x-default" = "the address of `http.listen`"))]
    pub name: Option<String>,
    /// URL under which other nodes on the same database reach this one, such as `http://10.0.0.7:8088`.
    #[schemars(extend("x-default" = "the address of `http.listen`, unless it is that of all interfaces"))]
    pub url: Option<String>,
    /// The contexts that this node hosts (flag `--contexts`); `none`: it is a gateway.
    #[schemars(extend("x-default" = "all", "x-items" = "contexts or none"))]
    pub contexts: Option<Vec<String>>,
    /// What nodes authenticate each other with: the same for all, at least 16 characters. With `node.keys` it may be left out.
    pub credential: Option<Secret>,
    /// File that contains the credential.
    pub credential_file: Option<PathBuf>,
    /// The nodes that are known by their own keys: the lines that `holdfast node-key` prints for each. What a node may ask and read
    /// follows from the contexts in its line.
    #[schemars(extend("x-expected" = "a list of nodes, as `holdfast node-key` prints them"))]
    pub keys: Vec<String>,
    /// Contexts of other nodes whose history is accepted at this start, whatever was known of it (flag
    /// `--accept-history`).
    #[schemars(extend("x-items" = "contexts"))]
    pub accept_history: Vec<String>,
    /// How many nodes may forward a request; 508 beyond.
    #[schemars(range(min = 1, max = 64))]
    pub max_hops: usize,
    /// The largest answer of another node.
    #[schemars(range(min = 64 << 10, max = 1 << 30))]
    #[schemars(extend("x-unit" = "bytes"))]
    pub answer_limit: usize,
}

impl Default for NodeSection {
    fn default() -> Self {
        Self {
            name: None,
            url: None,
            contexts: None,
            credential: None,
            credential_file: None,
            keys: Vec::new(),
            accept_history: Vec::new(),
            max_hops: 4,
            answer_limit: 16 << 20,
        }
    }
}

/// In `node.contexts`: no context at all.
pub const NO_CONTEXTS: &str = "none";

/// The contexts that `name` stands for: those of a system, or itself; none if there is no such thing.
pub fn contexts_named(name: &str) -> Vec<&'static str> {
    let all = systems::NAMES.iter().flat_map(|system| {
        systems::contexts(system).into_iter().map(move |context| (*system, context.name.context))
    });
    let named = all.filter(|(system, context)| *system == name || *context == name);
    named.map(|(_, context)| context).collect()
}

/// The shortest credential of nodes.
const MIN_CREDENTIAL: usize = 16;

impl NodeSection {
    /// The nodes that are known by their own keys.
    ///
    /// # Errors
    /// What is wrong with the setting.
    pub fn known_nodes(&self) -> Result<Vec<KnownNode>, Invalid> {
        let mut nodes: Vec<KnownNode> = Vec::new();
        for written in &self.keys {
            let invalid = |why: &str| Invalid {
                key: "node.keys".into(),
                reason: format!("`{written}`: {why}"),
            };
            let node: KnownNode =
                written.parse().map_err(|why: NotANode| invalid(&why.to_string()))?;
            let unknown = node.contexts.iter().find(|name| contexts_named(name).is_empty());
            if let Some(unknown) = unknown {
                return Err(invalid(&format!("there is no context or system `{unknown}`")));
            }
            if nodes.iter().any(|known| known.key == node.key || known.name == node.name) {
                return Err(invalid("another node has the same name or key"));
            }
            nodes.push(node);
        }
        Ok(nodes)
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        self.known_nodes()?;
        let wrong = self.url.as_deref().and_then(wrong_peer);
        require_setting(wrong.is_none(), "node.url", || {
            let wrong = wrong.unwrap_or_default();
            format!("it {wrong}; expected the URL of this node such as `http://10.0.0.7:8088`")
        })?;
        let credential = self.credential.as_ref().map(Secret::reveal);
        // It goes into a header.
        let is_sendable = |text: &str| {
            text.len() >= MIN_CREDENTIAL
                && text.trim() == text
                && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        };
        require_setting(credential.is_none_or(is_sendable), "node.credential", || {
            format!(
                "expected at least {MIN_CREDENTIAL} characters of ASCII without spaces around them, for example from \
                 `openssl rand -hex 32`"
            )
        })
    }
}
