//! What a node may ask of another, by the contexts that it hosts.

use super::Principal;
use std::collections::BTreeSet;

/// Two contexts: the one that needs, and the one that is needed.
type Need = (&'static str, &'static str);

/// What contexts need of each other, as they declare it.
#[derive(Debug, Clone, Default)]
pub struct NodeRights {
    /// Who asks whom.
    pub asks: BTreeSet<Need>,
    /// Who listens to whom.
    pub listens: BTreeSet<Need>,
}

impl NodeRights {
    /// Whether `node` may ask `context` in the name of the context `by`.
    pub fn may_ask(&self, node: &Principal, by: &str, context: &str) -> bool {
        is_any_node(node)
            || (node.reaches(by) && self.asks.iter().any(|need| *need == (by, context)))
    }

    /// Whether `node` may read the log of `context`: if one of its own listens to it.
    pub fn may_read_log(&self, node: &Principal, context: &str) -> bool {
        is_any_node(node) || has_need(&self.listens, node, context)
    }

    /// Whether `node` may know how far the log of `context` goes: if one of its own listens to it, or asks it.
    pub fn may_know_past(&self, node: &Principal, context: &str) -> bool {
        self.may_read_log(node, context) || has_need(&self.asks, node, context)
    }
}

/// Whether the contexts of `node` are not known, because it showed what all nodes share.
fn is_any_node(node: &Principal) -> bool {
    node.scopes.is_empty()
}

fn has_need(needs: &BTreeSet<Need>, node: &Principal, context: &str) -> bool {
    needs.iter().any(|(by, needed)| *needed == context && node.reaches(by))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_asks_as_its_own_contexts_and_reads_what_they_listen_to() {
        let rights = NodeRights {
            asks: [("bookrent.rent", "bookrent.book")].into(),
            listens: [("bookrent.view", "bookrent.rent"), ("bookrent.book", "bookrent.delivery")]
                .into(),
        };
        let hosting = |scopes: &[&str]| Principal {
            scopes: scopes.iter().map(ToString::to_string).collect(),
            ..Principal::default()
        };
        let rent = hosting(&["bookrent.rent"]);
        assert!(rights.may_ask(&rent, "bookrent.rent", "bookrent.book"));
        assert!(!rights.may_ask(&rent, "bookrent.rent", "bookrent.delivery"), "it does not ask it");
        assert!(!rights.may_ask(&rent, "bookrent.view", "bookrent.book"), "it does not host it");
        assert!(!rights.may_read_log(&rent, "bookrent.book"));
        assert!(rights.may_know_past(&rent, "bookrent.book"));
        assert!(!rights.may_know_past(&rent, "bookrent.delivery"));
        let view = hosting(&["bookrent.view"]);
        assert!(rights.may_read_log(&view, "bookrent.rent"));
        assert!(!rights.may_read_log(&view, "bookrent.delivery"));
        let whole = hosting(&["bookrent"]);
        assert!(rights.may_ask(&whole, "bookrent.rent", "bookrent.book"));
        assert!(rights.may_read_log(&whole, "bookrent.delivery"));
        let gateway = hosting(&["none"]);
        assert!(!rights.may_ask(&gateway, "bookrent.rent", "bookrent.book"));
        assert!(!rights.may_know_past(&gateway, "bookrent.rent"));
        // What all nodes share says nothing of what one hosts.
        let unnamed = hosting(&[]);
        assert!(rights.may_ask(&unnamed, "bookrent.rent", "bookrent.book"));
        assert!(rights.may_read_log(&unnamed, "bookrent.book"));
    }
}
