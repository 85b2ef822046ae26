//! A client that does with its connection what it likes.

use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    process::Command,
};
use support::{DEADLINE, Server, eventually};

/// Opens as many files as the test may, which has both ends of many connections.
pub fn raise_limit() {
    holdfast::limits::raise_open_files().unwrap();
}

pub struct Connection {
    stream: TcpStream,
    heard: Vec<u8>,
}

/// An answer.
pub struct Heard {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}{}", self.head, String::from_utf8_lossy(&self.body));
        self
    }

    /// It is a problem with this code.
    #[track_caller]
    pub fn refuses(self, status: u16, code: &str) -> Self {
        let heard = self.is(status);
        assert_eq!(heard.field("content-type"), "application/problem+json", "{}", heard.head);
        assert_eq!(heard.json()["code"], code);
        assert_eq!(heard.json()["status"], status);
        heard
    }

    pub fn field(&self, name: &str) -> &str {
        let name = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&name)).unwrap_or_default()
    }
}

/// The text of a request.
pub fn text(method: &str, path: &str, body: &str) -> String {
    let about = match body {
        "" => String::new(),
        body => format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()),
    };
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{about}\r\n{body}")
}

impl Connection {
    pub fn to(address: &str) -> Self {
        Self::try_to(address).unwrap()
    }

    pub fn try_to(address: &str) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(DEADLINE)).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self { stream, heard: Vec::new() })
    }

    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// The same connection once more, to read while something is sent.
    pub fn again(&self) -> Self {
        Self { stream: self.stream.try_clone().unwrap(), heard: Vec::new() }
    }

    pub fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    /// Sends as much as is taken without waiting.
    pub fn stuff(&mut self, text: &str) {
        self.stream.set_nonblocking(true).unwrap();
        let _ = self.stream.write(text.as_bytes());
        self.stream.set_nonblocking(false).unwrap();
    }

    pub fn end(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    fn more(&mut self) -> bool {
        let mut part = [0; 16 * 1024];
        match self.stream.read(&mut part) {
            Ok(0) => false,
            Ok(read) => {
                self.heard.extend_from_slice(&part[..read]);
                true
            }
            Err(why)
                if why.kind() == std::io::ErrorKind::ConnectionReset && self.heard.is_empty() =>
            {
                false
            }
            Err(why) => panic!("{why}"),
        }
    }

    /// The next answer, or `None` where the connection has ended in between.
    pub fn hear(&mut self) -> Option<Heard> {
        let end = loop {
            if let Some(end) = self.heard.windows(4).position(|at| at == b"\r\n\r\n") {
                break end + 4;
            }
            if !self.more() {
                assert!(
                    self.heard.is_empty(),
                    "an answer breaks off: {}",
                    String::from_utf8_lossy(&self.heard)
                );
                return None;
            }
        };
        let head = String::from_utf8(self.heard.drain(..end).collect()).unwrap();
        let status = head[9..12].parse().unwrap();
        let head = head.to_lowercase();
        let mut heard = Heard { status, head, body: Vec::new() };
        let length: usize = heard.field("content-length").parse().unwrap_or(0);
        while self.heard.len() < length {
            assert!(self.more(), "an answer breaks off");
        }
        heard.body = self.heard.drain(..length).collect();
        Some(heard)
    }

    /// One request, and its answer.
    #[track_caller]
    pub fn ask(&mut self, method: &str, path: &str, body: &str) -> Heard {
        self.say(&text(method, path, body));
        self.hear().expect("there is an answer")
    }

    /// So many, each with a request under way that takes `millis`: a rent whose book is slow to answer.
    pub fn busy(server: &Server, connections: u64, millis: u64) -> Vec<Self> {
        let books: Vec<_> = (0..connections).map(|_| server.register_book("title")).collect();
        server.delay("bookrent.book", millis, millis);
        let rent = |book| {
            let body = json!({"bookId": book, "userId": 1, "address": "a"});
            let mut connection = Self::to(server.address());
            connection.say(&text("POST", "/rents", &body.to_string()));
            connection
        };
        let busy = books.into_iter().map(rent).collect();
        let waiting = "holdfast_saga_waiting{context=\"bookrent.rent\"}";
        let all_wait = || (metric(server.probes(), waiting) == connections).then_some(());
        eventually("all are busy", all_wait);
        busy
    }

    /// The same where the server may have closed the connection before.
    pub fn try_ask(&mut self, method: &str, path: &str, body: &str) -> Option<Heard> {
        self.stream.write_all(text(method, path, body).as_bytes()).ok()?;
        self.hear()
    }

    /// The server has closed it, and properly.
    #[track_caller]
    pub fn has_ended(&mut self) {
        if let Some(heard) = self.hear() {
            panic!("{}", heard.head);
        }
    }

    /// The server closes it, whatever it still had to say.
    pub fn ends(&mut self) {
        let mut part = [0; 64 * 1024];
        loop {
            match self.stream.read(&mut part) {
                Ok(0) => return,
                Err(why) => {
                    assert_ne!(why.kind(), std::io::ErrorKind::WouldBlock, "it is not closed");
                    return;
                }
                Ok(_) => {}
            }
        }
    }
}

/// How often that is in the metrics of the server at `address`.
pub fn metric(address: &str, name: &str) -> u64 {
    let heard = Connection::to(address).ask("GET", "/metrics", "").is(200);
    let text = String::from_utf8(heard.body).unwrap();
    let line =
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

/// Its resident memory, in MiB.
pub fn resident(server: &Server) -> u64 {
    let pages = std::fs::read_to_string(format!("/proc/{}/statm", server.pid())).unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4 / 1024
}

/// A launcher that lowers the limit of open files.
pub fn with_files(limit: u32) -> Vec<String> {
    ["sh", "-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\"")].map(Into::into).into()
}

/// Whether a command ends with this code, and prints that word.
#[track_caller]
pub fn refuses(command: &mut Command, code: i32, words: &[&str]) {
    let output = support::run(command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word} is missing in {said}");
    }
}
