//! Why a command failed, with its exit code, and what it prints.

use crate::config::ConfigProblem;
use std::io::Write;

/// Why a command failed. Each kind has an exit code of its own.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration is wrong (78).
    #[error("configuration: {0}")]
    Config(#[from] ConfigProblem),
    /// The command line is wrong (2).
    #[error("{0}")]
    Usage(String),
    /// The command could not be carried out (1).
    #[error("{0}")]
    Failed(String),
    /// A server that was asked answers with a problem (1).
    #[error("{said}")]
    Refused {
        /// The status of the answer.
        status: u16,
        /// What it says.
        said: String,
    },
    /// An error of the software itself (70).
    #[error("internal error: {0}")]
    Internal(String),
}

impl Failure {
    /// [`Failure::Failed`] with the message of `error`.
    pub fn from_error(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Failed(_) | Self::Refused { .. } => 1,
            Self::Usage(_) => 2,
            Self::Internal(_) => 70,
            Self::Config(_) => 78,
        }
    }
}

/// Prints to stdout. A reader that has gone away, as `head` does, is no failure.
///
/// # Errors
/// [`Failure::Failed`] if stdout cannot be written.
pub fn print_text(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Failed(format!("stdout: {error}")))
        }
        _ => Ok(()),
    }
}
