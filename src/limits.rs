//! Limits of the operating system.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The server needs at least so many open files: each system has a thread with descriptors of its own, the store keeps its
/// files open, and connections need some too.
pub const LEAST_OPEN_FILES: u64 = 128;

/// More are of no use, and some systems report limits that they do not grant.
const MOST_OPEN_FILES: u64 = 1 << 20;

/// The process may not open as many files as it needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this process may have {limit} files and connections open at a time, and needs {LEAST_OPEN_FILES} at the least: \
     raise the hard limit (`ulimit -Hn 4096`, `LimitNOFILE=4096` in a systemd unit, `--ulimit nofile=4096` for a \
     container) and start it again"
)]
pub struct TooFewFiles {
    /// How many it may have open.
    pub limit: u64,
}

/// How many files and connections the process may have open at a time.
#[must_use]
pub fn open_files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// How many files and connections a process may be given.
#[must_use]
pub fn most_open_files() -> u64 {
    getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX)
}

/// Raises the soft limit of open files to the hard one, and gives the limit in force. What may be open by default
/// (1,024) is for programs that still use `select`, and too little for a server.
///
/// # Errors
/// [`TooFewFiles`] where the hard limit is too low to start.
pub fn raise_open_files() -> Result<u64, TooFewFiles> {
    let now = getrlimit(Resource::Nofile);
    let wanted = now.maximum.unwrap_or(u64::MAX).min(MOST_OPEN_FILES);
    if now.current.is_some_and(|current| current < wanted)
        && let Err(error) =
            setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: now.maximum })
    {
        tracing::warn!(%error, "failed to raise the limit of open files");
    }
    let limit = open_files();
    if limit < LEAST_OPEN_FILES { Err(TooFewFiles { limit }) } else { Ok(limit) }
}
