//! A context that decides has one owner: the store that its tree is in. Two nodes with different stores that claim the
//! same context would each give away the last copy.
//!
//! A queue's arguments cannot be changed once it is declared, and the broker's nodes agree on them. So the owner is
//! written there: an argument of a queue that carries the context's name. Declaring it again with the same owner is
//! granted; with another one it is refused, whoever comes first, and whatever else happens at the time. The one message
//! in the queue says what the owner is called, and which of its processes runs: that one holds the [`Lease`].

use super::{
    Lease, declare_queue, is_channel_error,
    link::{LiveConnection, ManagedConnection, retry_delay},
    text,
};
use lapin::{
    BasicProperties,
    options::{BasicGetOptions, BasicNackOptions, BasicPublishOptions, ConfirmSelectOptions},
    types::AMQPValue,
};
use std::{sync::Arc, time::Duration};

/// What the broker says when the arguments differ: PRECONDITION_FAILED.
const PRECONDITION_FAILED: u16 = 406;

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
        /// Where that stands.
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

pub(super) enum ClaimError {
    Conflict(OwnershipConflict),
    Failed(lapin::Error),
}

impl From<lapin::Error> for ClaimError {
    fn from(why: lapin::Error) -> Self {
        Self::Failed(why)
    }
}

fn queue(context: &str) -> String {
    format!("holdfast.owner.{context}")
}

impl OwnershipClaim {
    /// Claims once, if the broker can be reached now and answers in time. One that does not is asked later, see
    /// [`Claim::keep`].
    ///
    /// # Errors
    /// [`Taken`] when somebody else has one of the contexts, or runs with the same data.
    pub async fn claim_at_start(
        &self,
        link: &ManagedConnection,
        lease: &mut Lease,
    ) -> Result<(), OwnershipConflict> {
        let patience = self.timeout;
        let claimed = async {
            let Some(live) = link.first_attempt().await else { return Ok(None) };
            tokio::select! {
                claimed = self.claim(&live) => claimed.map(|()| Some(live)),
                () = link.wait_lost(live.generation) => Ok(None),
            }
        };
        let why = match tokio::time::timeout(patience, claimed).await {
            Ok(Ok(None)) => return Ok(()),
            Ok(Ok(Some(live))) => {
                let leased = tokio::select! {
                    leased = self.lease(&live, link, lease) => leased,
                    () = link.wait_lost(live.generation) => Ok(()),
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

    /// Claims on each new connection. Resolves when somebody else turns out to have one of the contexts, or to run with
    /// the same data.
    pub async fn hold(self, link: Arc<ManagedConnection>, mut lease: Lease) -> OwnershipConflict {
        let (mut live, mut failures) = (link.wait_connected().await, 0);
        loop {
            let claimed = async {
                self.claim(&live).await?;
                self.lease(&live, &link, &mut lease).await?;
                self.announce(&live, &lease.run).await
            };
            let claimed = tokio::select! {
                claimed = claimed => claimed,
                () = link.wait_lost(live.generation) => Ok(()),
            };
            match claimed {
                Err(ClaimError::Conflict(taken)) => return taken,
                Err(ClaimError::Failed(why)) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!(%why, "the broker cannot say whether these contexts have another owner");
                    }
                    if !is_channel_error(&why) {
                        link.report_broken(live.generation, &why.to_string());
                    }
                    tokio::time::sleep(retry_delay(failures)).await;
                    live = link.wait_connected().await;
                }
                Ok(()) => {
                    failures = 0;
                    live = link.wait_next(live.generation).await;
                }
            }
        }
    }

    /// Takes the lease, where this node decides for anything.
    async fn lease(
        &self,
        live: &LiveConnection,
        link: &ManagedConnection,
        lease: &mut Lease,
    ) -> Result<(), ClaimError> {
        match self.contexts.is_empty() {
            true => Ok(()),
            false => lease.acquire(self, live, link, self.timeout).await,
        }
    }

    async fn claim(&self, live: &LiveConnection) -> Result<(), ClaimError> {
        for context in &self.contexts {
            let (channel, queue) = (live.connection.create_channel().await?, queue(context));
            let arguments = [
                ("x-max-length", AMQPValue::LongInt(1)),
                ("x-dead-letter-exchange", text("")),
                ("x-dead-letter-routing-key", text(&self.store)),
            ];
            match declare_queue(&channel, &queue, &arguments).await {
                Ok(()) => {}
                Err(why) if reply_code(&why) == Some(PRECONDITION_FAILED) => {
                    let owner = owner_name(self.read_owner(live, &queue).await);
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
    async fn announce(&self, live: &LiveConnection, run: &str) -> Result<(), ClaimError> {
        let channel = live.connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        for context in &self.contexts {
            let properties = BasicProperties::default()
                .with_delivery_mode(2)
                .with_content_type("text/plain".into());
            let properties = properties.with_message_id(run.into());
            let (options, queue) = (BasicPublishOptions::default(), queue(context));
            channel
                .basic_publish("".into(), queue.into(), options, self.node.as_bytes(), properties)
                .await?
                .await?;
        }
        channel.close(200, "signed".into()).await?;
        Ok(())
    }

    /// What the owner of the first context is called, and which of its processes has left its name last.
    pub(super) async fn read_announcement(
        &self,
        live: &LiveConnection,
    ) -> lapin::Result<(Option<String>, Option<String>)> {
        match self.contexts.first() {
            Some(context) => self.read_owner(live, &queue(context)).await,
            None => Ok((None, None)),
        }
    }

    /// The same, in words.
    pub(super) async fn describe_owner(&self, live: &LiveConnection) -> String {
        owner_name(
            tokio::time::timeout(self.timeout, self.read_announcement(live))
                .await
                .unwrap_or(Ok((None, None))),
        )
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

pub(super) fn reply_code(why: &lapin::Error) -> Option<u16> {
    match why.kind() {
        lapin::ErrorKind::ProtocolError(why) => Some(why.get_id()),
        _ => None,
    }
}
