//! An event as a message: a CloudEvent in binary mode.

use crate::{
    actors::RecordedEvent,
    events::{self, EventNames, OWNER, SealError, SealKeys},
};
use lapin::{message::Delivery, types::AMQPValue};
use std::{collections::BTreeMap, sync::Arc};

/// The prefixes that the name of a CloudEvent's attribute may have.
const PREFIXES: [&str; 4] = ["cloudEvents:", "cloudEvents_", "ce-", ""];

/// An acknowledgement that was not sent is an error: the messages are delivered again.
pub fn check_sent(sent: bool) -> lapin::Result<()> {
    if sent { Ok(()) } else { Err(std::io::Error::other("the channel was lost").into()) }
}

/// The headers that are text.
pub fn text_headers(delivery: &Delivery) -> BTreeMap<String, String> {
    let headers = delivery.properties.headers().iter().flat_map(|headers| headers.inner());
    let text = headers.filter_map(|(name, value)| {
        let text = match value {
            AMQPValue::LongString(text) => text.to_string(),
            AMQPValue::ShortString(text) => text.to_string(),
            _ => return None,
        };
        Some((name.to_string(), text))
    });
    text.collect()
}

/// How messages become events.
#[derive(Debug, Clone, Default)]
pub struct EventReader {
    /// How this installation names its events.
    pub names: Arc<EventNames>,
    /// What events of this installation are sealed with; without a key, they are taken without a seal.
    pub keys: SealKeys,
}

/// Why a message is not taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// It is no event that can be read.
    #[error("{0}")]
    Malformed(String),
    /// It claims to be this event, and nothing shows that it is.
    #[error("{why}")]
    Unsealed {
        /// The event that it claims to be.
        event: Box<RecordedEvent>,
        /// What is wrong with its seal.
        why: SealError,
    },
}

impl EventReader {
    /// Reads the event of a delivery.
    pub fn read_delivery(
        &self,
        context: &str,
        delivery: &Delivery,
    ) -> Result<RecordedEvent, ReadError> {
        self.read_event(context, &text_headers(delivery), &delivery.data)
    }

    /// Reads an event from its attributes, with any of the known prefixes, and its data.
    pub fn read_event(
        &self,
        context: &str,
        headers: &BTreeMap<String, String>,
        body: &[u8],
    ) -> Result<RecordedEvent, ReadError> {
        let attribute = |name: &str| {
            PREFIXES.iter().find_map(|prefix| headers.get(&format!("{prefix}{name}")).cloned())
        };
        let data = serde_json::from_slice(body)
            .map_err(|why| ReadError::Malformed(format!("its body is no JSON: {why}")))?;
        let event = events::read_event(context, &self.names, attribute, data)
            .map_err(ReadError::Malformed)?;
        let event = RecordedEvent { owner: headers.get(OWNER).cloned(), ..event };
        match self.keys.check(attribute, body) {
            Ok(()) => Ok(event),
            Err(why) => Err(ReadError::Unsealed { event: Box::new(event), why }),
        }
    }
}
