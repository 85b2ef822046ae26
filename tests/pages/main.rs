//! The pages, in a real browser and as plain requests.

mod browser;
mod console;
mod plain;
