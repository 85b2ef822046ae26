//! Text messages to people outside: the port is [`Sink`], and behind it is a log or a webhook of whoever sends them.

mod webhook;

pub use webhook::{Webhook, WebhookSettings};

use crate::actors::{OutboundMessage, Sink};
use futures_util::{FutureExt, future::BoxFuture};

/// Under which name the place in each log is kept, whichever adapter is behind.
pub const SINK: &str = "messages";

/// The default: a line in the log for each message, for somebody to read or to send on.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogSink;

impl Sink<OutboundMessage> for LogSink {
    fn take<'a>(
        &'a self,
        _context: &'static str,
        items: &'a [(u64, OutboundMessage)],
    ) -> BoxFuture<'a, Result<usize, String>> {
        for (_, message) in items {
            let OutboundMessage { context, event, number, saga, to, text, .. } = message;
            let to = to.as_deref().unwrap_or("unknown");
            tracing::info!(context, %event, number, saga, to, text, "a text message");
        }
        std::future::ready(Ok(items.len())).boxed()
    }
}
