//! The counters of a context, and by which versions of functions its rows were written.

use crate::{
    domain::Undecodable,
    store::{
        StoreError, codec,
        keys::{KeyBuf, Space},
    },
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;

/// The key of the counters.
pub fn counters_key() -> Vec<u8> {
    KeyBuf::new(Space::Meta).build()
}

/// The version of the counters' row.
const META_VERSION: u16 = 2;

/// The one row of counters of a context.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// The last number given out.
    pub last_number: u64,
    /// The last sequence in the log.
    pub last_sequence: u64,
    /// The highest number in use.
    pub highest: u64,
    /// How far the context has listened, by source.
    pub positions: BTreeMap<String, u64>,
    /// Which generation of a view's table is shown.
    pub generation: u32,
    /// The generation that is being built, if one is, and how far that has listened.
    pub building: Option<(u32, BTreeMap<String, u64>)>,
    /// By which versions of functions the rows beside the states were written.
    pub written_by: Versions,
    /// How far they are being written anew, if they are.
    pub rebuild: Option<Rebuild>,
    /// Counts the rows that say what expires.
    pub lists: u64,
}

/// Versions of the functions of stored state whose values are in rows of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// Which rows the runtime itself keeps, and under which keys.
    pub rows: u16,
    /// `Aggregate::claims`.
    pub claims: u16,
    /// `Entity::indexes` and `Entity::standing`.
    pub indexes: u16,
    /// `Aggregate::due`.
    pub due: u16,
}

/// Rows that are being written anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebuild {
    /// What they will have been written by.
    pub to: Versions,
    /// Which part of the work is at hand.
    pub stage: u8,
    /// The key after which it continues; empty: at the beginning of the stage.
    pub behind: ByteBuf,
    /// How many rows have been written or taken away.
    pub rows: u64,
}

/// The counters as version 1 stored them. Frozen: what is on disks does not change.
#[derive(Serialize, Deserialize)]
struct MetaV1 {
    last_number: u64,
    last_sequence: u64,
    highest: u64,
    positions: BTreeMap<String, u64>,
    generation: u32,
    building: Option<(u32, BTreeMap<String, u64>)>,
}

impl From<MetaV1> for Counters {
    fn from(
        MetaV1 { last_number, last_sequence, highest, positions, generation, building }: MetaV1,
    ) -> Self {
        Self {
            last_number,
            last_sequence,
            highest,
            positions,
            generation,
            building,
            written_by: Versions::not_recorded(),
            rebuild: None,
            lists: 0,
        }
    }
}

impl Versions {
    /// Those of rows that were written before versions were stored: the first of all functions, and none of the runtime's.
    pub fn not_recorded() -> Self {
        Self { rows: 0, claims: 1, indexes: 1, due: 1 }
    }
}

/// The record of counters `now`, but for the positions, which are those of `before`. A test that keeps a position apart from
/// its effect writes that first.
#[must_use]
pub fn with_positions_of(now: &[u8], before: Option<&[u8]>) -> Option<Vec<u8>> {
    let before = before.map_or_else(|| Ok(Counters::default()), decode_counters).ok()?;
    let now = decode_counters(now).ok()?;
    encode_counters(&Counters { positions: before.positions, ..now }).ok()
}

/// Writes the counters.
pub fn encode_counters(meta: &Counters) -> Result<Vec<u8>, StoreError> {
    codec::encode(Space::Meta, META_VERSION, meta)
}

/// Reads the counters, of an older version where need be.
pub fn decode_counters(record: &[u8]) -> Result<Counters, StoreError> {
    codec::decode_versioned(Space::Meta, record, META_VERSION, |version, record| match version {
        1 => crate::domain::Decoder::read::<MetaV1>(record).map(Counters::from),
        version => Err(Undecodable::Version(version)),
    })
}
