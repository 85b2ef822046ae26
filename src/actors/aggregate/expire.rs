//! Removes what has expired, and lists what will expire.

use super::{
    expiry::{Expiring, ExpiryCursor},
    turn::Turn,
};
use crate::{
    actors::tables::{
        answers::{ANSWER_VERSION, AnswerPage, RecordedAnswer, is_overflow_key},
        expiry::expiry_rows,
        key_pages::KeyPage,
    },
    store::{
        Scan, StoreError, codec,
        keys::{KeyBuf, Space, key_after},
    },
};
use std::time::Duration;
use tokio::time::Instant;

/// At most so many expiry rows a turn. Each names about as many keys as a turn can write.
const MAX_ROWS: usize = 8;
/// Precedes the key of a page that could not be read when it was due: it is tried once more, then
/// removed.
const LAST: u8 = u8::MAX;

impl Turn<'_> {
    /// Writes the expiry rows of this turn.
    pub(crate) fn schedule_expiry(&mut self) -> Result<(), StoreError> {
        let keeping = self.behavior.shared.retention;
        let now = self.behavior.shared.machine.seconds();
        let mut rows = Vec::new();
        let mut buckets = Vec::new();
        for expiring in std::mem::take(&mut self.expiring) {
            match expiring {
                Expiring::Row(key) => rows.push(key),
                Expiring::Bucket(key) => buckets.push(key),
                Expiring::Unreadable(key) => rows.push([&[LAST], key.as_slice()].concat()),
            }
        }
        let end_of_bucket = (now / keeping.bucket_seconds() + 1) * keeping.bucket_seconds();
        for (end, keys) in [(now, rows), (end_of_bucket, buckets)] {
            for (key, page) in expiry_rows(&mut self.counters.lists, end + keeping.seconds(), keys)
            {
                self.transaction.put_row(Space::Expiry, key, &page)?;
            }
        }
        Ok(())
    }

    /// Removes what has expired, some rows at a time.
    pub(crate) fn expire_due(&mut self) -> Result<(), StoreError> {
        if !self.behavior.expiry.due_in().is_zero() {
            return Ok(());
        }
        let keeping = self.behavior.shared.retention;
        let now = self.behavior.shared.machine.seconds();
        let mut from = self.behavior.expiry.from.clone();
        let to = KeyBuf::new(Space::Expiry).number(now).build();
        let scan = Scan { from: from.clone(), to, backwards: false, limit: MAX_ROWS };
        let (rows, is_all) = self.behavior.tree.scan_over(&scan, 1)?;
        let is_last = rows.is_empty() || (is_all && rows.len() < MAX_ROWS);
        for (key, row) in rows {
            match codec::decode::<KeyPage>(Space::Expiry, &row.record) {
                Ok(page) => page.iter().try_for_each(|key| {
                    self.expire_row(key, now.saturating_sub(keeping.seconds()))
                })?,
                Err(StoreError::Damaged(what)) => {
                    self.behavior.shared.report_damage(&format!("a note of what expires: {what}"));
                }
                Err(error) => return Err(error),
            }
            from = key_after(&key);
            self.transaction.remove(key);
        }
        let pause = if is_last { keeping.interval() } else { Duration::ZERO };
        self.expiry = Some(ExpiryCursor { at: Instant::now() + pause, from });
        Ok(())
    }

    /// Removes what a row holds from before a second.
    fn expire_row(&mut self, key: &[u8], before: u64) -> Result<(), StoreError> {
        match key.first() {
            Some(&LAST) => {
                let key = key.get(1..).unwrap_or_default();
                match self.transaction.get_versioned::<AnswerPage>(
                    Space::Answer,
                    ANSWER_VERSION,
                    key,
                ) {
                    Err(StoreError::Damaged(_)) => self.transaction.remove(key.to_vec()),
                    read => drop(read?),
                }
                Ok(())
            }
            Some(space) if *space == Space::Answer as u8 => {
                match self.expire_answers(key, before) {
                    Err(StoreError::Damaged(what)) => {
                        self.behavior
                            .shared
                            .report_damage(&format!("answers whose day is over: {what}"));
                        self.expiring.push(Expiring::Unreadable(key.to_vec()));
                        Ok(())
                    }
                    expired => expired,
                }
            }
            _ => self.expire_response(key, before),
        }
    }

    fn expire_answers(&mut self, key: &[u8], before: u64) -> Result<(), StoreError> {
        if is_overflow_key(key) {
            let answer: Option<RecordedAnswer> =
                self.transaction.get_versioned(Space::Answer, ANSWER_VERSION, key)?;
            if answer.is_some_and(|answer| answer.at <= before) {
                self.transaction.remove(key.to_vec());
            }
            return Ok(());
        }
        // A page that this turn has changed is written at its end, without what has expired.
        let page: Option<AnswerPage> =
            self.transaction.get_versioned(Space::Answer, ANSWER_VERSION, key)?;
        let Some(mut page) = page else { return Ok(()) };
        let all = page.answers.len();
        page.answers.retain(|_, answer| answer.at > before);
        // An empty page must stay as long as there are answers in rows of their own.
        let empty = page.answers.is_empty();
        if empty && page.others_until < self.behavior.shared.machine.seconds() {
            self.transaction.remove(key.to_vec());
            return Ok(());
        }
        if empty {
            self.expiring.push(Expiring::Row(key.to_vec()));
        }
        if empty || page.answers.len() < all {
            self.transaction.put_versioned(Space::Answer, ANSWER_VERSION, key.to_vec(), &page)?;
        }
        Ok(())
    }
}
