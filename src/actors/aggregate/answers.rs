//! Stored results of asks: a repeated ask gets the same answer, and one that asks something else
//! under the same id is refused.

use super::{behavior::Expiring, turn::Turn};
use crate::{
    actors::{
        erased::AggregateType,
        port::clock::machine_seconds,
        tables::records::{
            ANSWER_BYTES, ANSWER_PAGE, ANSWER_VERSION, Answer, AnswerPage, AskResult,
        },
    },
    domain::{AnyCommand, AskId},
    store::{
        StoreError, codec,
        keys::{KeyBuf, Space},
    },
};
use sha2::{Digest, Sha256};
use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
};

/// The asking context, and the page.
type Place = (Cow<'static, str>, u64);

/// The pages that this turn has read, and whether each has changed.
pub(crate) type Answers = BTreeMap<Place, (AnswerPage, bool)>;

/// A digest of what is asked of which aggregate.
pub(crate) fn command_digest(
    aggregate: &dyn AggregateType,
    number: u64,
    command: &dyn AnyCommand,
) -> (u16, [u8; 16]) {
    let mut sum = Sha256::new();
    sum.update(number.to_be_bytes());
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
    pub(crate) fn find_answer(&mut self, ask: &AskId) -> Result<Option<Answer>, StoreError> {
        let (page, _) = self.answer_page(ask)?;
        let answer = page.answers.get(&(ask.number, ask.attempt)).cloned();
        if answer.is_some() || page.others_until < machine_seconds() {
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
        let now = machine_seconds();
        let hour = |at: u64| at / self.behavior.shared.retention.bucket_seconds();
        let (page, has_grown) =
            self.answers.entry((ask.context.clone(), ask.number / ANSWER_PAGE)).or_default();
        // One expiry entry for each page and bucket of time is enough.
        if !page.answers.values().any(|answer| hour(answer.at) == hour(now)) {
            self.expiring
                .push(Expiring::Bucket(answer_page_key(&ask.context, ask.number / ANSWER_PAGE)));
        }
        page.answers.insert((ask.number, ask.attempt), Answer { kept, at: now, asked });
        *has_grown = true;
        Ok(())
    }

    /// Writes the pages that have changed.
    pub(crate) fn write_answer_pages(&mut self) -> Result<(), StoreError> {
        let (now, kept) = (machine_seconds(), self.behavior.shared.retention.seconds());
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

/// Makes a page fit its row: if neighbours ask a lot, the oldest answers move to rows of their own,
/// which are returned.
pub(in crate::actors) fn spill_oldest(
    page: &mut AnswerPage,
    context: &str,
    until: u64,
) -> Result<Vec<(Vec<u8>, Answer)>, StoreError> {
    let mut others = Vec::new();
    while codec::encode_part(&page)?.len() > ANSWER_BYTES && !page.answers.is_empty() {
        let mut by_age: Vec<_> =
            page.answers.iter().map(|(ask, answer)| (answer.at, *ask)).collect();
        by_age.sort_unstable();
        for (_, (number, attempt)) in by_age.iter().take(by_age.len().div_ceil(2)) {
            if let Some(answer) = page.answers.remove(&(*number, *attempt)) {
                others.push((overflow_key(context, *number, *attempt), answer));
            }
        }
        page.others_until = until;
    }
    Ok(others)
}

/// The key of a page of answers. No name begins with these two bytes; version 1 had keys without
/// them.
pub(in crate::actors) fn answer_page_key(context: &str, page: u64) -> Vec<u8> {
    KeyBuf::new(Space::Answer).bytes(&PAGES).text(context).number(page).build()
}

/// The key of an answer that does not fit its page.
fn overflow_key(context: &str, number: u64, attempt: u32) -> Vec<u8> {
    KeyBuf::new(Space::Answer)
        .bytes(&OTHERS)
        .text(context)
        .number(number)
        .number(attempt.into())
        .build()
}

const PAGES: [u8; 2] = [0, 1];
const OTHERS: [u8; 2] = [0, 2];

/// Whether a key is that of a single answer.
pub(crate) fn is_overflow_key(key: &[u8]) -> bool {
    key.get(1..3) == Some(&OTHERS)
}
