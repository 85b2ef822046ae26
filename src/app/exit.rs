//! How the command ends: what it prints, and with which code it exits.

use crate::config;
use std::io::Write;

/// Why a command did not do what it was asked. Each kind has an exit code of its own.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration is wrong (78).
    #[error("configuration: {0}")]
    Config(#[from] config::ConfigProblem),
    /// The command line is wrong (2).
    #[error("{0}")]
    Usage(String),
    /// It did not work (1).
    #[error("{0}")]
    Failed(String),
    /// A fault of the software itself (70).
    #[error("internal error: {0}")]
    Internal(String),
}

impl Failure {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Internal(_) => 70,
            Self::Config(_) => 78,
        }
    }
}

/// Prints to stdout; a reader that has gone away, as `head` does, is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(why) if why.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Failed(format!("stdout: {why}")))
        }
        _ => Ok(()),
    }
}
