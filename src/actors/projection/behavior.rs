//! The behavior of a view: events become rows.
//!
//! A rebuild writes the next generation of the table next to the shown one, from the first event on. Once it has caught
//! up it is shown, and the old one is purged. Readers see a complete table at any time.

use crate::{
    actors::{
        actor::{
            behavior::{Behavior, TurnOutput},
            mailbox::Mailbox,
        },
        erased::{AnyState, Versioned},
        port::{fault::Fault, health::ParkedId, status::ContextStatus},
        subscription::{
            source::Recipient,
            subscriptions::{Delivery, Listener, Progress, Subscriptions},
        },
        tables::{
            counters::{Counters, counters_key},
            log::Envelope,
            parked,
            parked::ParkedRow,
            rebuild,
            transaction::Transaction,
            tree::Tree,
        },
    },
    domain::Refusal,
    store::{
        Batch, Commit, Epoch, Scan, StoreError,
        keys::{KeyBuf, Space, key_after},
    },
};
use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::Ordering::{Relaxed, SeqCst},
    },
    time::Duration,
};
use tokio::sync::oneshot;

/// At most so many old rows are purged a turn.
const MAX_PURGED: usize = 512;
/// Marks the positions of a new generation while the parked events of the old one are purged. No
/// source has this name.
const CLEARING: &str = "";

fn is_clearing(meta: &Counters) -> bool {
    meta.building.as_ref().is_some_and(|(_, positions)| positions.contains_key(CLEARING))
}

/// How an event changes a row.
pub type RowChange = Box<dyn FnOnce(&mut dyn AnyState) + Send>;

/// A message to a view.
pub enum ViewMail {
    /// Events of a source.
    Delivery(Delivery<RowChange>),
    /// Parked events or logs may be due.
    Wake,
    /// Rebuild the table.
    Rebuild(oneshot::Sender<Result<(), Fault>>),
    /// An operator retries (`redrive`) or drops a parked event.
    Unpark { parked: ParkedId, redrive: bool, done: oneshot::Sender<Result<(), Fault>> },
}

/// The behavior of a view.
pub struct ViewBehavior {
    pub tree: Tree,
    pub shared: Arc<ContextStatus>,
    pub subscriptions: Subscriptions<RowChange>,
    epoch: Epoch,
    counters: Counters,
    /// The commit that wrote the counters.
    counters_commit: Commit,
    has_more: bool,
    /// How far the rows of older generations are purged; deleted rows make scans slow.
    purged: [Vec<u8>; 3],
}

/// Where the rows of older generations begin, and the parked events.
fn purge_start() -> [Vec<u8>; 3] {
    [vec![Space::State as u8], vec![Space::Index as u8], vec![Space::Parked as u8]]
}

/// The generation that is shown.
pub fn generation(tree: &Tree) -> Result<u32, StoreError> {
    Ok(tree.counters()?.0.generation)
}

/// Answers an operator once a turn is accepted.
pub struct ViewEffect {
    place: usize,
    answer: Result<(), Fault>,
}

/// How an accepted turn changes the cache.
pub struct CacheUpdate {
    counters: Counters,
    progress: Progress,
    clears_parked: bool,
    purged: [Vec<u8>; 3],
}

impl ViewBehavior {
    pub fn new(
        tree: Tree,
        shared: Arc<ContextStatus>,
        subscriptions: Subscriptions<RowChange>,
    ) -> Self {
        Self {
            tree,
            shared,
            subscriptions,
            epoch: Epoch(0),
            counters: Counters::default(),
            counters_commit: 0,
            has_more: true,
            purged: purge_start(),
        }
    }

    fn publish_health(&self) {
        self.shared.generation.store(self.counters.generation, SeqCst);
        self.shared.parked.store(self.subscriptions.parked(), Relaxed);
        self.shared.last_sequence.store(self.counters.last_sequence, Relaxed);
    }
}

impl Behavior for ViewBehavior {
    type Mail = ViewMail;
    type Effect = ViewEffect;
    type CacheUpdate = CacheUpdate;

    fn reload(&mut self, _: &Arc<Mailbox<ViewMail>>) -> Result<(), StoreError> {
        self.epoch = self.tree.store.activate(self.tree.id)?;
        (self.counters, self.counters_commit) = rebuild::load(&self.tree)?;
        self.shared.generation.store(self.counters.generation, SeqCst);
        if rebuild::is_due(&self.counters, &self.tree) {
            return Ok(());
        }
        self.subscriptions.reload(&self.tree)?;
        self.has_more = true;
        self.purged = purge_start();
        self.publish_health();
        Ok(())
    }

    fn prepare(&mut self) -> Result<Option<Batch>, StoreError> {
        if !rebuild::is_due(&self.counters, &self.tree) {
            return Ok(None);
        }
        let at = (&self.counters, self.counters_commit);
        let (batch, after) =
            rebuild::page(&self.tree, self.epoch, at, self.shared.retention.seconds())?;
        self.shared.rebuilt.store(after.rebuild.map_or(0, |rebuild| rebuild.rows), Relaxed);
        Ok(Some(batch))
    }

    fn decide(&mut self, mails: &[Option<ViewMail>]) -> Result<TurnOutput<Self>, StoreError> {
        let mut work = ViewTurn::new(self);
        let rebuild = |mail: &Option<ViewMail>| matches!(mail, Some(ViewMail::Rebuild(_)));
        let begins = self.counters.building.is_none() && mails.iter().any(rebuild);
        let clearing = is_clearing(&self.counters);
        if clearing {
            work.purge_parked()?;
        }
        for (place, mail) in mails.iter().enumerate() {
            match mail {
                // The turn that begins a rebuild does nothing else, so the old table stays as it
                // is.
                Some(ViewMail::Delivery(_) | ViewMail::Wake) if begins || clearing => {}
                Some(ViewMail::Unpark { .. }) if clearing => {
                    let answer = Err(Refusal::absent("parked event").into());
                    work.effects.push_back(ViewEffect { place, answer });
                }
                Some(ViewMail::Unpark { .. }) if begins => {
                    work.effects.push_back(ViewEffect { place, answer: Ok(()) })
                }
                Some(ViewMail::Delivery(heard)) => {
                    work.behavior.subscriptions.apply_delivery(&mut work, heard)?
                }
                Some(ViewMail::Wake) => {
                    work.behavior.subscriptions.retry_parked(&mut work, None)?;
                    work.behavior.subscriptions.catch_up_all(&mut work)?;
                    work.purge_old_generations()?;
                }
                Some(ViewMail::Rebuild(_)) => work.begin_rebuild(place)?,
                Some(ViewMail::Unpark { parked, redrive, .. }) => {
                    let found = if *redrive {
                        work.behavior
                            .subscriptions
                            .retry_parked(&mut work, Some((&parked.source, parked.aggregate)))?
                    } else {
                        work.behavior.subscriptions.drop_parked(&mut work, parked)?
                    };
                    let answer =
                        if found { Ok(()) } else { Err(Refusal::absent("parked event").into()) };
                    work.effects.push_back(ViewEffect { place, answer });
                }
                None => {}
            }
        }
        work.into_output()
    }

    fn apply_cache(&mut self, memory: CacheUpdate, commit: Commit) {
        if memory.counters != self.counters {
            self.counters_commit = commit;
        }
        self.has_more = memory.progress.more || memory.clears_parked;
        // The generation that was shown until now is purged from its beginning.
        self.purged = if memory.counters.generation == self.counters.generation {
            memory.purged
        } else {
            purge_start()
        };
        let reshelve = memory.clears_parked || is_clearing(&self.counters);
        self.counters = memory.counters;
        if reshelve {
            self.subscriptions.clear_parked()
        } else {
            self.subscriptions.apply_progress(&memory.progress)
        }
        self.publish_health();
    }

    fn run_effect(&mut self, commit: Commit, told: ViewEffect, mails: &mut [Option<ViewMail>]) {
        match mails.get_mut(told.place).and_then(Option::take) {
            Some(ViewMail::Rebuild(done) | ViewMail::Unpark { done, .. }) => {
                self.shared.reply(commit, done, told.answer, false)
            }
            Some(ViewMail::Delivery(_) | ViewMail::Wake) | None => {}
        }
    }

    fn reject(&mut self, mail: ViewMail, why: &Fault) {
        match mail {
            ViewMail::Rebuild(done) | ViewMail::Unpark { done, .. } => {
                drop(done.send(Err(why.clone())))
            }
            ViewMail::Delivery(_) | ViewMail::Wake => self.has_more = true,
        }
    }

    fn drop_waiting(&mut self) {}

    fn is_from_outside(_: &ViewMail) -> bool {
        false
    }

    fn next_wake(&self) -> Option<Duration> {
        if self.has_more {
            Some(Duration::ZERO)
        } else {
            let building = self.counters.building.as_ref().map(|(_, positions)| positions);
            self.subscriptions.next_wake(building.unwrap_or(&self.counters.positions))
        }
    }

    fn wake_mail() -> ViewMail {
        ViewMail::Wake
    }
}

struct ViewTurn<'a> {
    behavior: &'a ViewBehavior,
    transaction: Transaction<'a>,
    counters: Counters,
    progress: Progress,
    effects: VecDeque<ViewEffect>,
    clears_parked: bool,
    has_more: bool,
    purged: [Vec<u8>; 3],
}

impl<'a> ViewTurn<'a> {
    fn new(behavior: &'a ViewBehavior) -> Self {
        // While a table is rebuilt, only the new generation reads events; the shown one does not
        // change.
        let (generation, positions) = match &behavior.counters.building {
            Some((generation, positions)) => (*generation, positions),
            None => (behavior.counters.generation, &behavior.counters.positions),
        };
        let transaction = Transaction::new(&behavior.tree, generation, behavior.counters.highest);
        let progress = Progress::from(positions);
        let counters = behavior.counters.clone();
        let purged = behavior.purged.clone();
        Self {
            behavior,
            transaction,
            counters,
            progress,
            effects: VecDeque::new(),
            clears_parked: false,
            has_more: false,
            purged,
        }
    }

    /// Begins the next generation. Parked events belong to the old one, and are met again.
    fn begin_rebuild(&mut self, place: usize) -> Result<(), StoreError> {
        if self.counters.building.is_none() {
            let clearing = BTreeMap::from([(CLEARING.to_owned(), 1)]);
            self.counters.building = Some((self.counters.generation.saturating_add(1), clearing));
            self.purged = purge_start();
            self.clears_parked = true;
        }
        self.effects.push_back(ViewEffect { place, answer: Ok(()) });
        Ok(())
    }

    /// Purges the parked events of the old generation, some rows at a time. Only then does the new
    /// one read events.
    fn purge_parked(&mut self) -> Result<(), StoreError> {
        let from = self.purged[2].clone();
        let parked = Scan { from, ..Scan::space(Space::Parked, MAX_PURGED) };
        let rows = self.behavior.tree.scan(&parked)?;
        if let Some((last, _)) = rows.last() {
            self.purged[2] = key_after(last);
        }
        if rows.len() < MAX_PURGED {
            self.progress.positions.remove(CLEARING);
        }
        rows.into_iter().for_each(|(key, _)| self.transaction.remove(key));
        self.progress.more = true;
        Ok(())
    }

    /// Purges older generations, some rows at a time.
    fn purge_old_generations(&mut self) -> Result<(), StoreError> {
        if self.counters.building.is_some() || self.counters.generation == 0 {
            return Ok(());
        }
        let current = u64::from(self.counters.generation);
        for (space, from) in [Space::State, Space::Index].into_iter().zip(&mut self.purged) {
            let to = KeyBuf::new(space).number(current).build();
            let rows = self.behavior.tree.scan(&Scan {
                from: from.clone(),
                to,
                backwards: false,
                limit: MAX_PURGED,
            })?;
            if let Some((last, _)) = rows.last() {
                *from = key_after(last);
            }
            rows.iter().for_each(|(key, _)| self.transaction.remove(key.clone()));
            self.has_more |= rows.len() == MAX_PURGED;
        }
        Ok(())
    }

    fn into_output(mut self) -> Result<TurnOutput<ViewBehavior>, StoreError> {
        if self.clears_parked {
            // The parked events are purged first.
            self.progress = Progress::from(
                self.counters.building.as_ref().map_or(&self.counters.positions, |(_, at)| at),
            );
            self.progress.more = true;
        } else if let Some((generation, positions)) = &mut self.counters.building {
            positions.clone_from(&self.progress.positions);
            if !self.progress.more
                && self.behavior.subscriptions.backlog(&self.progress.positions) == 0
            {
                (self.counters.generation, self.counters.positions) =
                    (*generation, self.progress.positions.clone());
                self.counters.building = None;
                self.progress.more = true;
            }
        } else {
            self.counters.positions.clone_from(&self.progress.positions);
        }
        self.progress.more |= self.has_more;
        // Of all generations together: looking for a missing row costs little.
        self.counters.highest = self.transaction.highest();
        self.transaction.expect(counters_key(), self.behavior.counters_commit);
        if self.counters != self.behavior.counters {
            self.transaction.put_counters(&self.counters)?;
        }
        let judged = self.transaction.read_commit.0;
        let reshelve = self.clears_parked;
        let cleared = self.purged;
        let memory = CacheUpdate {
            counters: self.counters,
            progress: self.progress,
            clears_parked: reshelve,
            purged: cleared,
        };
        Ok(TurnOutput {
            batch: self.transaction.into_batch(self.behavior.epoch)?,
            read_commit: judged,
            cache: memory,
            effects: self.effects,
        })
    }
}

impl Listener<RowChange> for ViewTurn<'_> {
    fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }

    fn apply(
        &mut self,
        _: &'static str,
        _: &Envelope,
        whose: Recipient,
        change: RowChange,
    ) -> Result<Result<(), String>, StoreError> {
        let Recipient::Number(number) = whose else {
            return Ok(Err("a view has no numbers of its own".to_owned()));
        };
        let kept = match self.transaction.load(number) {
            Ok(sheet) => &sheet.now,
            Err(StoreError::Damaged(what)) => {
                self.report_damage(&what);
                return Ok(Err(format!("{what}; a rebuild of this view mends it")));
            }
            Err(error) => return Err(error),
        };
        let version = kept.version;
        let mut row = kept.state.copy();
        let folded = catch_unwind(AssertUnwindSafe(move || {
            change(row.as_mut());
            row
        }));
        match folded {
            Ok(row) => match row.encode(version + 1, None) {
                Ok(record) => self
                    .transaction
                    .set(number, Versioned { version: version + 1, saga: None, state: row }, record)
                    .map(Ok),
                Err(StoreError::Invalid(why)) => Ok(Err(why)),
                Err(error) => Err(error),
            },
            Err(_) => {
                self.behavior.shared.crashes.fetch_add(1, Relaxed);
                Ok(Err("the fold panicked".to_owned()))
            }
        }
    }

    fn report_damage(&mut self, what: &str) {
        self.behavior.shared.report_damage(what);
    }

    fn park(&mut self, key: Vec<u8>, row: Option<ParkedRow>) -> Result<(), StoreError> {
        self.transaction.park(key, row.as_ref())
    }

    fn parked(&self, source: &str, aggregate: u64, limit: usize) -> Result<Vec<u64>, StoreError> {
        parked::first_parked(&self.behavior.tree, source, aggregate, limit)
    }
}
