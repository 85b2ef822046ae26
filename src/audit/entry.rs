//! A line of the audit. It names things by their path and their number, and keeps no body, query or header: so it holds no
//! secret, address or telephone.

use crate::{domain::Timestamp, identity::Principal};
use serde::{Deserialize, Serialize};

/// What a principal began to do, and how it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// When it began, by the machine's clock.
    pub at: Timestamp,
    /// Who vouches for who did it.
    pub issuer: String,
    /// Who did it.
    pub subject: String,
    /// The method of the request.
    pub method: String,
    /// The path of the request, without its query.
    pub path: String,
    /// The status of the answer; `None` where the outcome is not known, because the process ended meanwhile.
    pub status: Option<u16>,
    /// The code of the problem, where the answer was one.
    pub problem: Option<String>,
    /// The path of what it made.
    pub made: Option<String>,
}

impl AuditEntry {
    /// What `who` begins to do.
    pub fn new(who: &Principal, at: Timestamp, method: &str, path: &str) -> Self {
        Self {
            at,
            issuer: who.issuer.clone(),
            subject: who.subject.clone(),
            method: method.to_owned(),
            path: path.to_owned(),
            status: None,
            problem: None,
            made: None,
        }
    }
}

/// A line and its number; why it cannot be read, if it is damaged.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditLine {
    /// Its number.
    pub number: u64,
    /// What it says.
    pub entry: Result<AuditEntry, String>,
}
