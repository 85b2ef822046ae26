//! Keys of stored answers, and how a page is kept within its row.

use crate::{
    actors::tables::records::{ANSWER_BYTES, Answer, AnswerPage},
    store::{
        StoreError, codec,
        keys::{KeyBuf, Space},
    },
};

/// Makes a page fit its row: if neighbours ask a lot, the oldest answers move to rows of their own,
/// which are returned.
pub fn spill_oldest(
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
