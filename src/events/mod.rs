//! Events as the world outside knows them: CloudEvents, and the documents that describe them.

mod cloud;
mod document;
mod schemas;

pub use cloud::{CloudEvent, SCHEMA_BASE, kind_of, read, source_of};
pub use document::{Broker, document};
pub use schemas::{Described, Events, describe};

use serde_json::Value;
use std::collections::BTreeMap;

/// What a server says of its events.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    /// `/asyncapi.json`
    pub asyncapi: String,
    /// `/schemas/{type}.json`, by type.
    pub schemas: BTreeMap<String, String>,
}

impl Documents {
    /// The documents of these events.
    pub fn of(events: &[Described], broker: &Broker) -> Self {
        let text = |value: &Value| format!("{value:#}\n");
        let schemas = events.iter().map(|event| (event.kind.clone(), text(&event.schema))).collect();
        Self { asyncapi: text(&document(events, broker)), schemas }
    }
}
