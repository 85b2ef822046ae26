//! A data directory is run by one process. The owner of a context is a store, and a copy of its data
//! has the same name. So the process that runs a store holds a lease on it at the broker: an
//! exclusive queue, which belongs to one connection and is deleted with it.

use super::connection::LiveConnection;
use lapin::{options::QueueDeclareOptions, types::FieldTable};
use std::time::Duration;

/// The lease of a store's data.
#[derive(Debug, Clone)]
pub struct Lease {
    queue: String,
    /// This process.
    pub(super) run: String,
    /// How long the broker may take to notice a lost connection.
    pub(super) grace: Duration,
    /// The holder before this process, once this process has had it.
    pub(super) previous_holder: Option<Option<String>>,
}

impl Lease {
    /// The lease of `store`, for the process called `run`.
    pub fn new(store: &str, run: String, grace: Duration) -> Self {
        Self { queue: format!("holdfast.lease.{store}"), run, grace, previous_holder: None }
    }

    /// Declares the exclusive queue; refused while another connection has it.
    pub(super) async fn declare_queue(&self, live: &LiveConnection) -> lapin::Result<()> {
        let channel = live.connection.create_channel().await?;
        let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(self.queue.as_str().into(), exclusive, FieldTable::default()).await?;
        channel.close(200, "leased".into()).await
    }

    /// Whether `holder` is another process. The previous holder does not count: had it come back, it
    /// would have announced itself again.
    pub(super) fn is_another(&self, holder: Option<&str>) -> bool {
        let Some(previous) = &self.previous_holder else { return true };
        holder.is_some_and(|holder| holder != self.run && previous.as_deref() != Some(holder))
    }
}
