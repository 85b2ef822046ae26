//! Stored results of asks: a repeated ask gets the same answer, and one that asks something else
//! under the same id is refused.

use super::{expiry::Expiring, turn::Turn};
use crate::{
    actors::{
        erased::AggregateType,
        tables::answers::{
            ANSWER_PAGE, ANSWER_VERSION, AnswerPage, AskResult, RecordedAnswer, answer_page_key,
            overflow_key, spill_oldest,
        },
    },
    domain::{Addressee, AnyCommand, AskId},
    store::{StoreError, keys::Space},
};
use sha2::{Digest, Sha256};
use std::collections::btree_map::Entry;

/// A digest of what is asked of which aggregate.
pub(crate) fn command_digest(
    aggregate: &dyn AggregateType,
    to: &Addressee,
    command: &dyn AnyCommand,
) -> (u16, [u8; 16]) {
    let mut sum = Sha256::new();
    match to {
        Addressee::Number(number) => sum.update(number.to_be_bytes()),
        Addressee::Key(key) => sum.update(key),
    }
    sum.update(command.to_json_bytes().unwrap_or_default());
    (aggregate.command_version(), sum.finalize().first_chunk::<16>().copied().unwrap_or_default())
}

impl Turn<'_> {
    /// The page that holds the answer to an ask.
    fn answer_page(&mut self, ask: &AskId) -> Result<&mut (AnswerPage, bool), StoreError> {
        let page = (ask.context.clone(), ask.number / ANSWER_PAGE);
        Ok(match self.answers.entry(page) {
            Entry::Occupied(page) => page.into_mut(),
            Entry::Vacant(place) => {
                let (context, page) = place.key();
                let key = answer_page_key(context, *page);
                let page = self
                    .transaction
                    .get_versioned(Space::Answer, ANSWER_VERSION, &key)
                    .map_err(|error| match error {
                        StoreError::Damaged(what) => {
                            StoreError::Damaged(format!("answers to {context}: {what}"))
                        }
                        error => error,
                    })?;
                place.insert((page.unwrap_or_default(), false))
            }
        })
    }

    /// The stored answer to an ask.
    pub(crate) fn find_answer(
        &mut self,
        ask: &AskId,
    ) -> Result<Option<RecordedAnswer>, StoreError> {
        let (page, _) = self.answer_page(ask)?;
        let answer = page.answers.get(&(ask.number, ask.attempt)).cloned();
        if answer.is_some() || page.others_until < self.behavior.shared.machine.seconds() {
            return Ok(answer);
        }
        self.transaction.get_versioned(
            Space::Answer,
            ANSWER_VERSION,
            &overflow_key(&ask.context, ask.number, ask.attempt),
        )
    }

    /// Stores the answer to an ask.
    pub(crate) fn store_answer(
        &mut self,
        ask: &AskId,
        kept: AskResult,
        asked: Option<(u16, [u8; 16])>,
    ) -> Result<(), StoreError> {
        self.answer_page(ask)?;
        let now = self.behavior.shared.machine.seconds();
        let hour = |at: u64| at / self.behavior.shared.retention.bucket_seconds();
        let (page, has_grown) =
            self.answers.entry((ask.context.clone(), ask.number / ANSWER_PAGE)).or_default();
        // One expiry entry for each page and bucket of time is enough.
        if !page.answers.values().any(|answer| hour(answer.at) == hour(now)) {
            self.expiring
                .push(Expiring::Bucket(answer_page_key(&ask.context, ask.number / ANSWER_PAGE)));
        }
        page.answers.insert((ask.number, ask.attempt), RecordedAnswer { kept, at: now, asked });
        *has_grown = true;
        Ok(())
    }

    /// Writes the pages that have changed.
    pub(crate) fn write_answer_pages(&mut self) -> Result<(), StoreError> {
        let now = self.behavior.shared.machine.seconds();
        let kept = self.behavior.shared.retention.seconds();
        for ((context, number), (mut page, has_grown)) in std::mem::take(&mut self.answers) {
            if !has_grown {
                continue;
            }
            page.answers.retain(|_, answer| answer.at + kept > now);
            for (key, answer) in spill_oldest(&mut page, &context, now + kept)? {
                self.transaction.put_versioned(
                    Space::Answer,
                    ANSWER_VERSION,
                    key.clone(),
                    &answer,
                )?;
                self.expiring.push(Expiring::Row(key));
            }
            self.transaction.put_versioned(
                Space::Answer,
                ANSWER_VERSION,
                answer_page_key(&context, number),
                &page,
            )?;
        }
        Ok(())
    }
}
