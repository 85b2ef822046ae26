//! Reads logs for readers outside: some events at a time, whatever there is.
//!
//! A page takes a few events from each log and the next few from the one that runs out first, so that it reads little
//! more than it shows. It ends with its events, or with its bytes.

use super::{Front, cursor::Log};
use crate::{
    actors::{Fault, Published},
    inbound::Problem,
    store::{Commit, StoreError},
};
use std::collections::VecDeque;

/// At most so many events are read of one log at once.
const FEW: usize = 16;
/// So few events that are new are read on the thread that serves the connection.
const AT_ONCE: u64 = 32;

/// How much is read at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    /// So many events.
    pub events: usize,
    /// No more once so many bytes are written.
    pub bytes: usize,
}

/// An event that was read.
#[derive(Debug)]
pub(super) struct Read {
    /// The place of its log among those that are read.
    pub place: usize,
    /// The event.
    pub event: Published,
    /// What is written of it.
    pub text: String,
}

/// How an event of a context is written.
pub(super) type Write = fn(&'static str, &Published) -> String;

/// Reads from the logs, each from its own next sequence on, the events of each in order and all of them about in the
/// order of their time; what is read is durable. Long reads wait for their turn.
pub(super) async fn read(front: &Front, logs: &[(Log, u64)], most: Most, write: Write) -> Result<Vec<Read>, Problem> {
    let new = logs.iter().map(|(log, next)| (*log.latest().borrow() + 1).saturating_sub(*next));
    let (commit, events) = match new.fold(0, u64::saturating_add) {
        0 => return Ok(Vec::new()),
        1..=AT_ONCE => merge(logs, most, write),
        _ => {
            let logs = logs.to_vec();
            front.logs.in_turn(move || merge(&logs, most, write)).await?
        }
    }
    .map_err(Fault::from)?;
    front.node.durable(commit).await?;
    Ok(events)
}

/// A log that is read, and what of it has not been taken.
struct Queue<'a> {
    log: &'a Log,
    next: u64,
    latest: u64,
    events: VecDeque<Published>,
}

impl Queue<'_> {
    /// The first event, of which there may be none.
    fn first(&mut self, few: usize, commit: &mut Commit) -> Result<Option<&Published>, StoreError> {
        if self.events.is_empty() && self.next <= self.latest {
            let drawn = self.log.read_some(self.next, few)?;
            *commit = drawn.commit.max(*commit);
            // A log that says nothing where it should have something is not asked again for this page.
            self.next = if drawn.items.is_empty() { u64::MAX } else { drawn.last + 1 };
            self.events.extend(drawn.items.into_iter().map(|(_, event)| event));
        }
        Ok(self.events.front())
    }
}

fn merge(logs: &[(Log, u64)], most: Most, write: Write) -> Result<(Commit, Vec<Read>), StoreError> {
    let few = most.events.clamp(1, FEW);
    let mut queues: Vec<_> = logs
        .iter()
        .map(|(log, next)| Queue { log, next: *next, latest: *log.latest().borrow(), events: VecDeque::new() })
        .collect();
    let (mut commit, mut bytes, mut page) = (0, 0, Vec::new());
    let mut failed = None;
    while page.len() < most.events && bytes < most.bytes {
        let mut earliest = None;
        for (place, queue) in queues.iter_mut().enumerate() {
            let first = match queue.first(few, &mut commit) {
                Ok(first) => first.map(|event| event.at),
                // The others go on; of this one there is nothing more in this page.
                Err(error) => {
                    queue.next = u64::MAX;
                    failed = Some(error);
                    None
                }
            };
            if let Some(at) = first
                && earliest.is_none_or(|(_, before)| at < before)
            {
                earliest = Some((place, at));
            }
        }
        let Some((place, _)) = earliest else { break };
        let Some(queue) = queues.get_mut(place) else { break };
        let Some(event) = queue.events.pop_front() else { break };
        let text = write(queue.log.context(), &event);
        bytes += text.len();
        page.push(Read { place, event, text });
    }
    match failed {
        Some(error) if page.is_empty() => Err(error),
        _ => Ok((commit, page)),
    }
}
