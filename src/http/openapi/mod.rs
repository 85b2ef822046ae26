//! The API document (OpenAPI 3.1), from the contexts that run and the table of fixed routes.

pub(crate) mod backups;
mod collection;
mod components;
mod document;
pub(crate) mod identities;
pub(crate) mod operations;
pub(crate) mod problem_page;
pub(crate) mod sagas;
mod security;

pub use document::write_document;
