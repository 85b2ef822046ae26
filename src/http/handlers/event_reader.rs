//! Reads pages of events from one log or several.
//!
//! A page takes a few events from each log, and the next few from the log that runs out first, so it reads little more
//! than it shows. It ends at a number of events or of bytes.

use crate::{
    actors::{Fault, RecordedEvent},
    api::Problem,
    http::{handlers::event_cursor::Log, state::AppState},
    store::{Commit, StoreError},
};
use std::collections::VecDeque;

/// At most so many events are read from one log at once.
const READ_AHEAD: usize = 16;
/// So few new events are read on the thread that serves the connection.
const INLINE_EVENTS: u64 = 32;

/// Where a page ends.
#[derive(Debug, Clone, Copy)]
pub struct PageLimit {
    /// After so many events.
    pub events: usize,
    /// After the event that reaches so many bytes.
    pub bytes: usize,
}

/// An event of a page.
#[derive(Debug)]
pub struct ReadEvent {
    /// The index of its log.
    pub log: usize,
    /// The event.
    pub event: RecordedEvent,
    /// The event, serialized; `None` if the reader does not want it.
    pub text: Option<String>,
}

/// Serializes an event of a context; `None` for one that the reader does not want.
pub trait Serialize: Fn(&'static str, &RecordedEvent) -> Option<String> {}
impl<F: Fn(&'static str, &RecordedEvent) -> Option<String>> Serialize for F {}

/// Reads the logs, each from its own next sequence: the events of each log in order, and all of them roughly in the order
/// of time. What is returned is durable. `serialize` makes the text of an event of a context.
pub async fn read_page(
    state: &AppState,
    logs: &[(Log, u64)],
    limit: PageLimit,
    serialize: impl Serialize + Send + 'static,
) -> Result<Vec<ReadEvent>, Problem> {
    let new = logs.iter().map(|(log, next)| (*log.latest().borrow() + 1).saturating_sub(*next));
    let (commit, events) = match new.fold(0, u64::saturating_add) {
        0 => return Ok(Vec::new()),
        1..=INLINE_EVENTS => merge_logs(logs, limit, &serialize),
        _ => {
            let logs = logs.to_vec();
            state.log_reads.run_unbounded(move || merge_logs(&logs, limit, &serialize)).await?
        }
    }
    .map_err(Fault::from)?;
    state.node.wait_durable(commit).await?;
    Ok(events)
}

/// A log with the events read ahead.
struct Queue<'a> {
    log: &'a Log,
    next: u64,
    latest: u64,
    events: VecDeque<RecordedEvent>,
}

impl Queue<'_> {
    /// The next event, if there is one.
    fn peek_event(
        &mut self,
        read_ahead: usize,
        commit: &mut Commit,
    ) -> Result<Option<&RecordedEvent>, StoreError> {
        if self.events.is_empty() && self.next <= self.latest {
            let read = self.log.read_some(self.next, read_ahead)?;
            *commit = read.commit.max(*commit);
            // A log that returns nothing here is not read again for this page.
            self.next = if read.items.is_empty() { u64::MAX } else { read.last + 1 };
            self.events.extend(read.items.into_iter().map(|(_, event)| event));
        }
        Ok(self.events.front())
    }
}

fn merge_logs(
    logs: &[(Log, u64)],
    limit: PageLimit,
    serialize: &impl Serialize,
) -> Result<(Commit, Vec<ReadEvent>), StoreError> {
    let read_ahead = limit.events.clamp(1, READ_AHEAD);
    let mut queues: Vec<_> = logs
        .iter()
        .map(|(log, next)| Queue {
            log,
            next: *next,
            latest: *log.latest().borrow(),
            events: VecDeque::new(),
        })
        .collect();
    let mut commit = 0;
    let mut bytes = 0;
    let mut page = Vec::new();
    let mut failed = None;
    while page.len() < limit.events && bytes < limit.bytes {
        let mut earliest = None;
        for (index, queue) in queues.iter_mut().enumerate() {
            let first = match queue.peek_event(read_ahead, &mut commit) {
                Ok(first) => first.map(|event| event.at),
                // The page goes on without this log.
                Err(error) => {
                    queue.next = u64::MAX;
                    failed = Some(error);
                    None
                }
            };
            if let Some(at) = first
                && earliest.is_none_or(|(_, before)| at < before)
            {
                earliest = Some((index, at));
            }
        }
        let Some((index, _)) = earliest else { break };
        let Some(queue) = queues.get_mut(index) else { break };
        let Some(event) = queue.events.pop_front() else { break };
        let text = serialize(queue.log.context(), &event);
        bytes += text.as_ref().map_or(0, String::len);
        page.push(ReadEvent { log: index, event, text });
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
        fn has_event(&self, _: EventId) -> bool {
            true
        }
        fn past(&self) -> Past {
            Past::default()
        }
        fn read_some(&self, from: u64, limit: usize) -> Result<LogPage<RecordedEvent>, StoreError> {
            let begin = from as usize - 1;
            let event = |(place, at): (usize, &i64)| {
                let sequence = (begin + place) as u64 + 1;
                let saga = String::new();
                let cause = String::new();
                let name = String::new();
                let at = Timestamp::from_micros(*at);
                let data = serde_json::Value::Null;
                let client = None;
                let trace = None;
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
                        caused_by: None,
                        client,
                        trace,
                        owner: None,
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

    fn text(_: &'static str, event: &RecordedEvent) -> Option<String> {
        Some("x".repeat(10 + event.sequence as usize % 7))
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
                let (_, page) = merge_logs(&places, PageLimit { events: limit, bytes }, &text).unwrap();
                let read: usize = logs.iter().map(|log| log.3.load(SeqCst)).sum();
                prop_assert!(read <= page.len() + logs.len() * READ_AHEAD.min(limit), "{} for {}", read, page.len());
                prop_assert!(page.len() <= limit);
                let written: usize = page.iter().filter_map(|read| read.text.as_ref()).map(String::len).sum();
                prop_assert!(written < bytes + 17);
                if page.is_empty() {
                    break;
                }
                for ReadEvent { log, event, .. } in page {
                    prop_assert_eq!(places[log].1, event.sequence);
                    places[log].1 += 1;
                    seen.push(event.at);
                }
            }
            prop_assert_eq!(seen.len(), all);
            prop_assert!(seen.is_sorted());
        }
    }
}
