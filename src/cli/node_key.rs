//! `node-key`: by what other nodes know this one. It needs no configuration, which would need the lines of the others.

use crate::{
    actors::Machine,
    app::{Failure, print_text},
    config::ConfigProblem,
    credentials::{KnownNode, NodeKey},
    store::prepare_directory,
    systems,
};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct PrintNodeKey {
    /// Data directory of the node, which has its key. Both are made if there are none.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// What the others call the node.
    #[arg(long)]
    name: String,
    /// The contexts that it hosts (`bookrent.book,bookrent.rent`), or systems: none, when left out, as of a gateway.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    contexts: Vec<String>,
}

impl PrintNodeKey {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { data, name, contexts } = self;
        if name.is_empty() || name.contains(char::is_whitespace) {
            let what = format!("`{name}` is no name of a node: it has no spaces");
            return Err(ConfigProblem(what).into());
        }
        if let Some(unknown) = contexts.iter().find(|name| !is_known(name)) {
            let what = format!("there is no context or system `{unknown}`");
            return Err(ConfigProblem(what).into());
        }
        prepare_directory(&data).map_err(Failure::from_error)?;
        let key = NodeKey::open(&data, Machine::default()).map_err(Failure::from_error)?;
        let line = KnownNode { name, key: key.public_half(), contexts };
        print_text(&format!("{line}\n"))
    }
}

fn is_known(name: &str) -> bool {
    let mut contexts = systems::NAMES.iter().flat_map(|system| systems::contexts(system));
    systems::NAMES.contains(&name) || contexts.any(|context| context.name.context == name)
}
