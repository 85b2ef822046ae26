//! The pages, in a real browser and as plain requests.

mod accessible;
mod browser;
mod console;
mod customers;
mod pictures;
mod plain;
mod seventh;
mod staff;
