//! A line of the audit. It names things by their path and their number, and customers as the business does; it keeps no body, query or header: so it holds no
//! secret, address or telephone.

use crate::{
    domain::Timestamp,
    identity::{Principal, Role},
};
use serde::{Deserialize, Serialize};

/// So many characters of a path are kept.
const LONGEST_PATH: usize = 200;
/// So many characters of a method are kept.
const LONGEST_METHOD: usize = 20;

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
    /// The customer whose the thing is that it was done to.
    pub owner: Option<String>,
}

impl AuditEntry {
    /// What `who` begins to do.
    pub fn new(who: &Principal, at: Timestamp, method: &str, path: &str) -> Self {
        Self {
            at,
            issuer: who.issuer.clone(),
            subject: who.subject.clone(),
            method: method.chars().take(LONGEST_METHOD).collect(),
            path: path_of(path),
            status: None,
            problem: None,
            made: None,
            owner: None,
        }
    }
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionOutcome {
    /// The status of the answer.
    pub status: u16,
    /// The code of the problem, where the answer was one.
    pub problem: Option<String>,
    /// The path of what it made.
    pub made: Option<String>,
    /// The customer whose the thing is that it was done to.
    pub owner: Option<String>,
}

impl ActionOutcome {
    /// It was answered with `status`, what it made is at the URL `location`, and the thing is that of the customer `owner`.
    pub fn done(status: u16, location: Option<&str>, owner: Option<&str>) -> Self {
        let owner = owner.map(str::to_owned);
        Self { status, problem: None, made: location.map(path_of), owner }
    }

    /// It was refused with `status` and a problem of that `code`.
    pub fn refused(status: u16, code: &str) -> Self {
        Self { status, problem: Some(code.to_owned()), made: None, owner: None }
    }
}

/// Whether the writes of `who` are audited: those of staff, admins and operators. What is written without credentials in
/// development is no one's.
pub fn is_audited(who: &Principal) -> bool {
    !who.is_developer()
        && [Role::Staff, Role::Admin, Role::Operator].iter().any(|role| who.roles.has(*role))
}

/// The path of a URL, or a path, without its query.
fn path_of(url: &str) -> String {
    let origin = url.split_once("://").filter(|_| !url.starts_with('/'));
    let rest = origin.map_or(url, |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(rest);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.chars().take(LONGEST_PATH).collect()
}

/// A line and its number; why it cannot be read, if it is damaged.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditLine {
    /// Its number.
    pub number: u64,
    /// What it says.
    pub entry: Result<AuditEntry, String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::DEVELOPMENT;

    #[test]
    fn of_an_address_the_path_alone_is_kept() {
        for (url, path) in [
            ("http://localhost:8088/books/1", "/books/1"),
            ("/books/1?token=secret#there", "/books/1"),
            ("/books/http://other/1", "/books/http://other/1"),
            ("https://rent.example", "rent.example"),
            ("", ""),
        ] {
            assert_eq!(path_of(url), path, "{url}");
        }
        assert_eq!(path_of(&format!("/{}", "가".repeat(300))).chars().count(), LONGEST_PATH);
    }

    #[test]
    fn writes_of_those_who_run_the_business_are_audited_and_of_no_one_else() {
        let someone = |issuer: &str, role: Role| Principal {
            issuer: issuer.into(),
            subject: "kim".into(),
            roles: [role].into_iter().collect(),
            ..Principal::default()
        };
        for role in [Role::Staff, Role::Admin, Role::Operator] {
            assert!(is_audited(&someone("key", role)) && is_audited(&someone(DEVELOPMENT, role)));
        }
        for role in [Role::Customer, Role::Auditor, Role::Node] {
            assert!(!is_audited(&someone("key", role)), "{role:?}");
        }
        assert!(!is_audited(&Principal::development()));
    }
}
