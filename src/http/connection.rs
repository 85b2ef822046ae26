//! A client's connection. What is no request at all is answered below any handler, with a bare status: here it gets
//! the problem that every error has.

use crate::inbound::Problem;
use actix_web::rt::{
    net::TcpStream,
    time::{Sleep, sleep},
};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
};

/// How long a client that is turned away may go on talking. Closing on unread bytes would reset the connection, and
/// take the answer with it.
pub const LINGER: Duration = Duration::from_secs(1);
/// More than the head of such an answer has.
const HEAD: usize = 256;

/// A connection, to which such an answer is the last word.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    refusal: Option<Refusal>,
    open: Open,
}

/// How many connections are open.
#[derive(Debug, Clone)]
pub struct Open(Arc<watch::Sender<usize>>);

impl Default for Open {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Open {
    /// Resolves when none is.
    pub async fn none(&self) {
        let _ = self.0.subscribe().wait_for(|open| *open == 0).await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.open.0.send_modify(|open| *open -= 1);
    }
}

#[derive(Debug)]
struct Refusal {
    /// What is to be written yet.
    rest: Vec<u8>,
    written: bool,
    linger: Pin<Box<Sleep>>,
}

impl Connection {
    /// One that is counted among those that are `open`.
    pub fn new(stream: TcpStream, open: Open) -> Self {
        open.0.send_modify(|open| *open += 1);
        Self { stream, refusal: None, open }
    }
}

impl Refusal {
    /// Writes what is left, closes that half, and hears the client out.
    fn poll_told(&mut self, stream: &mut TcpStream, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            let written = ready!(Pin::new(&mut *stream).poll_write(context, &self.rest))?;
            self.rest.drain(..written);
        }
        if !self.written {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
            self.written = true;
        }
        let mut unheard = [0; 8192];
        while self.linger.as_mut().poll(context).is_pending() {
            let mut into = ReadBuf::new(&mut unheard);
            let heard = ready!(Pin::new(&mut *stream).poll_read(context, &mut into));
            if heard.is_err() || into.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// What stands for `written` if it ends in an answer that no handler has given. Those have no body; ours all have one.
fn refusal(written: &[u8]) -> Option<Vec<u8>> {
    if !written.ends_with(b"\r\n\r\n") {
        return None;
    }
    let near = written.len().saturating_sub(HEAD);
    let head = near + written.get(near..)?.windows(7).rposition(|at| at == b"HTTP/1.")?;
    let (before, head) = written.split_at_checked(head)?;
    let head = std::str::from_utf8(head).ok()?;
    let (status, fields) = head.split_once("\r\n")?;
    let problem = match status.get(9..12)? {
        "400" => Problem::new("bad-request", "this is not HTTP as it is spoken here", "올바른 HTTP 요청이 아닙니다"),
        "408" => Problem::new("request-timeout", "the headers came too slowly", "헤더가 너무 늦게 도착했습니다"),
        "431" => Problem::new("headers-too-large", "the headers are too large", "헤더가 너무 큽니다"),
        _ => return None,
    };
    let fields = fields.strip_prefix("content-length: 0\r\n")?;
    let date = fields.split("\r\n").find(|field| field.starts_with("date:"))?;
    let (media, body) = problem.answer("", &()).content?;
    let length = body.len();
    let head = format!(
        "{status}\r\ncontent-length: {length}\r\ncontent-type: {media}\r\ncontent-language: en\r\n\
         x-content-type-options: nosniff\r\nconnection: close\r\n{date}\r\n\r\n"
    );
    Some([before, head.as_bytes(), &body].concat())
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { stream, refusal: refused, .. } = &mut *self;
        if refused.is_none() {
            let Some(rest) = refusal(bytes) else { return Pin::new(stream).poll_write(context, bytes) };
            *refused = Some(Refusal { rest, written: false, linger: Box::pin(sleep(LINGER)) });
        }
        if let Some(refusal) = refused {
            ready!(refusal.poll_told(stream, context))?;
        }
        // Whatever else there was to say, nobody hears it.
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.refusal.is_some() {
            true => Poll::Ready(Ok(())),
            false => Pin::new(&mut self.stream).poll_shutdown(context),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}
