//! A range of rows, read page by page.

use super::{Row, Scan, keys::key_after};

/// Rows with their keys.
pub type Rows = Vec<(Vec<u8>, Row)>;

/// What is left to read of a range.
#[derive(Debug, Clone)]
pub struct Pages {
    scan: Scan,
    is_over: bool,
}

impl Pages {
    /// The pages of a range, each as large as its limit.
    pub fn over_scan(scan: Scan) -> Self {
        Self { scan, is_over: false }
    }

    /// Whether everything has been read.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The next page is as large as this.
    pub fn set_limit(&mut self, limit: usize) {
        self.scan.limit = limit;
    }

    /// The next page, or `None` after the last one.
    ///
    /// # Errors
    /// That of `read`; then the same page is read next.
    pub fn next<E>(
        &mut self,
        read: impl FnOnce(&Scan) -> Result<Rows, E>,
    ) -> Result<Option<Rows>, E> {
        self.next_of_some(|scan| read(scan).map(|rows| (rows, true)))
    }

    /// As [`Pages::next`], where `read` also returns whether these rows are all that there is in its range, up to its limit.
    ///
    /// # Errors
    /// That of `read`; then the same page is read next.
    pub fn next_of_some<E>(
        &mut self,
        read: impl FnOnce(&Scan) -> Result<(Rows, bool), E>,
    ) -> Result<Option<Rows>, E> {
        if self.is_over {
            return Ok(None);
        }
        let (rows, is_all) = read(&self.scan)?;
        match rows.last() {
            Some((last, _)) if self.scan.backwards => self.scan.to.clone_from(last),
            Some((last, _)) => self.scan.from = key_after(last),
            None => {}
        }
        self.is_over = rows.is_empty() || (is_all && rows.len() < self.scan.limit);
        Ok(Some(rows).filter(|rows| !rows.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Batch, MemoryStore, Store, StoreError};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn store_of(keys: &BTreeSet<Vec<u8>>) -> (MemoryStore, crate::store::TreeId) {
        let store = MemoryStore::default();
        let tree = store.open_tree("tree").expect("opens");
        let epoch = store.activate(tree).expect("activates");
        let writes = keys.iter().map(|key| (key.clone(), Some(vec![1]))).collect();
        store.submit(Batch { tree, epoch, expects: Vec::new(), writes }).expect("accepts");
        (store, tree)
    }

    proptest! {
        #[test]
        fn pages_of_any_size_and_direction_are_the_range(
            keys in prop::collection::btree_set(prop::collection::vec(any::<u8>(), 1..4), 0..40),
            prefix in prop::collection::vec(any::<u8>(), 0..2),
            limit in 1..9_usize,
            backwards: bool,
        ) {
            let (store, tree) = store_of(&keys);
            let whole = Scan { backwards, ..Scan::prefix(&prefix, usize::MAX) };
            let mut pages = Pages::over_scan(Scan { limit, ..whole.clone() });
            let mut found = Rows::new();
            while let Some(rows) = pages.next(|scan| store.scan(tree, scan))? {
                prop_assert!(rows.len() <= limit);
                found.extend(rows);
            }
            prop_assert!(pages.is_over());
            prop_assert_eq!(found, store.scan(tree, &whole)?);
        }
    }

    #[test]
    fn a_page_that_could_not_be_read_is_read_again() {
        let (store, tree) = store_of(&[vec![1], vec![2]].into());
        let mut pages = Pages::over_scan(Scan::prefix(&[], 1));
        let mut next = |fails: bool| {
            pages.next(
                |scan| if fails { Err(StoreError::Overloaded) } else { store.scan(tree, scan) },
            )
        };
        assert_eq!(next(true), Err(StoreError::Overloaded));
        let first = next(false).expect("reads").expect("a page");
        assert_eq!(first.first().map(|(key, _)| key.clone()), Some(vec![1]));
        assert_eq!(next(true), Err(StoreError::Overloaded));
        let second = next(false).expect("reads").expect("a page");
        assert_eq!(second.first().map(|(key, _)| key.clone()), Some(vec![2]));
        assert_eq!(next(false), Ok(None));
    }
}
