//! Whether the line of this node in `node.keys` is what it is: its name, its key, and what it hosts.

use super::{
    check::Invalid,
    node::{NO_CONTEXTS, contexts_named},
    settings::Settings,
};
use crate::{credentials::KnownNode, systems};
use std::collections::BTreeSet;

/// Contexts as a line has them: a whole system by its name.
fn write_contexts(contexts: &BTreeSet<&'static str>) -> String {
    let mut words = Vec::new();
    for system in systems::NAMES {
        let all = contexts_named(system);
        if all.iter().all(|context| contexts.contains(context)) {
            words.push(*system);
        } else {
            words.extend(all.into_iter().filter(|context| contexts.contains(context)));
        }
    }
    if words.is_empty() { NO_CONTEXTS.to_owned() } else { words.join(" ") }
}

impl Settings {
    /// The names of the contexts that this node hosts.
    fn all_hosted(&self) -> BTreeSet<&'static str> {
        let hosted = self.hosted_contexts();
        let all = self.enabled_systems().into_iter().flat_map(contexts_named);
        all.filter(|name| hosted.as_ref().is_none_or(|hosted| hosted.contains(*name))).collect()
    }

    /// Whether one of the lines of `node.keys` is that of this node, and fits it. `key` is the public half of its key, where it is
    /// known. Without it and without `node.name` no line can be found.
    ///
    /// # Errors
    /// Which line does not fit, and why.
    pub fn check_own_line(&self, key: Option<&str>) -> Result<(), Invalid> {
        let nodes = self.node.known_nodes()?;
        if nodes.is_empty() {
            return Ok(());
        }
        let name = self.node.name.as_deref();
        let has_key = |node: &KnownNode| key == Some(node.key.as_str());
        let has_name = |node: &KnownNode| name == Some(node.name.as_str());
        let wrong = |reason: String| Err(Invalid { key: "node.keys".into(), reason });
        let own = |key: &str| {
            let contexts = write_contexts(&self.all_hosted());
            format!("`{} {key} {contexts}`", name.unwrap_or("NAME"))
        };
        let place = nodes.iter().position(has_key).or_else(|| nodes.iter().position(has_name));
        let Some((place, node)) = place.and_then(|place| Some((place + 1, nodes.get(place)?)))
        else {
            return match (key, name) {
                (Some(key), _) => {
                    let dir = self.store.dir.display();
                    wrong(format!(
                        "no line has the key of this node, which is `identity.key` in `{dir}`: add {} on all nodes",
                        own(key)
                    ))
                }
                (None, Some(name)) => wrong(format!("no line is that of this node, `{name}`")),
                (None, None) => Ok(()),
            };
        };
        if let Some(key) = key.filter(|_| !has_key(node)) {
            let dir = self.store.dir.display();
            return wrong(format!(
                "line {place}, `{node}`, has another key than this node, which is `identity.key` in `{dir}`: its line is {}",
                own(key)
            ));
        }
        if let Some(name) = name.filter(|_| !has_name(node)) {
            return wrong(format!(
                "line {place}, `{node}`, has the key of this node, whose name is `{name}` (`node.name`)"
            ));
        }
        self.check_contexts_of(node).or_else(|reason| {
            wrong(format!("line {place}, `{node}`, {reason}: its line is {}", own(&node.key)))
        })
    }

    /// How what a line says of this node's contexts differs from what it hosts.
    fn check_contexts_of(&self, node: &KnownNode) -> Result<(), String> {
        let hosted = self.all_hosted();
        let listed: BTreeSet<_> =
            node.contexts.iter().flat_map(|name| contexts_named(name)).collect();
        let join = |names: Vec<&str>| names.join(", ");
        let missing = join(hosted.difference(&listed).copied().collect());
        let others = join(listed.difference(&hosted).copied().collect());
        match (missing.as_str(), others.as_str()) {
            ("", "") => Ok(()),
            (missing, "") => Err(format!("lacks what this node hosts: {missing}")),
            ("", others) => Err(format!("has what this node does not host: {others}")),
            (missing, others) => Err(format!(
                "lacks what this node hosts, {missing}, and has what it does not: {others}"
            )),
        }
    }
}
