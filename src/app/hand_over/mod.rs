//! One process hands over to the next on the same data directory, and no client notices.
//!
//! They meet at a socket in that directory. The next process gets the listening sockets, checks all that can be checked
//! without the store, and asks for the rest. The running one then accepts no more, answers what has begun, closes its store,
//! and passes the connections that are idle. What clients send meanwhile waits in those sockets. Until the next process serves,
//! the running one keeps all of them too: if that one fails, it opens its store again and goes on.
//!
//! | from | line | passed with it |
//! |---|---|---|
//! | next | `holdfast take-over 1` | |
//! | running | `sockets NAME…` | listening sockets, in the order of their names |
//! | next | `ready` | |
//! | running | `connection NAME`, any number of times | a connection that was accepted at the socket of that name |
//! | running | `closed` | |
//! | next | `serving` | |

mod line_reader;
mod predecessor;
mod successor;
#[cfg(test)]
mod tests;

pub use predecessor::Predecessor;
pub use successor::{HandOver, Successor};

use std::{
    fs::File,
    io,
    net::TcpListener,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

/// Listening sockets, with the names of their ports.
pub type NamedSockets = Vec<(String, TcpListener)>;

/// The socket in the data directory.
const SOCKET: &str = "hand-over";
/// What the next process says first: of this form, or of another one.
const GREETING: &str = "holdfast take-over 1";
const SOCKETS: &str = "sockets";
const READY: &str = "ready";
const CONNECTION: &str = "connection";
const CLOSED: &str = "closed";
const SERVING: &str = "serving";

/// Addresses of sockets have at most 108 bytes.
const LONGEST_PATH: usize = 100;

/// Uses the path of the socket in `dir`; one that is too long is reached through a descriptor of the directory.
fn with_socket_path<T>(dir: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let path = dir.join(SOCKET);
    if path.as_os_str().len() <= LONGEST_PATH {
        return act(&path);
    }
    let dir = File::open(dir)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", dir.as_raw_fd()));
    act(&short.join(SOCKET))
}
