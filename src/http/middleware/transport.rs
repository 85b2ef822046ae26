//! What carries a connection: TCP, with TLS above it where the server has a certificate.

use super::raw_response::RawResponse;
use actix_web::rt::net::TcpStream;
use rustls::ServerConfig;
use std::{
    io, net,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{Accept, TlsAcceptor, server::TlsStream};

/// So many bytes of an answer are kept below TLS for a client that does not read. The rest waits above, where it counts
/// towards `http.unsent_bytes`.
const TLS_BUFFER: usize = 16 * 1024;

/// The answer to HTTP without TLS. Its sender need not understand problems.
const PLAIN: &str = concat!(
    "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 108\r\n",
    "connection: close\r\n\r\n",
    "This port speaks HTTPS: use https://\n",
    "이 포트는 HTTPS로만 응답합니다. https://를 사용하세요\n",
);

/// What carries a connection.
#[derive(Debug)]
pub enum Transport {
    /// TCP alone.
    Plain(TcpStream),
    /// Nothing has come yet: what comes first shows whether it is TLS.
    Awaiting(Box<Awaiting>),
    /// TLS that is negotiated by the first reads, within the time that the first head has.
    Handshake(Box<Handshake>),
    /// TLS.
    Encrypted(Box<TlsStream<TcpStream>>),
    /// HTTP without TLS, which is answered and closed.
    Refused(Box<Refused>),
    /// TLS that could not be negotiated.
    Failed,
}

/// A connection on which nothing has come.
#[derive(Debug)]
pub struct Awaiting {
    stream: Option<TcpStream>,
    tls: Arc<ServerConfig>,
}

/// A connection that is turned away, and the answer to it.
#[derive(Debug)]
pub struct Refused {
    stream: TcpStream,
    answer: RawResponse,
}

/// A negotiation.
pub struct Handshake(Accept<TcpStream>);

impl std::fmt::Debug for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handshake")
    }
}

impl Transport {
    /// What carries the connection of `stream`; with `tls` it is negotiated.
    pub fn new(stream: TcpStream, tls: Option<&Arc<ServerConfig>>) -> Self {
        match tls {
            None => Self::Plain(stream),
            Some(tls) => {
                let tls = Arc::clone(tls);
                Self::Awaiting(Box::new(Awaiting { stream: Some(stream), tls }))
            }
        }
    }

    /// Looks at the first byte, and leaves it there: a record of TLS begins with no letter, a request of HTTP with one.
    fn poll_first_byte(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self::Awaiting(awaiting) = self else { return Poll::Ready(Ok(())) };
        let mut first = [0; 1];
        if let Some(stream) = &awaiting.stream {
            ready!(stream.poll_peek(context, &mut ReadBuf::new(&mut first)))?;
        }
        let Some(stream) = awaiting.stream.take() else {
            *self = Self::Failed;
            return Poll::Ready(Ok(()));
        };
        *self = if first[0].is_ascii_alphabetic() {
            let answer = RawResponse::from_bytes(PLAIN.as_bytes().to_vec());
            Self::Refused(Box::new(Refused { stream, answer }))
        } else {
            let tls = Arc::clone(&awaiting.tls);
            let accept = TlsAcceptor::from(tls).accept_with(stream, |session| {
                session.set_buffer_limit(Some(TLS_BUFFER));
            });
            Self::Handshake(Box::new(Handshake(accept)))
        };
        Poll::Ready(Ok(()))
    }

    /// Gives up a connection of TCP alone; it is not closed.
    pub fn take_plain(&mut self) -> Option<net::TcpStream> {
        match std::mem::replace(self, Self::Failed) {
            Self::Plain(stream) => stream.into_std().ok(),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Lets the kernel drop what it has buffered when the connection closes.
    pub fn drop_unsent(&self) {
        let stream = match self {
            Self::Plain(stream) => Some(stream),
            Self::Awaiting(awaiting) => awaiting.stream.as_ref(),
            Self::Refused(refused) => Some(&refused.stream),
            Self::Handshake(handshake) => handshake.0.get_ref(),
            Self::Encrypted(stream) => Some(stream.get_ref().0),
            Self::Failed => None,
        };
        let _ = stream.map(TcpStream::set_zero_linger);
    }

    /// Negotiates, if that is not done.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_first_byte(context))?;
        let Self::Handshake(handshake) = self else { return Poll::Ready(Ok(())) };
        let negotiated = ready!(Pin::new(&mut handshake.0).poll(context));
        let negotiated = negotiated.map(|stream| *self = Self::Encrypted(Box::new(stream)));
        Poll::Ready(negotiated.inspect_err(|error| {
            tracing::debug!(%error, "failed to negotiate TLS");
            *self = Self::Failed;
        }))
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_ready(context))?;
        match this {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Self::Encrypted(stream) => Pin::new(stream).poll_read(context, into),
            // A read of nothing is the end of the stream.
            Self::Refused(refused) => refused.answer.poll_send(&mut refused.stream, context),
            Self::Awaiting(_) | Self::Handshake(_) | Self::Failed => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_ready(context))?;
        match this {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Encrypted(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Awaiting(_) | Self::Handshake(_) | Self::Refused(_) | Self::Failed => {
                Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(context),
            // Nothing has been written yet.
            Self::Awaiting(_) | Self::Handshake(_) | Self::Refused(_) | Self::Failed => {
                Poll::Ready(Ok(()))
            }
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Awaiting(_) | Self::Handshake(_) | Self::Refused(_) | Self::Failed => {
                Poll::Ready(Ok(()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_plain_http_is_as_long_as_it_says() {
        let (head, body) = PLAIN.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
    }
}
