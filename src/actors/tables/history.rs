//! Who wrote which part of a log: the *epochs* of its writers.
//!
//! A sequence alone does not name an event: a data directory that is put back from a copy gives its numbers again, and so
//! does a second store for the same context. So each start of a log's writer takes a random word, and an event is named by
//! that and its sequence. A reader that has received an event can learn whether it is in the past of the node that answers now.

use super::{tree::Tree, version::VERSION};
use crate::{
    actors::port::history::{EventId, Past, TOLD, Word, word_at},
    store::{
        Scan, StoreError, codec,
        keys::{KeyBuf, Space, last_number},
        paging::Pages,
    },
};
/// How many epochs are read at once.
const PAGE: usize = 256;

/// Which epochs a log has, each from its first sequence on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    began: Vec<(u64, Word)>,
    /// What is before this may be of an epoch whose row cannot be read, so its names are believed.
    unsure: u64,
}

/// The key of the row of the epoch that began with `first`.
pub fn epoch_key(first: u64) -> Vec<u8> {
    KeyBuf::new(Space::Epoch).number(first).build()
}

/// The row of an epoch.
///
/// # Errors
/// None that can be, for a number.
pub fn epoch_row(word: Word) -> Result<Vec<u8>, StoreError> {
    codec::encode(Space::Epoch, VERSION, &word.0)
}

impl History {
    /// The epochs of a log that have events. Where a row cannot be read, no replica is refused for it: what others know of
    /// that epoch is believed, up to where the next one begins.
    ///
    /// # Errors
    /// The error of the store.
    pub fn load_epochs(tree: &Tree) -> Result<Self, StoreError> {
        let mut pages = Pages::over_scan(Scan::space(Space::Epoch, PAGE));
        let mut history = Self::default();
        loop {
            let rows = match tree.next_page(&mut pages) {
                Ok(Some(rows)) => rows,
                Ok(None) => return Ok(history),
                Err(StoreError::Damaged(what)) => {
                    history.lacks_an_epoch(tree, &what);
                    return Ok(history);
                }
                Err(error) => return Err(error),
            };
            for (key, row) in &rows {
                match (last_number(key), codec::decode(Space::Epoch, &row.record)) {
                    (Some(first), Ok(word)) => history.begin_epoch(first, Word(word)),
                    (None, _) => history.lacks_an_epoch(tree, "its key is none"),
                    (_, Err(StoreError::Damaged(what))) => history.lacks_an_epoch(tree, &what),
                    (_, Err(error)) => return Err(error),
                }
            }
        }
    }

    fn lacks_an_epoch(&mut self, tree: &Tree, what: &str) {
        tracing::error!(
            context = tree.entity.name().context,
            what,
            "who wrote a part of a log is damaged"
        );
        tree.report_damage(&format!("who wrote a part of the log: {what}"));
        self.unsure = u64::MAX;
    }

    /// A new epoch begins with `first`; one that was to begin there, or later, has no events.
    pub fn begin_epoch(&mut self, first: u64, word: Word) {
        self.began.retain(|(began, _)| *began < first);
        self.began.push((first, word));
        self.unsure = self.unsure.min(first);
    }

    /// The last epoch, and with which sequence it begins.
    pub fn current_epoch(&self) -> Option<(u64, Word)> {
        self.began.last().copied()
    }

    /// Whether it is known what the event with this sequence is called.
    pub fn names_event(&self, sequence: u64) -> bool {
        !self.began.is_empty() && sequence >= self.unsure
    }

    /// What the event with this sequence is called.
    pub fn id_of(&self, sequence: u64) -> EventId {
        EventId { word: word_at(&self.began, sequence), sequence }
    }

    /// Whether this event is in a log that goes up to `latest`.
    pub fn has_event(&self, id: EventId, latest: u64) -> bool {
        let is_called_so = || id.sequence < self.unsure || self.id_of(id.sequence) == id;
        id.sequence == 0 || (id.sequence <= latest && is_called_so())
    }

    /// What others need to judge it.
    pub fn past(&self, latest: u64) -> Past {
        let left_out = self.began.len().saturating_sub(TOLD);
        let began = self.began.get(left_out..).unwrap_or_default().to_vec();
        let since = if left_out == 0 { 0 } else { began.first().map_or(0, |(first, _)| *first) };
        Past { latest, since: since.max(self.unsure), began }
    }
}

#[cfg(test)]
mod tests;
