//! The bridge to RabbitMQ. [`Link`] keeps one connection up, for whoever needs it; [`Publisher`] sends events over it,
//! and [`Commands`] takes commands.

mod commands;
mod described;
mod entrance;
mod link;
mod message;
mod publisher;

pub use commands::{COMMANDS, Commands, DEAD};
pub use described::describe_commands;
pub use entrance::{Entrance, Limits};
pub use link::{Link, LinkSettings};
pub use publisher::{Publisher, PublisherSettings};

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
