//! The command line. What is asked for goes to stdout, talk goes to stderr.

mod check_store;

use crate::{
    actors::LATEST,
    app::{
        self,
        exit::{Failure, print},
    },
    board, config,
    domain::Timestamp,
    lab, limits, reference, systems, telemetry,
};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::{io::Write, path::PathBuf, process::ExitCode};

/// A rental and reservation server.
#[derive(Debug, Parser)]
#[command(name = "holdfast", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(Serve),
    /// Check the configuration, and show each value with its origin.
    CheckConfig {
        #[command(flatten)]
        sources: Sources,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Read all of a store that is not running, change nothing, and say what is damaged.
    CheckStore(check_store::CheckStore),
    /// Print the OpenAPI document.
    Openapi {
        #[command(flatten)]
        sources: Sources,
    },
    /// Print the AsyncAPI document: the events that are published.
    Asyncapi {
        #[command(flatten)]
        sources: Sources,
    },
    /// Print a system's event-storming board, as the code has it.
    Board {
        /// The system: `bookrent`.
        system: String,
    },
    /// Print a list of the documents as Markdown, from the declarations in the code.
    Docs {
        /// Which list.
        list: DocsList,
        /// Events of this system only.
        #[arg(long, value_name = "NAME")]
        system: Option<String>,
    },
    /// Put a system under the load and the faults that its original was put under, and see what comes of it.
    Lab(lab::Lab),
    /// Print a completion script.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DocsList {
    Settings,
    Metrics,
    Problems,
    Events,
    Routes,
}

#[derive(Debug, Args)]
struct Serve {
    #[command(flatten)]
    sources: Sources,
    /// Start business time here (RFC 3339 with an offset); it runs on from there.
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    clock: Option<Timestamp>,
}

#[derive(Debug, Args)]
struct Sources {
    /// A TOML file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The address to listen on: 127.0.0.1:8088.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The directory that holds the data.
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Run this system only; may be repeated.
    #[arg(long = "system", value_name = "NAME")]
    systems: Vec<String>,
    /// Host these contexts only (`bookrent.book,bookrent.rent`), or `none`; `[peers]` says where the others are.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    contexts: Option<Vec<String>>,
    /// Open a store from which acknowledged data is missing.
    #[arg(long)]
    accept_data_loss: bool,
    /// Believe the past of another node's context anew, once, after two of them were found; may be repeated.
    #[arg(long = "accept-history", value_name = "CONTEXT")]
    accept_history: Vec<String>,
}

impl Sources {
    fn load(self) -> Result<config::Config, Failure> {
        let Self {
            config: file,
            listen,
            data,
            systems,
            contexts,
            accept_data_loss,
            accept_history,
        } = self;
        let flags =
            config::Flags { listen, data, systems, contexts, accept_data_loss, accept_history };
        // A variable that is no text can be none of ours, whose values are all text.
        let environment = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Ok(config::Config::load(file.as_deref(), environment, flags)?)
    }
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let wanted = "a time with its offset is wanted, such as 2021-06-28T12:00:00+09:00";
    let at: Timestamp = text.parse().map_err(|_| wanted.to_owned())?;
    let allowed = Timestamp::from_micros(0)..LATEST;
    if allowed.contains(&at) {
        Ok(at)
    } else {
        Err("business time lies between the years 1970 and 9000".into())
    }
}

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // With stderr gone, the exit code still says it.
            let _ = writeln!(std::io::stderr(), "holdfast: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

impl Command {
    fn run(self) -> Result<(), Failure> {
        match self {
            Self::Serve(serve) => {
                raise_limits()?;
                let config = serve.sources.load()?;
                telemetry::start().map_err(config::ConfigProblem)?;
                let ahead = serve
                    .clock
                    .map_or(0, |clock| clock.micros().saturating_sub(app::machine_now().micros()));
                app::run(&config, ahead)
            }
            Self::CheckStore(check) => check.run(),
            Self::CheckConfig { sources, json } => check_config(&sources.load()?, json),
            Self::Openapi { sources } => print(&app::api_document(&sources.load()?.settings)?),
            Self::Asyncapi { sources } => print(&app::async_document(&sources.load()?.settings)?),
            Self::Board { system } => match board::board(&system) {
                Ok(Some(drawing)) => print(&drawing),
                Ok(None) => Err(Failure::Usage(format!(
                    "no system `{system}`; there are: {}",
                    systems::NAMES.join(", ")
                ))),
                Err(why) => Err(Failure::Internal(why.to_string())),
            },
            Self::Docs { list, system } => print(&docs(list, system.as_deref())),
            Self::Lab(lab) => {
                raise_limits()?;
                telemetry::start().map_err(config::ConfigProblem)?;
                lab.run()
            }
            Self::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "holdfast", &mut script);
                print(&String::from_utf8_lossy(&script))
            }
        }
    }
}

/// Before anything is opened: what the process may open.
fn raise_limits() -> Result<(), Failure> {
    limits::raise_open_files().map(drop).map_err(|why| Failure::Failed(why.to_string()))
}

fn docs(list: DocsList, system: Option<&str>) -> String {
    match list {
        DocsList::Settings => reference::settings(),
        DocsList::Metrics => reference::metrics(),
        DocsList::Problems => reference::problems(),
        DocsList::Events => reference::events(system),
        DocsList::Routes => reference::routes(),
    }
}

fn check_config(config: &config::Config, json: bool) -> Result<(), Failure> {
    let lines = config.lines();
    if json {
        let text = serde_json::to_string_pretty(&lines)
            .map_err(|why| Failure::Internal(why.to_string()))?;
        return print(&format!("{text}\n"));
    }
    let values: Vec<_> =
        lines.iter().map(|line| format!("{} = {}", line.key, line.value)).collect();
    let width = values.iter().map(|value| value.chars().count()).max().unwrap_or(0);
    let lines = lines
        .iter()
        .zip(&values)
        .map(|(line, value)| format!("{value:<width$}  # {}\n", line.origin));
    print(&lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_clock_needs_its_offset() {
        assert_eq!(moment("2021-06-28T12:00:00+09:00"), moment("2021-06-28T03:00:00Z"));
        assert!(moment("2021-06-28T12:00:00").unwrap_err().contains("offset"));
    }
}
