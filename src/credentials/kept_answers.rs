//! What another node has answered about keys or sessions: a yes is kept for a while, unless what it was about ends before.

use crate::{domain::Timestamp, identity::Principal, sync};
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex},
};

/// How long a yes is kept, in microseconds: so long may what has ended go on to open something here, where it does not become
/// known before.
pub(super) const KEPT: i64 = 30_000_000;
/// So many are kept.
const MOST: usize = 10_000;

/// A yes, and until when it is good.
struct KeptAnswer {
    holder: Arc<Principal>,
    until: Timestamp,
}

struct Answers<K> {
    all: HashMap<K, KeptAnswer>,
    /// How often something has ended.
    ended: u64,
}

/// Before a question was asked. An answer to it may be older than what has ended since then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Before {
    ended: u64,
    now: Timestamp,
}

/// The answers of another node, by what was asked.
pub(super) struct KeptAnswers<K>(Mutex<Answers<K>>);

impl<K> Default for KeptAnswers<K> {
    fn default() -> Self {
        Self(Mutex::new(Answers { all: HashMap::new(), ended: 0 }))
    }
}

impl<K: Eq + Hash> KeptAnswers<K> {
    /// The answer about `key`, if it is good at `now`.
    pub fn find(&self, key: &K, now: Timestamp) -> Result<Arc<Principal>, Before> {
        let answers = sync::lock(&self.0);
        let kept = answers.all.get(key).filter(|answer| now < answer.until);
        kept.map(|answer| Arc::clone(&answer.holder)).ok_or(Before { ended: answers.ended, now })
    }

    /// Keeps a yes that was asked for at `before`, until `ends` at the latest.
    pub fn keep(&self, key: K, holder: Arc<Principal>, ends: Option<Timestamp>, before: Before) {
        // From before it was asked, so that an end since then counts from there.
        let until = Timestamp::from_micros(before.now.micros().saturating_add(KEPT));
        let until = ends.map_or(until, |ends| until.min(ends));
        let mut answers = sync::lock(&self.0);
        if answers.ended != before.ended {
            return;
        }
        if answers.all.len() >= MOST {
            answers.all.retain(|_, answer| before.now < answer.until);
        }
        if answers.all.len() < MOST {
            answers.all.insert(key, KeptAnswer { holder, until });
        }
    }

    /// Forgets those for which `is_ended` holds.
    pub fn forget(&self, is_ended: impl Fn(&K) -> bool) {
        let mut answers = sync::lock(&self.0);
        answers.ended += 1;
        answers.all.retain(|key, _| !is_ended(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_was_asked_for_before_something_ended_is_not_kept() {
        let kept = KeptAnswers::default();
        let now = Timestamp::from_micros(1);
        let holder = || Arc::new(Principal::default());
        let before = kept.find(&1, now).unwrap_err();
        kept.forget(|key| *key == 1);
        kept.keep(1, holder(), None, before);
        let before = kept.find(&1, now).unwrap_err();
        kept.keep(1, holder(), None, before);
        kept.keep(2, holder(), Some(Timestamp::from_micros(5)), before);
        assert!(kept.find(&1, now).is_ok());
        assert!(kept.find(&2, Timestamp::from_micros(4)).is_ok());
        assert!(kept.find(&2, Timestamp::from_micros(5)).is_err());
        kept.forget(|key| *key == 2);
        assert!(kept.find(&1, now).is_ok() && kept.find(&2, now).is_err());
        assert!(kept.find(&1, Timestamp::from_micros(1 + KEPT)).is_err());
    }

    #[test]
    fn the_memory_for_answers_is_bounded() {
        let kept = KeptAnswers::default();
        let early = kept.find(&0, Timestamp::from_micros(0)).unwrap_err();
        let late = kept.find(&0, Timestamp::from_micros(KEPT)).unwrap_err();
        let holder = Arc::new(Principal::default());
        (0..=MOST).for_each(|key| kept.keep(key, Arc::clone(&holder), None, early));
        assert_eq!(sync::lock(&kept.0).all.len(), MOST);
        kept.keep(MOST, holder, None, late);
        assert_eq!(sync::lock(&kept.0).all.len(), 1);
    }
}
