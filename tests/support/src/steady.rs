//! Clients that go on sending plain requests over connections that they keep, whatever happens to the server. They repeat
//! nothing, so a request that is not answered has failed.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Clients that create books until [`Steady::finish`].
pub struct Steady {
    ended: Arc<AtomicBool>,
    created: Arc<AtomicU64>,
    failures: Arc<Mutex<Vec<String>>>,
    clients: Vec<JoinHandle<Vec<u64>>>,
}

impl Steady {
    /// Begins with `clients` clients at `address`; every second one pauses between its requests.
    pub fn begin(address: &str, clients: u64) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let created = Arc::new(AtomicU64::new(0));
        let failures = Arc::new(Mutex::new(Vec::new()));
        let clients = (0..clients).map(|name| {
            let address = address.to_owned();
            let ended = Arc::clone(&ended);
            let created = Arc::clone(&created);
            let failures = Arc::clone(&failures);
            thread::spawn(move || {
                let mut books = Vec::new();
                let mut connection = None;
                for n in 0.. {
                    if ended.load(Ordering::Relaxed) {
                        break;
                    }
                    match create_book(&address, &mut connection, &format!("{name}-{n}")) {
                        Ok(book) => {
                            books.push(book);
                            created.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(why) => {
                            connection = None;
                            failures.lock().unwrap().push(format!("{name}-{n}: {why}"));
                        }
                    }
                    if name % 2 == 1 {
                        thread::sleep(Duration::from_millis(5 * name));
                    }
                }
                books
            })
        });
        let clients = clients.collect();
        Self { ended, created, failures, clients }
    }

    /// How many books have been created so far.
    pub fn created(&self) -> u64 {
        self.created.load(Ordering::Relaxed)
    }

    /// Ends, with the numbers of all books that were created. No request may have failed.
    #[track_caller]
    pub fn finish(self) -> Vec<u64> {
        self.ended.store(true, Ordering::Relaxed);
        let books = self.clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        let failures = self.failures.lock().unwrap();
        assert!(failures.is_empty(), "{} failed: {failures:#?}", failures.len());
        books
    }
}

/// Creates a book over `connection`, or over a new one; the connection stays if its answer allows that.
fn create_book(
    address: &str,
    connection: &mut Option<BufReader<TcpStream>>,
    title: &str,
) -> Result<u64, String> {
    let is_new = connection.is_none();
    let failed = |why: std::io::Error| {
        format!("over a {} connection: {why}", if is_new { "new" } else { "kept" })
    };
    let mut stream = match connection.take() {
        Some(kept) => kept,
        None => {
            let stream = TcpStream::connect(address).map_err(failed)?;
            stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
            stream.set_nodelay(true).map_err(failed)?;
            BufReader::new(stream)
        }
    };
    let body = format!("{{\"title\":\"{title}\"}}");
    let request = format!(
        "POST /books HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.get_mut().write_all(request.as_bytes()).map_err(failed)?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).map_err(failed)? == 0 {
            return Err(failed(std::io::ErrorKind::UnexpectedEof.into()));
        }
    }
    let field = |name: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value))
    };
    let length = field("content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.ok_or_else(|| format!("it has no length: {head}"))?];
    stream.read_exact(&mut body).map_err(failed)?;
    if !head.starts_with("HTTP/1.1 201 ") {
        return Err(format!("{head}{}", String::from_utf8_lossy(&body)));
    }
    let location = field("location").and_then(|at| at.rsplit('/').next()?.parse().ok());
    if field("connection") != Some("close") {
        *connection = Some(stream);
    }
    location.ok_or_else(|| format!("it has no location: {head}"))
}
