//! One turn of a view: events change rows, and older generations are purged.

use super::view::{CLEARING, RowChange, ViewBehavior, ViewCacheUpdate, ViewEffect, purge_start};
use crate::{
    actors::{
        actor::behavior::TurnOutput,
        erased::Versioned,
        port::{safeguard::Safeguard, status::ChaosPoint},
        subscription::{
            progress::{Listener, SubscriptionProgress},
            source::Recipient,
        },
        tables::{
            counters::{Counters, counters_key},
            log::Envelope,
            parked,
            parked::ParkedRow,
            transaction::Transaction,
        },
    },
    spans::{Span, SpanKind},
    store::{
        Scan, StoreError,
        keys::{KeyBuf, Space, key_after},
    },
};
use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering::Relaxed,
};

/// At most so many old rows are purged a turn.
const MAX_PURGED: usize = 512;

/// The state of one turn.
pub struct ViewTurn<'a> {
    pub(super) behavior: &'a ViewBehavior,
    pub(super) transaction: Transaction<'a>,
    pub(super) counters: Counters,
    pub(super) progress: SubscriptionProgress,
    pub(super) effects: VecDeque<ViewEffect>,
    pub(super) clears_parked: bool,
    pub(super) has_more: bool,
    pub(super) purged: [Vec<u8>; 3],
}

impl<'a> ViewTurn<'a> {
    pub(super) fn new(behavior: &'a ViewBehavior) -> Self {
        // While a table is rebuilt, only the new generation reads events; the shown one does not
        // change.
        let (generation, positions) = match &behavior.counters.building {
            Some((generation, positions)) => (*generation, positions),
            None => (behavior.counters.generation, &behavior.counters.positions),
        };
        let transaction = Transaction::new(&behavior.tree, generation, behavior.counters.highest);
        let progress = SubscriptionProgress::from(positions);
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
    pub(super) fn begin_rebuild(&mut self, place: usize) -> Result<(), StoreError> {
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
    pub(super) fn purge_parked(&mut self) -> Result<(), StoreError> {
        let from = self.purged[2].clone();
        let parked = Scan { from, ..Scan::space(Space::Parked, MAX_PURGED) };
        let rows = self.behavior.tree.scan_rows(&parked)?;
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
    pub(super) fn purge_old_generations(&mut self) -> Result<(), StoreError> {
        if self.counters.building.is_some() || self.counters.generation == 0 {
            return Ok(());
        }
        let current = u64::from(self.counters.generation);
        for (space, from) in [Space::State, Space::Index].into_iter().zip(&mut self.purged) {
            let to = KeyBuf::new(space).number(current).build();
            let rows = self.behavior.tree.scan_rows(&Scan {
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

    pub(super) fn into_output(mut self) -> Result<TurnOutput<ViewBehavior>, StoreError> {
        if self.clears_parked {
            // The parked events are purged first.
            self.progress = SubscriptionProgress::from(
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
        self.counters.highest = self.transaction.highest_number();
        self.transaction.expect(counters_key(), self.behavior.counters_commit);
        if self.counters != self.behavior.counters {
            self.transaction.put_counters(&self.counters)?;
        }
        // What is rebuilt is not shown yet.
        let is_shown = self.behavior.counters.building.is_none();
        let changes = if is_shown { self.transaction.changes() } else { Vec::new() };
        let judged = self.transaction.read_commit.0;
        let reshelve = self.clears_parked;
        let cleared = self.purged;
        let memory = ViewCacheUpdate {
            counters: self.counters,
            progress: self.progress,
            clears_parked: reshelve,
            purged: cleared,
        };
        Ok(TurnOutput {
            changes,
            batch: self.transaction.into_batch(self.behavior.epoch)?,
            read_commit: judged,
            cache: memory,
            effects: self.effects,
        })
    }
}

impl Listener<RowChange> for ViewTurn<'_> {
    fn does(&self, safeguard: Safeguard) -> bool {
        self.behavior.shared.does(safeguard)
    }

    fn before_applying(&self) {
        self.behavior.shared.inject_chaos(ChaosPoint::Applying);
    }

    fn progress(&mut self) -> &mut SubscriptionProgress {
        &mut self.progress
    }

    fn apply_event(
        &mut self,
        _: &'static str,
        envelope: &Envelope,
        whose: Recipient,
        change: RowChange,
    ) -> Result<Result<(), String>, StoreError> {
        let Recipient::Number(number) = whose else {
            return Ok(Err("a view has no numbers of its own".to_owned()));
        };
        let kept = match self.transaction.load_state(number) {
            Ok(sheet) => &sheet.now,
            Err(StoreError::Damaged(what)) => {
                self.report_damage(&what);
                return Ok(Err(format!("{what}; a rebuild of this view repairs it")));
            }
            Err(error) => return Err(error),
        };
        let context = self.behavior.tree.entity.name().context;
        let trace = envelope.trace.as_deref();
        let _span = Span::below(trace, SpanKind::Consumer, || format!("project {context}"));
        let version = kept.version + 1;
        let known = kept.owner_of(number).or_else(|| envelope.owner.clone());
        let mut row = kept.state.clone_state();
        let folded = catch_unwind(AssertUnwindSafe(move || {
            change(row.as_mut());
            row
        }));
        match folded {
            Ok(state) => {
                let is_owned = self.behavior.tree.entity.is_owned();
                let owner = known.or_else(|| state.declared_owner(number)).filter(|_| is_owned);
                let row = Versioned { version, saga: None, owner, state };
                match row.encode() {
                    Ok(record) => self.transaction.set_state(number, row, record).map(Ok),
                    Err(StoreError::Invalid(why)) => Ok(Err(why)),
                    Err(error) => Err(error),
                }
            }
            Err(_) => {
                self.behavior.shared.crashes.fetch_add(1, Relaxed);
                Ok(Err("the fold panicked".to_owned()))
            }
        }
    }

    fn report_damage(&mut self, what: &str) {
        self.behavior.shared.report_damage(what);
    }

    fn write_parked(&mut self, key: Vec<u8>, row: Option<ParkedRow>) -> Result<(), StoreError> {
        self.transaction.write_parked(key, row.as_ref())
    }

    fn list_parked(
        &self,
        source: &str,
        aggregate: u64,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        parked::first_parked(&self.behavior.tree, source, aggregate, limit)
    }
}
