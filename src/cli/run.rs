//! Carries out the command of the command line. Data goes to stdout, messages go to stderr.

use super::arguments::{Cli, Command, DocsList};
use crate::{
    app::{
        Failure, api_document, async_document, check_own_key, machine_now, print_text, run_server,
    },
    board,
    config::{Config, ConfigProblem},
    domain::Facts,
    limits, reference, systems, telemetry,
};
use clap::{CommandFactory, Parser};
use rustix::fs::Mode;
use std::{fmt::Write as _, io::Write, process::ExitCode};

/// Runs the command of the command line.
pub fn main() -> ExitCode {
    // Whatever a command writes is for this user alone.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    match run_command(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // If stderr is gone, the exit code remains.
            let _ = writeln!(std::io::stderr(), "holdfast: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn run_command(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(serve) => {
            raise_limits()?;
            let config = serve.sources.load_config()?;
            telemetry::start_logging().map_err(ConfigProblem)?;
            let ahead = serve
                .clock
                .map_or(0, |clock| clock.micros().saturating_sub(machine_now().micros()));
            run_server(&config, ahead, serve.take_over)
        }
        Command::Key { keys } => keys.run(),
        Command::Token(token) => token.run(),
        Command::NodeKey(key) => key.run(),
        Command::Probe(probe) => probe.run(),
        Command::CheckStore(check) => check.run(),
        Command::Backup(backup) => backup.run(),
        Command::Verify(verify) => verify.run(),
        Command::Restore(restore) => restore.run(),
        Command::CheckConfig { sources, json } => {
            let config = sources.load_config()?;
            telemetry::check_environment().map_err(ConfigProblem)?;
            check_own_key(&config.settings)?;
            check_config(&config, json)
        }
        Command::Openapi { sources } => print_text(&api_document(&sources.load_config()?.settings)),
        Command::Asyncapi { sources } => {
            print_text(&async_document(&sources.load_config()?.settings))
        }
        Command::Board { system } => match board::draw_system(&system) {
            Ok(Some(drawing)) => print_text(&drawing),
            Ok(None) => Err(unknown_system(&system)),
            Err(error) => Err(Failure::Internal(error.to_string())),
        },
        Command::Contexts { contexts: Some(contexts), .. } => contexts.run(),
        Command::Contexts { system, .. } => print_text(&list_contexts(system.as_deref())?),
        Command::Doctor(doctor) => doctor.run(),
        Command::Sagas { sagas } => sagas.run(),
        Command::Parked { parked } => parked.run(),
        Command::Views { views } => views.run(),
        Command::Events { events } => events.run(),
        Command::Docs { list, system } => print_text(&print_docs(list, system.as_deref())),
        Command::Lab(lab) => {
            raise_limits()?;
            telemetry::start_logging().map_err(ConfigProblem)?;
            lab.run()
        }
        Command::Man { dir: Some(dir) } => clap_mangen::generate_to(Cli::command(), &dir)
            .map_err(|error| Failure::Failed(format!("{}: {error}", dir.display()))),
        Command::Man { dir: None } => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
            rendered.map_err(Failure::from_error)?;
            print_text(&String::from_utf8_lossy(&page))
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "holdfast", &mut script);
            print_text(&String::from_utf8_lossy(&script))
        }
    }
}

/// Raises the limit of open files, before anything is opened.
fn raise_limits() -> Result<(), Failure> {
    limits::raise_open_files().map(drop).map_err(Failure::from_error)
}

fn unknown_system(name: &str) -> Failure {
    let known = systems::NAMES.join(", ");
    Failure::Usage(format!("unknown system `{name}`; systems are {known}"))
}

/// A line for each context of one system, or of all.
fn list_contexts(system: Option<&str>) -> Result<String, Failure> {
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

fn print_docs(list: DocsList, system: Option<&str>) -> String {
    match list {
        DocsList::Settings => reference::list_settings(),
        DocsList::Metrics => reference::list_metrics(),
        DocsList::Problems => reference::list_problems(system),
        DocsList::Events => reference::list_events(system),
        DocsList::Routes => reference::routes(),
        DocsList::Audiences => reference::list_audiences(system),
    }
}

fn check_config(config: &Config, json: bool) -> Result<(), Failure> {
    let lines = config.list_settings();
    if json {
        let text = serde_json::to_string_pretty(&lines)
            .map_err(|error| Failure::Internal(error.to_string()))?;
        return print_text(&format!("{text}\n"));
    }
    let values: Vec<_> =
        lines.iter().map(|line| format!("{} = {}", line.key, line.value)).collect();
    let width = values.iter().map(|value| value.chars().count()).max().unwrap_or(0);
    let lines = lines
        .iter()
        .zip(&values)
        .map(|(line, value)| format!("{value:<width$}  # {}\n", line.origin));
    print_text(&lines.collect::<String>())
}
