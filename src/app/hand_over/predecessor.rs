//! The running process, as the next one sees it.

use super::{
    CLOSED, CONNECTION, GREETING, NamedSockets, READY, SERVING, SOCKETS, line_reader::LineReader,
    with_socket_path,
};
use crate::{app::failure::Failure, http::PassedConnection};
use std::{
    io::{self, ErrorKind, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

/// How long the running process may take to pass its sockets.
const PATIENCE: Duration = Duration::from_secs(10);

/// The running process, which hands over to this one.
#[derive(Debug)]
pub struct Predecessor {
    reader: LineReader,
}

impl Predecessor {
    /// Finds the process that runs on the data directory `dir`, and gets its listening sockets by name; `None` if none runs.
    ///
    /// # Errors
    /// [`Failure::Failed`] if one runs and does not hand over. It goes on.
    pub fn find(dir: &Path) -> Result<Option<(Self, NamedSockets)>, Failure> {
        let stream = match with_socket_path(dir, |path| UnixStream::connect(path)) {
            Ok(stream) => stream,
            Err(why)
                if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
            {
                return Ok(None);
            }
            Err(why) => return Err(cannot_take_over(dir, &why)),
        };
        let mut found = Self { reader: LineReader::new(stream) };
        let sockets = found.receive_sockets().map_err(|why| cannot_take_over(dir, &why))?;
        Ok(Some((found, sockets)))
    }

    fn receive_sockets(&mut self) -> io::Result<NamedSockets> {
        self.reader.stream().set_read_timeout(Some(PATIENCE))?;
        self.send_line(GREETING)?;
        let line = self.reader.read_line()?.unwrap_or_default();
        let mut words = line.split_whitespace();
        if words.next() != Some(SOCKETS) {
            let why = "it hands over in another way, or to another process";
            return Err(io::Error::new(ErrorKind::InvalidData, why));
        }
        let sockets = words.map(|name| {
            let socket = self.reader.take_descriptor()?;
            Ok((name.to_owned(), TcpListener::from(socket)))
        });
        sockets.collect()
    }

    /// Asks the running process to stop, and waits until it has closed its store. Gives the connections that it passes.
    pub fn wait_closed(&mut self) -> Vec<PassedConnection> {
        let mut connections = Vec::new();
        // If it ends without a word, its store is free as well.
        if let Err(error) = self.receive_connections(&mut connections) {
            tracing::warn!(%error, "the process that hands over has ended early");
        }
        connections
    }

    fn receive_connections(&mut self, into: &mut Vec<PassedConnection>) -> io::Result<()> {
        self.send_line(READY)?;
        // Requests that are under way there have the time of `http.drain_timeout_ms`.
        self.reader.stream().set_read_timeout(None)?;
        while let Some(line) = self.reader.read_line()? {
            match line.split_once(' ') {
                Some((CONNECTION, port)) => {
                    let stream = TcpStream::from(self.reader.take_descriptor()?);
                    into.push(PassedConnection { port: port.to_owned(), stream });
                }
                _ if line == CLOSED => break,
                _ => return Err(io::Error::new(ErrorKind::InvalidData, line)),
            }
        }
        Ok(())
    }

    /// Ends the process that has handed over: this one serves.
    pub fn release(self) {
        if let Err(error) = self.send_line(SERVING) {
            tracing::warn!(%error, "the process that handed over has ended already");
        }
    }

    fn send_line(&self, line: &str) -> io::Result<()> {
        self.reader.stream().write_all(format!("{line}\n").as_bytes())
    }
}

fn cannot_take_over(dir: &Path, why: &io::Error) -> Failure {
    Failure::Failed(format!(
        "cannot take over from the server that runs on `{}`: {why}; it goes on. Stop it, and start this one without \
         `--take-over`",
        dir.display()
    ))
}
