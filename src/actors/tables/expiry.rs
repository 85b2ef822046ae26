//! Rows that list what expires.

use crate::{
    actors::tables::key_pages::{KeyPage, key_pages},
    store::keys::{KeyBuf, Space},
};

/// The expiry rows for keys that expire at a second. Counts them in `lists`.
pub fn expiry_rows(
    lists: &mut u64,
    end: u64,
    keys: Vec<Vec<u8>>,
) -> impl Iterator<Item = (Vec<u8>, KeyPage)> {
    key_pages(keys).into_iter().map(move |page| {
        *lists += 1;
        (KeyBuf::new(Space::Expiry).number(end).number(*lists).build(), page)
    })
}
