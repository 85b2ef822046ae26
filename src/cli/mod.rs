//! The command line: its arguments, and what carries them out.

mod arguments;
mod backup;
mod check_store;
mod doctor;
mod keys;
mod node_key;
mod probe;
mod remote;
mod run;
mod sources;
mod token;

pub use arguments::Cli;
pub use run::main;
