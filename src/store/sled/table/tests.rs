use super::*;

#[test]
fn a_removal_hides_what_is_being_written_and_nothing_else() {
    let db = sled::Config::new().temporary(true).open().expect("opens");
    let table =
        Table::open("a.b", db.open_tree("a.b").expect("opens"), Arc::default()).expect("opens");
    table.apply_writes(
        1,
        [b"a", b"b", b"c", b"d"].map(|key| (key.to_vec(), Some(key.to_vec()))).to_vec(),
    );
    table.freeze_memtable().expect("there are rows");
    table.apply_writes(2, vec![(b"a".to_vec(), None), (b"d".to_vec(), None)]);
    for (backwards, first) in [(false, b"b"), (true, b"c")] {
        let scan = Scan { from: b"a".to_vec(), to: b"e".to_vec(), backwards, limit: 1 };
        assert_eq!(
            table.scan_rows(&scan),
            Ok(vec![(first.to_vec(), Row { commit: 1, record: first.to_vec() })])
        );
    }
}
