//! Who did what: a line for each administrative action and each write of those who run the business.

mod entry;
mod log;

pub use entry::{ActionOutcome, AuditEntry, AuditLine, is_audited};
pub use log::{AuditLog, OpenEntry};
