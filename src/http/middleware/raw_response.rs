//! The last answer to a client that is turned away below any handler.

use crate::api::{Problem, ProblemTypes};
use actix_web::{
    http::{StatusCode, header::HttpDate},
    rt::time::{Sleep, sleep},
};
use std::{
    fmt::Write,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long a client that is turned away may go on sending. Closing with unread bytes would reset the connection, and the
/// client would lose the answer.
pub const LINGER: Duration = Duration::from_secs(1);
/// More than the head of an answer that no handler gave.
const MAX_BARE_HEAD: usize = 256;

/// An answer on its way, after which the connection closes.
#[derive(Debug)]
pub struct RawResponse {
    unwritten: Vec<u8>,
    is_shut_down: bool,
    linger: Pin<Box<Sleep>>,
}

impl RawResponse {
    pub fn new(problem: Problem, types: &ProblemTypes) -> Self {
        Self::from_bytes(to_bytes(problem, types))
    }

    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { unwritten: bytes, is_shut_down: false, linger: Box::pin(sleep(LINGER)) }
    }

    /// Writes what is left, closes that half, and reads until the client closes too; all of it within [`LINGER`].
    pub fn poll_send(
        &mut self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.linger.is_elapsed() || self.linger.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        while !self.unwritten.is_empty() {
            let written = ready!(Pin::new(&mut *stream).poll_write(context, &self.unwritten))?;
            self.unwritten.drain(..written);
        }
        if !self.is_shut_down {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
            self.is_shut_down = true;
        }
        let mut ignored = [0; 8192];
        loop {
            let mut into = ReadBuf::new(&mut ignored);
            let read = ready!(Pin::new(&mut *stream).poll_read(context, &mut into));
            if read.is_err() || into.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// A problem as an answer after which the connection closes.
pub fn to_bytes(problem: Problem, types: &ProblemTypes) -> Vec<u8> {
    let answer = problem.into_answer("", &(), types);
    let status = StatusCode::from_u16(answer.status).ok();
    let reason = status.and_then(|status| status.canonical_reason()).unwrap_or_default();
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", answer.status);
    let (media_type, body) = answer.content.unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = write!(head, "content-length: {}\r\ncontent-type: {media_type}\r\n", body.len());
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

/// What to write in place of `written`, if that ends in an answer that no handler gave: those have no body, ours all have
/// one. `head_limit`: how many bytes the head of a request may have.
pub fn replace_response(
    written: &[u8],
    head_limit: usize,
    types: &ProblemTypes,
) -> Option<Vec<u8>> {
    if !written.ends_with(b"\r\n\r\n") {
        return None;
    }
    let tail = written.len().saturating_sub(MAX_BARE_HEAD);
    let head = tail + written.get(tail..)?.windows(7).rposition(|at| at == b"HTTP/1.")?;
    let (before, head) = written.split_at_checked(head)?;
    let head = std::str::from_utf8(head).ok()?;
    let (status, fields) = head.split_once("\r\n")?;
    let problem = match status.get(9..12)? {
        "400" => Problem::new(
            "bad-request",
            "the request is not valid HTTP/1.1",
            "올바른 HTTP/1.1 요청이 아닙니다",
        ),
        "431" => Problem::large_head(head_limit),
        _ => return None,
    };
    fields
        .starts_with("content-length: 0\r\n")
        .then(|| [before, &to_bytes(problem, types)].concat())
}
