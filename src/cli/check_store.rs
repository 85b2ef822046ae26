//! `check-store`: reads all of a store that is not running, and says what is wrong.

use super::Sources;
use crate::app::exit::{Failure, print};
use crate::{
    actors::RowAudit,
    store::{self, CheckReport},
};
use clap::Args;
use std::{fmt::Write, path::PathBuf};

#[derive(Debug, Args)]
pub(super) struct CheckStore {
    #[command(flatten)]
    sources: Sources,
    /// Where a copy of the database may be made for the while; that for temporary files otherwise.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// What to do about damage.
const REMEDY: &str = "What the data directory itself lacks keeps it from being opened: restore a backup. What is damaged in \
                      a context costs that much only: a view is mended by a rebuild, anything else by a backup";

impl CheckStore {
    pub(super) fn run(self) -> Result<(), Failure> {
        let dir = self.sources.load()?.settings.store.dir;
        let scratch = self.scratch.unwrap_or_else(std::env::temp_dir);
        let checked = store::check_store(&dir, &scratch, &mut RowAudit::default());
        let checked = checked.map_err(|why| Failure::Failed(why.to_string()))?;
        if self.json {
            let text = serde_json::to_string_pretty(&checked)
                .map_err(|why| Failure::Internal(why.to_string()))?;
            print(&format!("{text}\n"))?;
        } else {
            print(&table(&checked))?;
        }
        let count = match checked.problems.len() as u64 + checked.more_problems {
            0 => return Ok(()),
            1 => "one problem was".to_owned(),
            count => format!("{count} problems were"),
        };
        Err(Failure::Failed(format!("the store is damaged: {count} found. {REMEDY}")))
    }
}

fn table(checked: &CheckReport) -> String {
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
        text.push_str("nothing is wrong\n");
    }
    text
}
