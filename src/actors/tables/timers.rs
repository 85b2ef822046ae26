//! Keys of timers.

use crate::{
    domain::Timestamp,
    store::keys::{KeyBuf, Space, last_number},
};

/// The key of a timer.
pub fn timer_key(at: Timestamp, number: u64) -> Vec<u8> {
    KeyBuf::new(Space::Timer).signed_number(at.micros()).number(number).build()
}

pub fn timer_of(key: &[u8]) -> Option<(Timestamp, u64)> {
    let (rest, _) = key.split_last_chunk::<8>()?;
    let at = last_number(rest)? ^ (1 << 63);
    Some((Timestamp::from_micros(at as i64), last_number(key)?))
}
