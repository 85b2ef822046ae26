//! Nodes and gateways are replaced one after the other, and no client notices.
use serde_json::json;
use std::collections::BTreeSet;
use support::{Steady, cluster::Cluster, eventually};

/// How often the gateway, a node that is asked, and one that listens are replaced.
const ROLLS: u64 = 10;

#[test]
fn a_cluster_whose_nodes_are_replaced_again_and_again_fails_no_request() {
    let mut cluster = Cluster::of("bookrent", &["book", "rent", "delivery", "view"], "");
    let steady = Steady::begin(cluster.gateway().address(), 4);
    for roll in 0..ROLLS {
        for node in ["gateway", "book", ["rent", "delivery", "view"][roll as usize % 3]] {
            let before = steady.created();
            eventually("there is load", || (steady.created() > before + 10).then_some(()));
            assert_eq!(cluster.hand_over(node).code(), Some(0), "{node}");
        }
    }
    let books = steady.finish();
    let unique: BTreeSet<_> = books.iter().collect();
    assert_eq!(unique.len(), books.len(), "no number was given twice");
    assert_eq!(cluster.gateway().total("books"), books.len() as u64);
    let rent = cluster.gateway().rent(books[0], 1).has("status", "Rent").id();
    let view = format!("/views/{rent}");
    cluster.gateway().shows(&view, json!({"deliveryStatus": "Delivery Started"}));
}
