//! A receiver of text messages behind HTTPS, and every way in which it fails.

use serde_json::json;
use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};
use support::{Server, eventually, tls::CertificateFiles};
use tempfile::TempDir;

/// What the receiver does with a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Manner {
    /// Answers a request with this status.
    Answers(u16),
    /// Sends it elsewhere, without TLS.
    Redirects,
    /// Reads it, and says nothing.
    Hangs,
    /// Negotiates nothing.
    HangsBeforeTls,
}

/// What the receiver does, and what it has seen.
#[derive(Default)]
struct Seen {
    connections: usize,
    /// The requests that came, each as its first line.
    requests: Vec<String>,
    /// Connections that wait for ever.
    held: Vec<TcpStream>,
}

struct Receiver {
    port: u16,
    files: CertificateFiles,
    manner: Arc<Mutex<Manner>>,
    seen: Arc<Mutex<Seen>>,
    /// Where redirected requests would come, without TLS.
    elsewhere: TcpListener,
    _directory: TempDir,
}

impl Receiver {
    fn start(manner: Manner) -> Self {
        let directory = TempDir::new().unwrap();
        let files = CertificateFiles::in_directory(directory.path());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let location = format!("http://{}/sms", elsewhere.local_addr().unwrap());
        let manner = Arc::new(Mutex::new(manner));
        let seen = Arc::<Mutex<Seen>>::default();
        let (cert, key) = (files.cert.clone(), files.key.clone());
        let (how, saw) = (Arc::clone(&manner), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                saw.lock().unwrap().connections += 1;
                let manner = *how.lock().unwrap();
                if manner == Manner::HangsBeforeTls {
                    saw.lock().unwrap().held.push(stream);
                    continue;
                }
                // The certificate of now.
                let certificate = holdfast::tls::ServerCertificate::load(&cert, &key).unwrap();
                let session = rustls::ServerConnection::new(certificate.acceptor()).unwrap();
                let held = stream.try_clone().unwrap();
                let mut tls = BufReader::new(rustls::StreamOwned::new(session, stream));
                let Some(line) = read_request(&mut tls) else { continue };
                saw.lock().unwrap().requests.push(line);
                let head = match manner {
                    Manner::Answers(status) => format!("HTTP/1.1 {status} Words\r\n"),
                    Manner::Redirects => {
                        format!("HTTP/1.1 307 Elsewhere\r\nLocation: {location}\r\n")
                    }
                    Manner::Hangs | Manner::HangsBeforeTls => {
                        saw.lock().unwrap().held.push(held);
                        continue;
                    }
                };
                let answer = format!("{head}Content-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = tls.get_mut().write_all(answer.as_bytes());
                tls.get_mut().conn.send_close_notify();
                let _ = tls.get_mut().flush();
            }
        });
        Self { port, files, manner, seen, elsewhere, _directory: directory }
    }

    /// A server whose text messages come here.
    fn server(&self) -> Server {
        let toml = format!(
            "{}[messages]\ngateway = \"webhook\"\nurl = \"https://localhost:{}/sms\"\nsecret = \"c2VjcmV0\"\n\
             timeout_ms = 300\n",
            self.files.trust_section(),
            self.port
        );
        Server::of("ebook", &toml, &[])
    }

    fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    fn requests(&self) -> usize {
        self.seen.lock().unwrap().requests.len()
    }

    fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }
}

/// Reads a request to its end: its first line, if it has come at all.
fn read_request(from: &mut impl BufRead) -> Option<String> {
    let mut lines = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(given) = line.strip_prefix("content-length: ") {
            length = given.parse().unwrap();
        }
        lines.push(line);
    }
    from.read_exact(&mut vec![0; length]).ok()?;
    lines.into_iter().next()
}

/// Orders something that a text message is written for.
fn order(server: &Server) {
    let book = json!({ "bookName": "title01", "rentalFee": 3000 });
    let book = server.post("/books", book).is(201).id();
    let rent = json!({ "userId": 7, "bookId": book, "rentalFee": 3000, "phone": "010-1" });
    server.post("/rents", rent).is(201);
}

fn state(server: &Server) -> String {
    let shown = server.get("/notifications/1");
    shown.body["status"].as_str().unwrap_or_default().to_owned()
}

#[track_caller]
fn is_sent(server: &Server) {
    eventually("it is sent", || (state(server) == "SENT").then_some(()));
}

#[test]
fn a_message_is_sent_over_https() {
    let receiver = Receiver::start(Manner::Answers(200));
    let server = receiver.server();
    order(&server);
    is_sent(&server);
    assert_eq!(receiver.seen.lock().unwrap().requests[0], "post /sms http/1.1");
}

#[test]
fn a_receiver_that_refuses_for_now_or_hangs_gets_the_message_later() {
    for trouble in [Manner::Answers(503), Manner::Hangs, Manner::HangsBeforeTls] {
        let receiver = Receiver::start(trouble);
        let server = receiver.server();
        order(&server);
        eventually("it is tried again", || (receiver.connections() >= 2).then_some(()));
        assert_eq!(state(&server), "QUEUED", "{trouble:?}");
        receiver.behave(Manner::Answers(200));
        is_sent(&server);
    }
}

#[test]
fn a_receiver_that_refuses_for_good_ends_the_message() {
    let receiver = Receiver::start(Manner::Answers(400));
    let server = receiver.server();
    order(&server);
    eventually("it is refused", || (state(&server) == "REFUSED").then_some(()));
    assert_eq!(receiver.requests(), 1);
}

#[test]
fn a_redirect_is_not_followed() {
    let receiver = Receiver::start(Manner::Redirects);
    let server = receiver.server();
    order(&server);
    eventually("it is tried again", || (receiver.requests() >= 2).then_some(()));
    assert_eq!(state(&server), "QUEUED");
    receiver.behave(Manner::Answers(200));
    is_sent(&server);
    // Nothing has come where it was sent to.
    receiver.elsewhere.set_nonblocking(true).unwrap();
    assert!(receiver.elsewhere.accept().is_err());
}

#[test]
fn nothing_is_sent_to_a_receiver_with_a_wrong_certificate() {
    for forge in [CertificateFiles::forge, CertificateFiles::misname] {
        let receiver = Receiver::start(Manner::Answers(200));
        forge(&receiver.files);
        let server = receiver.server();
        order(&server);
        eventually("it is tried again", || (receiver.connections() >= 2).then_some(()));
        assert_eq!((receiver.requests(), state(&server)), (0, "QUEUED".to_owned()));
        receiver.files.renew();
        is_sent(&server);
    }
}
