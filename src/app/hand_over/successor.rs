//! The next process, as the running one sees it.

use super::{CLOSED, CONNECTION, GREETING, READY, SERVING, SOCKETS, with_socket_path};
use crate::http::PassedConnection;
use rustix::{
    cmsg_space,
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg},
};
use std::{
    fs,
    io::{self, ErrorKind, IoSlice},
    mem::MaybeUninit,
    net::TcpListener,
    os::fd::{AsFd, BorrowedFd},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Interest},
    net::{UnixListener, UnixStream},
    time::timeout,
};

/// How long the next process may take to check what it can check without the store.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it may take to open the store once that is closed. While it has the store, it is waited for.
const TAKING: Duration = Duration::from_secs(15);
/// The longest line that is read.
const LONGEST_LINE: u64 = 256;
/// How much is shown of a line that is another one than it should be.
const MOST_SHOWN: usize = 64;
/// How many descriptors one message passes; each line of sockets is one message.
const MOST_DESCRIPTORS: usize = 253;

/// The place where the next process asks.
#[derive(Debug)]
pub struct HandOver {
    dir: PathBuf,
    listener: UnixListener,
}

impl HandOver {
    /// Waits in the data directory `dir`, which this process has locked.
    ///
    /// # Errors
    /// No socket can be made there.
    pub fn offer(dir: &Path) -> io::Result<Self> {
        let listener = with_socket_path(dir, |path| {
            // That of a process that was killed.
            match fs::remove_file(path) {
                Err(why) if why.kind() != ErrorKind::NotFound => return Err(why),
                _ => {}
            }
            UnixListener::bind(path)
        })?;
        Ok(Self { dir: dir.to_owned(), listener })
    }

    /// The next process, once one is ready to take over. It has got `sockets` by then.
    pub async fn wait_for_successor(&self, sockets: &[(String, TcpListener)]) -> Successor {
        loop {
            let greeted = async {
                let (stream, _) = self.listener.accept().await?;
                let mut successor = Successor { stream: BufReader::new(stream) };
                timeout(PATIENCE, successor.greet(sockets)).await??;
                Ok::<_, io::Error>(successor)
            };
            match greeted.await {
                Ok(successor) => return successor,
                Err(error) => {
                    tracing::warn!(%error, "a process that was to take over did not; serving on");
                }
            }
        }
    }
}

impl Drop for HandOver {
    fn drop(&mut self) {
        // The next process makes its own.
        let _ = with_socket_path(&self.dir, |path| fs::remove_file(path));
    }
}

/// The next process, which takes over from this one.
#[derive(Debug)]
pub struct Successor {
    stream: BufReader<UnixStream>,
}

impl Successor {
    /// Passes `sockets`, and waits until the next process is ready.
    async fn greet(&mut self, sockets: &[(String, TcpListener)]) -> io::Result<()> {
        self.expect_line(GREETING).await?;
        let names: Vec<_> = sockets.iter().map(|(name, _)| name.as_str()).collect();
        let sockets: Vec<_> = sockets.iter().map(|(_, socket)| socket.as_fd()).collect();
        self.pass(&format!("{SOCKETS} {}\n", names.join(" ")), &sockets).await?;
        self.expect_line(READY).await
    }

    /// The store is closed: passes `connections`, and waits until the next process serves. `has_store` gives whether it has
    /// opened the store, which this one cannot have before that one lets go of it.
    ///
    /// # Errors
    /// It has ended, or does not take over.
    pub async fn complete(
        &mut self,
        connections: &[PassedConnection],
        has_store: impl Fn() -> bool,
    ) -> io::Result<()> {
        self.complete_within(TAKING, connections, has_store).await
    }

    /// The same, with a time of its own.
    pub(super) async fn complete_within(
        &mut self,
        patience: Duration,
        connections: &[PassedConnection],
        has_store: impl Fn() -> bool,
    ) -> io::Result<()> {
        let completed = self.pass_and_wait(connections);
        tokio::pin!(completed);
        loop {
            match timeout(patience, &mut completed).await {
                Ok(completed) => return completed,
                Err(_) if has_store() => {
                    tracing::warn!(
                        "the process that takes over has the store and does not serve yet; waiting for it"
                    );
                }
                Err(_) => {
                    let why = "it says nothing, and has not opened the store";
                    return Err(io::Error::new(ErrorKind::TimedOut, why));
                }
            }
        }
    }

    async fn pass_and_wait(&mut self, connections: &[PassedConnection]) -> io::Result<()> {
        for PassedConnection { port, stream } in connections {
            self.pass(&format!("{CONNECTION} {port}\n"), &[stream.as_fd()]).await?;
        }
        self.stream.write_all(format!("{CLOSED}\n").as_bytes()).await?;
        self.expect_line(SERVING).await
    }

    async fn expect_line(&mut self, expected: &str) -> io::Result<()> {
        let mut line = Vec::new();
        (&mut self.stream).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
        let line = String::from_utf8_lossy(&line);
        if line.trim_end() == expected {
            return Ok(());
        }
        let why = if line.is_empty() {
            "it has ended".to_owned()
        } else {
            let shown = line.trim_end().chars().take(MOST_SHOWN);
            let shown = shown.map(|letter| if letter.is_control() { ' ' } else { letter });
            format!("it says `{}`", shown.collect::<String>())
        };
        Err(io::Error::new(ErrorKind::InvalidData, why))
    }

    /// Sends `line`, and `descriptors` with it.
    async fn pass(&mut self, line: &str, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let stream = self.stream.get_ref();
        let send = || {
            let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
            let mut passed = SendAncillaryBuffer::new(&mut space);
            if !passed.push(SendAncillaryMessage::ScmRights(descriptors)) {
                return Err(io::Error::new(ErrorKind::InvalidInput, "too many sockets"));
            }
            let bytes = [IoSlice::new(line.as_bytes())];
            Ok(sendmsg(stream, &bytes, &mut passed, SendFlags::NOSIGNAL)?)
        };
        loop {
            stream.writable().await?;
            match stream.try_io(Interest::WRITABLE, send) {
                Err(why) if why.kind() == ErrorKind::WouldBlock => {}
                // A line is far smaller than the buffer of the socket, and goes as a whole.
                Ok(sent) if sent < line.len() => {
                    return Err(io::Error::new(ErrorKind::WriteZero, "a line was cut"));
                }
                sent => return sent.map(drop),
            }
        }
    }
}
