//! The command line: its arguments, and what carries them out.

mod arguments;
mod check_store;
mod keys;
mod node_key;
mod probe;
mod run;
mod sources;
mod token;

pub use arguments::Cli;
pub use run::main;
