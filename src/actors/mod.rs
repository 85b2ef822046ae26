//! The runtime, which knows no business: one supervised actor a context, turn by turn.

mod actor;
mod breaker;
mod clock;
mod deciding;
mod desk;
mod front;
mod guard;
mod guardian;
mod handle;
mod health;
mod layout;
mod listening;
mod lists;
mod logic;
mod node;
mod outflow;
mod peers;
mod postings;
mod projecting;
mod records;
mod remote;
mod restarts;
mod sagas;
mod shared;
mod sources;
mod view_handle;

pub use breaker::BreakerSettings;
pub use clock::Clock;
pub use front::*;
pub use guard::GuardSettings;
pub use health::*;
pub use layout::Layout;
pub use node::{LocalNode, NodeError, NodeSettings, Stuck};
pub use outflow::{Drawn, Outflow, OutflowHealth, Outgoing, Published, Sink};
pub use remote::{PeerAnswer, PeerQuestion, ReplicaHealth, Wire};
pub use shared::{Chaos, ChaosPoint};
