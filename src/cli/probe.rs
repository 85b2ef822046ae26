//! Probes a server, where no other program can: in an image of nothing but the server.

use crate::app::{Failure, print_text};
use clap::Args;
use reqwest::Url;
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// How long the server may take to be reached, and to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest answer that is read.
const LONGEST: u64 = 64 * 1024;

#[derive(Debug, Args)]
pub struct Probe {
    /// URL of the probe, without TLS; with a certificate, that of a listener for probes.
    #[arg(default_value = "http://127.0.0.1:8088/readyz")]
    url: String,
}

impl Probe {
    /// Prints what the server answers.
    ///
    /// # Errors
    /// [`Failure::Usage`] for a URL that is none, [`Failure::Failed`] unless the answer is a success.
    pub fn run(self) -> Result<(), Failure> {
        let url: Url = self.url.parse().map_err(|why| self.refuse(&why))?;
        if url.scheme() != "http" {
            return Err(self.refuse(&"expected `http://`"));
        }
        let answer = ask_server(&url).map_err(|why| Failure::Failed(format!("{url}: {why}")))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let line = head.lines().next().unwrap_or_default();
        if line.split(' ').nth(1).is_some_and(|status| status.starts_with('2')) {
            return print_text(&format!("{}\n", body.trim_end()));
        }
        Err(Failure::Failed(format!("{url}: {line}: {}", body.trim_end())))
    }

    fn refuse(&self, why: &dyn std::fmt::Display) -> Failure {
        Failure::Usage(format!("`{}` is no URL of a probe: {why}", self.url))
    }
}

fn ask_server(url: &Url) -> io::Result<String> {
    let addresses = url.socket_addrs(|| None)?;
    let nowhere = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let address = addresses.first().ok_or_else(nowhere)?;
    let mut stream = TcpStream::connect_timeout(address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let path = url.path();
    let host = url.host_str().unwrap_or_default();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let request =
        format!("GET {path}{query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
