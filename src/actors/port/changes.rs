//! Which things of a context have changed, for those outside who look at them: numbers, never what is in them.
//!
//! A change is reported when its turn is accepted, so a thing that is read after that shows it. Reports may come together, and
//! one that changes nothing that can be seen is possible; none is left out.

use crate::sync;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::watch;

/// So many changes are remembered for those who look at many things.
const REMEMBERED: usize = 1024;

/// A thing that has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number.
    pub number: u64,
    /// The customer whose it is.
    pub owner: Option<Arc<str>>,
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watched {
    /// One thing.
    Item(u64),
    /// All things of a customer.
    Owner(Arc<str>),
    /// All things.
    All,
}

/// A place among the changes of a context since it was laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangePosition {
    /// Which past it is: another process has another.
    pub past: u64,
    /// How many changes were before.
    pub sequence: u64,
}

/// The changes of one context.
#[derive(Debug, Default)]
pub struct Changes(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    past: u64,
    last: u64,
    /// The last ones, once many things have been looked at.
    recent: Option<VecDeque<Change>>,
    watched: BTreeMap<Watched, Watchers>,
}

/// Those who look at the same.
#[derive(Debug)]
struct Watchers {
    latest: watch::Sender<u64>,
    count: usize,
}

impl Inner {
    fn notify(&self, watched: &Watched) {
        if let Some(watchers) = self.watched.get(watched) {
            watchers.latest.send_replace(self.last);
        }
    }
}

impl Changes {
    /// Those of a context that is laid out at this time, in microseconds: another process does so at another.
    pub fn laid_out_at(micros: i64) -> Self {
        Self(Mutex::new(Inner { past: micros.cast_unsigned(), ..Inner::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        sync::lock(&self.0)
    }

    /// A turn that changed these was accepted.
    pub fn report(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut inner = self.lock();
        if inner.recent.is_none() && inner.watched.is_empty() {
            return;
        }
        for change in changes {
            inner.last += 1;
            inner.notify(&Watched::Item(change.number));
            if let Some(owner) = &change.owner {
                inner.notify(&Watched::Owner(Arc::clone(owner)));
            }
            if let Some(recent) = &mut inner.recent {
                if recent.len() == REMEMBERED {
                    recent.pop_front();
                }
                recent.push_back(change);
            }
        }
        inner.notify(&Watched::All);
    }

    /// Anything may have changed: the context was loaded again, or shows other rows.
    pub fn report_all(&self) {
        let mut inner = self.lock();
        inner.last += 1;
        if let Some(recent) = &mut inner.recent {
            recent.clear();
        }
        let last = inner.last;
        for watchers in inner.watched.values() {
            watchers.latest.send_replace(last);
        }
    }

    /// Begins to look at something.
    pub fn watch(self: &Arc<Self>, watched: Watched) -> Watch {
        let mut inner = self.lock();
        if !matches!(watched, Watched::Item(_)) && inner.recent.is_none() {
            inner.recent = Some(VecDeque::new());
        }
        let last = inner.last;
        let watchers = inner.watched.entry(watched.clone());
        let watchers =
            watchers.or_insert_with(|| Watchers { latest: watch::Sender::new(last), count: 0 });
        watchers.count += 1;
        let latest = watchers.latest.subscribe();
        drop(inner);
        Watch { changes: Arc::clone(self), watched, latest }
    }

    /// Where the next change comes.
    pub fn position(&self) -> ChangePosition {
        let inner = self.lock();
        ChangePosition { past: inner.past, sequence: inner.last }
    }
}

/// Looks at something until it is dropped.
#[derive(Debug)]
pub struct Watch {
    changes: Arc<Changes>,
    watched: Watched,
    latest: watch::Receiver<u64>,
}

impl Watch {
    /// Resolves when what is looked at has changed since this did so last, or since it began.
    pub async fn wait_changed(&mut self) {
        if self.latest.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The numbers that have changed since `position`, each once, and where the next change comes; no numbers where those are no
    /// longer known.
    pub fn changes_since(&self, position: ChangePosition) -> (Option<Vec<u64>>, ChangePosition) {
        let inner = self.changes.lock();
        let end = ChangePosition { past: inner.past, sequence: inner.last };
        let missed = inner.last.checked_sub(position.sequence);
        let missed = missed.filter(|_| position.past == inner.past);
        let Some(missed) = missed.and_then(|missed| usize::try_from(missed).ok()) else {
            return (None, end);
        };
        if missed == 0 {
            return (Some(Vec::new()), end);
        }
        let Some(recent) = inner.recent.as_ref().filter(|recent| recent.len() >= missed) else {
            return (None, end);
        };
        let mut numbers = Vec::new();
        for change in recent.range(recent.len() - missed..) {
            if self.shows(change) && !numbers.contains(&change.number) {
                numbers.push(change.number);
            }
        }
        (Some(numbers), end)
    }

    fn shows(&self, change: &Change) -> bool {
        match &self.watched {
            Watched::Item(number) => change.number == *number,
            Watched::Owner(owner) => change.owner.as_ref() == Some(owner),
            Watched::All => true,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut inner = self.changes.lock();
        let Some(watchers) = inner.watched.get_mut(&self.watched) else { return };
        watchers.count = watchers.count.saturating_sub(1);
        if watchers.count == 0 {
            inner.watched.remove(&self.watched);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn change(number: u64, owner: &str) -> Change {
        Change { number, owner: Some(owner.into()) }
    }

    fn has_changed(watch: &mut Watch) -> bool {
        watch.wait_changed().now_or_never().is_some()
    }

    #[test]
    fn each_learns_of_what_it_looks_at_and_of_nothing_else() {
        let changes = Arc::new(Changes::default());
        let mut item = changes.watch(Watched::Item(7));
        let mut own = changes.watch(Watched::Owner("a".into()));
        let mut all = changes.watch(Watched::All);
        let begin = changes.position();
        assert!(!has_changed(&mut item) && !has_changed(&mut own) && !has_changed(&mut all));
        changes.report(vec![change(8, "b"), change(9, "a"), change(8, "b")]);
        assert!(!has_changed(&mut item) && has_changed(&mut own) && has_changed(&mut all));
        assert!(!has_changed(&mut own) && !has_changed(&mut all));
        assert_eq!(own.changes_since(begin).0, Some(vec![9]));
        let (numbers, next) = all.changes_since(begin);
        assert_eq!(numbers, Some(vec![8, 9]));
        assert_eq!(all.changes_since(next), (Some(Vec::new()), next));
        changes.report(vec![change(7, "b")]);
        assert!(has_changed(&mut item) && !has_changed(&mut own) && has_changed(&mut all));
        drop((item, own, all));
        assert!(changes.lock().watched.is_empty());
    }

    #[test]
    fn what_is_no_longer_known_is_not_passed_over() {
        let changes = Arc::new(Changes::default());
        let mut all = changes.watch(Watched::All);
        let begin = changes.position();
        changes.report((0..REMEMBERED as u64).map(|number| change(number, "a")).collect());
        assert_eq!(all.changes_since(begin).0.unwrap().len(), REMEMBERED);
        changes.report(vec![change(1, "a")]);
        assert_eq!(all.changes_since(begin).0, None);
        let before = changes.position();
        changes.report_all();
        assert!(has_changed(&mut all));
        assert_eq!(all.changes_since(before).0, None);
        for of_another in [
            ChangePosition { past: !before.past, ..before },
            ChangePosition { sequence: changes.position().sequence + 1, ..before },
        ] {
            assert_eq!(all.changes_since(of_another).0, None);
        }
    }

    #[test]
    fn two_look_at_the_same_thing_and_one_goes() {
        let changes = Arc::new(Changes::default());
        let first = changes.watch(Watched::Item(7));
        let mut second = changes.watch(Watched::Item(7));
        drop(first);
        changes.report(vec![change(7, "a")]);
        assert!(has_changed(&mut second));
    }
}
