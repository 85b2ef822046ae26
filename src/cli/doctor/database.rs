//! The database, where one keeps the data: whether a server could start on it.

use super::finding::Findings;
use crate::{
    app::{Failure, examine_database},
    config::Settings,
};

/// Looks at the database, if the store is one. It must not be called on a thread that drives a runtime.
pub fn look(settings: &Settings, findings: &mut Findings) {
    if settings.store.url.is_none() {
        return;
    }
    findings.looked_at("database");
    match examine_database(settings) {
        Ok(()) => {}
        Err(Failure::Config(problem)) => findings.add(
            "configuration",
            problem.to_string(),
            "mend that key; `holdfast check-config` prints all of them with their origins",
        ),
        Err(failure) => findings.add(
            "database",
            failure.to_string(),
            "start the database (`pg_isready`), or mend address, user and password in `store.url`; a server that starts waits \
             `store.wait_s` for it",
        ),
    }
}
