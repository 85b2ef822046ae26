//! The runtime, which knows no business: one supervised actor a context, turn by turn.

mod actor;
mod aggregate;
mod ask;
mod cluster;
mod erased;
mod node;
mod outbox;
mod port;
mod projection;
mod subscription;
mod tables;

pub use actor::status::{Chaos, ChaosPoint};
pub use ask::breaker::BreakerSettings;
pub use ask::guard::GuardSettings;
pub use cluster::accept_history::{Accepting, accept_histories};
pub use cluster::dead_letters::{DeadLetter, DeadLetterStore, DeadLetters};
pub use cluster::hearsay::Dispute;
pub use cluster::remote_context::{PeerAnswer, PeerClient, PeerQuestion, PeerReply, Silence};
pub use cluster::replica::{ReplicaHandle, ReplicaHealth};
pub use node::builder::NodeBuilder;
pub use node::local_node::{LocalNode, NodeError, NodeSettings, Stuck};
pub use outbox::event_log::{EventLog, LogPage, OutboundMessage, OutboxHealth, RecordedEvent};
pub use outbox::sink::{Sink, SinkHealth};
pub use port::backoff::pause;
pub use port::clock::{Clock, ClockHealth, FARTHEST, LATEST, TooFar};
pub use port::context::*;
pub use port::fault::Fault;
pub use port::health::*;
pub use tables::audit::RowAudit;
pub use tables::history::{EventId, Past, Word};
