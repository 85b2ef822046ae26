//! Records: what stands in a row.
//!
//! `[format u8][kind u8][schema version u16][bincode payload][crc32c u32]`, at most [`MAX_RECORD`] bytes. bincode cannot
//! tell one type from another and reads most flipped bits as other values, so each record says what it is and is summed.

use crate::{
    domain::{Decoder, Undecodable},
    store::{StoreError, keys::Space},
};
use serde::{Serialize, de::DeserializeOwned};

/// The format of records that this version writes.
const FORMAT: u8 = 1;
const HEAD: usize = 4;
const SUM: usize = 4;
/// sled keeps larger values in files that it never syncs, so there are none.
pub const MAX_RECORD: usize = 64 * 1024;

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<MAX_RECORD>()
}

/// Writes `value` as a record of `space`'s kind.
///
/// # Errors
/// [`StoreError::Invalid`] when it is too large, or of a shape that cannot be stored.
pub fn encode<T: Serialize>(space: Space, version: u16, value: &T) -> Result<Vec<u8>, StoreError> {
    let mut record = Vec::with_capacity(96);
    record.extend_from_slice(&[FORMAT, space as u8]);
    record.extend_from_slice(&version.to_le_bytes());
    bincode::serde::encode_into_std_write(value, &mut record, config())
        .map_err(|error| StoreError::Invalid(format!("this cannot be stored: {error}")))?;
    record.extend_from_slice(&crc32c::crc32c(&record).to_le_bytes());
    match record.len() <= MAX_RECORD {
        true => Ok(record),
        false => {
            Err(StoreError::Invalid(format!("a record of {} bytes is over the limit of {MAX_RECORD}", record.len())))
        }
    }
}

/// A record whose sum, format and kind have been checked.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The schema version that it was written under.
    pub version: u16,
    payload: &'a [u8],
}

impl<'a> Record<'a> {
    /// Checks `bytes` to be a record of `space`'s kind.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn open(space: Space, bytes: &'a [u8]) -> Result<Self, StoreError> {
        let damaged = |what: &str| StoreError::Damaged(format!("a record of kind `{}` {what}", space as u8 as char));
        let (body, sum) = bytes.split_last_chunk::<SUM>().ok_or_else(|| damaged("is cut short"))?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*sum) {
            return Err(damaged("does not match its checksum"));
        }
        let (&[format, kind, low, high], payload) =
            body.split_first_chunk::<HEAD>().ok_or_else(|| damaged("is cut short"))?;
        if format != FORMAT {
            return Err(damaged(&format!("has format {format}, which this version of the software does not know")));
        }
        if kind != space as u8 {
            return Err(damaged(&format!("says that it is of kind `{}`", kind as char)));
        }
        Ok(Self { version: u16::from_le_bytes([low, high]), payload })
    }
}

impl Decoder for Record<'_> {
    fn read<T: DeserializeOwned>(self) -> Result<T, Undecodable> {
        match bincode::serde::decode_from_slice(self.payload, config()) {
            Ok((value, read)) if read == self.payload.len() => Ok(value),
            Ok((_, read)) => Err(Undecodable::Payload(format!("{} bytes are left over", self.payload.len() - read))),
            Err(error) => Err(Undecodable::Payload(error.to_string())),
        }
    }
}

/// Reads a record whose type has had one version only.
///
/// # Errors
/// [`StoreError::Damaged`].
pub fn decode<T: DeserializeOwned>(space: Space, bytes: &[u8]) -> Result<T, StoreError> {
    decode_versioned(space, bytes, 1, |version, _| Err(Undecodable::Version(version)))
}

/// Reads a record of the `current` version, or an older one through `older`.
///
/// # Errors
/// [`StoreError::Damaged`].
pub fn decode_versioned<T: DeserializeOwned>(
    space: Space,
    bytes: &[u8],
    current: u16,
    older: impl FnOnce(u16, Record<'_>) -> Result<T, Undecodable>,
) -> Result<T, StoreError> {
    let record = Record::open(space, bytes)?;
    let value = if record.version == current { record.read() } else { older(record.version, record) };
    value.map_err(|why| StoreError::Damaged(format!("a record of kind `{}`: {why}", space as u8 as char)))
}

/// Writes a value without head and sum, to stand inside a record.
///
/// # Errors
/// [`StoreError::Invalid`] when it is too large, or of a shape that cannot be stored.
pub fn encode_part<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    bincode::serde::encode_to_vec(value, config())
        .map_err(|error| StoreError::Invalid(format!("this cannot be stored: {error}")))
}

/// A value that stands inside a record: what [`encode_part`] wrote.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a>(pub &'a [u8]);

impl Decoder for Part<'_> {
    fn read<T: DeserializeOwned>(self) -> Result<T, Undecodable> {
        Record { version: 0, payload: self.0 }.read()
    }
}
