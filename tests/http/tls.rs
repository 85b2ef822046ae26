//! The server with a certificate: HTTPS for clients, and the certificate is renewed while it runs.

use serde_json::json;
use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
    time::Duration,
};
use support::{Server, eventually, holdfast, tls::CertificateFiles};
use tempfile::TempDir;

/// A server with a certificate, and where that is.
fn encrypted(further: &str) -> (Server, CertificateFiles, TempDir) {
    let directory = TempDir::new().unwrap();
    let files = CertificateFiles::in_directory(directory.path());
    let server = Server::configured(&format!("{}{further}", files.http_section()));
    (server, files, directory)
}

#[test]
fn a_server_with_a_certificate_speaks_https() {
    let (server, ..) = encrypted("");
    assert!(server.url().starts_with("https://127.0.0.1:"), "{}", server.url());
    let created = server.post("/books", json!({"title": "t", "status": true})).is(201);
    assert!(created.header("location").starts_with("https://127.0.0.1:"), "{:?}", created.headers);
    let book = server.get("/books/1").is(200);
    let itself = book["_links"]["self"]["href"].as_str().unwrap();
    assert!(itself.starts_with(server.url()), "{itself}");
    // Large answers, which TLS cuts into records, arrive whole.
    for _ in 0..150 {
        server.post("/books", json!({"title": "t".repeat(200), "status": true})).is(201);
    }
    let all = server.get("/books?size=100").is(200);
    assert_eq!(all["_embedded"]["books"].as_array().unwrap().len(), 100);
}

#[test]
fn browsers_are_asked_to_stay_with_https_but_on_loopback() {
    let (server, files, _directory) = encrypted("");
    assert!(!server.get("/books").is(200).headers.contains_key("strict-transport-security"));
    let open = format!("{}[auth]\nallow_open_beyond_loopback = true\n", files.http_section());
    let outside = Server::at("0.0.0.0:0", "bookrent", &open, &[]);
    assert_eq!(
        outside.get("/books").is(200).header("strict-transport-security"),
        "max-age=31536000"
    );
}

#[test]
fn the_ports_of_contexts_speak_https_too_and_probes_do_not() {
    let directory = TempDir::new().unwrap();
    let files = CertificateFiles::in_directory(directory.path());
    let first = support::free_ports(20);
    let toml = format!(
        "[http]\nprobes = \"127.0.0.1:0\"\n{}[compat]\nports = true\nfirst_port = {first}\n",
        files.http_section()
    );
    let server = Server::configured(&toml);
    let probe = support::raw::exchange(server.probes(), b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(probe.starts_with("HTTP/1.1 200"), "{probe}");
    let answered = (first..first + 20).filter(|port| {
        let client = support::Client::new(format!("https://127.0.0.1:{port}"));
        client.try_get("/livez").is_ok_and(|answer| answer.status == 200)
    });
    assert!(answered.count() > 1);
}

#[test]
fn a_client_that_does_not_negotiate_is_let_go_and_others_are_served() {
    let (server, ..) = encrypted("[http]\nheader_timeout_ms = 200\n");
    let address = server.address().to_owned();
    let mut silent = TcpStream::connect(&address).unwrap();
    let mut garbled = TcpStream::connect(&address).unwrap();
    garbled.write_all(&[0x16, 3, 1, 0, 5, 9, 9, 9, 9, 9]).unwrap();
    for stream in [&mut silent, &mut garbled] {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut received = Vec::new();
        // The connection may be reset; it may not stay open.
        let end = stream.read_to_end(&mut received).map_err(|error| error.kind());
        assert!(!matches!(end, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)), "{end:?}");
        assert!(!String::from_utf8_lossy(&received).contains("HTTP/1.1 200"), "{received:?}");
    }
    server.get("/livez").is(200);
}

#[test]
fn a_client_that_speaks_plain_http_gets_a_text_about_https() {
    let (server, ..) = encrypted("");
    for request in [
        &b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
        b"POST /books HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{",
        b"g",
    ] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(request).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut received = Vec::new();
        let end = stream.read_to_end(&mut received).map_err(|error| error.kind());
        assert!(!matches!(end, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)), "{end:?}");
        let received = String::from_utf8(received).unwrap();
        assert!(received.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{received}");
        assert!(received.contains("content-type: text/plain"), "{received}");
        assert!(
            received.contains("use https://\n") && received.contains("HTTPS로만"),
            "{received}"
        );
    }
    assert_eq!(server.total("books"), 0);
}

#[test]
fn a_signal_to_renew_a_certificate_ends_no_server_that_has_none() {
    let server = Server::start(&[]);
    server.signal("HUP");
    eventually("the log says so", || {
        server.said().contains("no certificate to renew").then_some(())
    });
    server.get("/livez").is(200);
}

#[test]
fn a_signal_to_renew_a_certificate_ends_no_server_that_still_starts() {
    let directory = TempDir::new().unwrap();
    let mut command = holdfast();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(directory.path().join("data"));
    // It waits for a broker that is not there.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    command.env("HOLDFAST_AMQP__URL", format!("amqp://{closed}"));
    command.env("HOLDFAST_AMQP__CONNECT_TIMEOUT_MS", "600000");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("failed to connect to the broker")));
    for signal in ["HUP", "TERM"] {
        let kill = format!("kill -{signal} {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }
    // Of the two it is the second that has ended it.
    assert_eq!(child.wait().unwrap().signal(), Some(15));
}

#[test]
fn a_certificate_is_renewed_while_the_server_runs() {
    let (server, files, _directory) = encrypted("");
    let shown = || server.apart().get("/livez").is(200).certificate.unwrap();
    let first = shown();
    // Its connections stay.
    let open = server.apart();
    open.get("/livez").is(200);
    files.renew();
    assert_eq!(shown(), first, "it is renewed on the signal");
    server.signal("HUP");
    let second =
        eventually("the new certificate is shown", || Some(shown()).filter(|now| *now != first));
    assert_eq!(open.get("/livez").is(200).certificate, Some(first));
    // One that cannot be used changes nothing.
    fs::write(&files.cert, "nonsense").unwrap();
    server.signal("HUP");
    eventually("the log says so", || {
        server.said().contains("failed to renew the certificate").then_some(())
    });
    assert_eq!(shown(), second);
}

#[test]
fn a_certificate_that_cannot_be_used_is_found_by_check_config() {
    let directory = TempDir::new().unwrap();
    let files = CertificateFiles::in_directory(directory.path());
    let other = TempDir::new().unwrap();
    let others = CertificateFiles::in_directory(other.path());
    let empty = directory.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let path = |path: &std::path::Path| path.display().to_string();
    let (cert, key, none) = (path(&files.cert), path(&files.key), path(&empty));
    for (toml, word) in [
        (format!("[http.tls]\ncert = {cert:?}\n"), "http.tls.key"),
        (format!("[http.tls]\nkey = {key:?}\n"), "http.tls.cert"),
        (format!("[http.tls]\ncert = {none:?}\nkey = {key:?}\n"), "empty.pem"),
        (format!("[http.tls]\ncert = \"/nowhere.pem\"\nkey = {key:?}\n"), "/nowhere.pem"),
        (
            format!("[http.tls]\ncert = {cert:?}\nkey = {none:?}\n"),
            "empty.pem: contains no private key",
        ),
        (format!("[http.tls]\ncert = {cert:?}\nkey = {:?}\n", path(&others.key)), "is not the key"),
        (format!("[tls]\nca_file = {none:?}\n"), "tls.ca_file"),
    ] {
        let config = directory.path().join("holdfast.toml");
        fs::write(&config, &toml).unwrap();
        let output =
            holdfast().args(["check-config", "--config", &path(&config)]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{toml}: {said}");
        assert!(said.contains(word), "{toml}: {said}");
    }
}
