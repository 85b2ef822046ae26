//! Keys of stored answers, and how a page is kept within its row.

use crate::{
    domain::Refusal,
    store::{
        StoreError, codec,
        keys::{KeyBuf, Space},
    },
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The answer to an ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum AskResult {
    /// Yes.
    Yes,
    /// No, and why.
    No(Refusal),
    /// The asker has withdrawn it; anything that arrives under this id now is refused.
    Withdrawn,
}

/// How many askers' answers share a row: they have neighbouring numbers, and one turn answers many of them.
pub const ANSWER_PAGE: u64 = 16;

/// How many bytes of answers a row may hold.
pub const ANSWER_BYTES: usize = codec::MAX_RECORD - 1024;

/// The version of kept answers.
pub const ANSWER_VERSION: u16 = 2;

/// An answer, and what it answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedAnswer {
    /// The answer.
    pub kept: AskResult,
    /// The machine's second in which that was.
    pub at: u64,
    /// The version of the command's form and a sum of what was asked of whom; `None` where it was not asked yet, or
    /// no digest was stored.
    pub asked: Option<(u16, [u8; 16])>,
}

/// Answers of one page, by the asker's number and attempt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerPage {
    /// Those that have room here.
    pub answers: BTreeMap<(u64, u32), RecordedAnswer>,
    /// Until this second of the machine's there may be others in rows of their own.
    pub others_until: u64,
}

/// Answers of one page as version 1 stored them, with the machine's second. Frozen.
pub type AnswerPageV1 = BTreeMap<(u64, u32), (AskResult, u64)>;

/// Makes a page fit its row: if neighbours ask a lot, the oldest answers move to rows of their own,
/// which are returned.
pub fn spill_oldest(
    page: &mut AnswerPage,
    context: &str,
    until: u64,
) -> Result<Vec<(Vec<u8>, RecordedAnswer)>, StoreError> {
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
pub fn answer_page_key(context: &str, page: u64) -> Vec<u8> {
    KeyBuf::new(Space::Answer).bytes(&PAGES).text(context).number(page).build()
}

/// The key of an answer that does not fit its page.
pub fn overflow_key(context: &str, number: u64, attempt: u32) -> Vec<u8> {
    KeyBuf::new(Space::Answer)
        .bytes(&OTHERS)
        .text(context)
        .number(number)
        .number(attempt.into())
        .build()
}

pub(crate) const PAGES: [u8; 2] = [0, 1];

pub(crate) const OTHERS: [u8; 2] = [0, 2];

/// Whether a key is that of a single answer.
pub fn is_overflow_key(key: &[u8]) -> bool {
    key.get(1..3) == Some(&OTHERS)
}
