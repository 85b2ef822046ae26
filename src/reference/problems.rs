//! The problems of the server itself.

use super::table::{code_text, write_table};
use crate::api::PROBLEM_CODES;

/// Status, code and title of every problem of the server, and what to do about it.
pub fn list_problems() -> String {
    let mut all: Vec<_> = PROBLEM_CODES.iter().collect();
    all.sort_by_key(|problem| problem.status);
    let rows = all.into_iter().map(|problem| {
        let status = problem.status.to_string();
        [status, code_text(problem.code), problem.en.to_owned(), problem.advice.to_owned()]
    });
    write_table(["status", "`code`", "title", "what to do"], rows)
}
