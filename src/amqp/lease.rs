//! A data directory is run by one process. The owner of a context is a store, and a copy of its data has the same name;
//! so whoever runs one holds a lease of it at the broker: an exclusive queue, which belongs to one connection and goes
//! with it.
//!
//! A connection that was lost may live on at the broker for a while, and then the lease is held by a ghost. The ghost of
//! this very process is waited for: it is known by the name of the process, which whoever gets the lease leaves with the
//! owner's name. Another process may be a ghost too, so it is waited for as long as the broker needs to notice; then this
//! one may not go on.

use super::{
    link::{LiveConnection, ManagedConnection, retry_delay},
    owner::{ClaimError, OwnershipClaim, OwnershipConflict, reply_code},
};
use lapin::{options::QueueDeclareOptions, types::FieldTable};
use std::time::{Duration, Instant};

/// What the broker says of a queue that another connection has for itself: RESOURCE_LOCKED.
const RESOURCE_LOCKED: u16 = 405;

/// The lease of a store's data.
#[derive(Debug, Clone)]
pub struct Lease {
    queue: String,
    /// This process.
    pub(super) run: String,
    /// How long a ghost may last.
    grace: Duration,
    /// Who had it before, once this process has had it.
    before: Option<Option<String>>,
}

impl Lease {
    /// The lease of `store`, for the process called `run`.
    pub fn new(store: &str, run: String, grace: Duration) -> Self {
        Self { queue: format!("holdfast.lease.{store}"), run, grace, before: None }
    }

    /// Takes it. Where another connection has it, waits for that to end; a broker that does not answer within `patience`
    /// is done with.
    pub(super) async fn acquire(
        &mut self,
        claim: &OwnershipClaim,
        live: &LiveConnection,
        link: &ManagedConnection,
        patience: Duration,
    ) -> Result<(), ClaimError> {
        let (mut since, mut failures) = (None, 0);
        loop {
            match tokio::time::timeout(patience, self.declare(live)).await {
                Ok(Ok(())) => {
                    if self.before.is_none() {
                        self.before = Some(self.holder(claim, live, patience).await);
                    }
                    return Ok(());
                }
                Ok(Err(why)) if reply_code(&why) == Some(RESOURCE_LOCKED) => {}
                Ok(Err(why)) => return Err(why.into()),
                Err(_) => {
                    link.report_broken(live.generation, "it does not answer");
                    return Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
                }
            }
            let waiting = since.get_or_insert_with(Instant::now).elapsed();
            if waiting >= self.grace && self.is_held_by_another(claim, live, patience).await {
                let owner = claim.describe_owner(live).await;
                return Err(ClaimError::Conflict(OwnershipConflict::Running { owner }));
            }
            failures += 1;
            tokio::time::sleep(retry_delay(failures)).await;
        }
    }

    async fn declare(&self, live: &LiveConnection) -> lapin::Result<()> {
        let channel = live.connection.create_channel().await?;
        let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(self.queue.as_str().into(), exclusive, FieldTable::default()).await?;
        channel.close(200, "leased".into()).await
    }

    /// The process that has left its name last.
    async fn holder(
        &self,
        claim: &OwnershipClaim,
        live: &LiveConnection,
        patience: Duration,
    ) -> Option<String> {
        tokio::time::timeout(patience, claim.read_announcement(live)).await.ok()?.ok()?.1
    }

    /// Whether it is somebody else who has it. One who has had it before this process is no more than that: had it come
    /// back, it would have left its name anew.
    async fn is_held_by_another(
        &self,
        claim: &OwnershipClaim,
        live: &LiveConnection,
        patience: Duration,
    ) -> bool {
        let Some(before) = &self.before else { return true };
        let holder = self.holder(claim, live, patience).await;
        holder.is_some_and(|holder| holder != self.run && before.as_ref() != Some(&holder))
    }
}

impl From<std::io::Error> for ClaimError {
    fn from(why: std::io::Error) -> Self {
        Self::Failed(why.into())
    }
}
