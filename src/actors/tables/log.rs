//! The event log, which is also the outbox: the events of a turn in rows of some kilobytes, by the sequence of the first.

use super::tree::Tree;
use crate::{
    actors::{
        erased::{AggregateType, AnyEvent, Event},
        port::{
            history::EventId,
            safeguard::Safeguard,
            saga::{SagaId, owner_text},
        },
    },
    domain::{AskId, Decoder, Timestamp, Undecodable},
    store::{
        EventPart, Scan, StoreError,
        codec::{self, Record},
        keys::{KeyBuf, Space, last_number, prefix_end},
        paging::Pages,
    },
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::{borrow::Cow, fmt, sync::Arc};

/// What made an event happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Cause {
    /// A client's command.
    Command(Cow<'static, str>),
    /// An event of another context, by its sequence there.
    Event(Cow<'static, str>, u64),
    /// A question that was put here by a node of an earlier version, which does not send the event.
    Ask(AskId),
    /// The answer of this context, or its absence.
    Answer(Cow<'static, str>),
    /// The time had come.
    Timer,
    /// As the node that it happened on names it.
    Elsewhere(String),
    /// A question that was put here, and the event of the asking context that it follows from.
    AskAfter(AskId, EventId),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(name) => write!(f, "command {name}"),
            Self::Event(source, sequence) => write!(f, "event {source}/{sequence}"),
            Self::Ask(ask) | Self::AskAfter(ask, _) => write!(f, "ask {ask}"),
            Self::Answer(callee) => write!(f, "answer of {callee}"),
            Self::Timer => f.write_str("timer"),
            Self::Elsewhere(words) => f.write_str(words),
        }
    }
}

/// The layout of the log's rows. A record's version is this in its upper byte, and the version of
/// the context's events in the lower one. Rows of layout 0 have envelopes without owner.
const LAYOUT: u16 = 1;

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
    /// The customer whose saga it is, where one is known.
    #[serde(with = "owner_text")]
    pub owner: Option<Arc<str>>,
}

/// An envelope as rows of layout 0 have it. Frozen: what is on disks does not change.
#[derive(Serialize, Deserialize)]
struct EnvelopeV0 {
    sequence: u64,
    aggregate: u64,
    version: u64,
    at: Timestamp,
    saga: SagaId,
    cause: Cause,
    client: Option<String>,
    trace: Option<String>,
}

impl From<EnvelopeV0> for Envelope {
    fn from(old: EnvelopeV0) -> Self {
        let EnvelopeV0 { sequence, aggregate, version, at, saga, cause, client, trace } = old;
        Self { sequence, aggregate, version, at, saga, cause, client, trace, owner: None }
    }
}

/// An event with its envelope.
#[derive(Debug)]
pub struct LogEntry {
    /// Where and why.
    pub envelope: Envelope,
    /// What.
    pub event: Event,
}

/// How large a row of the log may grow before the next is begun.
pub const LOG_ROW: usize = 5 * 1024;

/// How much of a row an event takes, at most.
fn size_in_row(envelope: &Envelope, event: &[u8]) -> usize {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let owner = envelope.owner.as_ref().map_or(0, |owner| owner.len());
    let cause = match &envelope.cause {
        Cause::Elsewhere(words) => words.len(),
        Cause::AskAfter(_, event) => event.to_string().len(),
        _ => 0,
    };
    event.len() + 96 + length(&envelope.client) + length(&envelope.trace) + owner + cause
}

/// Writes an event for a row of the log.
///
/// # Errors
/// [`StoreError::Invalid`] when no row could hold it.
pub fn encode_event(LogEntry { envelope, event }: &LogEntry) -> Result<ByteBuf, StoreError> {
    let bytes = event.encode_event()?;
    match size_in_row(envelope, &bytes) {
        size if size > codec::MAX_RECORD => Err(StoreError::Invalid(format!(
            "an event of about {size} bytes is over the limit of a record"
        ))),
        _ => Ok(ByteBuf::from(bytes)),
    }
}

/// The key of the row that begins with `first`.
pub fn log_key(first: u64) -> Vec<u8> {
    KeyBuf::new(Space::Log).number(first).build()
}

/// Writes events of `version` as rows of the log: the first sequence of each, and its record.
pub fn encode_log<'a>(
    version: u16,
    events: impl Iterator<Item = (&'a Envelope, ByteBuf)>,
) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    encode_rows(version, LOG_ROW, events)
}

/// The same, in rows that grow up to about so many bytes.
pub fn encode_rows<'a>(
    version: u16,
    most: usize,
    events: impl Iterator<Item = (&'a Envelope, ByteBuf)>,
) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    type StoredEvents<'a> = Vec<(&'a Envelope, ByteBuf)>;
    let mut rows = Vec::with_capacity(1);
    let mut row = StoredEvents::new();
    let mut size = 0;
    let close = |row: &mut StoredEvents<'_>| -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let Some((first, _)) = row.first() else { return Ok(None) };
        let record = (first.sequence, codec::encode(Space::Log, LAYOUT << 8 | version, row)?);
        row.clear();
        Ok(Some(record))
    };
    for (envelope, event) in events {
        let more = size_in_row(envelope, &event);
        size += more;
        if size > most {
            rows.extend(close(&mut row)?);
            size = more;
        }
        row.push((envelope, event));
    }
    rows.extend(close(&mut row)?);
    Ok(rows)
}

/// Reads a row of the log, with the events still encoded: their version, and each with its envelope.
///
/// # Errors
/// [`Undecodable`].
pub fn decode_envelopes(
    record: Record<'_>,
) -> Result<(u16, Vec<(Envelope, ByteBuf)>), Undecodable> {
    let version = record.version;
    let rows = match version >> 8 {
        0 => {
            let old: Vec<(EnvelopeV0, ByteBuf)> = record.read()?;
            old.into_iter().map(|(envelope, event)| (envelope.into(), event)).collect()
        }
        LAYOUT => record.read()?,
        _ => return Err(Undecodable::Version(version)),
    };
    Ok((version & 0xff, rows))
}

/// Reads a row of the log.
pub fn decode_log(
    aggregate: &dyn AggregateType,
    record: &[u8],
) -> Result<Vec<LogEntry>, StoreError> {
    let record = Record::open(Space::Log, record)?;
    let damaged =
        |why: Undecodable| StoreError::Damaged(format!("an event of {}: {why}", aggregate.name()));
    let (version, row) = decode_envelopes(record).map_err(damaged)?;
    row.into_iter()
        .map(|(envelope, bytes)| {
            let event = aggregate.decode_event(version, EventPart(&bytes)).map_err(damaged)?;
            Ok(LogEntry { envelope, event })
        })
        .collect()
}

/// Reads events of a log from sequence `from` on, about `limit` of them. Where a row cannot be read, or one is missing, it
/// ends with what comes before.
///
/// # Errors
/// [`StoreError::Damaged`] when the event `from` cannot be read although there are such, or one after it.
pub fn read_log(
    aggregate: &dyn AggregateType,
    tree: &Tree,
    from: u64,
    limit: usize,
) -> Result<Vec<LogEntry>, StoreError> {
    let from = from.max(1);
    let first = KeyBuf::new(Space::Log).build();
    let end = prefix_end(&[Space::Log as u8]);
    // The row that holds `from` begins at or before it.
    let before =
        Scan { from: first, to: log_key(from.saturating_add(1)), backwards: true, limit: 1 };
    let mut rows = tree.scan_rows(&before)?;
    let after = log_key(from.saturating_add(1));
    let mut pages = Pages::over_scan(Scan { from: after, to: end, backwards: false, limit: 8 });
    let mut events = Vec::new();
    let is_judged = tree.does(Safeguard::NoticeGaps);
    let mut expected = None;
    // A log begins at 1: where nothing is before `from`, it is the first.
    if rows.is_empty() && is_judged {
        expected = Some(from);
    }
    loop {
        for (key, row) in &rows {
            match read_row(aggregate, key, &row.record, expected) {
                Ok(row) => {
                    let last = row.last().filter(|_| is_judged);
                    expected = last.map(|logged| logged.envelope.sequence + 1);
                    events
                        .extend(row.into_iter().filter(|logged| logged.envelope.sequence >= from));
                }
                Err(StoreError::Damaged(_)) if !events.is_empty() => return Ok(events),
                Err(error) => return Err(error),
            }
        }
        if events.len() >= limit {
            return Ok(events);
        }
        match tree.next_page(&mut pages)? {
            Some(page) => rows = page,
            None => return Ok(events),
        }
    }
}

/// Reads a row of a log, whose events follow each other, and those before it.
fn read_row(
    aggregate: &dyn AggregateType,
    key: &[u8],
    record: &[u8],
    expected: Option<u64>,
) -> Result<Vec<LogEntry>, StoreError> {
    let first = last_number(key).unwrap_or(0);
    let name = aggregate.name();
    let damaged = |what: String| StoreError::Damaged(format!("the log of {name}: {what}"));
    if let Some(expected) = expected.filter(|expected| *expected != first) {
        return Err(damaged(format!(
            "what should follow from {expected} on is missing; {first} is there"
        )));
    }
    let events = decode_log(aggregate, record).map_err(|error| match error {
        StoreError::Damaged(what) => damaged(format!("the row at {first}: {what}")),
        error => error,
    })?;
    let follow =
        events.iter().zip(first..).all(|(logged, sequence)| logged.envelope.sequence == sequence);
    if follow && !events.is_empty() {
        Ok(events)
    } else {
        Err(damaged(format!("the events of the row at {first} do not follow each other")))
    }
}

/// The last sequence of a log. Where its last row cannot be read, that is the one before it.
pub fn last_sequence(aggregate: &dyn AggregateType, tree: &Tree) -> Result<u64, StoreError> {
    let all = Scan::space(Space::Log, 1).from_the_end();
    let last = match tree.scan_rows(&all) {
        Err(StoreError::Damaged(what)) => {
            tracing::error!(
                context = aggregate.name().context,
                what,
                "the end of a log cannot be read"
            );
            tree.report_damage(&what);
            tree.last_before_a_gap(&all.from, &all.to)?
        }
        rows => rows?.pop(),
    };
    match last {
        Some((key, row)) => match read_row(aggregate, &key, &row.record, None) {
            Ok(events) => Ok(events.last().map_or(0, |logged| logged.envelope.sequence)),
            Err(StoreError::Damaged(what)) => {
                tracing::error!(
                    context = aggregate.name().context,
                    what,
                    "the end of a log is damaged"
                );
                tree.report_damage(&what);
                Ok(last_number(&key).unwrap_or(1).saturating_sub(1))
            }
            Err(error) => Err(error),
        },
        None => Ok(0),
    }
}

/// When the last event of a log happened; of the last that can be read, where its end is damaged.
pub fn last_time(aggregate: &dyn AggregateType, tree: &Tree) -> Option<Timestamp> {
    let rows = tree.scan_rows(&Scan::space(Space::Log, 8).from_the_end()).ok()?;
    rows.into_iter().find_map(|(_, row)| {
        decode_log(aggregate, &row.record).ok()?.last().map(|logged| logged.envelope.at)
    })
}

/// The fields of an event, which is written as `{"Name": {…}}`, or as `"Name"` where there is nothing more to say.
pub fn data_of(event: &dyn AnyEvent) -> serde_json::Value {
    event.to_json().map_or_else(|_| serde_json::json!({}), fields_of)
}

/// The fields of an event in JSON, without its name.
pub fn fields_of(event: serde_json::Value) -> serde_json::Value {
    let data = match event {
        serde_json::Value::Object(fields) => fields.into_iter().next().map(|(_, data)| data),
        _ => None,
    };
    data.unwrap_or_else(|| serde_json::json!({}))
}
