//! The contract of the store's port for the adapters that need nothing beside them, and what is promised of sled alone.

use crate::contract::{accepted, batch, contract, submit};
use holdfast::store::{CommitVerdict, MemoryStore, Options, Scan, SledStore, Store, StoreError};
use proptest::prelude::*;
use std::sync::mpsc;
use tempfile::TempDir;

/// A store, and the directory that lives as long as it.
fn sled() -> (SledStore, TempDir) {
    sled_with(Options::default().unwritten_limit_bytes)
}

/// A store that keeps hardly anything in memory, so that rows are in runs as soon as they are durable.
fn sled_of_runs() -> (SledStore, TempDir) {
    sled_with(400)
}

fn sled_with(unwritten_limit_bytes: u64) -> (SledStore, TempDir) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let options = Options { unwritten_limit_bytes, ..Options::default() };
    (SledStore::open(dir.path().join("data"), &options).expect("a fresh directory opens"), dir)
}

contract!(memory, (MemoryStore::new(), ()));
contract!(sled, super::sled());
contract!(sled_of_runs, super::sled_of_runs());

#[test]
fn a_store_under_pressure_refuses_writes_and_accepts_them_once_it_has_caught_up() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let options = Options { unwritten_limit_bytes: 1, ..Options::default() };
    let store = SledStore::open(dir.path(), &options).expect("opens");
    let tree = store.open_tree("a").expect("opens");
    let epoch = store.activate(tree).expect("activates");
    let mut behind = 0;
    let mut taken = 0;
    while behind == 0 || taken < 3 {
        match store.submit(batch(tree, epoch, &[(b"x", Some(b"1"))])) {
            Ok(CommitVerdict::Accepted(_)) => taken += 1,
            Err(StoreError::Overloaded) => behind += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(store.health().accepted_commit, taken, "what was refused has no number");
}

#[test]
fn the_last_handle_may_go_on_the_thread_that_calls_back() {
    let (store, _keep) = sled();
    let store = std::sync::Arc::new(store);
    let tree = store.open_tree("a").expect("opens");
    let epoch = store.activate(tree).expect("activates");
    let (word, heard) = mpsc::channel();
    let held = store.clone();
    let (free, freed) = mpsc::channel::<()>();
    store.on_durable(
        1,
        Box::new(move |_| {
            freed.recv().expect("the test lets go first");
            drop(held);
            word.send(()).expect("the test listens");
        }),
    );
    accepted(submit(&*store, batch(tree, epoch, &[(b"x", Some(b"1"))])));
    drop(store);
    free.send(()).expect("the callback waits");
    assert_eq!(heard.recv(), Ok(()));
}

#[test]
fn a_reader_beside_the_committer_never_misses_a_row_and_never_sees_half_a_batch() {
    let (store, _keep) = sled();
    let tree = store.open_tree("a").expect("opens");
    let epoch = store.activate(tree).expect("activates");
    accepted(submit(&store, batch(tree, epoch, &[(b"a", Some(&[0])), (b"b", Some(&[0]))])));
    let whole = Scan { from: b"a".to_vec(), to: b"c".to_vec(), backwards: false, limit: 9 };
    std::thread::scope(|threads| {
        let writer = threads.spawn(|| {
            for round in 1..2000_u32 {
                let record = [round as u8];
                // The pair moves between two places, so a scan that mixed two moments would find three rows, or one.
                let (put, gone): (&[u8], &[u8]) =
                    if round % 2 == 0 { (b"a", b"aa") } else { (b"aa", b"a") };
                let writes = [(put, Some(&record[..])), (gone, None), (b"b", Some(&record[..]))];
                accepted(submit(&store, batch(tree, epoch, &writes)));
            }
        });
        while !writer.is_finished() {
            let rows = store.scan(tree, &whole).expect("scans");
            assert_eq!(rows.len(), 2, "{rows:?}");
            assert_eq!(rows[0].1, rows[1].1);
            assert!(store.read(tree, &[b"b"]).expect("reads")[0].is_some());
        }
    });
}
