//! Keys of open questions.

use crate::store::keys::{KeyBuf, Space, last_number};
use std::collections::BTreeMap;

/// How many aggregates' open questions share a row.
pub const QUESTION_PAGE: u64 = 8;

/// Open questions of one page: which aggregates wait. The idempotency rows that want the outcome were beside them once;
/// now they are in rows after the page's, some keys each.
pub type QuestionPage = BTreeMap<u64, Vec<String>>;

/// The key of the page of open questions that `number` is on.
pub fn question_page_key(number: u64) -> Vec<u8> {
    KeyBuf::new(Space::Question).number(number / QUESTION_PAGE).build()
}

/// The key of a row with idempotency keys that wait for the question of `number`; it sorts after
/// the page.
pub fn waiting_keys_key(number: u64, row: u64) -> Vec<u8> {
    KeyBuf::new(Space::Question).number(number / QUESTION_PAGE).number(number).number(row).build()
}

/// The number and the row of such a key.
pub fn parse_waiting_keys_key(key: &[u8]) -> Option<(u64, u64)> {
    let (rest, row) = key.split_last_chunk::<8>()?;
    (rest.len() == 17).then(|| Some((last_number(rest)?, u64::from_be_bytes(*row)))).flatten()
}
