//! Messages to people outside: text messages, through the log or a webhook, and alerts.

mod alert_webhook;
mod daily_cap;
mod signed_post;
mod webhook;

pub use alert_webhook::AlertWebhook;
pub use daily_cap::DailyCap;
pub use signed_post::WebhookSettings;
pub use webhook::Webhook;

use crate::actors::{MessageGateway, NotSent, OutboundMessage};
use futures_util::{FutureExt, future::BoxFuture};

/// The name that the cursor in each log is kept under, whichever gateway sends.
pub const SINK: &str = "messages";

/// What is written in place of a telephone and a text.
const MASK: &str = "***";

/// The default: a line in the log for each message.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogSink {
    /// Whether the line has the telephone and the text, which those who run the server read then.
    pub shows_personal: bool,
}

impl MessageGateway for LogSink {
    fn send<'a>(&'a self, message: &'a OutboundMessage) -> BoxFuture<'a, Result<(), NotSent>> {
        let OutboundMessage { context, event, number, saga, .. } = message;
        let shown = |value| if self.shows_personal { value } else { MASK };
        let to = shown(message.to.as_str());
        let text = shown(message.text.as_str());
        tracing::info!(context, %event, number, saga, to, text, "text message");
        std::future::ready(Ok(())).boxed()
    }
}
