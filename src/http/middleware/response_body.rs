//! Answers in portions: below, whatever is handed over in one piece is copied at once, for each client that does not
//! read. And a request is under way until its answer has been handed over, or given up.

use crate::http::middleware::admission::{Stay, UnderWay};
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

/// What is handed over at a time.
pub const PORTION: usize = 16 * 1024;

/// A body in portions.
#[derive(Debug)]
pub struct Portions<B> {
    body: Pin<Box<B>>,
    rest: Bytes,
    /// Whether nobody else has the same bytes.
    is_own: bool,
    under_way: Option<UnderWay>,
}

/// A request begins.
pub fn begin(request: &ServiceRequest) -> Option<UnderWay> {
    let headers = request.headers();
    let has_body = headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    Some(UnderWay::begin(Arc::clone(request.conn_data::<Arc<Stay>>()?), has_body))
}

/// The answer to it.
pub fn answered<B: MessageBody>(
    answer: Result<ServiceResponse<B>, Error>,
    under_way: Option<UnderWay>,
) -> Result<ServiceResponse<Portions<B>>, Error> {
    let portions =
        |body| Portions { body: Box::pin(body), rest: Bytes::new(), is_own: false, under_way };
    Ok(answer?.map_body(|_, body| portions(body)))
}

impl<B: MessageBody> MessageBody for Portions<B> {
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
                Some(Ok(piece)) => (this.is_own, this.rest) = (piece.is_unique(), piece),
                end => return Poll::Ready(end),
            }
        }
        let portion = this.rest.split_to(this.rest.len().min(PORTION));
        if let Some(under_way) = this.under_way.as_mut().filter(|_| this.is_own) {
            under_way.left(this.rest.len());
        }
        Poll::Ready(Some(Ok(portion)))
    }
}
