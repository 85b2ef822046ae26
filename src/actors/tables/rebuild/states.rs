//! What the functions say of each state, and whose it is.

use super::RebuildPage;
use crate::{
    actors::tables::{
        claims::{claim_key, contested_key},
        indexes::{self, Posting},
        states::decode_state,
        timers::timer_key,
        tree::index_entries,
        version::VERSION,
    },
    store::{
        StoreError,
        keys::{Space, last_number},
    },
};
use std::panic::{AssertUnwindSafe, catch_unwind};

impl RebuildPage<'_> {
    /// What the functions have to say of a state.
    pub(crate) fn rewrite_state(&mut self, key: &[u8], record: &[u8]) -> Result<(), StoreError> {
        let generation = key
            .get(1..9)
            .and_then(last_number)
            .and_then(|generation| u32::try_from(generation).ok());
        let (Some(generation), Some(number)) = (generation, last_number(key)) else {
            return Ok(());
        };
        // What is older than what is shown is being cleared away.
        if generation < self.meta.generation {
            return Ok(());
        }
        let of = |what: StoreError| StoreError::Damaged(format!("number {number}: {what}"));
        let mut kept = decode_state(self.tree.entity, record).map_err(of)?;
        let entity = self.tree.entity;
        if self.changed.owners && kept.owner.is_none() {
            kept.owner =
                kept.owner_of(number).or_else(|| (self.owner_of_saga)(kept.saga.as_ref()?));
            if kept.owner.is_some() {
                self.rows.insert(key.to_vec(), Some(kept.encode()?));
            }
        }
        let state = kept.state.as_ref();
        let derived = catch_unwind(AssertUnwindSafe(|| {
            (entity.claims(state), entity.due_at(state), index_entries(&kept, number))
        }));
        let Ok((claims, due, listed)) = derived else {
            return Err(StoreError::Damaged(format!(
                "number {number}: what it claims cannot be said"
            )));
        };
        if self.changed.claims {
            claims.iter().try_for_each(|key| self.write_claim(key, number))?;
        }
        if let Some(at) = due.filter(|_| self.changed.due) {
            self.put_row(Space::Timer, VERSION, timer_key(at, number), &())?;
        }
        for (field, value) in listed.into_iter().filter(|_| self.changed.indexes) {
            let prefix = indexes::value_prefix(generation, field, &value);
            if indexes::has_row_each(field, &value) {
                self.rows.insert(prefix.number(number).build(), Some(indexes::encode_entry(true)?));
                continue;
            }
            let (chunk, offset) = indexes::chunk_of(number);
            let key = prefix.number(chunk).build();
            if !self.postings.contains_key(&key) {
                let row = self.tree.read_row(&key)?;
                let posting =
                    row.map(|row| Posting::decode(&row.record)).transpose()?.unwrap_or_default();
                self.postings.insert(key.clone(), posting);
            }
            if let Some(posting) = self.postings.get_mut(&key) {
                posting.insert(offset);
            }
        }
        Ok(())
    }

    /// `number` claims `key`; where another does too, both hold it.
    fn write_claim(&mut self, key: &str, number: u64) -> Result<(), StoreError> {
        let row = claim_key(key);
        match self.get::<u64>(Space::Claim, &row)? {
            Some(holder) if holder != number => {
                let row = contested_key(key);
                let mut all =
                    self.get::<Vec<u64>>(Space::Claim, &row)?.unwrap_or_else(|| vec![holder]);
                if !all.contains(&number) {
                    all.push(number);
                }
                self.put_row(Space::Claim, VERSION, row, &all)
            }
            _ => self.put_row(Space::Claim, VERSION, row, &number),
        }
    }
}
