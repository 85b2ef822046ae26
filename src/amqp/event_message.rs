//! An event as a message: a CloudEvent in binary mode.

use crate::{
    actors::RecordedEvent,
    events::{self, EventNames},
};
use lapin::{message::Delivery, types::AMQPValue};
use std::collections::BTreeMap;

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

/// Reads the event of a delivery.
pub fn read_delivery(
    context: &str,
    names: &EventNames,
    delivery: &Delivery,
) -> Result<RecordedEvent, String> {
    read_event(context, names, &text_headers(delivery), &delivery.data)
}

/// Reads an event from its attributes, with any of the known prefixes, and its data.
pub fn read_event(
    context: &str,
    names: &EventNames,
    headers: &BTreeMap<String, String>,
    body: &[u8],
) -> Result<RecordedEvent, String> {
    let attribute = |name: &str| {
        PREFIXES.iter().find_map(|prefix| headers.get(&format!("{prefix}{name}")).cloned())
    };
    let data = serde_json::from_slice(body).map_err(|why| format!("its body is no JSON: {why}"))?;
    events::read_event(context, names, attribute, data)
}
