//! What carries a connection: TCP, with TLS above it where the server has a certificate.

use actix_web::rt::net::TcpStream;
use rustls::ServerConfig;
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{Accept, TlsAcceptor, server::TlsStream};

/// So many bytes of an answer are kept below TLS for a client that does not read. The rest waits above, where it counts
/// towards `http.unsent_bytes`.
const TLS_BUFFER: usize = 16 * 1024;

/// What carries a connection.
#[derive(Debug)]
pub enum Transport {
    /// TCP alone.
    Plain(TcpStream),
    /// TLS that is negotiated by the first reads, within the time that the first head has.
    Handshake(Box<Handshake>),
    /// TLS.
    Encrypted(Box<TlsStream<TcpStream>>),
    /// TLS that could not be negotiated.
    Failed,
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
                let accept = TlsAcceptor::from(Arc::clone(tls)).accept_with(stream, |session| {
                    session.set_buffer_limit(Some(TLS_BUFFER));
                });
                Self::Handshake(Box::new(Handshake(accept)))
            }
        }
    }

    /// Lets the kernel drop what it has buffered when the connection closes.
    pub fn drop_unsent(&self) {
        let stream = match self {
            Self::Plain(stream) => Some(stream),
            Self::Handshake(handshake) => handshake.0.get_ref(),
            Self::Encrypted(stream) => Some(stream.get_ref().0),
            Self::Failed => None,
        };
        let _ = stream.map(TcpStream::set_zero_linger);
    }

    /// Negotiates, if that is not done.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
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
            Self::Handshake(_) | Self::Failed => Poll::Ready(Ok(())),
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
            Self::Handshake(_) | Self::Failed => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(context),
            // Nothing has been written yet.
            Self::Handshake(_) | Self::Failed => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Handshake(_) | Self::Failed => Poll::Ready(Ok(())),
        }
    }
}
