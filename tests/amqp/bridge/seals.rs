//! Events that are sealed: what another than a node has sent has no effect, and is set aside.

use super::*;
use std::fs;
use tempfile::TempDir;

const OLD: &str = "an-old-key-of-events-for-tests-only";
const NEW: &str = "a-new-key-of-events-for-tests-only!";
const SEAL: &str = "cloudEvents:seal";
const OWNER: &str = "holdfast-owner";

/// BookRent with two views, whose key of events is in a file of this directory.
fn sealed(broker: &Broker, directory: &TempDir) -> Cluster {
    let file = directory.path().join("events_key");
    let toml =
        format!("[amqp]\nurl = '{}'\n[events]\nkey_file = '{}'\n", broker.url(), file.display());
    Cluster::with_two_views(&toml)
}

fn write_keys(directory: &TempDir, keys: &[&str]) {
    fs::write(directory.path().join("events_key"), keys.join("\n")).unwrap();
}

fn refused(node: &Server) -> u64 {
    replica(node, "bookrent.rent")["refused"].as_u64().unwrap()
}

fn put_everywhere(broker: &Broker, events: &[support::queue::Came]) {
    let feeds = broker.queues(".bookrent.rent");
    let feeds: Vec<_> = feeds.iter().filter(|queue| queue.contains(".feed.")).collect();
    assert_eq!(feeds.len(), 4, "of book, delivery and both views: {feeds:?}");
    feeds.iter().for_each(|queue| Queue::of(&broker.url(), queue).put(events));
}

#[test]
fn a_forged_or_altered_event_has_no_effect_and_is_set_aside() {
    let broker = Broker::start();
    let directory = TempDir::new().unwrap();
    write_keys(&directory, &[OLD]);
    let heard = Queue::bind(&broker.url(), "all", "bookrent.rent.*");
    let cluster = sealed(&broker, &directory);
    all_are_fed(&cluster);
    load(cluster.gateway(), 8);
    both_views_are_right(&cluster, 8);
    let came = heard.take_all();
    assert!(came.iter().all(|event| event.headers.contains_key(SEAL)), "each has a seal");
    for node in ["view", "another", "delivery"] {
        assert_eq!(refused(cluster.node(node)), 0);
        assert_eq!(parked_at(cluster.node(node)), Vec::<Value>::new());
    }

    let rented = came.iter().find(|event| event.key.ends_with(".BookRented")).unwrap();
    let mut wrong = Vec::new();
    for (name, value) in [
        ("type", "io.holdfast.bookrent.rent.BookCancelled.v1"),
        ("id", "999"),
        ("subject", "2222"),
        ("time", "2020-01-01T00:00:00Z"),
        ("aggregateversion", "77"),
        ("correlationid", "bookrent.rent-2222"),
        ("cause", "another"),
        ("causationid", "7"),
        ("causationsource", "/bookrent/delivery"),
        ("clientcorrelationid", "another"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("seal", "v1.00"),
    ] {
        let mut altered = rented.clone();
        altered.headers.insert(format!("cloudEvents:{name}"), value.into());
        wrong.push(altered);
    }
    let mut altered = rented.clone();
    let owner = altered.headers.insert(OWNER.into(), "another".into());
    assert_eq!(owner, Some(altered.body["userId"].to_string()), "nodes tell whose it is");
    wrong.push(altered);
    let mut altered = rented.clone();
    altered.body["address"] = json!("another");
    wrong.push(altered);
    // The next event of the log, from a sender without the key.
    let last = came.iter().max_by_key(|event| event.id().1).unwrap();
    let next = last.id().1 + 1;
    let mut forged = last.clone();
    let id = last.headers["cloudEvents:id"].replace(&last.id().1.to_string(), &next.to_string());
    forged.headers.insert("cloudEvents:id".into(), id);
    wrong.push(forged.clone());
    forged.headers.remove(SEAL);
    wrong.push(forged);
    put_everywhere(&broker, &wrong);

    let count = wrong.len() as u64;
    for name in ["view", "another", "delivery"] {
        let node = cluster.node(name);
        let letters = eventually("all of them are set aside", || {
            Some(parked_at(node)).filter(|letters| letters.len() as u64 == count)
        });
        assert_eq!(refused(node), count, "{name}");
        for letter in letters {
            assert!(letter["reason"].as_str().unwrap().contains("seal"), "{letter}");
            let id = letter["id"].as_str().unwrap();
            if !letter["headers"][SEAL].is_null() {
                let again = node.post(&format!("/admin/parked/{id}/redrive"), json!({}));
                again.problem(422);
            }
        }
    }
    load(cluster.gateway(), 4);
    both_views_are_right(&cluster, 12);
    each_was_taken_once(&cluster);
}

#[test]
fn what_is_replayed_reordered_or_without_a_seal_from_before_changes_nothing() {
    let broker = Broker::start();
    let directory = TempDir::new().unwrap();
    write_keys(&directory, &[OLD]);
    let heard = Queue::bind(&broker.url(), "all", "bookrent.rent.*");
    let cluster = sealed(&broker, &directory);
    all_are_fed(&cluster);
    load(cluster.gateway(), 8);
    both_views_are_right(&cluster, 8);
    let mut came = heard.take_all();
    came.reverse();
    put_everywhere(&broker, &came);
    // As a node sent them that had no key yet.
    for event in &mut came {
        event.headers.remove(SEAL);
    }
    put_everywhere(&broker, &came);
    let count = came.len() as u64;
    for name in ["view", "another", "delivery"] {
        let node = cluster.node(name);
        eventually("all of them came", || {
            let replica = replica(node, "bookrent.rent");
            (replica["refused"] == count && replica["again"].as_u64()? >= count).then_some(())
        });
    }
    load(cluster.gateway(), 4);
    both_views_are_right(&cluster, 12);
    each_was_taken_once(&cluster);
    for name in ["view", "another", "delivery"] {
        assert_eq!(parked_at(cluster.node(name)), Vec::<Value>::new(), "the log has them");
    }
}

#[test]
fn the_key_is_changed_node_by_node_and_nothing_is_lost_or_refused() {
    let broker = Broker::start();
    let directory = TempDir::new().unwrap();
    write_keys(&directory, &[OLD]);
    let mut cluster = sealed(&broker, &directory);
    all_are_fed(&cluster);
    load(cluster.gateway(), 4);
    let mut count = 4;
    for keys in [&[OLD, NEW][..], &[NEW, OLD]] {
        write_keys(&directory, keys);
        for name in ["view", "rent", "delivery", "another"] {
            cluster.kill(name);
            cluster.restart(name);
            all_are_fed(&cluster);
            load(cluster.gateway(), 4);
            count += 4;
        }
        both_views_are_right(&cluster, count);
    }
    for name in ["view", "another", "delivery"] {
        assert_eq!(refused(cluster.node(name)), 0, "{name}");
        assert_eq!(parked_at(cluster.node(name)), Vec::<Value>::new());
    }
    // A node that has lost the old one too early takes from the log what it cannot take from its queue.
    write_keys(&directory, &["another-key-of-events-for-tests-only"]);
    cluster.kill("view");
    cluster.restart("view");
    all_are_fed(&cluster);
    load(cluster.gateway(), 4);
    both_views_are_right(&cluster, count + 4);
    eventually("they are set aside", || parked_at(cluster.node("view")).pop());
    assert!(refused(cluster.node("view")) > 0);
}
