//! How a view takes part in the turns of its actor.

use super::{
    turn::ViewTurn,
    view::{ViewBehavior, ViewCacheUpdate, ViewEffect, ViewMail, is_clearing, purge_start},
};
use crate::{
    actors::{
        actor::{
            behavior::{Behavior, TurnOutput},
            mailbox::Mailbox,
        },
        port::{
            fault::{Fault, PARKED_EVENT},
            safeguard::Safeguard,
        },
        tables::rebuild,
    },
    domain::Refusal,
    store::{Batch, Commit, StoreError},
};
use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

impl Behavior for ViewBehavior {
    type Mail = ViewMail;
    type Effect = ViewEffect;
    type CacheUpdate = ViewCacheUpdate;

    fn reload_state(&mut self, _: &Arc<Mailbox<ViewMail>>) -> Result<(), StoreError> {
        self.epoch = self.tree.store.activate(self.tree.id)?;
        (self.counters, self.counters_commit) = rebuild::load_counters(&self.tree)?;
        if !self.shared.does(Safeguard::KeepPositions) {
            self.counters.positions.clear();
        }
        self.shared.generation.store(self.counters.generation, SeqCst);
        if rebuild::is_due(&self.counters, &self.tree) {
            return Ok(());
        }
        self.subscriptions.reload_parked(&self.tree)?;
        self.has_more = true;
        self.purged = purge_start();
        self.publish_health();
        Ok(())
    }

    fn prepare_batch(&mut self) -> Result<Option<Batch>, StoreError> {
        let counters = (&self.counters, self.counters_commit);
        // A row of a view has no saga but the one whose number it has: its fields say whose it is.
        rebuild::next_batch(&self.tree, self.epoch, counters, (&self.shared, &|_| None))
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
                    let answer = Err(Refusal::absent(PARKED_EVENT).into());
                    work.effects.push_back(ViewEffect { place, answer });
                }
                Some(ViewMail::Unpark { .. }) if begins => {
                    work.effects.push_back(ViewEffect { place, answer: Ok(()) })
                }
                Some(ViewMail::Delivery(delivery)) => {
                    work.behavior.subscriptions.apply_delivery(&mut work, delivery)?
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
                        if found { Ok(()) } else { Err(Refusal::absent(PARKED_EVENT).into()) };
                    work.effects.push_back(ViewEffect { place, answer });
                }
                None => {}
            }
        }
        work.into_output()
    }

    fn apply_cache(&mut self, memory: ViewCacheUpdate, commit: Commit) {
        if memory.counters != self.counters {
            self.counters_commit = commit;
        }
        self.has_more = memory.progress.more || memory.clears_parked;
        // The generation that was shown until now is purged from its beginning.
        let is_same_table = memory.counters.generation == self.counters.generation;
        self.purged = if is_same_table { memory.purged } else { purge_start() };
        let reshelve = memory.clears_parked || is_clearing(&self.counters);
        self.counters = memory.counters;
        if reshelve {
            self.subscriptions.clear_parked()
        } else {
            self.subscriptions.apply_progress(&memory.progress)
        }
        self.publish_health();
        if !is_same_table {
            self.shared.changes.report_all();
        }
    }

    fn run_effect(&mut self, commit: Commit, effect: ViewEffect, mails: &mut [Option<ViewMail>]) {
        match mails.get_mut(effect.place).and_then(Option::take) {
            Some(ViewMail::Rebuild(done) | ViewMail::Unpark { done, .. }) => {
                self.shared.send_reply(commit, done, effect.answer, false)
            }
            Some(ViewMail::Delivery(_) | ViewMail::Wake) | None => {}
        }
    }

    fn reject_mail(&mut self, mail: ViewMail, why: &Fault) {
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
