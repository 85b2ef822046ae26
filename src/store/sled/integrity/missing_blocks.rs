//! Tests: runs with holes in them, and runs from before there were seals.

use crate::store::{
    Row, Scan, StoreError, codec,
    row_block::Builder,
    sled::{
        manifest::Manifest,
        run_range::{RunRange, verify_run},
        run_writer::RunWriter,
        sorted_run::{BLOCK, SortedRun, Spans, first_key, run_key},
        table::Table,
    },
};
use proptest::prelude::*;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

fn new_tree() -> sled::Tree {
    let db = sled::Config::new().temporary(true).open().expect("opens");
    db.open_tree("a.b").expect("opens")
}

/// Every second number is a key; records of 1 KiB, so that a block has four.
fn sample_rows(count: u64) -> BTreeMap<Vec<u8>, Row> {
    let row = |number: u64| Row { commit: number + 1, record: vec![number as u8; 1000] };
    (0..count).map(|number| ((number * 2).to_be_bytes().to_vec(), row(number))).collect()
}

fn write_run(tree: &sled::Tree, rows: &BTreeMap<Vec<u8>, Row>) -> SortedRun {
    let mut writer = RunWriter::new(tree, 1);
    for (key, row) in rows {
        writer.push_row(key, Some(row)).expect("writes");
    }
    writer.finish_run(0).expect("writes").expect("has rows")
}

fn block_keys(tree: &sled::Tree) -> Vec<sled::IVec> {
    tree.scan_prefix([BLOCK]).keys().map(|key| key.expect("reads")).collect()
}

fn scan_run(
    run: &SortedRun,
    tree: &sled::Tree,
    from: u64,
    to: u64,
    backwards: bool,
) -> Result<Vec<(Vec<u8>, Row)>, StoreError> {
    let from = from.to_be_bytes().to_vec();
    let to = to.to_be_bytes().to_vec();
    let scan = Scan { from, to, backwards, limit: usize::MAX };
    let range = RunRange::over(run, tree, &scan)?;
    range
        .into_iter()
        .flatten()
        .map(|entry| entry.map(|(key, row)| (key, row.expect("is there"))))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever blocks are missing: what is read is right, or an error.
    #[test]
    fn a_missing_block_is_an_error_where_it_is_missing_and_nowhere_else(
        count in 1..60_u64, holes in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        from in 0..130_u64, len in 1..60_u64, backwards in any::<bool>(),
    ) {
        let tree = new_tree();
        let rows = sample_rows(count);
        let run = write_run(&tree, &rows);
        prop_assert!(verify_run(&run, &tree, |_| true).is_ok());
        let blocks = block_keys(&tree);
        let mut begins: Vec<Vec<u8>> = blocks.iter().map(|place| first_key(place).to_vec()).collect();
        begins.push(vec![u8::MAX; 9]);
        let mut lost = Vec::new();
        for hole in holes {
            let hole = hole.index(blocks.len());
            tree.remove(&blocks[hole]).expect("removes");
            lost.push((begins[hole].clone(), begins[hole + 1].clone()));
        }
        let is_lost = |key: &[u8]| lost.iter().any(|(first, next)| first.as_slice() <= key && key < next.as_slice());
        for number in 0..count * 2 + 2 {
            let key = number.to_be_bytes();
            match run.get(&tree, &key) {
                Ok(found) => {
                    prop_assert_eq!(found.flatten(), rows.get(&key[..]).cloned());
                    prop_assert!(!is_lost(&key) || number >= count * 2 - 1, "{}", number);
                }
                Err(StoreError::Damaged(_)) => prop_assert!(is_lost(&key), "{}", number),
                Err(other) => panic!("{other:?}"),
            }
        }
        let low = from.to_be_bytes().to_vec();
        let high = (from + len).to_be_bytes().to_vec();
        match scan_run(&run, &tree, from, from + len, backwards) {
            Ok(mut seen) => {
                if backwards { seen.reverse() }
                let right: Vec<_> = rows.range(low..high).map(|(key, row)| (key.clone(), row.clone())).collect();
                prop_assert_eq!(seen, right);
            }
            Err(StoreError::Damaged(_)) => {
                prop_assert!(lost.iter().any(|(first, next)| *first < high && low < *next));
            }
            Err(other) => panic!("{other:?}"),
        }
        prop_assert!(matches!(verify_run(&run, &tree, |_| true), Err(StoreError::Damaged(_))));
    }
}

#[test]
fn a_block_of_another_run_or_changed_is_an_error() {
    let tree = new_tree();
    let rows = sample_rows(30);
    let run = write_run(&tree, &rows);
    let place = block_keys(&tree)[2].clone();
    let block = tree.get(&place).expect("reads").expect("is there");
    // The same rows under the same number, from before a crash.
    write_run(&tree, &rows);
    assert!(matches!(run.get(&tree, first_key(&place)), Err(StoreError::Damaged(_))));
    let mut changed = block.to_vec();
    changed[50] ^= 4;
    tree.insert(&place, changed).expect("writes");
    assert!(matches!(run.get(&tree, first_key(&place)), Err(StoreError::Damaged(_))));
    tree.insert(&place, block).expect("writes");
    assert_eq!(run.get(&tree, first_key(&place)), Ok(Some(rows.get(first_key(&place)).cloned())));
}

/// As a manifest was before there were seals.
#[derive(Serialize)]
struct OldManifest {
    through: u64,
    runs: Vec<(u64, u8)>,
}

/// Writes a run as it was written before there were seals, and the manifest that names it.
fn write_unsealed(tree: &sled::Tree, rows: &BTreeMap<Vec<u8>, Row>) {
    let mut builder = Builder::default();
    let put = |builder: &mut Builder| {
        let (first, block) = builder.take_block().expect("has rows");
        tree.insert(run_key(BLOCK, 1, &first), block).expect("writes");
    };
    for (key, row) in rows {
        if builder.has_no_room_for(key.len() + row.record.len()) {
            put(&mut builder);
        }
        builder.push_row(key, Some(row));
    }
    put(&mut builder);
    let bytes =
        |key: Option<&Vec<u8>>| serde_bytes::ByteBuf::from(key.expect("has rows").as_slice());
    let spans: Spans = vec![(bytes(rows.keys().next()), bytes(rows.keys().last()))];
    tree.insert(run_key(2, 1, &[]), codec::encode_part(&spans).expect("encodes")).expect("writes");
    let manifest =
        codec::encode_part(&OldManifest { through: 300, runs: vec![(1, 4)] }).expect("encodes");
    tree.insert([0], manifest).expect("writes");
}

#[test]
fn a_tree_from_before_there_were_seals_is_read_and_gets_them() {
    let tree = new_tree();
    let rows = sample_rows(100);
    write_unsealed(&tree, &rows);
    let table = Table::open("a.b", tree.clone(), Arc::default()).expect("opens");
    let all = Scan { from: vec![0], to: vec![u8::MAX; 9], backwards: false, limit: usize::MAX };
    let right: Vec<_> = rows.iter().map(|(key, row)| (key.clone(), row.clone())).collect();
    assert_eq!((table.scan_rows(&all), table.flushed_through()), (Ok(right.clone()), 300));
    assert!(table.merge_next(u8::MAX, None, |_| || Ok(true)).expect("merges"), "it is rewritten");
    assert!(!table.merge_next(u8::MAX, None, |_| || Ok(true)).expect("merges"), "once");
    assert_eq!(table.scan_rows(&all), Ok(right));
    let manifest = Manifest::read(&tree).expect("reads");
    let member = manifest.runs[0];
    assert_eq!((manifest.flushed_through, manifest.runs.len(), member.level), (300, 1, 4));
    let run = SortedRun::open(&tree, member).expect("opens");
    assert_eq!(verify_run(&run, &tree, |_| true).map(|counted| counted.rows), Ok(100));
    for number in 0..100_u64 {
        let key = (number * 2).to_be_bytes();
        assert_eq!(table.read_rows(&[&key]), Ok(vec![rows.get(&key[..]).cloned()]));
    }
}
