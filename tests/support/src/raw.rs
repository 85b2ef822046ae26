//! Bytes on a socket, for what no proper client would send.

use serde_json::Value;
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Sends bytes and reads until the server closes the connection. The answer of a server that closes it early is read
/// all the same.
pub fn exchange(address: &str, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let _ = socket.write_all(bytes);
    let mut heard = Vec::new();
    let mut part = [0; 4096];
    while let Ok(length @ 1..) = socket.read(&mut part) {
        heard.extend_from_slice(&part[..length]);
    }
    String::from_utf8_lossy(&heard).into_owned()
}

/// The status of the first answer in it.
pub fn status_of(heard: &str) -> Option<u16> {
    heard.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

/// The problem that the first answer in it is.
#[track_caller]
pub fn problem_of(heard: &str) -> Value {
    let (head, rest) = heard.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {heard}"));
    let head = head.to_lowercase();
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    assert_eq!(field("content-type"), Some("application/problem+json"), "{heard}");
    let length: usize = field("content-length").expect("it says how long it is").parse().unwrap();
    let problem: Value = serde_json::from_str(&rest[..length]).unwrap();
    assert_eq!(problem["status"].as_u64(), status_of(heard).map(u64::from), "{heard}");
    problem
}
