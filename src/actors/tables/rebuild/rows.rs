//! Rows that the runtime keeps for itself, from the form of version 1 into that of now.

use super::{RebuildPage, text_of};
use crate::{
    actors::tables::{
        answers::{
            ANSWER_VERSION, AnswerPage, AnswerPageV1, RecordedAnswer, answer_page_key, spill_oldest,
        },
        expiry::expiry_rows,
        key_pages::key_pages,
        questions::{QuestionPage, waiting_keys_key},
        responses::{IdempotencyRow, request_key},
        version::VERSION,
    },
    store::{
        StoreError, codec,
        keys::{KeyBuf, Space, last_number},
    },
};

impl RebuildPage<'_> {
    /// A page of questions: the keys that were on it get rows of their own.
    pub(crate) fn rewrite_questions(
        &mut self,
        key: &[u8],
        record: &[u8],
    ) -> Result<(), StoreError> {
        if key.len() != page_length() {
            return Ok(());
        }
        let page: QuestionPage = codec::decode(Space::Question, record)?;
        if page.values().all(Vec::is_empty) {
            return Ok(());
        }
        for (number, scopes) in &page {
            let keys = scopes.iter().map(|scope| request_key(scope)).collect();
            for (place, keys) in
                key_pages(keys).into_iter().zip(0..).map(|(keys, place)| (place, keys))
            {
                self.put_row(Space::Question, VERSION, waiting_keys_key(*number, place), &keys)?;
            }
        }
        let bare: QuestionPage = page.into_keys().map(|number| (number, Vec::new())).collect();
        self.put_row(Space::Question, VERSION, key.to_vec(), &bare)
    }

    /// A page of answers, which lacked what was asked.
    pub(crate) fn rewrite_answers(&mut self, key: &[u8], record: &[u8]) -> Result<(), StoreError> {
        let old: AnswerPageV1 = codec::decode(Space::Answer, record)?;
        let (Some(context), Some(number)) = (text_of(key), last_number(key)) else {
            return Err(StoreError::Damaged("answers under a key that is none".into()));
        };
        let now = self.second;
        let answers = old
            .into_iter()
            .map(|(ask, (kept, at))| (ask, RecordedAnswer { kept, at, asked: None }))
            .collect();
        let mut page = AnswerPage { answers, others_until: 0 };
        let mut keys = vec![answer_page_key(&context, number)];
        for (key, answer) in spill_oldest(&mut page, &context, now + self.kept)? {
            self.put_row(Space::Answer, ANSWER_VERSION, key.clone(), &answer)?;
            keys.push(key);
        }
        self.put_row(Space::Answer, ANSWER_VERSION, answer_page_key(&context, number), &page)?;
        self.rows.insert(key.to_vec(), None);
        self.put_expiry(now + self.kept, keys)
    }

    /// What was under an idempotency key goes under its checksum.
    pub(crate) fn rewrite_request(&mut self, key: &[u8], record: &[u8]) -> Result<(), StoreError> {
        let row: IdempotencyRow = codec::decode(Space::Idempotency, record)?;
        let scope = text_of(key)
            .ok_or_else(|| StoreError::Damaged("a request under a key that is none".into()))?;
        let new = request_key(&scope);
        let end = row.at + self.kept;
        self.put_row(Space::Idempotency, VERSION, new.clone(), &row)?;
        self.rows.insert(key.to_vec(), None);
        self.put_expiry(end, vec![new])
    }

    fn put_expiry(&mut self, end: u64, keys: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let notes: Vec<_> = expiry_rows(&mut self.meta.lists, end, keys).collect();
        notes
            .into_iter()
            .try_for_each(|(key, page)| self.put_row(Space::Expiry, VERSION, key, &page))
    }
}

fn page_length() -> usize {
    KeyBuf::new(Space::Question).number(0).build().len()
}
