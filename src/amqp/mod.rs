//! The bridge to RabbitMQ. [`ManagedConnection`] keeps one connection up, for whoever needs it; [`Publisher`] sends events over it;
//! [`EventConsumer`] takes those of other nodes from this node's own queues; [`owner`] sees to it that a context has one owner;
//! and [`Commands`] takes commands.

mod commands;
mod described;
mod entrance;
mod feed;
mod lease;
mod letters;
mod link;
mod message;
pub mod owner;
mod publisher;

pub use commands::{COMMANDS, CommandConsumer, DEAD_COMMANDS};
pub use described::describe_commands;
pub use entrance::{CommandDispatcher, Limits};
pub use feed::{EventConsumer, EventConsumerSettings};
pub use lease::Lease;
pub use letters::DeadLetterConsumer;
pub use link::{ConnectionSettings, ManagedConnection};
pub use publisher::{Publisher, PublisherSettings};

use lapin::{
    Channel, ErrorKind, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueDeclareOptions},
    protocol::AMQPErrorKind,
    types::{AMQPValue, FieldTable},
};

/// Under which name the place in each log is kept.
pub const SINK: &str = "amqp";

/// Whether `url` is an address that can be connected to.
///
/// # Errors
/// What is wrong with it, in words without its password.
pub fn check_url(url: &str) -> Result<(), String> {
    use lapin::uri::{AMQPScheme, AMQPUri};
    match url.parse::<AMQPUri>() {
        Ok(uri) if uri.scheme == AMQPScheme::AMQP => Ok(()),
        Ok(_) => Err("this build speaks amqp:// only".into()),
        Err(why) => Err(why),
    }
}

/// Declares an exchange that outlives the broker.
async fn declare_exchange(
    channel: &Channel,
    exchange: &str,
    kind: ExchangeKind,
) -> lapin::Result<()> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(exchange.into(), kind, durable, FieldTable::default()).await
}

/// Declares a durable queue that a majority of the broker's nodes keeps.
async fn declare_queue(
    channel: &Channel,
    queue: &str,
    arguments: &[(&str, AMQPValue)],
) -> lapin::Result<()> {
    let mut table = FieldTable::default();
    table.insert("x-queue-type".into(), text("quorum"));
    for (name, value) in arguments {
        table.insert((*name).into(), value.clone());
    }
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), durable, table).await.map(drop)
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

/// Whether only the channel is gone, and its connection stands.
fn is_channel_error(why: &lapin::Error) -> bool {
    matches!(why.kind(), ErrorKind::ProtocolError(why) if matches!(why.kind(), AMQPErrorKind::Soft(_)))
}
