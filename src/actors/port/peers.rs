//! How contexts of other nodes are asked.

use super::{
    event_log::RecordedEvent,
    history::{EventId, Past},
};
use crate::actors::port::saga::SagaId;
use crate::domain::{Addressee, AskId, Refusal};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A question to a context of another node, as it travels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerQuestion {
    /// Names it for ever: the same id gets the same answer.
    pub id: AskId,
    /// The event of the asking context that it follows from; earlier versions do not send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<EventId>,
    /// The saga that it belongs to.
    pub saga: SagaId,
    /// The client's own correlation id.
    pub client: Option<String>,
    /// The trace that it belongs to.
    pub trace: Option<String>,
    /// The customer whose saga it is; earlier versions do not send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Which of the asked context's things; 0 where `key` names it.
    pub number: u64,
    /// The unique key of that thing, where it is not known by its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The asked context's command.
    pub command: serde_json::Value,
    /// The past of the asking context's log; earlier versions do not send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<Past>,
    /// The last event of the asked context's log that is known to who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<EventId>,
}

impl PeerQuestion {
    /// Which of the asked context's things is meant.
    pub fn addressee(&self) -> Addressee {
        self.key.clone().map_or(Addressee::Number(self.number), Addressee::Key)
    }
}

/// The answer to a [`PeerQuestion`]. That there is none is an error of the transport, or of the other node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerAnswer {
    /// Yes.
    Yes,
    /// No, and why.
    No(Refusal),
}

/// An answer, and what there is to judge whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerReply {
    /// Yes, or why not.
    pub answer: PeerAnswer,
    /// The past of the asked context's log; earlier versions do not send it.
    pub past: Option<Past>,
}

/// Why another node has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// It is away, or does not understand.
    Away(String),
    /// The past that it knows of a log is not the one that was sent; with what to do about it.
    Changed(String),
}

/// The way to other nodes.
///
/// ```
/// use futures_util::{FutureExt, future::{BoxFuture, ready}};
/// use holdfast::actors::{
///     EventId, Past, PeerAnswer, PeerClient, PeerQuestion, PeerReply, RecordedEvent, Silence,
/// };
/// use std::time::Duration;
///
/// /// A node that hosts one context, and says yes to everything.
/// struct Agreeable(&'static str);
///
/// impl PeerClient for Agreeable {
///     fn reaches_context(&self, context: &str) -> bool {
///         context == self.0
///     }
///     fn send_question(
///         &self,
///         _context: &'static str,
///         _question: PeerQuestion,
///         _within: Duration,
///     ) -> BoxFuture<'static, Result<PeerReply, Silence>> {
///         ready(Ok(PeerReply { answer: PeerAnswer::Yes, past: None })).boxed()
///     }
///     fn fetch_past(&self, _context: &str) -> BoxFuture<'static, Result<Past, String>> {
///         ready(Err("it has no log".to_owned())).boxed()
///     }
///     fn fetch_events(
///         &self,
///         _context: &'static str,
///         _from: u64,
///         _after: Option<EventId>,
///         _linger: Duration,
///     ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, Silence>> {
///         ready(Ok(Vec::new())).boxed()
///     }
/// }
///
/// let node = Agreeable("shop.stock");
/// assert!(node.reaches_context("shop.stock") && !node.reaches_context("shop.order"));
/// ```
pub trait PeerClient: Send + Sync {
    /// Whether there is a node that is known to host `context`.
    fn reaches_context(&self, context: &str) -> bool;
    /// Sends an ask, once; after `within` no one waits for the answer any more.
    fn send_question(
        &self,
        context: &'static str,
        question: PeerQuestion,
        within: Duration,
    ) -> BoxFuture<'static, Result<PeerReply, Silence>>;
    /// The past of the log of `context`.
    ///
    /// # Errors
    /// Why it cannot be learnt.
    fn fetch_past(&self, context: &str) -> BoxFuture<'static, Result<Past, String>>;
    /// What happened in `context` from sequence `from` on, after the event called `after`, where that is known. Where
    /// nothing has, waits up to `linger` for it to happen.
    ///
    /// # Errors
    /// Why nothing can be learnt; it is asked again after a pause.
    fn fetch_events(
        &self,
        context: &'static str,
        from: u64,
        after: Option<EventId>,
        linger: Duration,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, Silence>>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn nodes_of_the_last_release_name_no_owner_and_get_one_only_where_there_is_one() {
        let question = json!({ "id": { "context": "purifier.rental", "number": 7, "attempt": 1 },
            "saga": { "context": "purifier.rental", "number": 7 }, "client": null, "trace": null, "number": 7,
            "command": {} });
        let event = json!({ "sequence": 1, "number": 7, "version": 1, "at": "2026-03-02T09:00:00Z",
            "saga": "purifier.rental-7", "cause": "timer", "client": null, "trace": null, "name": "Ended", "schema": 1,
            "data": {} });
        let said = |question: &PeerQuestion| serde_json::to_value(question).unwrap();
        let told = |event: &RecordedEvent| serde_json::to_value(event).unwrap();
        let mut asked: PeerQuestion = serde_json::from_value(question).unwrap();
        let mut read: RecordedEvent = serde_json::from_value(event).unwrap();
        assert_eq!((&asked.owner, said(&asked).get("owner")), (&None, None));
        assert_eq!((&read.owner, told(&read).get("owner")), (&None, None));
        asked.owner = Some("7".into());
        read.owner = Some("7".into());
        let owners = [said(&asked), told(&read)].map(|it| it["owner"].clone());
        assert_eq!(owners, [Value::from("7"), Value::from("7")]);
    }
}
