//! Writers under a backup: into a channel, and with rests.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// How much is handed over at once.
const CHUNK: usize = 64 * 1024;
/// The longest rest.
const LONGEST_REST: Duration = Duration::from_millis(100);

/// Rests as long as it has worked, so that a backup takes half a processor at the most from those who are served.
pub struct Paced<W> {
    to: W,
    gathered: usize,
    began: Instant,
    /// Nothing more is taken.
    stopping: Arc<AtomicBool>,
}

impl<W: Write> Paced<W> {
    pub fn new(to: W, stopping: Arc<AtomicBool>) -> Self {
        Self { to, gathered: 0, began: Instant::now(), stopping }
    }
}

impl<W: Write> Write for Paced<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(io::Error::other("the server stops"));
        }
        let written = self.to.write(bytes)?;
        self.gathered += written;
        if self.gathered >= CHUNK {
            self.gathered = 0;
            thread::sleep(self.began.elapsed().min(LONGEST_REST));
            self.began = Instant::now();
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Hands on what is written, in chunks, and waits for those who take them.
pub struct ChannelWriter {
    to: mpsc::Sender<Vec<u8>>,
    chunk: Vec<u8>,
}

impl ChannelWriter {
    pub fn new(to: mpsc::Sender<Vec<u8>>) -> Self {
        Self { to, chunk: Vec::new() }
    }
}

impl Write for ChannelWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::take(&mut self.chunk);
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the receiver has gone");
        self.to.blocking_send(chunk).map_err(gone)
    }
}
