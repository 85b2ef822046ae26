//! How far business time was moved ahead of the machine's, kept with the data: it goes on from there after a restart.

use crate::{
    actors::{
        port::{clock::Clock, machine::Machine},
        tables::version::VERSION,
    },
    store::{
        Batch, Epoch, Store, StoreError, TreeId, codec,
        keys::{KeyBuf, Space},
    },
};
use std::sync::Arc;

/// The row in which the offset of the clock is kept.
#[derive(Debug)]
pub struct SavedClock {
    store: Arc<dyn Store>,
    tree: TreeId,
    epoch: Epoch,
}

fn clock_key() -> Vec<u8> {
    KeyBuf::new(Space::Timer).build()
}

impl SavedClock {
    /// Opens the row, and has `clock` go on from where it was moved to.
    pub fn open(
        store: &Arc<dyn Store>,
        machine: &Machine,
        clock: &Clock,
    ) -> Result<Self, StoreError> {
        let tree = store.open_tree("holdfast.clock")?;
        let epoch = store.activate(tree)?;
        let saved = Self { store: store.clone(), tree, epoch };
        match saved.saved_offset() {
            Ok(Some(micros)) => clock.carry_on_from(machine.now().plus_micros(micros)),
            Ok(None) => {}
            Err(StoreError::Damaged(what)) => {
                tracing::error!(what, "saved clock offset is damaged");
            }
            Err(error) => return Err(error),
        }
        Ok(saved)
    }

    fn saved_offset(&self) -> Result<Option<i64>, StoreError> {
        let row = self.store.read(self.tree, &[&clock_key()])?.pop().flatten();
        row.map(|row| codec::decode(Space::Timer, &row.record)).transpose()
    }

    /// Keeps the offset of `clock`.
    pub fn save_offset(&self, clock: &Clock) -> Result<(), StoreError> {
        let record = codec::encode(Space::Timer, VERSION, &clock.offset())?;
        let writes = vec![(clock_key(), Some(record))];
        let batch = Batch { tree: self.tree, epoch: self.epoch, expects: Vec::new(), writes };
        self.store.submit(batch).map(drop)
    }
}
