//! The span of a request, below the span that its client names.

use crate::{
    api,
    spans::{Span, SpanKind},
};
use actix_web::{HttpMessage, HttpRequest};

/// The `traceparent` of the request's own span.
struct OwnParent(String);

/// The span of a request to a collection, or of one that has a trace already: not of probes and scrapes.
pub fn begin_span(request: &HttpRequest, route: &str, is_business: bool) -> Span {
    let client = client_parent(request);
    if client.is_none() && !is_business {
        return Span::default();
    }
    let method = request.method().as_str();
    let mut span =
        Span::of_request(SpanKind::Server, client.as_deref(), || format!("{method} {route}"));
    if let Some(own) = span.traceparent() {
        span.set("http.request.method", method.to_owned());
        span.set("http.route", route.to_owned());
        span.set("url.path", request.path().to_owned());
        request.extensions_mut().insert(OwnParent(own));
    }
    span
}

/// Says how the request was answered. What the client did wrong is no failure of this span.
pub fn end_span(mut span: Span, status: u16) {
    span.set("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.set("error.type", status.to_string());
        span.fail(format_args!("answered with {status}"));
    }
}

/// What follows from the request has this parent: its own span, or the client's where it has none.
pub fn traceparent(request: &HttpRequest) -> Option<String> {
    own_parent(request).or_else(|| client_parent(request))
}

/// The same, if the request has a span of its own.
pub fn own_parent(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<OwnParent>().map(|OwnParent(own)| own.clone())
}

fn client_parent(request: &HttpRequest) -> Option<String> {
    api::bounded_header(request, "traceparent")
}
