//! What happens to every request around its handler.

pub mod audience;
pub mod auditing;
pub mod caller;
pub mod connection;
pub mod connection_limit;
pub mod cors;
pub mod form;
pub mod head_scan;
pub mod host;
pub mod node_caller;
pub mod page_headers;
pub mod rate;
pub mod raw_response;
pub mod response_body;
pub mod traced;
pub mod transport;
