//! Invariants between the rows of a context's tree, for the offline check of a store.

use super::log::decode_envelopes;
use crate::store::{
    Audit, Row,
    codec::Record,
    keys::{Space, last_number},
};
use strum::VariantArray;

/// Judges rows one by one: each record must be what was written, and a log has no gaps.
#[derive(Debug, Default)]
pub struct RowAudit {
    /// The sequence that comes next in the log of the tree.
    next: Option<u64>,
}

impl Audit for RowAudit {
    fn begin_tree(&mut self, _name: &str) {
        self.next = None;
    }

    fn check_row(&mut self, key: &[u8], row: &Row) -> Option<String> {
        let space =
            Space::VARIANTS.iter().copied().find(|space| key.first() == Some(&(*space as u8)));
        let shown = key.escape_ascii();
        let Some(space) = space else { return Some(format!("`{shown}` is in no key space")) };
        let record = match Record::open(space, &row.record) {
            Ok(record) => record,
            Err(error) => return Some(format!("`{shown}`: {error}")),
        };
        match (space, last_number(key)) {
            (Space::Log, Some(first)) => self.check_log(first, record),
            _ => None,
        }
    }
}

impl RowAudit {
    fn check_log(&mut self, first: u64, record: Record<'_>) -> Option<String> {
        let row = match decode_envelopes(record) {
            Ok((_, row)) => row,
            Err(why) => {
                self.next = None;
                return Some(format!("the events from {first} on: {why}"));
            }
        };
        let expected = self.next.replace(first + row.len() as u64);
        let in_order =
            row.iter().zip(first..).all(|((envelope, _), sequence)| envelope.sequence == sequence);
        match expected {
            Some(expected) if expected != first => {
                Some(format!("the log has a gap: event {first} follows {}", expected - 1))
            }
            _ if !in_order => Some(format!("the events from {first} on are not in order")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::port::saga::SagaId;
    use crate::{
        actors::tables::{
            log::Cause,
            log::{Envelope, encode_log},
            version::VERSION,
        },
        domain::Timestamp,
        store::keys::KeyBuf,
    };
    use serde_bytes::ByteBuf;

    fn envelope(sequence: u64) -> Envelope {
        let saga = SagaId { context: "a.b".into(), number: 1 };
        let at = Timestamp::from_micros(0);
        Envelope {
            sequence,
            aggregate: 1,
            version: 1,
            at,
            saga,
            cause: Cause::Timer,
            client: None,
            trace: None,
            owner: None,
        }
    }

    fn log(first: u64, count: u64) -> (Vec<u8>, Row) {
        let envelopes: Vec<_> = (first..first + count).map(envelope).collect();
        let events = envelopes.iter().map(|envelope| (envelope, ByteBuf::from("event")));
        let (sequence, record) = encode_log(VERSION, events).expect("encodes").remove(0);
        (KeyBuf::new(Space::Log).number(sequence).build(), Row { commit: 1, record })
    }

    #[test]
    fn a_gap_in_a_log_and_a_changed_record_are_reported() {
        let mut audit = RowAudit::default();
        let mut look = |(key, row): (Vec<u8>, Row)| audit.check_row(&key, &row);
        assert_eq!(look(log(1, 3)), None);
        assert_eq!(look(log(4, 2)), None);
        assert_eq!(look(log(7, 1)), Some("the log has a gap: event 7 follows 5".into()));
        assert_eq!(look(log(8, 1)), None);
        let (key, mut row) = log(9, 1);
        row.record[6] ^= 1;
        assert!(look((key, row)).is_some_and(|what| what.contains("checksum")));
        assert!(look((b"Z".to_vec(), log(9, 1).1)).is_some_and(|what| what.contains("key space")));
    }
}
