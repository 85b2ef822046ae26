//! What the codes of problems mean, for the pages to which their types lead: the codes of the server, and those that the
//! systems declare.

use super::{
    problem::status_of,
    problem_codes::{problem_code, title_of},
};
use crate::domain::RefusalCode;
use std::sync::Arc;

/// The refusals that systems declare, each with its system.
pub type Refusals = Arc<[(&'static str, RefusalCode)]>;

/// What a code means, of the server or in a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The system; `None` for the server itself.
    pub system: Option<&'static str>,
    /// The HTTP status.
    pub status: u16,
    /// The title, in English and in Korean.
    pub title: (&'static str, &'static str),
    /// What it means or what to do, in English and in Korean.
    pub text: (&'static str, &'static str),
}

/// What `code` means; nothing if no problem has it.
pub fn find_meanings(code: &str, refusals: &Refusals) -> Vec<Meaning> {
    let of_server = problem_code(code).map(|known| Meaning {
        system: None,
        status: known.status,
        title: (known.en, known.ko),
        text: (known.advice, known.advice_ko),
    });
    let of_systems = refusals.iter().filter(|(_, refusal)| refusal.code == code);
    let of_systems = of_systems.map(|(system, refusal)| {
        let status = status_of(refusal.kind);
        let title = title_of(code, status);
        Meaning { system: Some(system), status, title, text: (refusal.en, refusal.ko) }
    });
    of_server.into_iter().chain(of_systems).collect()
}
