//! A notification as version 1 stored it, frozen: there was no queue, and what was written counted as sent.

use super::{Id, Rental, Sending, Text, Timestamp};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Notification {
    rental_id: Id<Rental>,
    customer_id: u64,
    phone: Option<String>,
    text: String,
    sent_at: Timestamp,
}

impl From<Notification> for super::Notification {
    fn from(old: Notification) -> Self {
        let Notification { rental_id, customer_id, phone, text, sent_at } = old;
        // What was never written is no message.
        let is_message = !text.is_empty();
        let sending = if is_message { Sending::sent(sent_at) } else { Sending::default() };
        Self { text: Text { rental_id, customer_id, phone, text }, sending }
    }
}
