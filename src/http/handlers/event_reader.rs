//! Reads logs for readers outside: some events at a time, whatever there is.
//!
//! A page takes a few events from each log and the next few from the one that runs out first, so that it reads little
//! more than it shows. It ends with its events, or with its bytes.

use crate::{
    actors::{Fault, RecordedEvent},
    api::Problem,
    http::{AppState, handlers::event_cursor::Log},
    store::{Commit, StoreError},
};
use std::collections::VecDeque;

/// At most so many events are read of one log at once.
const FEW: usize = 16;
/// So few events that are new are read on the thread that serves the connection.
const AT_ONCE: u64 = 32;

/// How much is read at once.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// So many events.
    pub events: usize,
    /// No more once so many bytes are written.
    pub bytes: usize,
}

/// An event that was read.
#[derive(Debug)]
pub struct Read {
    /// The place of its log among those that are read.
    pub place: usize,
    /// The event.
    pub event: RecordedEvent,
    /// What is written of it.
    pub text: String,
}

/// How an event of a context is written.
pub type Write = fn(&'static str, &RecordedEvent) -> String;

/// Reads from the logs, each from its own next sequence on, the events of each in order and all of them about in the
/// order of their time; what is read is durable. Long reads wait for their turn.
pub async fn read(
    front: &AppState,
    logs: &[(Log, u64)],
    most: Most,
    write: Write,
) -> Result<Vec<Read>, Problem> {
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
    events: VecDeque<RecordedEvent>,
}

impl Queue<'_> {
    /// The first event, of which there may be none.
    fn first(
        &mut self,
        few: usize,
        commit: &mut Commit,
    ) -> Result<Option<&RecordedEvent>, StoreError> {
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
        .map(|(log, next)| Queue {
            log,
            next: *next,
            latest: *log.latest().borrow(),
            events: VecDeque::new(),
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        actors::{EventId, EventLog, LogPage, Past},
        domain::Timestamp,
    };
    use proptest::prelude::*;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };
    use tokio::sync::watch;

    /// A log of events, at these times, that counts how many are read.
    struct Times(&'static str, Vec<i64>, watch::Sender<u64>, AtomicUsize);

    impl EventLog<RecordedEvent> for Times {
        fn context(&self) -> &'static str {
            self.0
        }
        fn latest(&self) -> watch::Receiver<u64> {
            self.2.subscribe()
        }
        fn id_of(&self, sequence: u64) -> EventId {
            EventId { sequence, ..EventId::default() }
        }
        fn has(&self, _: EventId) -> bool {
            true
        }
        fn past(&self) -> Past {
            Past::default()
        }
        fn read_some(&self, from: u64, limit: usize) -> Result<LogPage<RecordedEvent>, StoreError> {
            let begin = from as usize - 1;
            let event = |(place, at): (usize, &i64)| {
                let sequence = (begin + place) as u64 + 1;
                let (saga, cause, name) = (String::new(), String::new(), String::new());
                let at = Timestamp::from_micros(*at);
                let data = serde_json::Value::Null;
                let (client, trace) = (None, None);
                (
                    sequence,
                    RecordedEvent {
                        sequence,
                        epoch: EventId::default().word,
                        number: 1,
                        version: 1,
                        at,
                        saga,
                        cause,
                        client,
                        trace,
                        name,
                        schema: 1,
                        data,
                    },
                )
            };
            let items: Vec<_> =
                self.1.iter().skip(begin).take(limit).enumerate().map(event).collect();
            self.3.fetch_add(items.len(), SeqCst);
            Ok(LogPage {
                last: items.last().map_or(from - 1, |(last, _)| *last),
                items,
                commit: from,
            })
        }
    }

    fn text(_: &'static str, event: &RecordedEvent) -> String {
        "x".repeat(10 + event.sequence as usize % 7)
    }

    proptest! {
        #[test]
        fn a_page_is_what_is_earliest_and_reads_little_more_than_it_shows(
            logs in prop::collection::vec(prop::collection::vec(0..1000_i64, 0..60), 1..6), limit in 1..80_usize, bytes in 1..900_usize,
        ) {
            let names = ["a", "b", "c", "d", "e", "f"];
            let logs: Vec<Arc<Times>> = logs.into_iter().zip(names).map(|(mut times, name)| {
                times.sort_unstable();
                let latest = watch::Sender::new(times.len() as u64);
                Arc::new(Times(name, times, latest, AtomicUsize::new(0)))
            }).collect();
            let mut places: Vec<(Log, u64)> = logs.iter().map(|log| (log.clone() as Log, 1)).collect();
            let all: usize = logs.iter().map(|log| log.1.len()).sum();
            let mut seen = Vec::new();
            loop {
                logs.iter().for_each(|log| log.3.store(0, SeqCst));
                let (_, page) = merge(&places, Most { events: limit, bytes }, text).unwrap();
                let read: usize = logs.iter().map(|log| log.3.load(SeqCst)).sum();
                prop_assert!(read <= page.len() + logs.len() * FEW.min(limit), "{} for {}", read, page.len());
                prop_assert!(page.len() <= limit);
                let written: usize = page.iter().map(|read| read.text.len()).sum();
                prop_assert!(written < bytes + 17);
                if page.is_empty() {
                    break;
                }
                for Read { place, event, .. } in page {
                    prop_assert_eq!(places[place].1, event.sequence);
                    places[place].1 += 1;
                    seen.push(event.at);
                }
            }
            prop_assert_eq!(seen.len(), all);
            prop_assert!(seen.is_sorted());
        }
    }
}
