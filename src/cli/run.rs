//! Carries out the command of the command line. Data goes to stdout, messages go to stderr.

use super::arguments::{Cli, Command, DocsList};
use crate::{
    app::{Failure, api_document, async_document, machine_now, print, run},
    board,
    config::{Config, ConfigProblem},
    domain::Facts,
    limits, reference, systems, telemetry,
};
use clap::{CommandFactory, Parser};
use std::{fmt::Write as _, io::Write, process::ExitCode};

/// Runs the command of the command line.
pub fn main() -> ExitCode {
    match execute(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // If stderr is gone, the exit code remains.
            let _ = writeln!(std::io::stderr(), "holdfast: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn execute(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(serve) => {
            raise_limits()?;
            let config = serve.sources.load()?;
            telemetry::start().map_err(ConfigProblem)?;
            let ahead = serve
                .clock
                .map_or(0, |clock| clock.micros().saturating_sub(machine_now().micros()));
            run(&config, ahead)
        }
        Command::CheckStore(check) => check.run(),
        Command::CheckConfig { sources, json } => {
            let config = sources.load()?;
            telemetry::check().map_err(ConfigProblem)?;
            check_config(&config, json)
        }
        Command::Openapi { sources } => print(&api_document(&sources.load()?.settings)),
        Command::Asyncapi { sources } => print(&async_document(&sources.load()?.settings)),
        Command::Board { system } => match board::board(&system) {
            Ok(Some(drawing)) => print(&drawing),
            Ok(None) => Err(unknown_system(&system)),
            Err(error) => Err(Failure::Internal(error.to_string())),
        },
        Command::Contexts { system } => print(&contexts(system.as_deref())?),
        Command::Docs { list, system } => print(&docs(list, system.as_deref())),
        Command::Lab(lab) => {
            raise_limits()?;
            telemetry::start().map_err(ConfigProblem)?;
            lab.run()
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "holdfast", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}

/// Raises the limit of open files, before anything is opened.
fn raise_limits() -> Result<(), Failure> {
    limits::raise_open_files().map(drop).map_err(Failure::failed)
}

fn unknown_system(name: &str) -> Failure {
    let known = systems::NAMES.join(", ");
    Failure::Usage(format!("unknown system `{name}`; systems are {known}"))
}

/// A line for each context of one system, or of all.
fn contexts(system: Option<&str>) -> Result<String, Failure> {
    let mut lines = String::new();
    for name in systems::NAMES.iter().filter(|name| system.is_none_or(|wanted| wanted == **name)) {
        for Facts { name, port, is_view, .. } in systems::contexts(name) {
            let port = port.map_or("-".to_owned(), |port| port.to_string());
            let kind = if is_view { "view" } else { "aggregate" };
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{} {port} {kind}", name.context);
        }
    }
    match system.filter(|_| lines.is_empty()) {
        Some(unknown) => Err(unknown_system(unknown)),
        None => Ok(lines),
    }
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

fn check_config(config: &Config, json: bool) -> Result<(), Failure> {
    let lines = config.lines();
    if json {
        let text = serde_json::to_string_pretty(&lines)
            .map_err(|error| Failure::Internal(error.to_string()))?;
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
