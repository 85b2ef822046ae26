//! The bridge to RabbitMQ.
//!
//! | module | what |
//! |---|---|
//! | [`connection`] | one connection, reconnected after every error |
//! | [`topology`] | exchanges and queues |
//! | [`publisher`] | events out |
//! | [`event_consumer`], [`event_message`] | events of other nodes in |
//! | [`command_consumer`], [`command_dispatcher`], [`senders`], [`message`] | commands in, replies out |
//! | [`dead_letters`] | rejected messages, into the store |
//! | [`ownership`], [`lease`] | one store owns a context, one process runs a store |
//! | [`asyncapi`] | commands in the AsyncAPI document |

mod asyncapi;
mod command_consumer;
mod command_dispatcher;
mod connection;
mod dead_letters;
mod event_consumer;
mod event_message;
mod lease;
mod message;
pub mod ownership;
mod publisher;
mod senders;
mod topology;

pub use self::{
    asyncapi::describe_commands,
    command_consumer::CommandConsumer,
    command_dispatcher::{CommandDispatcher, Limits},
    connection::{ConnectionSettings, ManagedConnection, check_url},
    dead_letters::DeadLetterConsumer,
    event_consumer::{EventConsumer, EventConsumerSettings},
    event_message::EventReader,
    lease::Lease,
    publisher::{Publisher, PublisherSettings},
    senders::Senders,
    topology::{COMMANDS, DEAD_COMMANDS, SINK, check_exchange},
};
