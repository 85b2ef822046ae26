//! `check-store`: reads the whole store of a stopped server, and reports damage.

use super::sources::Sources;
use crate::{
    actors::RowAudit,
    app::{Failure, print_text},
    store::{self, CheckReport},
};
use clap::Args;
use std::{fmt::Write, path::PathBuf};

#[derive(Debug, Args)]
pub(super) struct CheckStore {
    #[command(flatten)]
    sources: Sources,
    /// Where a temporary copy of the database is made; the directory for temporary files by default.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// What to do about damage.
const REMEDY: &str = "Damage of the data directory itself keeps it from being opened: restore a backup. Damage in a context \
                      concerns that context only: rebuild a view, restore anything else from a backup";

impl CheckStore {
    pub(super) fn run(self) -> Result<(), Failure> {
        let dir = self.sources.load_config()?.settings.store.dir;
        let scratch = self.scratch.unwrap_or_else(std::env::temp_dir);
        let checked = store::check_store(&dir, &scratch, &mut RowAudit::default());
        let checked = checked.map_err(Failure::from_error)?;
        if self.json {
            let text = serde_json::to_string_pretty(&checked)
                .map_err(|error| Failure::Internal(error.to_string()))?;
            print_text(&format!("{text}\n"))?;
        } else {
            print_text(&write_table(&checked))?;
        }
        let count = match checked.problems.len() as u64 + checked.more_problems {
            0 => return Ok(()),
            1 => "one problem was".to_owned(),
            count => format!("{count} problems were"),
        };
        Err(Failure::Failed(format!("the store is damaged: {count} found. {REMEDY}")))
    }
}

fn write_table(checked: &CheckReport) -> String {
    let mut text = String::new();
    let store = checked.store.as_deref().unwrap_or("none");
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "store {store}, {} commits, {} of them in the journal",
        checked.last_commit, checked.journal_commits
    );
    let width = checked.trees.iter().map(|tree| tree.name.len()).max().unwrap_or(0).max(4);
    let _ = writeln!(
        text,
        "{:width$}  {:>10}  {:>8}  {:>6}  {:>12}",
        "tree", "rows", "blocks", "runs", "last commit"
    );
    for tree in &checked.trees {
        let _ = writeln!(
            text,
            "{:width$}  {:>10}  {:>8}  {:>6}  {:>12}",
            tree.name, tree.rows, tree.blocks, tree.runs, tree.last_commit
        );
    }
    for problem in &checked.problems {
        let _ = match problem.place.as_str() {
            "data" => writeln!(text, "the data directory {}", problem.what),
            place => writeln!(text, "{place}: {}", problem.what),
        };
    }
    if checked.more_problems > 0 {
        let _ = writeln!(text, "and {} more", checked.more_problems);
    }
    if checked.problems.is_empty() {
        text.push_str("no damage found\n");
    }
    text
}
