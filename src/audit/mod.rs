//! Who did what: a line for each administrative action and each write of those who run the business.

mod entry;
mod log;

pub use entry::{AuditEntry, AuditLine};
pub use log::{AuditLog, OpenEntry};
