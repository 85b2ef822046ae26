//! A client's connection: what is read from it and when, and what is written to it.
//!
//! The dispatcher of actix reads as much as there is and buffers answers for as long as it takes. This layer below it adds
//! the bounds: a request waits until the one before it is answered, a head has a size and a deadline, and an answer that
//! the client does not read has a deadline too. What is not HTTP is answered below any handler with a bare status; this
//! layer replaces that by a problem.

use crate::{
    actors::Fault,
    api::{Problem, ProblemTypes},
    http::{
        drain::PassedConnection,
        middleware::{
            connection_limit::{ConnectionLimit, ConnectionSlot, Signal},
            head_scan::HeadScan,
            raw_response::{RawResponse, replace_response},
            transport::Transport,
        },
    },
    sync,
};
use actix_web::rt::time::{Sleep, sleep};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many blank lines are passed on at a time: after one a request may begin, and the next request has to wait for its
/// answer. A body may contain any number of them.
const BLANK_LINES: usize = 1;
const BLANK_LINES_OF_BODY: usize = 32;
/// A client that has read so many bytes gets the full time again for the next ones.
const WRITE_PROGRESS: usize = 16 * 1024;

/// The bounds of a connection.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// How long a head may take from its first byte; the first head, from the start of the connection.
    pub head_time: Duration,
    /// The largest head.
    pub head: usize,
    /// The longest request target.
    pub uri: usize,
    /// How long a client may leave an answer unread.
    pub write_time: Duration,
    /// The types of the problems that are answered here.
    pub problem_types: ProblemTypes,
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    transport: Transport,
    slot: Arc<ConnectionSlot>,
    bounds: Bounds,
    connections: Arc<ConnectionLimit>,
    /// The name of the port where it was accepted.
    port: Arc<str>,
    /// The last answer, after which the connection closes.
    last_response: Option<RawResponse>,
    head_deadline: Option<Pin<Box<Sleep>>>,
    write_deadline: Option<Pin<Box<Sleep>>>,
    /// Bytes that the client has read since that deadline was set.
    written: usize,
    /// What has been received and not passed on yet.
    buffer: Vec<u8>,
    /// How much of the buffer is passed on.
    consumed: usize,
    scan: HeadScan,
    /// Whether the dispatcher wanted to read and has to wait for an answer.
    read_pending: bool,
    /// Requests that had begun at the last flush.
    requests: u64,
}

impl Connection {
    /// Admits a client, or answers that the server is busy.
    pub fn new(
        transport: Transport,
        connections: &Arc<ConnectionLimit>,
        bounds: Bounds,
        port: &Arc<str>,
    ) -> Self {
        let (slot, last_response) = match connections.admit_connection() {
            Some(slot) => (slot, None),
            None => {
                let busy = Problem::from(Fault::Busy { retry_after: Duration::from_secs(1) });
                (connections.refused_slot(), Some(RawResponse::new(busy, &bounds.problem_types)))
            }
        };
        Self {
            transport,
            slot,
            head_deadline: Some(Box::pin(sleep(bounds.head_time))),
            bounds,
            connections: Arc::clone(connections),
            port: Arc::clone(port),
            last_response,
            write_deadline: None,
            written: 0,
            buffer: Vec::new(),
            consumed: 0,
            scan: HeadScan::default(),
            read_pending: false,
            requests: 0,
        }
    }

    /// The slot, through which other threads see the connection.
    pub fn slot(&self) -> Arc<ConnectionSlot> {
        Arc::clone(&self.slot)
    }

    /// Passes on what has been received, as much as the bounds allow.
    fn poll_more(
        &mut self,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let awaits_body = self.slot.awaits_body();
        let blank_lines = if awaits_body { BLANK_LINES_OF_BODY } else { BLANK_LINES };
        let limit = if self.slot.discards_body() { usize::MAX } else { self.bounds.head };
        let head_limit = (!self.slot.is_active()).then_some(limit);
        let buffered = self.buffer.get(self.consumed..).unwrap_or_default();
        if !buffered.is_empty() {
            let fitting = buffered.get(..into.remaining()).unwrap_or(buffered);
            let taken = self.scan.take_bytes(fitting, blank_lines, head_limit);
            into.put_slice(fitting.get(..taken).unwrap_or_default());
            self.consumed += taken;
            if self.consumed == self.buffer.len() {
                self.buffer = Vec::new();
                self.consumed = 0;
            }
            if taken == 0 {
                // The dispatcher has to look at what it has before it gets more.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(Ok(()));
        }
        let before = into.filled().len();
        ready!(Pin::new(&mut self.transport).poll_read(context, into))?;
        let received = into.filled().get(before..).unwrap_or_default();
        let taken = self.scan.take_bytes(received, blank_lines, head_limit);
        if taken < received.len() {
            self.buffer = received.get(taken..).unwrap_or_default().to_vec();
            into.set_filled(before + taken);
            if taken == 0 {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Closes to admit another connection, or because the server stops, unless a request has just arrived.
    fn poll_close(
        &mut self,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let has_begun = self.slot.awaits_body() || self.scan.head > 0;
        if has_begun && self.connections.is_draining() {
            // There is no hurry to make room: head and body have the time that they always have.
            self.connections.keep_open(&self.slot);
            return Pin::new(self).poll_read(context, into);
        }
        if self.leave_to_successor() {
            return Poll::Ready(Ok(()));
        }
        if self.slot.is_active() && !self.slot.awaits_body() {
            self.connections.keep_open(&self.slot);
            self.read_pending = true;
            return Poll::Pending;
        }
        if !self.slot.is_active() && self.scan.head == 0 {
            let before = into.filled().len();
            match self.poll_more(context, into) {
                Poll::Ready(Ok(())) if into.filled().len() > before => {
                    self.connections.keep_open(&self.slot);
                }
                Poll::Ready(Err(why)) => return Poll::Ready(Err(why)),
                _ => {}
            }
        }
        // A read of nothing is the end of the stream.
        Poll::Ready(Ok(()))
    }

    /// Leaves a connection of which nothing has been read that is not answered to the process that takes over, if there is one.
    fn leave_to_successor(&mut self) -> bool {
        let is_idle = self.slot.is_idle() && !self.slot.discards_body() && self.scan.head == 0;
        let Some(to) = self.connections.leave_to().filter(|_| is_idle && self.buffer.is_empty())
        else {
            return false;
        };
        let left = self.transport.take_plain();
        if let Some(stream) = left {
            sync::lock(&to).push(PassedConnection { port: self.port.to_string(), stream });
            return true;
        }
        false
    }

    /// At the end of a round of the dispatcher: updates the slot and the deadlines.
    fn end_round(&mut self, context: &mut Context<'_>) {
        self.write_deadline = None;
        self.scan.blank_lines = 0;
        let requests = self.slot.request_count();
        if requests != self.requests {
            self.requests = requests;
            self.scan.begin_head();
            self.head_deadline = None;
        }
        self.slot.mark_flushed();
        if !self.slot.is_active() && self.scan.head > 0 {
            // The rest of a body that is discarded is no head; only the deadline applies to it.
            if let Some(problem) = self.find_oversize().filter(|_| !self.slot.discards_body()) {
                self.last_response = Some(RawResponse::new(problem, &self.bounds.problem_types));
                context.waker().wake_by_ref();
                return;
            }
            if self.head_deadline.is_none() {
                let mut deadline = Box::pin(sleep(self.bounds.head_time));
                // Polling registers the waker.
                let _ = deadline.as_mut().poll(context);
                self.head_deadline = Some(deadline);
            }
        }
        if self.read_pending && self.slot.may_read() {
            self.read_pending = false;
            context.waker().wake_by_ref();
        }
    }

    /// What is wrong with the size of the head so far.
    fn find_oversize(&self) -> Option<Problem> {
        if self.scan.has_request_line {
            let is_over = self.scan.head >= self.bounds.head;
            return is_over.then(|| Problem::large_head(self.bounds.head));
        }
        let line_limit = self.bounds.uri.saturating_add(64).min(self.bounds.head);
        (self.scan.head > line_limit).then(|| Problem::long_uri(self.bounds.uri))
    }

    fn abort_connection(&mut self) -> io::Error {
        self.connections.count_aborted();
        self.transport.drop_unsent();
        io::Error::new(io::ErrorKind::TimedOut, "the client does not read")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.remove(&self.slot);
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(response) = &mut this.last_response {
            // Nothing more is read.
            return response.poll_send(&mut this.transport, context);
        }
        this.slot.waker.register(context.waker());
        match this.slot.signal() {
            Signal::KeepOpen => {}
            Signal::Close => return this.poll_close(context, into),
            Signal::Abort => return Poll::Ready(Err(this.abort_connection())),
        }
        if this.write_deadline.is_some() || !this.slot.may_read() {
            this.read_pending = true;
            return Poll::Pending;
        }
        let deadline = this.head_deadline.as_mut();
        if deadline.is_some_and(|deadline| deadline.as_mut().poll(context).is_ready()) {
            this.head_deadline = None;
            if !this.slot.is_active() {
                if this.slot.discards_body() {
                    return Poll::Ready(Ok(()));
                }
                let types = &this.bounds.problem_types;
                this.last_response = Some(RawResponse::new(Problem::slow_head(), types));
                return Pin::new(this).poll_read(context, into);
            }
        }
        this.poll_more(context, into)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.last_response.is_none() {
            let Some(problem) =
                replace_response(bytes, this.bounds.head, &this.bounds.problem_types)
            else {
                return this.poll_send(context, bytes);
            };
            this.last_response = Some(RawResponse::from_bytes(problem));
        }
        if let Some(response) = &mut this.last_response {
            ready!(response.poll_send(&mut this.transport, context))?;
        }
        // Anything after the last response is dropped.
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Below TLS something may be left that the client has not read.
        match Pin::new(&mut this.transport).poll_flush(context) {
            Poll::Pending if this.last_response.is_none() => this.wait_for_client(context, 0),
            flushed => {
                if this.last_response.is_none() {
                    this.end_round(context);
                }
                flushed
            }
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.last_response {
            Some(response) => response.poll_send(&mut this.transport, context),
            None => Pin::new(&mut this.transport).poll_shutdown(context),
        }
    }
}

impl Connection {
    fn poll_send(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.slot.signal() == Signal::Abort {
            return Poll::Ready(Err(self.abort_connection()));
        }
        match Pin::new(&mut self.transport).poll_write(context, bytes) {
            Poll::Ready(Ok(written)) => {
                self.written += written;
                Poll::Ready(Ok(written))
            }
            Poll::Ready(Err(why)) => Poll::Ready(Err(why)),
            Poll::Pending => self.wait_for_client(context, bytes.len()),
        }
    }

    /// Waits until the client reads, as long as it may take; `unsent` bytes are not written yet.
    fn wait_for_client<T>(
        &mut self,
        context: &mut Context<'_>,
        unsent: usize,
    ) -> Poll<io::Result<T>> {
        self.slot.waker.register(context.waker());
        self.connections.mark_blocked(&self.slot, unsent);
        if self.written >= WRITE_PROGRESS || self.write_deadline.is_none() {
            self.written = 0;
            self.write_deadline = Some(Box::pin(sleep(self.bounds.write_time)));
        }
        let deadline = self.write_deadline.as_mut();
        if deadline.is_some_and(|deadline| deadline.as_mut().poll(context).is_ready()) {
            return Poll::Ready(Err(self.abort_connection()));
        }
        Poll::Pending
    }
}
