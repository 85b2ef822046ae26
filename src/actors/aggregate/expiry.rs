//! Expiry, by the machine's clock. What expires is listed under the second in which it does, so the
//! cost depends on what expires and not on what is stored.

use crate::store::keys::Space;
use std::time::Duration;
use tokio::time::Instant;

/// Something that this turn has written and that expires.
pub(crate) enum Expiring {
    /// A row, after the retention time.
    Row(Vec<u8>),
    /// What a page holds at the end of this bucket, after the retention time.
    Bucket(Vec<u8>),
    /// A page that cannot be read, after the retention time.
    Unreadable(Vec<u8>),
}

/// How far expiry has got.
#[derive(Clone)]
pub struct ExpiryCursor {
    pub(super) at: Instant,
    /// Expiry rows before this key are done.
    pub(super) from: Vec<u8>,
}

impl Default for ExpiryCursor {
    fn default() -> Self {
        Self { at: Instant::now(), from: vec![Space::Expiry as u8] }
    }
}

impl ExpiryCursor {
    pub fn due_in(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }
}
