//! The pages, in a real browser and as plain requests.

mod plain;
