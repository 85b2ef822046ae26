//! The tree of one context: its rows, and the states among them.

use super::{
    counters::{Counters, counters_key, decode_counters},
    indexes::{self, Posting},
    states::{decode_state, state_key},
};
use crate::{
    actors::{
        erased::{EntityType, Versioned},
        port::{safeguard::Safeguard, status::ContextStatus},
    },
    domain::{Key, Lifecycle, text::to_nfc},
    store::{
        Commit, Row, Scan, Store, StoreError, TreeId,
        keys::last_number,
        paging::{Pages, Rows},
    },
};
use std::sync::{Arc, atomic::Ordering::SeqCst};

/// The tree of one context, with the type of its states.
#[derive(Clone)]
pub struct Tree {
    pub store: Arc<dyn Store>,
    pub id: TreeId,
    /// The type of its states.
    pub entity: &'static dyn EntityType,
    /// Where damage is reported.
    status: Option<Arc<ContextStatus>>,
}

impl Tree {
    /// Opens the context's tree.
    pub fn open(
        store: &Arc<dyn Store>,
        entity: &'static dyn EntityType,
    ) -> Result<Self, StoreError> {
        Self::open_as(store, entity, entity.name().context)
    }
    /// Opens a tree of the same type under another name.
    pub fn open_as(
        store: &Arc<dyn Store>,
        entity: &'static dyn EntityType,
        name: &str,
    ) -> Result<Self, StoreError> {
        Ok(Self { store: store.clone(), id: store.open_tree(name)?, entity, status: None })
    }
    /// The same tree, which reports its damage there.
    pub fn reporting_to(self, shared: &Arc<ContextStatus>) -> Self {
        Self { status: Some(shared.clone()), ..self }
    }
    /// Whether those who read it do what `safeguard` says.
    pub fn does(&self, safeguard: Safeguard) -> bool {
        self.status.as_ref().is_none_or(|status| status.does(safeguard))
    }
    /// Something in it is damaged or missing.
    pub fn report_damage(&self, what: &str) {
        if let Some(status) = &self.status {
            status.report_damage(what);
        }
    }
    /// Reports the damage that a read has met.
    pub fn report_damage_of<T>(&self, read: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Damaged(what)) = &read {
            self.report_damage(what);
        }
        read
    }
    /// Reports damage in a generation, if that is shown: older ones are being purged.
    pub fn report_shown_damage(&self, generation: u32, what: &str) {
        if self.status.as_ref().is_some_and(|status| status.generation.load(SeqCst) == generation) {
            self.report_damage(what);
        }
    }
    /// One row.
    pub fn read_row(&self, key: &[u8]) -> Result<Option<Row>, StoreError> {
        Ok(self.store.read(self.id, &[key])?.pop().flatten())
    }
    /// The context's counters, and the commit that wrote them.
    pub fn read_counters(&self) -> Result<(Counters, Commit), StoreError> {
        match self.read_row(&counters_key())? {
            Some(row) => Ok((decode_counters(&row.record)?, row.commit)),
            None => Ok((Counters::default(), 0)),
        }
    }
    /// A range of rows.
    pub fn scan_rows(&self, scan: &Scan) -> Result<Rows, StoreError> {
        self.store.scan(self.id, scan)
    }
    /// The next page of a range, or `None` after the last one.
    pub fn next_page(&self, pages: &mut Pages) -> Result<Option<Rows>, StoreError> {
        pages.next(|scan| self.scan_rows(scan))
    }
    /// A state, and the commit that wrote it.
    pub fn read_state(
        &self,
        generation: u32,
        number: u64,
    ) -> Result<Option<(Commit, Versioned)>, StoreError> {
        match self.read_row(&state_key(generation, number))? {
            Some(row) => {
                let of = |what: StoreError| match what {
                    StoreError::Damaged(what) => {
                        StoreError::Damaged(format!("number {number}: {what}"))
                    }
                    other => other,
                };
                Ok(Some((row.commit, decode_state(self.entity, &row.record).map_err(of)?)))
            }
            None => Ok(None),
        }
    }
}

impl Tree {
    /// Which numbers of a chunk have a value of a field, from the states themselves.
    pub fn rebuild_index_chunk(
        &self,
        generation: u32,
        field: &str,
        value: &Key,
        chunk: u64,
    ) -> Result<Posting, StoreError> {
        let first = chunk.saturating_mul(indexes::CHUNK);
        let from = state_key(generation, first);
        let to = state_key(generation, first.saturating_add(indexes::CHUNK));
        let mut pages = Pages::over_scan(Scan { from, to, backwards: false, limit: 256 });
        let mut posting = Posting::default();
        while let Some(rows) = self.next_readable_page(&mut pages, 9)? {
            for (key, row) in &rows {
                // A state that cannot be read is in no index.
                let Ok(kept) = decode_state(self.entity, &row.record) else { continue };
                let number = last_number(key).unwrap_or(0);
                if index_entries(&kept, number)
                    .iter()
                    .any(|(known, is)| *known == field && is == value)
                {
                    posting.insert(indexes::chunk_of(number).1);
                }
            }
        }
        Ok(posting)
    }
}

/// The index entries of what is kept under `number`: its fields, its owner, and the index of everything; none if it is in
/// no list.
pub fn index_entries(kept: &Versioned, number: u64) -> Vec<(&'static str, Key)> {
    let state = kept.state.as_ref();
    if state.lifecycle() != Lifecycle::Established {
        return Vec::new();
    }
    let mut fields = state.indexes();
    // Lists find a text in whatever form it is asked for.
    for (_, key) in &mut fields {
        if let Key::Text(text) = key
            && !text.is_ascii()
        {
            *text = to_nfc(text);
        }
    }
    let owner = kept.owner_of(number);
    fields.extend(owner.map(|owner| (indexes::OWNER, Key::from(owner.as_ref()))));
    fields.push((indexes::ALL, Key::Missing));
    fields
}
