//! The version of records.

/// The version of the records that have had one only.
pub const VERSION: u16 = 1;
