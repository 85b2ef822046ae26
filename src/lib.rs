//! Holdfast: a rental and reservation server.
//!
//! | module | what |
//! |---|---|
//! | [`domain`] | the words: aggregates, events, policies, asks, views. Pure |
//! | [`systems`] | the businesses, a folder each, a file a context. Pure |
//! | [`store`] | trees of rows: one batch a turn, durable in groups |

pub mod actors;
pub mod domain;
pub mod http;
pub mod store;
pub mod systems;
