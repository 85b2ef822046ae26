//! Records: the content of a row.
//!
//! `[format u8][kind u8][schema version u16][bincode payload][crc32c u32]`, at most [`MAX_RECORD`] bytes. bincode cannot
//! tell one type from another and reads most flipped bits as other values, so each record has its kind and a checksum.

use crate::{
    domain::{Decoder, Undecodable},
    store::{StoreError, keys::Space},
};
use serde::{Serialize, de::DeserializeOwned};

/// The format of records that this version writes.
const FORMAT: u8 = 1;
const HEAD: usize = 4;
const SUM: usize = 4;
/// sled keeps pages of more than 128 KiB in files that it never syncs, and up to 17 rows share a page.
pub const MAX_RECORD: usize = 7 * 1024;

/// How much memory reading a record may claim. bincode counts what values take in memory, and a value
/// takes at most 16 times its bytes in the record (a small `u128`). So what [`encode`] accepts can be
/// read, and a damaged length claims no more than this.
const MAX_DECODED: usize = size_of::<u128>() * MAX_RECORD;

pub(super) fn codec_config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<MAX_DECODED>()
}

/// Writes `value` as a record of `space`'s kind.
///
/// # Errors
/// [`StoreError::Invalid`] when it is too large, or of a shape that cannot be stored.
pub fn encode<T: Serialize>(space: Space, version: u16, value: &T) -> Result<Vec<u8>, StoreError> {
    let mut record = Vec::with_capacity(96);
    record.extend_from_slice(&[FORMAT, space as u8]);
    record.extend_from_slice(&version.to_le_bytes());
    bincode::serde::encode_into_std_write(value, &mut record, codec_config())
        .map_err(|error| StoreError::Invalid(format!("this cannot be stored: {error}")))?;
    record.extend_from_slice(&crc32c::crc32c(&record).to_le_bytes());
    if record.len() <= MAX_RECORD {
        Ok(record)
    } else {
        Err(StoreError::Invalid(format!(
            "a record of {} bytes is over the limit of {MAX_RECORD}",
            record.len()
        )))
    }
}

/// A record whose checksum, format and kind have been verified.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The schema version that it was written under.
    pub version: u16,
    payload: &'a [u8],
}

impl<'a> Record<'a> {
    /// Verifies that `bytes` are a record of `space`'s kind.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn open(space: Space, bytes: &'a [u8]) -> Result<Self, StoreError> {
        let damaged = |what: &str| {
            StoreError::Damaged(format!("a record of kind `{}` {what}", space as u8 as char))
        };
        let (body, sum) = bytes.split_last_chunk::<SUM>().ok_or_else(|| damaged("is cut short"))?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*sum) {
            return Err(damaged("does not match its checksum"));
        }
        let (&[format, kind, low, high], payload) =
            body.split_first_chunk::<HEAD>().ok_or_else(|| damaged("is cut short"))?;
        if format != FORMAT {
            return Err(damaged(&format!(
                "has format {format}, which this version of the software does not know"
            )));
        }
        if kind != space as u8 {
            return Err(damaged(&format!("says that it is of kind `{}`", kind as char)));
        }
        Ok(Self { version: u16::from_le_bytes([low, high]), payload })
    }
}

impl Decoder for Record<'_> {
    fn read<T: DeserializeOwned>(self) -> Result<T, Undecodable> {
        match bincode::serde::decode_from_slice(self.payload, codec_config()) {
            Ok((value, read)) if read == self.payload.len() => Ok(value),
            Ok((_, read)) => Err(Undecodable::Payload(format!(
                "{} bytes are left over",
                self.payload.len() - read
            ))),
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
    let value =
        if record.version == current { record.read() } else { older(record.version, record) };
    value.map_err(|why| {
        StoreError::Damaged(format!("a record of kind `{}`: {why}", space as u8 as char))
    })
}

/// Writes a value without header and checksum, to be a part of a record.
///
/// # Errors
/// [`StoreError::Invalid`] when it is too large, or of a shape that cannot be stored.
pub fn encode_part<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    bincode::serde::encode_to_vec(value, codec_config())
        .map_err(|error| StoreError::Invalid(format!("this cannot be stored: {error}")))
}

/// A part of a record: what [`encode_part`] wrote.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a>(pub &'a [u8]);

impl Decoder for Part<'_> {
    fn read<T: DeserializeOwned>(self) -> Result<T, Undecodable> {
        Record { version: 0, payload: self.0 }.read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    /// A rent as it is stored now.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Rent {
        book: u64,
        user: String,
        status: Status,
        due: Option<i64>,
    }
    /// A rent as version 1 stored it. Frozen: what is on disks does not change.
    #[derive(Serialize, Deserialize)]
    struct RentV1 {
        book: u32,
        user: String,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Status {
        Rent,
        Cancel,
    }

    fn rent() -> Rent {
        Rent { book: 300, user: "kim".into(), status: Status::Cancel, due: Some(-1) }
    }
    fn read(bytes: &[u8]) -> Result<Rent, StoreError> {
        decode_versioned(Space::State, bytes, 2, |version, record| match version {
            1 => {
                let RentV1 { book, user } = record.read()?;
                Ok(Rent { book: book.into(), user, status: Status::Rent, due: None })
            }
            version => Err(Undecodable::Version(version)),
        })
    }

    #[test]
    fn these_bytes_are_on_disks_and_must_stay_readable() {
        // format, kind `s`, version, book 300, length and "kim", Cancel, Some, zigzag -1; checksum
        let golden = [1, b's', 2, 0, 251, 44, 1, 3, b'k', b'i', b'm', 1, 1, 1, 11, 19, 13, 201];
        assert_eq!(encode(Space::State, 2, &rent()), Ok(golden.to_vec()));
        assert_eq!(read(&golden), Ok(rent()));
    }

    #[test]
    fn an_older_version_is_read_through_its_frozen_struct_and_an_unknown_one_is_refused() {
        let old =
            encode(Space::State, 1, &RentV1 { book: 7, user: "lee".into() }).expect("encodes");
        assert_eq!(
            read(&old),
            Ok(Rent { book: 7, user: "lee".into(), status: Status::Rent, due: None })
        );
        let newer = encode(Space::State, 3, &rent()).expect("encodes");
        assert!(matches!(read(&newer), Err(StoreError::Damaged(_))));
        assert!(matches!(decode::<Rent>(Space::State, &newer), Err(StoreError::Damaged(_))));
    }

    #[test]
    fn a_record_of_another_kind_or_format_is_refused_although_its_checksum_is_right() {
        let bytes = encode(Space::State, 2, &rent()).expect("encodes");
        assert!(Record::open(Space::State, &bytes).is_ok());
        assert!(matches!(Record::open(Space::Log, &bytes), Err(StoreError::Damaged(_))));
        assert!(matches!(read(&resummed(&bytes, |body| body[0] = 9)), Err(StoreError::Damaged(_))));
    }

    #[test]
    fn bytes_left_over_are_noticed_although_the_checksum_is_right() {
        let bytes = encode(Space::State, 2, &rent()).expect("encodes");
        let long = resummed(&bytes, |body| body.push(0));
        assert!(matches!(read(&long), Err(StoreError::Damaged(_))));
    }

    #[test]
    fn a_record_is_as_large_as_allowed_and_no_larger() {
        let of = |len: usize| encode(Space::State, 1, &"x".repeat(len));
        let head = of(5_000).expect("encodes").len() - 5_000;
        let most = MAX_RECORD - head;
        assert_eq!(of(most).map(|bytes| bytes.len()), Ok(MAX_RECORD));
        let bytes = of(most).expect("encodes");
        assert_eq!(decode::<String>(Space::State, &bytes).map(|text| text.len()), Ok(most));
        assert!(matches!(of(most + 1), Err(StoreError::Invalid(_))));
    }

    /// As many as a record takes, of what takes the least room in it for what it is in memory.
    fn full<T>(one: T) -> Vec<T>
    where
        T: Serialize + DeserializeOwned + Clone + PartialEq + std::fmt::Debug,
    {
        let mut most = 0;
        let mut too_many = 2 * MAX_RECORD;
        while most + 1 < too_many {
            let many = most.midpoint(too_many);
            match encode(Space::State, 1, &vec![one.clone(); many]) {
                Ok(_) => most = many,
                Err(_) => too_many = many,
            }
        }
        let full = vec![one; most];
        let bytes = encode(Space::State, 1, &full).expect("encodes");
        assert_eq!(
            decode::<Vec<T>>(Space::State, &bytes),
            Ok(full.clone()),
            "{} bytes",
            bytes.len()
        );
        full
    }

    #[test]
    fn a_record_full_of_small_things_is_read_however_much_they_are_in_memory() {
        assert!(
            full(1_u64).len() > 7_000 && full(-1_i128).len() > 7_000 && full(1_u128).len() > 7_000
        );
        assert!(
            full(Status::Cancel).len() > 7_000
                && full('x').len() > 7_000
                && full(None::<u64>).len() > 7_000
        );
        full(Some((1_u64, Some(2_i128), true)));
        full(vec![vec![0_u64; 3]; 3]);
        full(String::new());
        full(rent());
    }

    #[test]
    fn a_length_that_is_damaged_claims_no_more_than_a_record_can_be() {
        for length in [u64::MAX, 1 << 40, MAX_DECODED as u64] {
            let bytes = encode(Space::State, 1, &length).expect("encodes");
            assert!(matches!(decode::<String>(Space::State, &bytes), Err(StoreError::Damaged(_))));
            assert!(matches!(decode::<Vec<u8>>(Space::State, &bytes), Err(StoreError::Damaged(_))));
            assert!(matches!(
                decode::<serde_bytes::ByteBuf>(Space::State, &bytes),
                Err(StoreError::Damaged(_))
            ));
            assert!(matches!(
                decode::<Vec<[u64; 8]>>(Space::State, &bytes),
                Err(StoreError::Damaged(_))
            ));
        }
    }

    fn resummed(bytes: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut body = bytes[..bytes.len() - SUM].to_vec();
        change(&mut body);
        let sum = crc32c::crc32c(&body);
        body.extend_from_slice(&sum.to_le_bytes());
        body
    }

    proptest! {
        #[test]
        fn every_flipped_bit_is_noticed(user in ".{0,40}", book in any::<u64>(), due in any::<Option<i64>>()) {
            let rent = Rent { book, user, status: Status::Rent, due };
            let bytes = encode(Space::State, 2, &rent).expect("encodes");
            prop_assert_eq!(read(&bytes), Ok(rent));
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                prop_assert!(matches!(read(&flipped), Err(StoreError::Damaged(_))), "bit {}", bit);
            }
        }

        #[test]
        fn what_is_cut_short_or_lengthened_is_noticed(cut in 0..18_usize, junk in prop::collection::vec(any::<u8>(), 1..20)) {
            let bytes = encode(Space::State, 2, &rent()).expect("encodes");
            prop_assert!(matches!(read(&bytes[..cut]), Err(StoreError::Damaged(_))));
            prop_assert!(matches!(read(&[bytes, junk].concat()), Err(StoreError::Damaged(_))));
        }

        #[test]
        fn noise_is_never_taken_for_a_record(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(read(&noise).is_err());
        }
    }
}
