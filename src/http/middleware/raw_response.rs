//! The last word to a client that is turned away below any handler.

use crate::api::Problem;
use actix_web::{
    http::{StatusCode, header::HttpDate},
    rt::{
        net::TcpStream,
        time::{Sleep, sleep},
    },
};
use std::{
    fmt::Write,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long a client that is turned away may go on talking. Closing on unread bytes would reset the connection, and
/// take the answer with it.
pub const LINGER: Duration = Duration::from_secs(1);
/// More than the head of such an answer has.
const HEAD: usize = 256;

/// The last word, on its way.
#[derive(Debug)]
pub struct Refusal {
    /// What is to be written yet.
    rest: Vec<u8>,
    written: bool,
    linger: Pin<Box<Sleep>>,
}

impl Refusal {
    /// A problem as the last word.
    pub fn of(problem: Problem) -> Self {
        Self::of_bytes(words(problem))
    }

    /// These bytes as the last word.
    pub fn of_bytes(rest: Vec<u8>) -> Self {
        Self { rest, written: false, linger: Box::pin(sleep(LINGER)) }
    }

    /// Writes what is left, closes that half, and hears the client out; all of it takes no longer than [`LINGER`].
    pub fn poll_told(
        &mut self,
        stream: &mut TcpStream,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.linger.is_elapsed() || self.linger.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        while !self.rest.is_empty() {
            let written = ready!(Pin::new(&mut *stream).poll_write(context, &self.rest))?;
            self.rest.drain(..written);
        }
        if !self.written {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
            self.written = true;
        }
        let mut unheard = [0; 8192];
        loop {
            let mut into = ReadBuf::new(&mut unheard);
            let heard = ready!(Pin::new(&mut *stream).poll_read(context, &mut into));
            if heard.is_err() || into.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// A problem as an answer after which the connection closes.
pub fn words(problem: Problem) -> Vec<u8> {
    let answer = problem.answer("", &());
    let reason =
        StatusCode::from_u16(answer.status).ok().and_then(|status| status.canonical_reason());
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason.unwrap_or_default());
    let (media, body) = answer.content.unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = write!(head, "content-length: {}\r\ncontent-type: {media}\r\n", body.len());
    for (name, value) in &answer.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let date = HttpDate::from(SystemTime::now());
    let _ = write!(
        head,
        "x-content-type-options: nosniff\r\nconnection: close\r\ndate: {date}\r\n\r\n"
    );
    [head.as_bytes(), &body].concat()
}

/// What stands for `written` if it ends in an answer that no handler has given. Those have no body; ours all have one.
/// `head_limit`: how many bytes the head of a request may have.
pub fn refusal(written: &[u8], head_limit: usize) -> Option<Vec<u8>> {
    if !written.ends_with(b"\r\n\r\n") {
        return None;
    }
    let near = written.len().saturating_sub(HEAD);
    let head = near + written.get(near..)?.windows(7).rposition(|at| at == b"HTTP/1.")?;
    let (before, head) = written.split_at_checked(head)?;
    let head = std::str::from_utf8(head).ok()?;
    let (status, fields) = head.split_once("\r\n")?;
    let problem = match status.get(9..12)? {
        "400" => Problem::new(
            "bad-request",
            "this is not HTTP as it is spoken here",
            "올바른 HTTP 요청이 아닙니다",
        ),
        "431" => Problem::large_head(head_limit),
        _ => return None,
    };
    fields.starts_with("content-length: 0\r\n").then(|| [before, &words(problem)].concat())
}
