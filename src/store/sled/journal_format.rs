//! How the journal lies in its files.
//!
//! It is a ring of files of one size, which are overwritten once all that they hold is in runs. A
//! file begins with a header; each group is a record:
//!
//! | | |
//! |---|---|
//! | header | `hfj1`, store u128, number of the segment u64, commit before its first u64, crc32c
//! u32 |
//! | record | `hfjr`, length of the payload u32, crc32c u32 of the payload, seeded with that of the
//! header, payload |
//! | payload | first commit u64, then for each batch: name of the tree, length of the writes,
//! writes |
//! | write | length of the key, key, 0 for a removal or length of the record + 1 and the record |
//!
//! The header is in each checksum, so that neither an earlier content of the file nor what a client
//! has sent is ever taken for a record. Numbers of fixed length are little-endian, lengths LEB128.
use crate::store::{
    Commit,
    varint::{put_varint, take_bytes, take_varint},
};

/// Files are made full of zeros at this size, because growing a file makes each sync dearer (measured: 118 against
/// 87 µs), and larger ones make a pause when they are made.
pub const SEGMENT: u64 = 4 << 20;
pub const HEAD: usize = 4 + 16 + 8 + 8 + 4;
pub const RECORD_HEAD: usize = 4 + 4 + 4;
pub const SEGMENT_MAGIC: [u8; 4] = *b"hfj1";
pub const RECORD_MAGIC: [u8; 4] = *b"hfjr";

/// Appends the head of a segment; gives its sum.
pub fn put_segment_header(record: &mut Vec<u8>, store: u128, segment: u64, after: Commit) -> u32 {
    let begin = record.len();
    record.extend_from_slice(&SEGMENT_MAGIC);
    record.extend_from_slice(&store.to_le_bytes());
    record.extend_from_slice(&segment.to_le_bytes());
    record.extend_from_slice(&after.to_le_bytes());
    let sum = crc32c::crc32c(record.get(begin..).unwrap_or_default());
    record.extend_from_slice(&sum.to_le_bytes());
    sum
}

/// Encodes what a batch writes into the tree called `name`.
pub fn encode_batch(name: &str, writes: &[(Vec<u8>, Option<Vec<u8>>)]) -> Vec<u8> {
    let len = |(key, record): &(Vec<u8>, Option<Vec<u8>>)| {
        6 + key.len() + record.as_ref().map_or(0, Vec::len)
    };
    let room = writes.iter().map(len).sum::<usize>();
    let mut body = Vec::with_capacity(room);
    for (key, record) in writes {
        put_varint(&mut body, key.len() as u64);
        body.extend_from_slice(key);
        match record {
            None => put_varint(&mut body, 0),
            Some(record) => {
                put_varint(&mut body, record.len() as u64 + 1);
                body.extend_from_slice(record);
            }
        }
    }
    let mut encoded = Vec::with_capacity(body.len() + name.len() + 8);
    put_varint(&mut encoded, name.len() as u64);
    encoded.extend_from_slice(name.as_bytes());
    put_varint(&mut encoded, body.len() as u64);
    encoded.extend_from_slice(&body);
    encoded
}

#[derive(Debug)]
pub struct RecoveredSegment {
    pub slot: usize,
    pub store: u128,
    pub number: u64,
    pub after: Commit,
    pub content: Vec<u8>,
    /// The sum of the head, with which those of the records begin.
    pub seed: u32,
}

/// The segment in a file, if it has been used. A head lies in one sector, which a power cut leaves whole.
pub fn parse_header(slot: usize, content: Vec<u8>) -> Result<Option<RecoveredSegment>, String> {
    if content.iter().take(HEAD).all(|byte| *byte == 0) {
        return Ok(None);
    }
    parse_valid_header(slot, content)
        .map(Some)
        .ok_or_else(|| format!("the head of the journal's file {slot} cannot be read"))
}

fn parse_valid_header(slot: usize, content: Vec<u8>) -> Option<RecoveredSegment> {
    let (head, sum) = content.get(..HEAD)?.split_last_chunk::<4>()?;
    let rest = head.strip_prefix(&SEGMENT_MAGIC)?;
    let (store, rest) = rest.split_first_chunk::<16>()?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let after = Commit::from_le_bytes(rest.try_into().ok()?);
    let store = u128::from_le_bytes(*store);
    let number = u64::from_le_bytes(*number);
    let seed = u32::from_le_bytes(*sum);
    (crc32c::crc32c(head) == seed).then_some(RecoveredSegment {
        slot,
        store,
        number,
        after,
        content,
        seed,
    })
}

/// The payload of the sound record at `at`, and where the next begins.
pub fn parse_record(segment: &RecoveredSegment, at: usize) -> Option<(&[u8], usize)> {
    let rest = segment.content.get(at..)?.strip_prefix(&RECORD_MAGIC)?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (expected, rest) = rest.split_first_chunk::<4>()?;
    let len = u32::from_le_bytes(*len) as usize;
    let payload = rest.get(..len)?;
    (crc32c::crc32c_append(segment.seed, payload) == u32::from_le_bytes(*expected))
        .then_some((payload, at + RECORD_HEAD + len))
}

#[expect(clippy::type_complexity, reason = "the writes of a batch, as the port has them")]
pub fn parse_writes(mut rest: &[u8]) -> Option<Vec<(Vec<u8>, Option<Vec<u8>>)>> {
    let mut writes = Vec::new();
    while !rest.is_empty() {
        let len = take_varint(&mut rest)?;
        let key = take_bytes(&mut rest, len as usize)?.to_vec();
        let record = match take_varint(&mut rest)?.checked_sub(1) {
            None => None,
            Some(len) => Some(take_bytes(&mut rest, len as usize)?.to_vec()),
        };
        writes.push((key, record));
    }
    Some(writes)
}
