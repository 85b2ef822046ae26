//! Several ordered sources as one: for each key, the entry of the newest source.

use crate::store::{StoreError, row_block::Entry};
use std::iter::Peekable;

/// Entries in one direction.
pub type EntryIter<'a> = Box<dyn Iterator<Item = Result<Entry, StoreError>> + 'a>;

/// The merged entries of sources, of which the first is the newest. Removals are among them.
pub struct MergeIter<'a> {
    sources: Vec<Peekable<EntryIter<'a>>>,
    backwards: bool,
}

impl<'a> MergeIter<'a> {
    pub fn new(sources: impl IntoIterator<Item = EntryIter<'a>>, backwards: bool) -> Self {
        Self { sources: sources.into_iter().map(Iterator::peekable).collect(), backwards }
    }

    /// The source that comes next; of several at the same key, the newest. One that has failed comes at once.
    fn next_source(&mut self) -> Option<usize> {
        let mut best: Option<(usize, &[u8])> = None;
        for (place, source) in self.sources.iter_mut().enumerate() {
            let key = match source.peek() {
                None => continue,
                Some(Err(_)) => return Some(place),
                Some(Ok((key, _))) => key.as_slice(),
            };
            let sooner = |best: &[u8]| if self.backwards { key > best } else { key < best };
            if best.is_none_or(|(_, best)| sooner(best)) {
                best = Some((place, key));
            }
        }
        best.map(|(place, _)| place)
    }
}

impl Iterator for MergeIter<'_> {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let place = self.next_source()?;
        let entry = self.sources.get_mut(place)?.next()?;
        if let Ok((key, _)) = &entry {
            // Older entries of this key are obsolete.
            for source in self.sources.iter_mut().skip(place + 1) {
                source.next_if(|older| older.as_ref().is_ok_and(|(older, _)| older == key));
            }
        }
        Some(entry)
    }
}
