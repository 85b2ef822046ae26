//! The arguments of the command line.

use super::{
    backup::{Backup, Restore, Verify},
    check_store::CheckStore,
    doctor::Doctor,
    keys::Keys,
    node_key::PrintNodeKey,
    probe::Probe,
    remote::{Contexts, Events, Parked, Sagas, Views},
    sources::Sources,
    token::MakeToken,
};
use crate::{actors::LATEST, domain::Timestamp, lab::Lab};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// A rental and reservation server.
#[derive(Debug, Parser)]
#[command(name = "holdfast", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the server.
    Serve(Serve),
    /// Check the configuration, and print each value with its origin.
    CheckConfig {
        #[command(flatten)]
        sources: Sources,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Read the whole store of a stopped server, without changing it, and report damage.
    CheckStore(CheckStore),
    /// Write a backup of a running server (`--url`), or of the data directory of a stopped one.
    Backup(Backup),
    /// Read a backup completely, without restoring it.
    Verify(Verify),
    /// Make a data directory of a backup, and of increments that were made after it.
    Restore(Restore),
    /// Find out what is wrong with a server, running or stopped, and what to do; exit 1 where something is.
    Doctor(Doctor),
    /// Find out what is wrong with orders of a running server.
    Sagas {
        #[command(subcommand)]
        sagas: Sagas,
    },
    /// What a running server could not process.
    Parked {
        #[command(subcommand)]
        parked: Parked,
    },
    /// Views of a running server.
    Views {
        #[command(subcommand)]
        views: Views,
    },
    /// Events of a running server.
    Events {
        #[command(subcommand)]
        events: Events,
    },
    /// Make, list and revoke API keys in the data directory of a stopped server; a running one: `/admin/keys`.
    Key {
        #[command(subcommand)]
        keys: Keys,
    },
    /// Print the line by which other nodes know this one (`node.keys`): its name, the public half of its key, its contexts.
    NodeKey(PrintNodeKey),
    /// Probe a server: 0 if it is ready, else 1. For images in which there is no other program.
    Probe(Probe),
    /// Print a token that the server of this data directory takes while authentication is open.
    Token(MakeToken),
    /// Print the OpenAPI document.
    Openapi {
        #[command(flatten)]
        sources: Sources,
    },
    /// Print the AsyncAPI document: the published events.
    Asyncapi {
        #[command(flatten)]
        sources: Sources,
    },
    /// Print the event-storming board of a system, derived from its code.
    Board {
        /// The system: `bookrent`.
        system: String,
    },
    /// List, stop and start the contexts of a running server; or print those of a system: name, port of the original (`-`:
    /// none), and `aggregate` or `view`.
    #[command(args_conflicts_with_subcommands = true)]
    Contexts {
        #[command(subcommand)]
        contexts: Option<Contexts>,
        /// The system: `bookrent`. All systems, when left out.
        system: Option<String>,
    },
    /// Print a list of the documents as Markdown, from the declarations in the code.
    Docs {
        /// Which list.
        list: DocsList,
        /// Events or problems of this system only.
        #[arg(long, value_name = "NAME")]
        system: Option<String>,
    },
    /// Run a system under the load and the faults that its original was tested with, and check its promises.
    Lab(Lab),
    /// Print the manual page of this command, or write those of all commands.
    Man {
        /// Write a page for each command into this directory, which is there.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Print a completion script.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum DocsList {
    Settings,
    Metrics,
    Problems,
    Events,
    Routes,
    Audiences,
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    pub(super) sources: Sources,
    /// Start business time here (RFC 3339 with an offset).
    #[arg(long, value_name = "RFC3339", value_parser = parse_clock)]
    pub(super) clock: Option<Timestamp>,
    /// Take over from the server that runs on the same data directory: it hands over its sockets and ends once this one serves.
    #[arg(long)]
    pub(super) take_over: bool,
}

fn parse_clock(text: &str) -> Result<Timestamp, String> {
    let expected = "expected a time with its offset, such as 2021-06-28T12:00:00+09:00";
    let at: Timestamp = text.parse().map_err(|_| expected.to_owned())?;
    let allowed = Timestamp::from_micros(0)..LATEST;
    if allowed.contains(&at) {
        Ok(at)
    } else {
        Err("business time must be between the years 1970 and 9000".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_clock_needs_its_offset() {
        assert_eq!(parse_clock("2021-06-28T12:00:00+09:00"), parse_clock("2021-06-28T03:00:00Z"));
        assert!(parse_clock("2021-06-28T12:00:00").unwrap_err().contains("offset"));
    }
}
