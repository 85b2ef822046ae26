//! How browsers are to treat pages: whose scripts they run, who may frame them, what they say of themselves to others.

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderName, HeaderValue},
};

/// Below these paths lie pages, and the scripts and styles that they are made of.
const PAGES: [&str; 2] = ["/docs", "/pages"];

/// Scripts, styles and requests are those of the server itself. Swagger UI has its icons in its style sheet.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; object-src 'none'; base-uri 'none'",
);
/// Only pages of the server itself learn from where a request comes.
const REFERRER_POLICY: HeaderValue = HeaderValue::from_static("same-origin");
/// Windows of other origins cannot reach into a page.
const OPENER_POLICY: HeaderValue = HeaderValue::from_static("same-origin");

const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");

/// Adds the headers that restrict a page, if `response` to a request for `path` is one or belongs to one.
pub fn restrict_page(path: &str, response: &mut HttpResponse) {
    let is_below = |pages: &str| {
        path.strip_prefix(pages).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let below = PAGES.iter().any(|pages| is_below(pages));
    let media_type = response.headers().get(header::CONTENT_TYPE);
    let is_html =
        media_type.is_some_and(|media_type| media_type.as_bytes().starts_with(b"text/html"));
    if !below && !is_html {
        return;
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    headers.insert(header::REFERRER_POLICY, REFERRER_POLICY);
    headers.insert(CROSS_ORIGIN_OPENER_POLICY, OPENER_POLICY);
}
