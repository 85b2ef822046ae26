//! States of aggregates and rows of views, by generation and number.

use crate::{
    actors::erased::{EntityType, Versioned},
    store::{
        StoreError,
        codec::Record,
        keys::{KeyBuf, Space},
    },
};

/// The key of a state.
pub fn state_key(generation: u32, number: u64) -> Vec<u8> {
    KeyBuf::new(Space::State).number(u64::from(generation)).number(number).build()
}

/// Reads a state, of an older version of its type where need be.
pub fn decode_state(entity: &dyn EntityType, record: &[u8]) -> Result<Versioned, StoreError> {
    entity
        .decode_state(Record::open(Space::State, record)?)
        .map_err(|why| StoreError::Damaged(format!("a state of {}: {why}", entity.name())))
}
