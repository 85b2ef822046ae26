//! `node-key`: by what other nodes know this one. It needs no valid configuration, which would need the lines of the others.

use super::sources::read_environment;
use crate::{
    actors::Machine,
    app::{Failure, print_text},
    config::{Config, ConfigProblem, Flags, NO_CONTEXTS, contexts_named},
    credentials::{KnownNode, NodeKey},
    store::prepare_directory,
};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct PrintNodeKey {
    /// Configuration file (TOML) of the node, which has what is left out here: `store.dir`, `node.name` and the contexts. The lines
    /// of `node.keys` in it may be missing or wrong.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data directory of the node, which has its key. Both are made if there are none.
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    data: Option<PathBuf>,
    /// What the others call the node.
    #[arg(long, required_unless_present = "config")]
    name: Option<String>,
    /// The contexts that it hosts (`bookrent.book,bookrent.rent`), systems, or `none`; those of `--config` when left out, without that
    /// none, as of a gateway.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    contexts: Vec<String>,
}

/// What the line of a node says beside its key.
struct Described {
    data: PathBuf,
    name: String,
    contexts: Vec<String>,
}

impl PrintNodeKey {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Described { data, name, contexts } = self.describe()?;
        if name.is_empty() || name.contains(char::is_whitespace) {
            let what = format!("`{name}` is no name of a node: it has no spaces");
            return Err(ConfigProblem(what).into());
        }
        if let Some(unknown) = contexts.iter().find(|name| contexts_named(name).is_empty()) {
            let what = format!("there is no context or system `{unknown}`");
            return Err(ConfigProblem(what).into());
        }
        prepare_directory(&data).map_err(Failure::from_error)?;
        let key = NodeKey::open(&data, Machine::default()).map_err(Failure::from_error)?;
        let line = KnownNode { name, key: key.public_half(), contexts };
        print_text(&format!("{line}\n"))
    }

    fn describe(self) -> Result<Described, Failure> {
        let Self { config, data, name, contexts } = self;
        let given = (!contexts.is_empty()).then(|| match contexts.as_slice() {
            [none] if none == NO_CONTEXTS => Vec::new(),
            _ => contexts,
        });
        let Some(file) = config else {
            let data = data.unwrap_or_default();
            let name = name.unwrap_or_default();
            return Ok(Described { data, name, contexts: given.unwrap_or_default() });
        };
        let config = Config::read(Some(&file), read_environment()?, Flags::default())?;
        let settings = config.settings;
        let name = name.or_else(|| settings.node.name.clone()).ok_or_else(|| {
            ConfigProblem("node.name: the node has no name: set it there, or give --name".into())
        })?;
        let hosted = || match settings.hosted_contexts() {
            Some(hosted) => hosted.into_iter().collect(),
            None => settings.enabled_systems().into_iter().map(str::to_owned).collect(),
        };
        let contexts = given.unwrap_or_else(hosted);
        Ok(Described { data: data.unwrap_or(settings.store.dir), name, contexts })
    }
}
