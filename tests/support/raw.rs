//! Bytes on a socket, for what no proper client would send.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Sends bytes and reads until the server closes the connection. A server that closes it early is heard all the same.
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
