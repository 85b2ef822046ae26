//! The command line: its arguments, and what carries them out.

mod arguments;
mod check_store;
mod run;
mod sources;

pub use arguments::Cli;
pub use run::main;
