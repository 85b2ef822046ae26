//! What stands around every handler.

pub mod admission;
pub mod connection;
pub mod cors;
pub mod raw_response;
pub mod response_body;
