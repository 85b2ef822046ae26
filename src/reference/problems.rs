//! The problems of the server itself, and the refusals of the systems.

use super::table::{code_text, write_table};
use crate::{
    api::{PROBLEM_CODES, status_of},
    systems,
};

/// Status, code and title of every problem of the server, and what to do about it; or code, status and meaning of the
/// refusals of a system.
pub fn list_problems(system: Option<&str>) -> String {
    system.map_or_else(list_server_problems, list_refusals)
}

fn list_refusals(system: &str) -> String {
    let rows = systems::refusals(system).into_iter().map(|refusal| {
        let status = status_of(refusal.kind).to_string();
        [code_text(refusal.code), status, refusal.en.to_owned()]
    });
    write_table(["code", "status", "meaning"], rows)
}

fn list_server_problems() -> String {
    let mut all: Vec<_> = PROBLEM_CODES.iter().collect();
    all.sort_by_key(|problem| problem.status);
    let rows = all.into_iter().map(|problem| {
        let status = problem.status.to_string();
        [status, code_text(problem.code), problem.en.to_owned(), problem.advice.to_owned()]
    });
    write_table(["status", "`code`", "title", "what to do"], rows)
}
