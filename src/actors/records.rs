//! What stands in a context's tree, besides the states themselves.

use crate::{
    domain::{Aggregate, AskId, Decoder, Entity, Refusal, Timestamp, Undecodable},
    store::{
        StoreError,
        codec::{self, Part, Record},
        keys::Space,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;
use std::{borrow::Cow, cell::RefCell, collections::BTreeMap, fmt};

/// The version of the records in this file, which have had one only.
pub const VERSION: u16 = 1;

/// A saga by its correlation id: the aggregate that began it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SagaId {
    /// The context of the aggregate that began it.
    pub context: Cow<'static, str>,
    /// Its number.
    pub number: u64,
}

impl fmt::Display for SagaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.context, self.number)
    }
}

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

/// The one row of counters of a context.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// The last number given out.
    pub last_number: u64,
    /// The last sequence in the log.
    pub last_sequence: u64,
    /// The highest number that anything stands under.
    pub highest: u64,
    /// How far the context has listened, by source.
    pub positions: BTreeMap<String, u64>,
    /// Which generation of a view's table is shown.
    pub generation: u32,
    /// The generation that is being built, if one is, and how far that has listened.
    pub building: Option<(u32, BTreeMap<String, u64>)>,
}

/// A state with what the runtime knows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned<E> {
    /// Counts the aggregate's events; of a view's row, its changes.
    pub version: u64,
    /// The saga that it came to be in, where that is not its own.
    pub saga: Option<SagaId>,
    /// The state itself.
    pub state: E,
}

/// Writes a state.
pub fn encode_state<E: Entity>(version: u64, saga: Option<&SagaId>, state: &E) -> Result<Vec<u8>, StoreError> {
    codec::encode(Space::State, E::STATE_VERSION, &(version, saga, state))
}

/// Reads a state, of an older version of its type where need be.
pub fn decode_state<E: Entity>(record: &[u8]) -> Result<Versioned<E>, StoreError> {
    struct Inner<'a>(Record<'a>, &'a RefCell<(u64, Option<SagaId>)>);
    impl Decoder for Inner<'_> {
        fn read<T: DeserializeOwned>(self) -> Result<T, Undecodable> {
            let (version, saga, state) = self.0.read::<(u64, Option<SagaId>, T)>()?;
            *self.1.borrow_mut() = (version, saga);
            Ok(state)
        }
    }
    let head = RefCell::default();
    let record = Record::open(Space::State, record)?;
    let inner = Inner(record, &head);
    let state = if record.version == E::STATE_VERSION { inner.read() } else { E::old_state(record.version, inner) };
    let state = state.map_err(|why| StoreError::Damaged(format!("a state of {}: {why}", E::NAME)))?;
    let (version, saga) = head.into_inner();
    Ok(Versioned { version, saga, state })
}

/// What is known of an event besides itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Its place in the context's log.
    pub sequence: u64,
    /// The aggregate that it happened to.
    pub aggregate: u64,
    /// The aggregate's version after it.
    pub version: u64,
    /// Business time.
    pub at: Timestamp,
    /// The saga that it belongs to.
    pub saga: SagaId,
    /// What made it happen.
    pub cause: Cause,
    /// The client's own correlation id.
    pub client: Option<String>,
    /// The trace that it belongs to.
    pub trace: Option<String>,
}

/// An event with its envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged<E> {
    /// Where and why.
    pub envelope: Envelope,
    /// What.
    pub event: E,
}

/// How large a row of the log may grow before the next is begun.
const LOG_ROW: usize = 5 * 1024;

/// How much of a row an event takes, at most.
fn size_in_row(envelope: &Envelope, event: &[u8]) -> usize {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    event.len() + 96 + length(&envelope.client) + length(&envelope.trace)
}

/// Writes an event, to stand in a row of the log.
///
/// # Errors
/// [`StoreError::Invalid`] when no row could hold it.
pub fn encode_event<E: Serialize>(Logged { envelope, event }: &Logged<E>) -> Result<ByteBuf, StoreError> {
    let bytes = codec::encode_part(event)?;
    match size_in_row(envelope, &bytes) {
        size if size > codec::MAX_RECORD => {
            Err(StoreError::Invalid(format!("an event of about {size} bytes is over the limit of a record")))
        }
        _ => Ok(ByteBuf::from(bytes)),
    }
}

/// Writes events as rows of the log: the first sequence of each, and its record.
pub fn encode_log<'a>(
    version: u16,
    events: impl Iterator<Item = (&'a Envelope, ByteBuf)>,
) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    type Row<'a> = Vec<(&'a Envelope, ByteBuf)>;
    let (mut rows, mut row, mut size) = (Vec::with_capacity(1), Row::new(), 0);
    let close = |row: &mut Row<'_>| -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let Some((first, _)) = row.first() else { return Ok(None) };
        let record = (first.sequence, codec::encode(Space::Log, version, row)?);
        row.clear();
        Ok(Some(record))
    };
    for (envelope, event) in events {
        let more = size_in_row(envelope, &event);
        size += more;
        if size > LOG_ROW {
            rows.extend(close(&mut row)?);
            size = more;
        }
        row.push((envelope, event));
    }
    rows.extend(close(&mut row)?);
    Ok(rows)
}

/// Reads a row of the log.
pub fn decode_log<A: Aggregate>(record: &[u8]) -> Result<Vec<Logged<A::Event>>, StoreError> {
    let record = Record::open(Space::Log, record)?;
    let damaged = |why: Undecodable| StoreError::Damaged(format!("an event of {}: {why}", A::NAME));
    let row: Vec<(Envelope, ByteBuf)> = record.read().map_err(damaged)?;
    row.into_iter()
        .map(|(envelope, bytes)| {
            let part = Part(&bytes);
            let event = match record.version == A::EVENT_VERSION {
                true => part.read(),
                false => A::old_event(record.version, part),
            };
            Ok(Logged { envelope, event: event.map_err(damaged)? })
        })
        .collect()
}

/// What was said to an ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Kept {
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

/// Answers of one page, with the machine's second in which they were given.
pub type AnswerPage = BTreeMap<(u64, u32), (Kept, u64)>;

/// How many aggregates' open questions share a row.
pub const QUESTION_PAGE: u64 = 8;

/// Open questions of one page: which aggregates wait, and the idempotency rows that want the outcome.
pub type QuestionPage = BTreeMap<u64, Vec<String>>;

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
    pub answer: Option<KeptAnswer>,
}

/// An answer as it is kept under an idempotency key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum KeptAnswer {
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

/// What runs through everything that one request sets going.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thread {
    /// The client's own correlation id.
    pub client: Option<String>,
    /// The trace.
    pub trace: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::Aggregate,
        systems::bookrent::rent::{self, Rent},
    };
    use std::fmt::{Debug, Write};

    fn hex(record: &[u8]) -> String {
        record.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// Holds the bytes of `value`, and that they read as it.
    #[track_caller]
    fn golden<T: Serialize + DeserializeOwned + PartialEq + Debug>(space: Space, value: &T, bytes: &str) {
        let record = codec::encode(space, VERSION, value).unwrap();
        assert_eq!(hex(&record), bytes, "the layout of stored rows has changed: keep the old one readable");
        assert_eq!(&codec::decode::<T>(space, &record).unwrap(), value);
    }

    fn event() -> Logged<rent::Event> {
        let envelope = Envelope {
            sequence: 300,
            aggregate: 7,
            version: 2,
            at: Timestamp::from_micros(1_000_000),
            saga: SagaId { context: "bookrent.rent".into(), number: 7 },
            cause: Cause::Answer("bookrent.book".into()),
            client: Some("c-1".into()),
            trace: None,
        };
        let event = rent::Event::RentFailed {
            rent_id: crate::domain::Id::new(7),
            book_id: crate::domain::Id::new(9),
            user_id: 1,
            reason: "book-out".into(),
        };
        Logged { envelope, event }
    }

    #[test]
    fn rows_of_the_runtime_are_stored_as_they_always_were() {
        let meta = Meta {
            last_number: 7,
            last_sequence: 300,
            highest: 7,
            positions: BTreeMap::from([("bookrent.delivery".into(), 5)]),
            generation: 1,
            building: Some((2, BTreeMap::new())),
        };
        golden(Space::Meta, &meta, META);
        let refusal = Refusal::retry_later();
        let answers = AnswerPage::from([
            ((7, 1), (Kept::Yes, 9)),
            ((8, 1), (Kept::Withdrawn, 9)),
            ((9, 2), (Kept::No(refusal), 9)),
        ]);
        golden(Space::Answer, &answers, ANSWERS);
        golden(Space::Question, &QuestionPage::from([(7, vec!["anonymous POST /rents k".into()])]), QUESTIONS);
        let answer = Some(KeptAnswer::Done { version: 2, body: ByteBuf::from(*b"{}") });
        golden(Space::Idempotency, &IdempotencyRow { fingerprint: 1 << 60, number: 7, at: 9, answer }, IDEMPOTENCY);
        golden(Space::Parked, &ParkedRow { attempts: 3, error: "it panicked".into() }, PARKED);
        golden(Space::Saga, &vec![(7_u64, 300_u64), (8, 301)] as &SagaPage, SAGA);
    }

    fn log(events: &[Logged<rent::Event>]) -> Vec<(u64, Vec<u8>)> {
        let written = events.iter().map(|logged| (&logged.envelope, encode_event(logged).unwrap()));
        encode_log(Rent::EVENT_VERSION, written).unwrap()
    }

    #[test]
    fn a_log_row_and_a_state_are_stored_as_they_always_were() {
        let rows = log(&[event()]);
        assert_eq!(
            rows.iter().map(|(first, record)| (*first, hex(record))).collect::<Vec<_>>(),
            [(300, LOG.to_owned())]
        );
        assert_eq!(decode_log::<Rent>(&rows[0].1).unwrap(), [event()]);
        let mut state = Rent::default();
        Aggregate::evolve(&mut state, &event().event);
        let saga = event().envelope.saga;
        let record = encode_state(2, Some(&saga), &state).unwrap();
        assert_eq!(hex(&record), STATE);
        assert_eq!(decode_state::<Rent>(&record).unwrap(), Versioned { version: 2, saga: Some(saga), state });
    }

    #[test]
    fn a_turn_of_many_events_is_several_rows_and_all_of_it_is_read_again() {
        let events: Vec<_> = (1..=1000)
            .map(|sequence| Logged { envelope: Envelope { sequence, ..event().envelope }, event: event().event })
            .collect();
        let rows = log(&events);
        assert!(rows.len() > 1 && rows.iter().all(|(_, record)| record.len() <= codec::MAX_RECORD));
        let read: Vec<_> = rows.iter().flat_map(|(_, record)| decode_log::<Rent>(record).unwrap()).collect();
        assert_eq!(read, events);
    }

    const META: &str = "016d010007fb2c01070111626f6f6b72656e742e64656c69766572790501010200d0281eb5";
    const ANSWERS: &str = "01610100030701000908010209090201030b72657472792d6c617465721c706c656173652074727920616761696e20696e2061206d6f6d656e7425ec9ea0ec8b9c20ed9b8420eb8ba4ec8b9c20ec8b9ceb8f84ed95b420eca3bcec84b8ec9a94098ca33549";
    const QUESTIONS: &str = "0171010001070117616e6f6e796d6f757320504f5354202f72656e7473206b22d0b0a8";
    const IDEMPOTENCY: &str = "016b0100fd00000000000000100709010002027b7d1d691ccc";
    const PARKED: &str = "01700100030b69742070616e69636b656417d3fae6";
    const SAGA: &str = "016701000207fb2c0108fb2d014e5135cf";
    const LOG: &str = "016c010001fb2c010702fc80841e000d626f6f6b72656e742e72656e7407030d626f6f6b72656e742e626f6f6b0103632d31000d0207090108626f6f6b2d6f757415846e04";
    const STATE: &str = "0173010002010d626f6f6b72656e742e72656e7407000000030108626f6f6b2d6f75748da89d27";
}
