//! Holdfast: a rental and reservation server.
//!
//! | module | what |
//! |---|---|
//! | [`domain`] | the words: aggregates, events, policies, asks, views. Pure |
//! | [`systems`] | the businesses, a folder each, a file a context. Pure |
//! | [`store`] | trees of rows: one batch a turn, durable in groups |
//! | [`actors`] | the runtime, which knows no business |
//! | [`api`] | one request, over any transport: routing, headers, command, problem |
//! | [`http`] | REST for any aggregate and view, health, metrics, administration |
//! | [`cluster`] | the way to other nodes, over HTTP |
//! | [`events`] | CloudEvents, and the documents that describe them |
//! | [`credentials`] | what verifies API keys and tokens |
//! | [`audit`] | who did what |
//! | [`sagas`] | what contexts still owe, for those who run the server |
//! | [`backups`] | backups of a running server |
//! | [`amqp`] | the bridge to RabbitMQ |
//! | [`notifications`] | text messages to people outside |
//! | [`board`] | the drawing of a system's board, derived from its code |
//! | [`limits`] | what the operating system lets the process have |
//! | [`config`] | the configuration, a file a section |
//! | [`app`] | the composition root: settings, parts, the running server |
//! | [`lab`] | the fault lab |
//! | [`tls`] | the certificate that is shown, the authorities that are trusted |
//! | [`cli`], [`telemetry`] | the command line, its logs |

// The attributes of context files name this crate from outside.
extern crate self as holdfast;

pub mod actors;
pub mod amqp;
pub mod api;
pub mod app;
pub mod audit;
pub mod backups;
pub mod board;
mod bounded;
pub mod cli;
mod client_errors;
pub mod cluster;
pub mod config;
pub mod credentials;
pub mod domain;
mod durations;
pub mod events;
pub mod http;
pub mod identity;
pub mod lab;
pub mod limits;
pub mod notifications;
mod pages;
pub mod reference;
pub mod sagas;
mod shares;
pub mod spans;
pub mod store;
mod suggestion;
mod sync;
pub mod systems;
pub mod telemetry;
pub mod tls;
