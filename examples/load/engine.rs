//! A closed-loop load generator on one thread: each connection sends, waits for the answer, and sends again.
//!
//! It shares two cores with the server, so it does as little as it can: requests are written from a buffer that is
//! used again, and of an answer it reads the status, the length and as many bytes.

use std::{
    cell::RefCell,
    io::{Error, ErrorKind, Result},
    rc::Rc,
    sync::OnceLock,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::{LocalSet, spawn_local},
};

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After so many requests.
    Sent(u64),
    /// After this time.
    Elapsed(Duration),
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Requests answered.
    pub answered: u64,
    /// Those with another status than 2xx.
    pub refused: u64,
    /// Those whose body says `"Fail"`.
    pub failed: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// How long the answers took, in microseconds.
    latencies: Vec<u64>,
    longest: u64,
}

impl Default for Figures {
    fn default() -> Self {
        let latencies = vec![0; LATENCY_BUCKETS];
        Self { answered: 0, refused: 0, failed: 0, elapsed: Duration::ZERO, latencies, longest: 0 }
    }
}

/// Every power of two of microseconds is divided into so many buckets: the error is under 2 %.
const STEPS: u64 = 64;
const LATENCY_BUCKETS: usize = 64 * STEPS as usize;

fn bucket(micros: u64) -> usize {
    let power = (micros | 1).ilog2().saturating_sub(STEPS.ilog2());
    (u64::from(power) * STEPS + (micros >> power)) as usize
}
fn least_of(bucket: u64) -> u64 {
    let power = (bucket / STEPS).saturating_sub(1);
    (bucket - power * STEPS) << power
}

impl Figures {
    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }
    /// The latency in milliseconds that this share of the requests stayed under.
    pub fn percentile(&self, share: f64) -> f64 {
        let mut left = (self.answered as f64 * share).ceil() as u64;
        for (place, count) in self.latencies.iter().enumerate() {
            if *count >= left {
                return least_of(place as u64) as f64 / 1e3;
            }
            left -= count;
        }
        self.longest()
    }
    /// The longest that a client waited, in milliseconds.
    pub fn longest(&self) -> f64 {
        self.longest as f64 / 1e3
    }
    /// Adds what another drive gave.
    pub fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.refused += other.refused;
        self.failed += other.failed;
        self.elapsed += other.elapsed;
        self.longest = self.longest.max(other.longest);
        self.latencies.iter_mut().zip(&other.latencies).for_each(|(count, more)| *count += more);
    }
    fn note(&mut self, latency: Duration, answer: Answer) {
        let micros = latency.as_micros() as u64;
        self.answered += 1;
        self.refused += u64::from(!(200..300).contains(&answer.status));
        self.failed += u64::from(answer.failed);
        self.longest = self.longest.max(micros);
        if let Some(count) = self.latencies.get_mut(bucket(micros)) {
            *count += 1;
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    status: u16,
    failed: bool,
}

/// Writes the next request into the buffer; returns whether there is one.
pub type Next = Box<dyn FnMut(&mut Vec<u8>) -> bool>;

/// The token that every request shows, if there is one.
pub static TOKEN: OnceLock<String> = OnceLock::new();

/// Begins a request.
fn begin(into: &mut Vec<u8>, method: &str, path: &str) {
    into.extend_from_slice(format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n").as_bytes());
    if let Some(token) = TOKEN.get() {
        into.extend_from_slice(format!("Authorization: Bearer {token}\r\n").as_bytes());
    }
}

/// Writes a request without a body.
pub fn get(into: &mut Vec<u8>, path: &str) {
    begin(into, "GET", path);
    into.extend_from_slice(b"\r\n");
}

/// Writes a request with a JSON body.
pub fn post(into: &mut Vec<u8>, path: &str, body: &str) {
    begin(into, "POST", path);
    let length = body.len();
    let head = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    into.extend_from_slice(head.as_bytes());
    into.extend_from_slice(body.as_bytes());
}

/// What the connections of one drive share.
struct Drive {
    next: Next,
    until: Until,
    begun: Instant,
    sent: u64,
    figures: Figures,
}

impl Drive {
    fn next(&mut self, buffer: &mut Vec<u8>) -> bool {
        let goes_on = match self.until {
            Until::Sent(count) => self.sent < count,
            Until::Elapsed(time) => self.begun.elapsed() < time,
        };
        buffer.clear();
        let goes_on = goes_on && (self.next)(buffer);
        self.sent += u64::from(goes_on);
        goes_on
    }
}

/// Drives `address` over so many connections.
///
/// # Errors
/// When it cannot be reached, or cuts an answer.
pub fn drive(address: &str, connections: usize, until: Until, next: Next) -> Result<Figures> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let mut sockets = Vec::new();
        for _ in 0..connections {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            sockets.push(socket);
        }
        let begun = Instant::now();
        let drive = Rc::new(RefCell::new(Drive {
            next,
            until,
            begun,
            sent: 0,
            figures: Figures::default(),
        }));
        let tasks: Vec<_> = sockets
            .into_iter()
            .map(|socket| spawn_local(connection(socket, Rc::clone(&drive))))
            .collect();
        for task in tasks {
            task.await.map_err(Error::other)??;
        }
        let mut figures = std::mem::take(&mut drive.borrow_mut().figures);
        figures.elapsed = begun.elapsed();
        Ok(figures)
    })
}

async fn connection(mut socket: TcpStream, drive: Rc<RefCell<Drive>>) -> Result<()> {
    let mut request = Vec::with_capacity(512);
    let mut heard = Vec::with_capacity(4096);
    while drive.borrow_mut().next(&mut request) {
        let sent = Instant::now();
        socket.write_all(&request).await?;
        heard.clear();
        let answer = loop {
            if socket.read_buf(&mut heard).await? == 0 {
                return Err(Error::new(
                    ErrorKind::UnexpectedEof,
                    "the server closed the connection in an answer",
                ));
            }
            if let Some(answer) = Answer::read(&heard)? {
                break answer;
            }
        };
        drive.borrow_mut().figures.note(sent.elapsed(), answer);
    }
    Ok(())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

impl Answer {
    /// The answer, if all of it is there.
    fn read(heard: &[u8]) -> Result<Option<Self>> {
        let unreadable =
            || Error::new(ErrorKind::InvalidData, "an answer without status or content-length");
        let Some(end) = find(heard, b"\r\n\r\n") else { return Ok(None) };
        let (head, body) = heard.split_at(end + 4);
        let head = std::str::from_utf8(head).map_err(|_| unreadable())?;
        let mut lines = head.split("\r\n");
        let status =
            lines.next().and_then(|line| line.get(9..12)?.parse().ok()).ok_or_else(unreadable)?;
        let length: usize = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok())
            .ok_or_else(unreadable)?;
        let failed = find(body, b"\"Fail\"").is_some();
        Ok((body.len() >= length).then_some(Self { status, failed }))
    }
}
