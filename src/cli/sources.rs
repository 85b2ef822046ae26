//! The arguments from which a configuration is loaded.

use crate::{
    app::Failure,
    config::{Config, ConfigProblem, Flags},
    store::has_store,
};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct Sources {
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address to listen on: 127.0.0.1:8088.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Data directory.
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Run this system only; may be repeated, or have several with commas.
    #[arg(long = "system", value_name = "NAMES", value_delimiter = ',')]
    systems: Vec<String>,
    /// Host these contexts only (`bookrent.book,bookrent.rent`), or `none`; `[peers]` has the nodes of the others.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    contexts: Option<Vec<String>>,
    /// Open a store that lacks acknowledged data.
    #[arg(long)]
    accept_data_loss: bool,
    /// Accept the history of another node's context at this start, whatever was known of it; may be repeated, or have several with commas.
    #[arg(long = "accept-history", value_name = "CONTEXTS", value_delimiter = ',')]
    accept_history: Vec<String>,
}

impl Sources {
    /// Loads the configuration.
    ///
    /// # Errors
    /// [`Failure::Config`].
    pub fn load_config(self) -> Result<Config, Failure> {
        let Self {
            config: file,
            listen,
            data,
            systems,
            contexts,
            accept_data_loss,
            accept_history,
        } = self;
        let flags = Flags { listen, data, systems, contexts, accept_data_loss, accept_history };
        Ok(Config::load(file.as_deref(), read_environment()?, flags)?)
    }
}

/// Refuses a directory in which no server has been.
///
/// # Errors
/// [`Failure::Failed`]
pub fn require_data(dir: &Path) -> Result<(), Failure> {
    if has_store(dir) {
        return Ok(());
    }
    let dir = dir.display();
    Err(Failure::Failed(format!(
        "`{dir}` is not the data directory of a server: name the one that the server has, with `--data` or `--config`"
    )))
}

/// The variables of the environment.
///
/// # Errors
/// [`ConfigProblem`] if one that is meant for this server is not text.
pub fn read_environment() -> Result<Vec<(String, String)>, ConfigProblem> {
    let mut environment = Vec::new();
    for (name, value) in std::env::vars_os() {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => environment.push((name, value)),
            (Ok(name), Err(_)) if name.starts_with("HOLDFAST_") => {
                return Err(ConfigProblem(format!("{name}: the value is not text in UTF-8")));
            }
            _ => {}
        }
    }
    Ok(environment)
}
