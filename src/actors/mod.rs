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

pub use crate::actors::node::accept_history::{Accepting, accept_histories};
pub use crate::actors::node::settings::{NodeError, NodeSettings, Stuck, Threads};
pub use crate::actors::port::dispute::Dispute;
pub use crate::actors::port::event_log::{
    CausingEvent, EventLog, LogPage, OutboundMessage, OutboxHealth, RecordedEvent,
};
pub use crate::actors::port::history::{EventId, Past, Word};
pub use crate::actors::port::message::{MessageGateway, NotSent, ParkedMessage, RefusedMessage};
pub use crate::actors::port::peers::{PeerAnswer, PeerClient, PeerQuestion, PeerReply, Silence};
pub use crate::actors::port::replica::{ReplicaHandle, ReplicaHealth};
pub use crate::actors::port::sink::{Sink, SinkHealth};
pub use crate::actors::port::status::{Chaos, ChaosPoint};
pub use ask::breaker::BreakerSettings;
pub use ask::guard::GuardSettings;
pub use cluster::dead_letters::{DeadLetter, DeadLetterStore, DeadLetters, NumberedLetter};
pub use cluster::requests::{answer_question, check_continues};
pub use node::builder::NodeBuilder;
pub use node::declarations::{Declarations, collect_declarations};
pub use node::local_node::LocalNode;
pub use port::backoff::backoff_delay;
pub use port::changes::{Change, ChangePosition, Changes, Watch, Watched};
pub use port::clock::{AdvanceError, Clock, ClockHealth, FARTHEST, LATEST, TooFar};
pub use port::context::*;
pub use port::declaration::*;
pub use port::fault::{CommandFault, Fault};
pub use port::health::*;
pub use port::machine::Machine;
pub use port::network::{Network, Transmission, TransmissionKind};
pub use port::owed::{EndedOrder, EndedPage, Owed, OwedPage, OwedPlace};
pub use port::prospect::{Candidate, Prospect};
pub use port::reads::{ListLimits, ListPage, ListQuery, Seen};
pub use port::safeguard::Safeguard;
pub use port::saga::SagaId;
pub use tables::audit::RowAudit;
#[doc(hidden)]
pub use tables::counters::with_positions_of;
pub use tables::node_tree::NodeTree;
