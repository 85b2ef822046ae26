//! Events as the world outside knows them: CloudEvents, and the documents that describe them.

mod cloud;
mod document;
mod schemas;

pub use cloud::{CloudEvent, SCHEMA_BASE, kind_of, source_of};
pub use document::{Broker, document};
pub use schemas::{Described, describe};
