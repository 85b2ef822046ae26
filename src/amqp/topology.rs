//! Exchanges and queues: their names, and how they are declared.

use lapin::{
    Channel, ErrorKind, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueDeclareOptions},
    protocol::AMQPErrorKind,
    types::{AMQPValue, FieldTable},
};

/// The name under which the cursor in each log is stored.
pub const SINK: &str = "amqp";
/// The exchange for commands, with the name of a context as the key. The context's queue has this
/// name, a dot and the context's name.
pub const COMMANDS: &str = "holdfast.commands";
/// The exchange and the queue for commands that failed and have no reply address.
pub const DEAD_COMMANDS: &str = "holdfast.commands.dead";

/// Whether events can be published to an exchange of this name.
///
/// # Errors
/// What keeps them from it.
pub fn check_exchange(name: &str) -> Result<(), &'static str> {
    if name.len() > 255 {
        return Err("has more than 255 bytes");
    }
    if name.starts_with("amq.") {
        return Err("begins with `amq.`, which is the broker's own");
    }
    if [COMMANDS, DEAD_COMMANDS].contains(&name) {
        return Err("is the exchange of commands");
    }
    Ok(())
}

/// The dead-letter queue of a node.
pub fn dead_letter_queue(node: &str) -> String {
    format!("holdfast.dead.{node}")
}

/// Declares the dead-letter queue of a node.
pub async fn declare_dead_letter_queue(channel: &Channel, node: &str) -> lapin::Result<()> {
    let arguments = [("x-overflow", text_value("reject-publish"))];
    declare_queue(channel, &dead_letter_queue(node), &arguments).await
}

/// Declares an exchange that outlives the broker.
pub async fn declare_exchange(
    channel: &Channel,
    exchange: &str,
    kind: ExchangeKind,
) -> lapin::Result<()> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(exchange.into(), kind, durable, FieldTable::default()).await
}

/// Declares a durable queue that a majority of the broker's nodes keeps.
pub async fn declare_queue(
    channel: &Channel,
    queue: &str,
    arguments: &[(&str, AMQPValue)],
) -> lapin::Result<()> {
    let mut table = FieldTable::default();
    table.insert("x-queue-type".into(), text_value("quorum"));
    for (name, value) in arguments {
        table.insert((*name).into(), value.clone());
    }
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), durable, table).await.map(drop)
}

pub fn text_value(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

/// Whether only the channel is lost, and its connection is still up.
pub fn is_channel_error(why: &lapin::Error) -> bool {
    matches!(why.kind(), ErrorKind::ProtocolError(why) if matches!(why.kind(), AMQPErrorKind::Soft(_)))
}
