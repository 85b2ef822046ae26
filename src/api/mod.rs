//! Commands on their way in, whatever brings them. An adapter makes a [`Request`] of what it has received, finds the door
//! that is meant, and sends the [`Answer`] back; everything between is here, so that it is the same for all of them.

mod command;
pub mod description;
mod hal;
mod headers;
mod problem;
mod routing;
pub mod schema;

pub use command::command;
pub use hal::{base, media, splice};
pub use headers::{Headers, json, media_type, text};
pub use problem::Problem;
pub use routing::{Collection, Door, PathTarget, Paths, RouteMatch, door, methods, place};

use serde::Serialize;
use std::fmt::Debug;

/// A request to a collection or to what is in it, without its body.
#[derive(Debug)]
pub struct Request<'a, H> {
    /// `PATCH`
    pub method: &'a str,
    /// What is said beside the body.
    pub headers: &'a H,
    /// What stands before the paths in links: `http://localhost:8088`, or nothing.
    pub base: &'a str,
    /// The path of the collection with its system.
    pub path: &'a str,
    /// The same as the client wrote it.
    pub collection: &'a str,
    /// What follows it.
    pub rest: &'a str,
}

/// What is said to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// As in HTTP, whatever carries it.
    pub status: u16,
    /// What is said beside the body: names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The media type and the body, if there is one.
    pub content: Option<(&'static str, Vec<u8>)>,
}

/// An adapter beside the one that operators ask how everything is doing.
pub trait Ingress: Debug + Send + Sync {
    /// How it is doing.
    fn health(&self) -> IngressHealth;
}

/// How an adapter is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IngressHealth {
    /// Its name: `commands`.
    pub inlet: &'static str,
    /// Whether commands can come in by it.
    pub up: bool,
    /// `connected`, `blocked`, `away`.
    pub state: &'static str,
    /// Why they cannot.
    pub error: Option<String>,
    /// How many replies have been sent.
    pub answered: u64,
    /// How many replies nobody waited for any more.
    pub unroutable: u64,
    /// How many commands nobody could be told the refusal of.
    pub rejected: u64,
    /// How often it had to connect anew.
    pub reconnects: u64,
}
