//! A context that decides has one owner: the store that its tree is in. Two nodes with different stores that claim the
//! same context would each give away the last copy.
//!
//! A queue's arguments cannot be changed once it is declared, and the broker's nodes agree on them. So the owner is
//! written there: an argument of a queue that carries the context's name. Declaring it again with the same owner is
//! granted; with another one it is refused, in any order and at any time. The one message
//! in the queue names the owner, and which of its processes runs: that one holds the [`Lease`].

use super::{
    connection::{LiveConnection, ManagedConnection, retry_delay},
    lease::Lease,
    topology::{declare_queue, is_channel_error, text_value},
};
use lapin::{
    BasicProperties,
    options::{BasicGetOptions, BasicNackOptions, BasicPublishOptions, ConfirmSelectOptions},
    types::AMQPValue,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The broker's answer when the arguments differ: PRECONDITION_FAILED.
const PRECONDITION_FAILED: u16 = 406;
/// The broker's answer for a queue that another connection has exclusively.
const RESOURCE_LOCKED: u16 = 405;

/// Who claims which contexts.
#[derive(Debug, Clone)]
pub struct OwnershipClaim {
    /// The store that their trees are in.
    pub store: String,
    /// What the node is called.
    pub node: String,
    /// The contexts.
    pub contexts: Vec<&'static str>,
    /// How long the broker may take to answer.
    pub timeout: Duration,
}

/// A context has another owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnershipConflict {
    /// Another store has it.
    #[error(
        "{context} belongs to the store of {owner}, so this node may not decide for it. Leave it out with --contexts, or \
         start with the data of its owner; if its owner is gone for good, delete the queue `{queue}` at the broker"
    )]
    Store {
        /// Which context.
        context: &'static str,
        /// What its owner is called.
        owner: String,
        /// The state of that.
        queue: String,
    },
    /// Another process runs with a copy of this very store.
    #[error(
        "this data is that of {owner}, which runs already: a copy of it may not run beside it. End that one first, and go \
         on with the later data; a node of its own begins with an empty directory"
    )]
    Running {
        /// What the other one is called.
        owner: String,
    },
}

enum ClaimError {
    Conflict(OwnershipConflict),
    Failed(lapin::Error),
}

impl From<lapin::Error> for ClaimError {
    fn from(why: lapin::Error) -> Self {
        Self::Failed(why)
    }
}

fn queue_name(context: &str) -> String {
    format!("holdfast.owner.{context}")
}

impl OwnershipClaim {
    /// Claims once, if the broker can be reached now and answers in time. One that does not is asked later, see
    /// [`Claim::keep`].
    ///
    /// # Errors
    /// [`Taken`] when another process has one of the contexts, or runs with the same data.
    pub async fn claim_at_start(
        &self,
        connection: &ManagedConnection,
        lease: &mut Lease,
    ) -> Result<(), OwnershipConflict> {
        let patience = self.timeout;
        let claimed = async {
            let Some(live) = connection.first_attempt().await else { return Ok(None) };
            tokio::select! {
                claimed = self.claim_queues(&live) => claimed.map(|()| Some(live)),
                () = connection.wait_lost(live.generation) => Ok(None),
            }
        };
        let why = match tokio::time::timeout(patience, claimed).await {
            Ok(Ok(None)) => return Ok(()),
            Ok(Ok(Some(live))) => {
                let leased = tokio::select! {
                    leased = self.open_lease(&live, connection, lease) => leased,
                    () = connection.wait_lost(live.generation) => Ok(()),
                };
                match leased {
                    Ok(()) => return Ok(()),
                    Err(ClaimError::Conflict(taken)) => return Err(taken),
                    Err(ClaimError::Failed(why)) => why.to_string(),
                }
            }
            Ok(Err(ClaimError::Conflict(taken))) => return Err(taken),
            Ok(Err(ClaimError::Failed(why))) => why.to_string(),
            Err(_) => format!("no answer within {patience:?}"),
        };
        tracing::warn!(why, "the broker cannot say yet whether these contexts have another owner");
        Ok(())
    }

    /// Claims on each new connection. Resolves when another process turns out to have one of the contexts, or to run with
    /// the same data.
    pub async fn hold_claim(
        self,
        connection: Arc<ManagedConnection>,
        mut lease: Lease,
    ) -> OwnershipConflict {
        let mut live = connection.wait_connected().await;
        let mut failures = 0;
        loop {
            let claimed = async {
                self.claim_queues(&live).await?;
                self.open_lease(&live, &connection, &mut lease).await?;
                self.announce_owner(&live, &lease.run).await
            };
            let claimed = tokio::select! {
                claimed = claimed => claimed,
                () = connection.wait_lost(live.generation) => Ok(()),
            };
            match claimed {
                Err(ClaimError::Conflict(taken)) => return taken,
                Err(ClaimError::Failed(why)) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!(%why, "the broker cannot say whether these contexts have another owner");
                    }
                    if !is_channel_error(&why) {
                        connection.report_broken(live.generation, &why.to_string());
                    }
                    tokio::time::sleep(retry_delay(failures)).await;
                    live = connection.wait_connected().await;
                }
                Ok(()) => {
                    failures = 0;
                    live = connection.wait_next(live.generation).await;
                }
            }
        }
    }

    /// Takes the lease, where this node decides for anything.
    async fn open_lease(
        &self,
        live: &LiveConnection,
        connection: &ManagedConnection,
        lease: &mut Lease,
    ) -> Result<(), ClaimError> {
        if self.contexts.is_empty() {
            Ok(())
        } else {
            self.acquire_lease(live, connection, lease).await
        }
    }

    /// Acquires the lease. A connection that was lost may live on at the broker for a while and hold
    /// it. The lost connection of this very process is waited for: it is known by the name of the
    /// process, which is announced with the owner's name. Another process is waited for as long as
    /// the broker may need to notice a lost connection; then this one may not go on.
    async fn acquire_lease(
        &self,
        live: &LiveConnection,
        connection: &ManagedConnection,
        lease: &mut Lease,
    ) -> Result<(), ClaimError> {
        let mut since = None;
        let mut failures = 0;
        loop {
            match tokio::time::timeout(self.timeout, lease.declare_queue(live)).await {
                Ok(Ok(())) => {
                    if lease.previous_holder.is_none() {
                        lease.previous_holder = Some(self.lease_holder(live).await);
                    }
                    return Ok(());
                }
                Ok(Err(why)) if reply_code(&why) == Some(RESOURCE_LOCKED) => {}
                Ok(Err(why)) => return Err(why.into()),
                Err(_) => {
                    connection.report_broken(live.generation, "it does not answer");
                    let timed_out = std::io::Error::from(std::io::ErrorKind::TimedOut);
                    return Err(ClaimError::Failed(timed_out.into()));
                }
            }
            let waited = since.get_or_insert_with(Instant::now).elapsed();
            if waited >= lease.grace && lease.is_another(self.lease_holder(live).await.as_deref()) {
                let owner = self.describe_owner(live).await;
                return Err(ClaimError::Conflict(OwnershipConflict::Running { owner }));
            }
            failures += 1;
            tokio::time::sleep(retry_delay(failures)).await;
        }
    }

    /// The process that was announced last.
    async fn lease_holder(&self, live: &LiveConnection) -> Option<String> {
        tokio::time::timeout(self.timeout, self.read_announcement(live)).await.ok()?.ok()?.1
    }

    async fn claim_queues(&self, live: &LiveConnection) -> Result<(), ClaimError> {
        for context in &self.contexts {
            let channel = live.connection.create_channel().await?;
            let queue = queue_name(context);
            let arguments = [
                ("x-max-length", AMQPValue::LongInt(1)),
                ("x-dead-letter-exchange", text_value("")),
                ("x-dead-letter-routing-key", text_value(&self.store)),
            ];
            match declare_queue(&channel, &queue, &arguments).await {
                Ok(()) => {}
                Err(why) if reply_code(&why) == Some(PRECONDITION_FAILED) => {
                    let owner = self.wait_owner_name(live, &queue).await;
                    return Err(ClaimError::Conflict(OwnershipConflict::Store {
                        context,
                        owner,
                        queue,
                    }));
                }
                Err(why) => return Err(why.into()),
            }
            channel.close(200, "claimed".into()).await?;
        }
        Ok(())
    }

    /// Leaves word of what this node is called, and which process of it runs. A broker that takes nothing at present lets that wait.
    async fn announce_owner(&self, live: &LiveConnection, run: &str) -> Result<(), ClaimError> {
        let channel = live.connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        for context in &self.contexts {
            let properties = BasicProperties::default()
                .with_delivery_mode(2)
                .with_content_type("text/plain".into());
            let properties = properties.with_message_id(run.into());
            let options = BasicPublishOptions::default();
            let queue = queue_name(context);
            channel
                .basic_publish("".into(), queue.into(), options, self.node.as_bytes(), properties)
                .await?
                .await?;
        }
        channel.close(200, "signed".into()).await?;
        Ok(())
    }

    /// What the owner of the first context is called, and which of its processes has left its name last.
    async fn read_announcement(
        &self,
        live: &LiveConnection,
    ) -> lapin::Result<(Option<String>, Option<String>)> {
        match self.contexts.first() {
            Some(context) => self.read_owner(live, &queue_name(context)).await,
            None => Ok((None, None)),
        }
    }

    /// The same, in words.
    async fn describe_owner(&self, live: &LiveConnection) -> String {
        owner_name(
            tokio::time::timeout(self.timeout, self.read_announcement(live))
                .await
                .unwrap_or(Ok((None, None))),
        )
    }

    /// What the owner of a queue is called. One that has just claimed it is about to say so, and a name that another node reads
    /// at this moment is not there meanwhile: it is looked for again, for a part of the time that a whole claim has.
    async fn wait_owner_name(&self, live: &LiveConnection, queue: &str) -> String {
        let named = async {
            let mut failures = 0;
            loop {
                match self.read_owner(live, queue).await {
                    Ok((None, _)) => {
                        failures += 1;
                        tokio::time::sleep(retry_delay(failures)).await;
                    }
                    signed => return owner_name(signed),
                }
            }
        };
        let named = tokio::time::timeout(self.timeout / 4, named).await;
        named.unwrap_or_else(|_| owner_name(Ok((None, None))))
    }

    async fn read_owner(
        &self,
        live: &LiveConnection,
        queue: &str,
    ) -> lapin::Result<(Option<String>, Option<String>)> {
        let channel = live.connection.create_channel().await?;
        let message = channel.basic_get(queue.into(), BasicGetOptions::default()).await?;
        let Some(message) = message else { return Ok((None, None)) };
        let name = String::from_utf8_lossy(&message.data).into_owned();
        let run = message.properties.message_id().as_ref().map(|run| run.as_str().to_owned());
        message.acker.nack(BasicNackOptions { requeue: true, multiple: false }).await?;
        channel.close(200, "asked".into()).await?;
        Ok((Some(name), run))
    }
}

fn owner_name(signed: lapin::Result<(Option<String>, Option<String>)>) -> String {
    match signed {
        Ok((Some(name), _)) => format!("node `{name}`"),
        _ => "another node".into(),
    }
}

fn reply_code(why: &lapin::Error) -> Option<u16> {
    match why.kind() {
        lapin::ErrorKind::ProtocolError(why) => Some(why.get_id()),
        _ => None,
    }
}
