//! The command: looks at what there is, one after the other.

use super::{
    database, directory,
    finding::{Finding, Findings},
    network, server,
};
use crate::{
    app::{Failure, print_text},
    cli::{remote::Connection, sources::Sources},
    telemetry,
};
use clap::Args;
use std::fmt::Write;

#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    connection: Connection,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub fn run(self) -> Result<(), Failure> {
        let Self { sources, connection, json } = self;
        let mut findings = Findings::default();
        findings.looked_at("configuration");
        if let Err(wrong) = telemetry::check_environment() {
            findings.add("configuration", wrong, "set the variable right, or remove it");
        }
        match sources.load_config() {
            Err(Failure::Config(problem)) => findings.add(
                "configuration",
                problem.to_string(),
                "mend that key; `holdfast check-config` prints all of them with their origins",
            ),
            Err(other) => return Err(other),
            Ok(config) => {
                let settings = &config.settings;
                let is_held = directory::look(settings, &mut findings);
                database::look(settings, &mut findings);
                actix_rt::System::new().block_on(async {
                    let running = server::look(settings, connection, is_held, &mut findings).await;
                    network::look(settings, running, &mut findings).await;
                });
            }
        }
        show(&findings, json)?;
        match findings.findings.len() {
            0 => Ok(()),
            1 => Err(Failure::Failed("one thing is wrong".into())),
            count => Err(Failure::Failed(format!("{count} things are wrong"))),
        }
    }
}

fn show(findings: &Findings, json: bool) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string_pretty(findings);
        let text = text.map_err(|error| Failure::Internal(error.to_string()))?;
        return print_text(&format!("{text}\n"));
    }
    let mut text = String::new();
    for Finding { about, what, remedy } in &findings.findings {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{about}: {what}\n    {remedy}");
    }
    for note in &findings.notes {
        let _ = writeln!(text, "{note}");
    }
    let _ = writeln!(text, "looked at {}", findings.checked.join(", "));
    if findings.findings.is_empty() {
        text.push_str("nothing is wrong\n");
    }
    print_text(&text)
}
