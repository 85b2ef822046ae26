//! What other nodes ask of this one, whichever way their requests come: answers of its contexts, and events of its logs.

use crate::actors::port::{
    context::{Context, Node},
    event_log::{EventLog, RecordedEvent},
    fault::Fault,
    history::EventId,
    peers::{PeerAnswer, PeerQuestion, PeerReply},
};
use std::time::Duration;

/// Answers the question of another node to a `context` of this one, within that time. Both the answer and the past that it
/// is sent with are durable then.
///
/// # Errors
/// [`Fault::HistoryChanged`] for a past that is not the known one; [`Fault::Away`] where there is no answer in time.
pub async fn answer_question(
    node: &dyn Node,
    context: &dyn Context,
    question: PeerQuestion,
    within: Duration,
) -> Result<PeerReply, Fault> {
    node.compare_pasts(context, &question)?;
    let answer = match tokio::time::timeout(within, context.answer_peer(question)).await {
        Ok(Ok(Ok(()))) => PeerAnswer::Yes,
        Ok(Ok(Err(refusal))) => PeerAnswer::No(refusal),
        Ok(Err(fault)) => return Err(fault),
        Err(_) => return Err(Fault::Away(context.name().context)),
    };
    // The answer, what it was judged by, and every event of the past must survive a power cut.
    let past = context.event_log().map(|log| log.past());
    node.wait_durable(node.accepted_commit()).await?;
    Ok(PeerReply { answer, past })
}

/// Whether what another node has goes on in this log: up to the event before `from`, which is called `after` where it knows
/// that.
///
/// # Errors
/// [`Fault::HistoryChanged`] where that event is not in the log.
pub fn check_continues(
    log: &dyn EventLog<RecordedEvent>,
    from: u64,
    after: Option<EventId>,
) -> Result<(), Fault> {
    let before = from.saturating_sub(1);
    let missing = match after {
        Some(id) if id.sequence == before && log.has_event(id) => return Ok(()),
        None if before <= *log.latest().borrow() => return Ok(()),
        Some(id) => id.to_string(),
        None => before.to_string(),
    };
    let context = log.context().to_owned();
    let detail = format!(
        "event {missing} is not in the log of {context}: its data was restored from a backup, or another node decides for \
         it too"
    );
    Err(Fault::HistoryChanged { context, detail })
}
