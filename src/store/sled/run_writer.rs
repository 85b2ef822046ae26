//! Writing a run: block after block, then its summary.

use super::{
    integrity::seal::{self, Seal},
    panic::catch_panic,
    sorted_run::{BLOCK, SortedRun, Spans, run_key, shorten_key},
};
use crate::store::{Row, StoreError, row_block::Builder};
use serde_bytes::ByteBuf;
use sled::Tree;

/// A run that is being written.
pub struct RunWriter<'a> {
    tree: &'a Tree,
    number: u64,
    builder: Builder,
    spans: Spans,
    seal: Seal,
    seed: u32,
}

impl<'a> RunWriter<'a> {
    pub fn new(tree: &'a Tree, number: u64) -> Self {
        // Its random half: numbers of runs come again after a crash, and what is left of the old ones with them.
        let id = uuid::Uuid::now_v7().as_u64_pair().1;
        let seal = Seal { id, blocks: 0, rows: 0, sum: 0, first: Vec::new() };
        Self {
            tree,
            number,
            builder: Builder::default(),
            spans: Vec::new(),
            seal,
            seed: seal::run_seed(id),
        }
    }

    /// Adds a row; keys come in order. Says whether a block has been written.
    pub fn push_row(&mut self, key: &[u8], row: Option<&Row>) -> Result<bool, StoreError> {
        let full = self.builder.has_no_room_for(key.len() + row.map_or(0, |row| row.record.len()));
        if full {
            self.put_block(Some(key))?;
        }
        self.builder.push_row(key, row);
        self.seal.rows += 1;
        let short = shorten_key(key);
        match self.spans.last_mut().filter(|(first, _)| first.first() == key.first()) {
            Some((_, last)) if last.as_slice() == short => {}
            Some((_, last)) => {
                last.clear();
                last.extend_from_slice(short);
            }
            None => self.spans.push((ByteBuf::from(short), ByteBuf::from(short))),
        }
        Ok(full)
    }

    /// Writes the block; `next` begins the one after it.
    fn put_block(&mut self, next: Option<&[u8]>) -> Result<(), StoreError> {
        let Some((first, rows)) = self.builder.take_block() else { return Ok(()) };
        let place = run_key(BLOCK, self.number, &first);
        let (block, sum) = seal::seal_block(self.seed, &place, self.seal.blocks, next, &rows);
        catch_panic(|| self.tree.insert(place, block))?;
        if self.seal.blocks == 0 {
            self.seal.first = first;
        }
        self.seal.blocks += 1;
        self.seal.sum = crc32c::crc32c_append(self.seal.sum, &sum.to_le_bytes());
        Ok(())
    }

    /// Ends the run; there is none if it has no rows.
    pub fn finish_run(mut self, level: u8) -> Result<Option<SortedRun>, StoreError> {
        self.put_block(None)?;
        if self.spans.is_empty() {
            return Ok(None);
        }
        SortedRun::write_run(self.tree, self.number, level, self.spans, self.seal).map(Some)
    }
}
