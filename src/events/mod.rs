//! Events as the world outside knows them: CloudEvents, and the documents that describe them.

mod cloud;
mod document;
mod naming;
mod schemas;
mod seal;

pub use cloud::{CloudEvent, kind_of, read_event};
pub use document::{Broker, write_document};
pub use naming::EventNames;
pub use schemas::{EventDescription, EventSchemas, describe_events};
pub use seal::{OWNER, SEAL, SealError, SealKeys};

use serde_json::Value;
use std::collections::BTreeMap;

/// The documents about the events of a server.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    /// `/asyncapi.json`
    pub asyncapi: String,
    /// `/schemas/{type}.json`, by type.
    pub schemas: BTreeMap<String, String>,
}

impl Documents {
    /// The documents of these events; `further` adds to the first one what else goes over the broker.
    pub fn of(
        events: &[EventDescription],
        names: &EventNames,
        broker: &Broker,
        further: impl FnOnce(&mut Value),
    ) -> Self {
        let text = |value: &Value| format!("{value:#}\n");
        let schemas =
            events.iter().map(|event| (event.kind.clone(), text(&event.schema))).collect();
        let mut asyncapi = write_document(events, names, broker);
        further(&mut asyncapi);
        Self { asyncapi: text(&asyncapi), schemas }
    }
}
