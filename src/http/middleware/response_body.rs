//! Hands answers over in chunks: the dispatcher below copies each piece at once, for every client that does not read. A
//! request is active until its answer has been handed over or dropped.

use crate::http::middleware::connection_limit::{ActiveRequest, ConnectionSlot};
use actix_web::{
    Error,
    body::{BodySize, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    web::Bytes,
};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// The largest chunk.
pub const CHUNK: usize = 16 * 1024;

/// A body in chunks.
#[derive(Debug)]
pub struct Chunked<B> {
    body: Pin<Box<B>>,
    rest: Bytes,
    /// Whether no other answer shares the bytes.
    is_unique: bool,
    active: Option<ActiveRequest>,
}

/// Marks the connection of `request` as active.
pub fn begin_request(request: &ServiceRequest) -> Option<ActiveRequest> {
    let headers = request.headers();
    let has_body = headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    let slot = Arc::clone(request.conn_data::<Arc<ConnectionSlot>>()?);
    Some(ActiveRequest::begin(slot, has_body))
}

/// The answer with its body in chunks; `active` ends with it.
pub fn send_chunked<B: MessageBody>(
    answer: Result<ServiceResponse<B>, Error>,
    active: Option<ActiveRequest>,
) -> Result<ServiceResponse<Chunked<B>>, Error> {
    let chunked =
        |body| Chunked { body: Box::pin(body), rest: Bytes::new(), is_unique: false, active };
    Ok(answer?.map_body(|_, body| chunked(body)))
}

impl<B: MessageBody> MessageBody for Chunked<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, B::Error>>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            match ready!(this.body.as_mut().poll_next(context)) {
                Some(Ok(piece)) => {
                    this.is_unique = piece.is_unique();
                    this.rest = piece;
                }
                end => return Poll::Ready(end),
            }
        }
        let chunk = this.rest.split_to(this.rest.len().min(CHUNK));
        if let Some(active) = this.active.as_mut().filter(|_| this.is_unique) {
            active.set_unsent_body(this.rest.len());
        }
        Poll::Ready(Some(Ok(chunk)))
    }
}
