//! The contract of the store's port, and what of it goes beyond one process.

use crate::contract::{accepted, batch, contract, until_durable};
use holdfast::store::{PostgresOptions, PostgresStore, Scan, Store, StoreError};
use proptest::prelude::*;
use std::time::Duration;
use support::database::Database;

fn options(url: String) -> PostgresOptions {
    PostgresOptions { url, patience: Duration::from_secs(20), ..PostgresOptions::default() }
}

/// A store in a database of its own. Its tests write trees of the systems `a` and `b`.
fn store_with(change: impl FnOnce(&mut PostgresOptions)) -> (PostgresStore, ()) {
    let systems = ["a", "b", "x"].map(Into::into).into();
    let mut options = PostgresOptions { systems, ..options(Database::shared().create()) };
    change(&mut options);
    (PostgresStore::open(options).expect("a fresh database opens"), ())
}

contract!(postgres, super::store_with(|_| ()));
// Nothing is kept in memory but what is not written: everything else is read from the database.
contract!(postgres_of_rows, super::store_with(|options| options.first_rows = 0));
// Only the last rows of each key space are, and soon no more than two of them.
contract!(
    postgres_of_last_rows,
    super::store_with(|options| {
        options.first_rows = 2;
        options.cache_bytes = 0;
        options.unwritten_limit_bytes = 1000;
    })
);

#[test]
fn what_was_written_is_there_for_the_next_process_and_numbers_go_on_after_it() {
    let url = Database::shared().create();
    let open = |first_rows: usize| {
        let systems = vec!["a".into()];
        let options = PostgresOptions { systems, first_rows, ..options(url.clone()) };
        PostgresStore::open(options).expect("opens")
    };
    let store = open(1000);
    let identity = store.identity();
    let tree = store.open_tree("a.b").expect("opens");
    let epoch = store.activate(tree).expect("activates");
    for number in 0..40_u8 {
        accepted(store.submit(batch(tree, epoch, &[(&[b's', number], Some(&[number]))])));
    }
    let last = accepted(store.submit(batch(tree, epoch, &[(&[b's', 7], None)])));
    store.close();
    assert_eq!(store.durable_commit(), last, "closing writes what was accepted");
    drop(store);

    for first_rows in [1000, 5, 0] {
        let store = open(first_rows);
        assert_eq!(store.identity(), identity);
        let tree = store.open_tree("a.b").expect("opens");
        let epoch = store.activate(tree).expect("activates");
        let rows = store.scan(tree, &Scan::prefix(b"s", 100)).expect("scans");
        let numbers: Vec<u8> = rows.iter().map(|(key, _)| key[1]).collect();
        assert_eq!(numbers, (0..40).filter(|number| *number != 7).collect::<Vec<_>>());
        let keys: [&[u8]; 3] = [&[b's', 3], &[b's', 7], &[b's', 99]];
        let found = store.read(tree, &keys).expect("reads");
        assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false]);
        let next = accepted(store.submit(batch(tree, epoch, &[(b"z", Some(b"1"))])));
        assert!(next > last, "{next} comes after {last}");
        until_durable(&store, next);
    }
}

#[test]
fn a_second_process_waits_for_the_first_and_writes_nothing_before_that() {
    let url = Database::shared().create();
    let open = |patience| {
        let systems = vec!["a".into()];
        let patience = Duration::from_secs(patience);
        PostgresStore::open(PostgresOptions { systems, patience, ..options(url.clone()) })
    };
    let first = open(20).expect("opens");
    match open(0) {
        Err(StoreError::CannotOpen(why)) => {
            assert!(why.contains("another process runs on this database: node"), "{why}");
        }
        other => panic!("{other:?}"),
    }
    std::thread::scope(|threads| {
        let second = threads.spawn(|| open(20));
        first.close();
        second.join().expect("no panic").expect("opens when the first has given its leases up");
    });
}
