//! A request and its answer, over any transport.

use crate::identity::Principal;
use std::sync::Arc;

/// A request to a collection or to an item, without its body.
#[derive(Debug)]
pub struct ApiRequest<'a, H> {
    /// `PATCH`
    pub method: &'a str,
    /// The headers.
    pub headers: &'a H,
    /// What precedes paths in links: `http://localhost:8088`, or nothing.
    pub base: &'a str,
    /// The path of the collection with its system.
    pub path: &'a str,
    /// The path of the collection as the client wrote it.
    pub collection: &'a str,
    /// The rest of the path.
    pub rest: &'a str,
    /// What it belongs to in the client's trace: a `traceparent`.
    pub traceparent: Option<String>,
    /// Who sends it, if it is known.
    pub principal: Option<Arc<Principal>>,
}

/// The header that says how the order has ended that a command concerns.
pub const OUTCOME: &str = "holdfast-outcome";

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status, over any transport.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The media type and the body, if there is one.
    pub content: Option<(&'static str, Vec<u8>)>,
    /// The customer whose the thing is: for the audit alone.
    pub owner: Option<Arc<str>>,
}
