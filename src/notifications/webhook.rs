//! A webhook for text messages.

use super::signed_post::{SignedPost, WebhookSettings};
use crate::actors::{MessageGateway, NotSent, OutboundMessage};
use futures_util::{FutureExt, future::BoxFuture};
use serde_json::json;

/// Posts each message to a gateway that sends it.
#[derive(Debug, Clone)]
pub struct Webhook(SignedPost);

impl Webhook {
    /// A webhook; nothing is sent yet.
    ///
    /// # Errors
    /// The words for a client that cannot be set up.
    pub fn new(settings: WebhookSettings) -> Result<Self, String> {
        Ok(Self(SignedPost::new(settings)?))
    }

    async fn post_message(&self, message: &OutboundMessage) -> Result<(), NotSent> {
        let OutboundMessage { context, event, number, at, saga, to, text } = message;
        let id = format!("{context}-{event}");
        let data = json!({ "context": context, "number": number, "correlationId": saga, "to": to, "text": text });
        let body = json!({ "type": "text-message", "timestamp": at.to_string(), "data": data });
        self.0.post(&id, body.to_string()).await
    }
}

impl MessageGateway for Webhook {
    fn send<'a>(&'a self, message: &'a OutboundMessage) -> BoxFuture<'a, Result<(), NotSent>> {
        self.post_message(message).boxed()
    }
}
