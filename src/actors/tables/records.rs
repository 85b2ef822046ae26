//! What stands in a context's tree, besides the states themselves.

mod meta;

use crate::actors::erased::Versioned;
pub use meta::{Counters, Rebuild, Versions, decode_counters, encode_counters};

use crate::{
    actors::erased::EntityType,
    domain::{AskId, Refusal},
    store::{
        StoreError,
        codec::{self, Record},
        keys::Space,
    },
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// The version of the records in this file, which have had one only.
pub const VERSION: u16 = 1;

/// What made an event happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Cause {
    /// A client's command.
    Command(Cow<'static, str>),
    /// An event of another context, by its sequence there.
    Event(Cow<'static, str>, u64),
    /// A question that was put here.
    Ask(AskId),
    /// The answer of this context, or its absence.
    Answer(Cow<'static, str>),
    /// The time had come.
    Timer,
    /// What the node that it happened on says.
    Elsewhere(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(name) => write!(f, "command {name}"),
            Self::Event(source, sequence) => write!(f, "event {source}/{sequence}"),
            Self::Ask(ask) => write!(f, "ask {ask}"),
            Self::Answer(callee) => write!(f, "answer of {callee}"),
            Self::Timer => f.write_str("timer"),
            Self::Elsewhere(words) => f.write_str(words),
        }
    }
}

/// Reads a state, of an older version of its type where need be.
pub fn decode_state(entity: &dyn EntityType, record: &[u8]) -> Result<Versioned, StoreError> {
    entity
        .decode(Record::open(Space::State, record)?)
        .map_err(|why| StoreError::Damaged(format!("a state of {}: {why}", entity.name())))
}

/// What was said to an ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum AskResult {
    /// Yes.
    Yes,
    /// No, and why.
    No(Refusal),
    /// The asker took it back; whatever comes under this id now is refused.
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
pub struct Answer {
    /// What was said.
    pub kept: AskResult,
    /// The machine's second in which that was.
    pub at: u64,
    /// The version of the command's form and a sum of what was asked of whom; `None` where it was not asked yet, or
    /// nobody took note.
    pub asked: Option<(u16, [u8; 16])>,
}

/// Answers of one page, by the asker's number and attempt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerPage {
    /// Those that have room here.
    pub answers: BTreeMap<(u64, u32), Answer>,
    /// Until this second of the machine's there may be others in rows of their own.
    pub others_until: u64,
}

/// Answers of one page as version 1 stored them, with the machine's second. Frozen.
pub type AnswerPageV1 = BTreeMap<(u64, u32), (AskResult, u64)>;

/// How many aggregates' open questions share a row.
pub const QUESTION_PAGE: u64 = 8;

/// Open questions of one page: which aggregates wait. The idempotency rows that want the outcome stood beside them once;
/// now they stand in rows behind the page's, some keys each.
pub type QuestionPage = BTreeMap<u64, Vec<String>>;

/// Keys of rows: those of idempotency rows that want an outcome, or of what expires.
pub type KeyPage = Vec<ByteBuf>;

/// How many bytes of keys a row may hold.
const KEY_BYTES: usize = 4 * 1024;

/// Shares keys out over rows.
pub fn key_pages(keys: Vec<Vec<u8>>) -> Vec<KeyPage> {
    let mut pages = Vec::<KeyPage>::new();
    let mut size = 0;
    for key in keys {
        size += key.len() + 3;
        match pages.last_mut() {
            Some(page) if size <= KEY_BYTES => page.push(ByteBuf::from(key)),
            _ => {
                size = key.len() + 3;
                pages.push(vec![ByteBuf::from(key)]);
            }
        }
    }
    pages
}

/// How many entries of a saga's page stand in one row.
pub const SAGA_ENTRIES: usize = 256;

/// What of words of any length is kept.
pub fn clipped(words: &str, most: usize) -> &str {
    words.get(..words.floor_char_boundary(most)).unwrap_or(words)
}

/// A refusal whose words are short enough to be kept.
pub fn keepable(mut refusal: Refusal) -> Refusal {
    const MOST: usize = 1024;
    for words in [&mut refusal.en, &mut refusal.ko] {
        if words.len() > MOST {
            *words = Cow::Owned(format!("{}…", clipped(words, MOST)));
        }
    }
    refusal
}

/// How many sagas share a prefix of the saga index.
pub const SAGA_PAGE: u64 = 64;

/// Which events of one turn belong to which sagas of a page: the saga's number, the event's sequence.
pub type SagaPage = Vec<(u64, u64)>;

/// What became of a request that came with an idempotency key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdempotencyRow {
    /// A sum of the payload.
    pub fingerprint: u64,
    /// The aggregate that the command went to.
    pub number: u64,
    /// The machine's second of the first request.
    pub at: u64,
    /// The answer, once it is settled.
    pub answer: Option<StoredResponse>,
}

/// An answer as it is kept under an idempotency key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum StoredResponse {
    /// It went well.
    Done {
        /// The aggregate's version.
        version: u64,
        /// How it looked.
        body: ByteBuf,
    },
    /// The business said no.
    Refused(Refusal),
}

/// An event set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParkedRow {
    /// Tries so far.
    pub attempts: u32,
    /// Why the last one failed.
    pub error: String,
}

#[cfg(test)]
mod tests;
