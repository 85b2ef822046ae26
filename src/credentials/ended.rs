//! The keys and sessions that have ended before their time, in their order and in bounded memory: what the nodes read that keep
//! an answer about them.

use super::{api_key::KeyId, session::SessionDigest};
use crate::{actors::backoff_delay, sync};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;
use uuid::Uuid;

/// So many are remembered. Who has not read for longer forgets all answers.
const MOST: usize = 4096;
/// How long a reader waits for the next one.
pub const LINGER: Duration = Duration::from_secs(25);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// The key with this id.
    Key(KeyId),
    /// The session with the id that has this digest.
    Session(SessionDigest),
}

/// What has ended since a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedSince {
    /// From where to read on.
    pub place: String,
    /// Whether more may have ended: the place was that of another process, or is too long ago.
    pub and_others: bool,
    /// What has ended, in its order.
    pub ended: Vec<Ended>,
}

/// What has ended at this node since it started.
#[derive(Debug)]
pub struct EndedLog {
    /// What no other process has.
    run: String,
    last: Mutex<VecDeque<Ended>>,
    /// How many have ended.
    count: watch::Sender<u64>,
}

impl Default for EndedLog {
    fn default() -> Self {
        let run = Uuid::now_v7().simple().to_string();
        Self { run, last: Mutex::default(), count: watch::Sender::new(0) }
    }
}

impl EndedLog {
    /// Adds one, which has ended durably.
    pub fn push(&self, ended: Ended) {
        let mut last = sync::lock(&self.last);
        last.push_back(ended);
        if last.len() > MOST {
            last.pop_front();
        }
        self.count.send_modify(|count| *count += 1);
    }

    /// How many had ended at `place`, where it is one of this process.
    fn count_at(&self, place: &str) -> Option<u64> {
        let (run, count) = place.split_once('-')?;
        count.parse().ok().filter(|_| run == self.run)
    }

    /// What has ended since `place`.
    pub fn read(&self, place: &str) -> EndedSince {
        let last = sync::lock(&self.last);
        let count = *self.count.borrow();
        let missed = self.count_at(place).and_then(|known| count.checked_sub(known));
        let missed = missed.and_then(|missed| usize::try_from(missed).ok());
        let missed = missed.filter(|missed| *missed <= last.len());
        let skipped = last.len() - missed.unwrap_or(0);
        EndedSince {
            place: format!("{}-{count}", self.run),
            and_others: missed.is_none(),
            ended: last.iter().skip(skipped).cloned().collect(),
        }
    }

    /// Resolves when there is something to read since `place`.
    pub async fn wait(&self, place: &str) {
        let Some(known) = self.count_at(place) else { return };
        let _ = self.count.subscribe().wait_for(|count| *count != known).await;
    }
}

/// The way to the log of another node.
pub trait ReadEnded: Send + Sync {
    /// What has ended there since `place`; waits at most [`LINGER`] for something.
    fn read(&self, place: String) -> BoxFuture<'static, Result<EndedSince, String>>;
}

/// Who keeps answers about keys and sessions of another node.
pub trait ForgetEnded: Send + Sync {
    /// Forgets what it knows of `ended`.
    fn forget(&self, ended: &Ended);
    /// Forgets all.
    fn forget_all(&self);
}

/// Reads what ends at another node, for as long as it is polled, and lets those forget it that keep answers. While the node does
/// not answer, an answer is kept for as long as without it.
pub async fn follow_ended(log: Arc<dyn ReadEnded>, keepers: Vec<Arc<dyn ForgetEnded>>) {
    let mut place = String::new();
    let mut failures: u64 = 0;
    loop {
        match log.read(place.clone()).await {
            Ok(since) => {
                failures = 0;
                for keeper in &keepers {
                    if since.and_others {
                        keeper.forget_all();
                    }
                    since.ended.iter().for_each(|ended| keeper.forget(ended));
                }
                place = since.place;
                // A node that stops answers at once.
                if since.ended.is_empty() {
                    tokio::time::sleep(SHORTEST_PAUSE).await;
                }
            }
            Err(why) => {
                failures += 1;
                if failures.is_power_of_two() {
                    tracing::warn!(
                        why,
                        failures,
                        "failed to read which keys and sessions have ended"
                    );
                }
                tokio::time::sleep(backoff_delay(failures, SHORTEST_PAUSE, LONGEST_PAUSE)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn key(number: usize) -> Ended {
        // Ids have no 0, 1 and l.
        let letters: String = format!("{number:012}").replace('0', "a").replace('1', "b");
        Ended::Key(KeyId::parse(&letters).unwrap())
    }

    #[test]
    fn what_has_ended_is_read_once_in_its_order() {
        let log = EndedLog::default();
        let first = log.read("");
        assert!(first.and_others && first.ended.is_empty());
        assert!(log.wait(&first.place).now_or_never().is_none());
        log.push(key(1));
        log.push(key(2));
        assert!(log.wait(&first.place).now_or_never().is_some());
        let second = log.read(&first.place);
        assert_eq!((second.and_others, second.ended), (false, vec![key(1), key(2)]));
        log.push(key(3));
        assert_eq!(log.read(&second.place).ended, [key(3)]);
    }

    #[test]
    fn who_has_missed_something_learns_that_it_has() {
        let log = EndedLog::default();
        let place = log.read("").place;
        (0..MOST).for_each(|number| log.push(key(number)));
        assert!(!log.read(&place).and_others);
        log.push(key(MOST));
        assert!(log.read(&place).and_others);
        let other_process = EndedLog::default().read("").place;
        for unknown in [&*other_process, "", "-", "x-1", &format!("{}-99999", log.run)] {
            assert!(log.read(unknown).and_others, "{unknown}");
        }
        assert!(log.wait(&other_process).now_or_never().is_some());
        assert!(sync::lock(&log.last).len() <= MOST);
    }
}
