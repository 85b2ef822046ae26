//! Rows that are lists of keys.

use serde_bytes::ByteBuf;

/// Keys of rows: those of idempotency rows that want an outcome, or of what expires.
pub type KeyPage = Vec<ByteBuf>;

/// How many bytes of keys a row may hold.
const KEY_BYTES: usize = 4 * 1024;

/// Shares keys out over rows.
pub fn key_pages(keys: Vec<Vec<u8>>) -> Vec<KeyPage> {
    let mut pages = Vec::<KeyPage>::new();
    let mut size = 0;
    for key in keys {
        size += key.len() + 3;
        match pages.last_mut() {
            Some(page) if size <= KEY_BYTES => page.push(ByteBuf::from(key)),
            _ => {
                size = key.len() + 3;
                pages.push(vec![ByteBuf::from(key)]);
            }
        }
    }
    pages
}
