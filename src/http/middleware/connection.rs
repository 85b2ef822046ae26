//! A client's connection: what is read from it, at which pace, and what is written to it.
//!
//! Below is a dispatcher that reads as much as there is and keeps what it has to say for as long as it takes. So it is
//! here that a request waits until the one before it is answered, that a head has a size and a time, that what is not
//! read has an end, and that what is no request at all, which is answered below any handler with a bare status, gets
//! the problem that every error has.

use crate::{
    actors::Fault,
    api::Problem,
    http::middleware::{
        admission::{Crowd, Stay, Told},
        raw_response::{Refusal, refusal},
    },
};
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
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many blank lines are handed on at a time. Behind one a request may begin, and the next is to wait for its
/// answer; a body may have any number of them.
const BLANKS: usize = 1;
const BLANKS_OF_BODY: usize = 32;
/// A client that reads so many bytes has the whole time again for the next ones.
const PACE: usize = 16 * 1024;

/// What a connection may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How long a head may take from its first byte on, and the first one from the connection on.
    pub head_time: Duration,
    /// The largest head.
    pub head: usize,
    /// The longest address in it.
    pub uri: usize,
    /// How long a client may leave an answer unread.
    pub write_time: Duration,
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    stay: Arc<Stay>,
    bounds: Bounds,
    refusal: Option<Refusal>,
    /// When the client is too late with a head.
    late: Option<Pin<Box<Sleep>>>,
    /// When the client is too late with reading.
    blocked: Option<Pin<Box<Sleep>>>,
    /// What it has read since that time was set.
    moved: usize,
    /// What has come, and is not handed on yet.
    kept: Vec<u8>,
    /// How much of that is.
    from: usize,
    scan: Scan,
    /// Whether somebody wanted to read, and was to wait for an answer.
    denied: bool,
    /// Requests that had begun when that was last looked at.
    requests: u64,
}

/// What has been seen of a head.
#[derive(Debug, Default)]
struct Scan {
    /// Whether the last byte but carriage returns was a line's end.
    ended: bool,
    /// Blank lines since the last round.
    blanks: usize,
    /// Bytes of the head so far.
    head: usize,
    /// Whether its first line has ended.
    has_line: bool,
}

impl Scan {
    /// How many of `bytes` may be handed on, of a head that may have `room` more.
    fn take(&mut self, bytes: &[u8], blanks: usize, room: Option<usize>) -> usize {
        for (place, byte) in bytes.iter().enumerate() {
            let is_blank = *byte == b'\n' && self.ended;
            let of_head = self.blanks == 0 && room.is_some();
            if (is_blank && self.blanks >= blanks)
                || (of_head && room.is_some_and(|most| self.head >= most))
            {
                return place;
            }
            self.head += usize::from(of_head);
            self.blanks += usize::from(is_blank);
            match byte {
                b'\n' => (self.ended, self.has_line) = (true, self.has_line || self.head > 2),
                b'\r' => {}
                _ => self.ended = false,
            }
        }
        bytes.len()
    }

    /// A request has begun: what comes next is another head.
    fn begin(&mut self) {
        (self.head, self.has_line) = (0, false);
    }
}

impl Connection {
    /// A connection among those of `crowd`, or, where that has no room, the word that it has none.
    pub fn new(stream: TcpStream, crowd: &Arc<Crowd>, bounds: Bounds) -> Self {
        let (stay, refusal) = match crowd.enter() {
            Some(stay) => (stay, None),
            None => {
                let busy = Problem::from(Fault::Busy { retry_after: Duration::from_secs(1) });
                (crowd.stranger(), Some(Refusal::of(busy)))
            }
        };
        Self {
            stream,
            stay,
            bounds,
            refusal,
            late: Some(Box::pin(sleep(bounds.head_time))),
            blocked: None,
            moved: 0,
            kept: Vec::new(),
            from: 0,
            scan: Scan::default(),
            denied: false,
            requests: 0,
        }
    }

    /// What others see of it.
    pub fn stay(&self) -> Arc<Stay> {
        Arc::clone(&self.stay)
    }

    /// Hands on what has come, as much as may be.
    fn poll_more(
        &mut self,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let blanks = if self.stay.is_hungry() { BLANKS_OF_BODY } else { BLANKS };
        let most = if self.stay.is_stale() { usize::MAX } else { self.bounds.head };
        let room = (!self.stay.is_under_way()).then_some(most);
        let waits = self.kept.get(self.from..).unwrap_or_default();
        if !waits.is_empty() {
            let near = waits.get(..into.remaining()).unwrap_or(waits);
            let taken = self.scan.take(near, blanks, room);
            into.put_slice(near.get(..taken).unwrap_or_default());
            self.from += taken;
            if self.from == self.kept.len() {
                (self.kept, self.from) = (Vec::new(), 0);
            }
            if taken == 0 {
                // In the next round, when what was handed on in this one has been looked at.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(Ok(()));
        }
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        let come = into.filled().get(before..).unwrap_or_default();
        let taken = self.scan.take(come, blanks, room);
        if taken < come.len() {
            self.kept = come.get(taken..).unwrap_or_default().to_vec();
            into.set_filled(before + taken);
            if taken == 0 {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Makes room for another one, unless a request has just come.
    fn poll_leave(
        &mut self,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stay.is_under_way() && !self.stay.is_hungry() {
            self.stay.keep();
            self.denied = true;
            return Poll::Pending;
        }
        if !self.stay.is_under_way() && self.scan.head == 0 {
            let before = into.filled().len();
            match self.poll_more(context, into) {
                Poll::Ready(Ok(())) if into.filled().len() > before => self.stay.keep(),
                Poll::Ready(Err(why)) => return Poll::Ready(Err(why)),
                _ => {}
            }
        }
        // With nothing in it, it is the end.
        Poll::Ready(Ok(()))
    }

    /// At the end of a round: what has become of what was handed on.
    fn look(&mut self, context: &mut Context<'_>) {
        self.blocked = None;
        self.scan.blanks = 0;
        let requests = self.stay.requests();
        if requests != self.requests {
            self.requests = requests;
            self.scan.begin();
            self.late = None;
        }
        self.stay.settle();
        if !self.stay.is_under_way() && self.scan.head > 0 {
            let over = match self.scan.has_line {
                true => self.scan.head >= self.bounds.head,
                false => self.scan.head > self.bounds.uri.saturating_add(64).min(self.bounds.head),
            };
            // What is left of a body that nobody wants is no head, and has its time only.
            if over && !self.stay.is_stale() {
                let problem = match self.scan.has_line {
                    true => Problem::large_head(self.bounds.head),
                    false => Problem::long_uri(self.bounds.uri),
                };
                self.refuse(problem, context);
                return;
            }
            if self.late.is_none() {
                let mut late = Box::pin(sleep(self.bounds.head_time));
                // It has just been set; this is how it comes to know whom to wake.
                let _ = late.as_mut().poll(context);
                self.late = Some(late);
            }
        }
        if self.denied && self.stay.may_read() {
            self.denied = false;
            context.waker().wake_by_ref();
        }
    }

    fn refuse(&mut self, problem: Problem, context: &mut Context<'_>) {
        self.refusal = Some(Refusal::of(problem));
        context.waker().wake_by_ref();
    }

    fn break_off(&mut self) -> io::Error {
        self.stay.broken();
        // What waits in the kernel goes too.
        let _ = self.stream.set_zero_linger();
        io::Error::new(io::ErrorKind::TimedOut, "the client does not read")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.stay.gone();
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(refusal) = &mut this.refusal {
            // Then there is nothing more to read.
            return refusal.poll_told(&mut this.stream, context);
        }
        this.stay.waker.register(context.waker());
        match this.stay.told() {
            Told::Stay => {}
            Told::Leave => return this.poll_leave(context, into),
            Told::Break => return Poll::Ready(Err(this.break_off())),
        }
        if this.blocked.is_some() || !this.stay.may_read() {
            this.denied = true;
            return Poll::Pending;
        }
        if this.late.as_mut().is_some_and(|late| late.as_mut().poll(context).is_ready()) {
            this.late = None;
            if !this.stay.is_under_way() {
                if this.stay.is_stale() {
                    return Poll::Ready(Ok(()));
                }
                this.refusal = Some(Refusal::of(Problem::slow_head()));
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
        if this.refusal.is_none() {
            let Some(rest) = refusal(bytes, this.bounds.head) else {
                return this.poll_send(context, bytes);
            };
            this.refusal = Some(Refusal::of_bytes(rest));
        }
        if let Some(refusal) = &mut this.refusal {
            ready!(refusal.poll_told(&mut this.stream, context))?;
        }
        // Whatever else there was to say, nobody hears it.
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.refusal.is_none() {
            this.look(context);
        }
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.refusal {
            Some(refusal) => refusal.poll_told(&mut this.stream, context),
            None => Pin::new(&mut this.stream).poll_shutdown(context),
        }
    }
}

impl Connection {
    fn poll_send(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.stay.told() == Told::Break {
            return Poll::Ready(Err(self.break_off()));
        }
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Ready(Ok(written)) => {
                self.moved += written;
                Poll::Ready(Ok(written))
            }
            Poll::Ready(Err(why)) => Poll::Ready(Err(why)),
            Poll::Pending => {
                self.stay.waker.register(context.waker());
                self.stay.block(bytes.len());
                if self.moved >= PACE || self.blocked.is_none() {
                    self.moved = 0;
                    self.blocked = Some(Box::pin(sleep(self.bounds.write_time)));
                }
                match self
                    .blocked
                    .as_mut()
                    .is_some_and(|late| late.as_mut().poll(context).is_ready())
                {
                    true => Poll::Ready(Err(self.break_off())),
                    false => Poll::Pending,
                }
            }
        }
    }
}
