//! The behavior of an aggregate context: commands, asks, answers, events and timers come in, one
//! batch a turn goes out.

use super::asks::ask_retry;
use super::context::{AggregateBehavior, AggregateCacheUpdate, AggregateEffect, WaitingClient};
use super::message::AggregateMail;

use crate::{
    actors::{
        actor::{
            behavior::{Behavior, TurnOutput},
            mailbox::Mailbox,
        },
        port::{
            fault::Fault,
            owed::{Retry, note_retry},
            safeguard::Safeguard,
            saga::SagaId,
        },
        tables::rebuild,
    },
    store::{Batch, Commit, StoreError},
    sync,
};
use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

impl Behavior for AggregateBehavior {
    type Mail = AggregateMail;
    type Effect = AggregateEffect;
    type CacheUpdate = AggregateCacheUpdate;

    fn reload_state(&mut self, mailbox: &Arc<Mailbox<AggregateMail>>) -> Result<(), StoreError> {
        self.mailbox = Some(mailbox.clone());
        self.epoch = self.tree.store.activate(self.tree.id)?;
        (self.counters, self.counters_commit) = rebuild::load_counters(&self.tree)?;
        if !self.shared.does(Safeguard::KeepPositions) {
            self.counters.positions.clear();
        }
        if !self.shared.does(Safeguard::KeepNumbers) {
            self.counters.last_number = 0;
        }
        self.subscribers.load_history(&self.tree, Some(self.counters.last_sequence + 1))?;
        if rebuild::is_due(&self.counters, &self.tree) {
            return Ok(());
        }
        self.contested = rebuild::contested_claims(&self.tree)?;
        self.subscriptions.reload_parked(&self.tree)?;
        self.reload_timers()?;
        self.reload_questions()?;
        self.has_more = true;
        self.publish_health();
        self.subscribers.latest.fetch_max(self.counters.last_sequence, Relaxed);
        self.subscribers.publish(&Arc::from([]));
        Ok(())
    }

    fn prepare_batch(&mut self) -> Result<Option<Batch>, StoreError> {
        let counters = (&self.counters, self.counters_commit);
        let owner_of = |saga: &SagaId| self.peers.owner_of(saga);
        rebuild::next_batch(&self.tree, self.epoch, counters, (&self.shared, &owner_of))
    }

    fn decide(&mut self, mails: &[Option<AggregateMail>]) -> Result<TurnOutput<Self>, StoreError> {
        let mut work = super::turn::Turn::new(self);
        for (place, mail) in mails.iter().enumerate() {
            if let Some(mail) = mail {
                work.handle_mail(place, mail)?;
            }
        }
        work.into_output()
    }

    fn apply_cache(&mut self, memory: AggregateCacheUpdate, commit: Commit) {
        if memory.counters != self.counters {
            self.counters_commit = commit;
        }
        self.counters = memory.counters;
        self.subscriptions.apply_progress(&memory.progress);
        let mut retries = sync::lock(&self.shared.retries);
        for (number, asking) in memory.asking {
            let rounds = asking.as_ref().map_or(0, |asking| asking.rounds);
            note_retry(&mut retries.asks, number, ask_retry(rounds));
            match asking {
                Some(asking) => drop(self.asking.insert(number, asking)),
                None => drop(self.asking.remove(&number)),
            }
        }
        for (number, failing) in &memory.timers.failing {
            let retry = failing.map(|(times, at)| Retry { times, at });
            note_retry(&mut retries.timers, *number, retry);
        }
        drop(retries);
        self.timers.apply_update(memory.timers);
        for (key, numbers) in memory.contested {
            match numbers.len() {
                0 | 1 => drop(self.contested.remove(&key)),
                _ => drop(self.contested.insert(key, numbers)),
            }
        }
        self.has_more = memory.has_more || memory.progress.more;
        if let Some(sweep) = memory.expiry {
            self.expiry = sweep;
        }
        sync::lock(&self.shared.orders).add_counts(memory.orders);
        self.publish_health();
    }

    fn run_effect(
        &mut self,
        commit: Commit,
        effect: AggregateEffect,
        mails: &mut [Option<AggregateMail>],
    ) {
        let mut mail = |place: usize| mails.get_mut(place).and_then(Option::take);
        match effect {
            AggregateEffect::Commit(spans) => {
                let durable = self.tree.store.durable(commit);
                actix::spawn(async move {
                    if let Err(error) = durable.await {
                        spans.into_iter().for_each(|mut span| span.fail(&error));
                    }
                });
            }
            AggregateEffect::Publish(events) => self.subscribers.publish(&events.into()),
            AggregateEffect::Ask { number, ask, pass, pause, origin } => {
                self.send_ask(number, ask, pass, pause, *origin)
            }
            AggregateEffect::Reply { mail: place, answer } => {
                if let Some(AggregateMail::Command(entry)) = mail(place) {
                    self.shared.send_reply(commit, entry.reply, answer, false);
                }
            }
            AggregateEffect::Wait { mail: place, number, replayed } => {
                if let Some(AggregateMail::Command(entry)) = mail(place) {
                    let waiting =
                        WaitingClient { reply: entry.reply, replayed, _permit: entry.permit };
                    self.waiting.entry(number).or_default().push(waiting);
                    self.shared.waiting.fetch_add(1, Relaxed);
                }
            }
            AggregateEffect::Settled { number, outcome } => {
                for waiting in self.waiting.remove(&number).unwrap_or_default() {
                    self.shared.waiting.fetch_sub(1, Relaxed);
                    let answer = super::message::as_replay(outcome.clone(), waiting.replayed);
                    self.shared.send_reply(commit, waiting.reply, answer, true);
                }
                for asked in self.postponed.remove(&number).unwrap_or_default() {
                    if let Some(mailbox) = &self.mailbox {
                        mailbox.post(AggregateMail::Ask(asked));
                    }
                }
            }
            AggregateEffect::Answer { mail: place, answer } => {
                if let Some(AggregateMail::Ask(asked)) = mail(place) {
                    self.shared.answer_ask(asked.reply, answer);
                }
            }
            AggregateEffect::Postpone { mail: place, number } => {
                if let Some(AggregateMail::Ask(asked)) = mail(place) {
                    self.postponed.entry(number).or_default().push(asked);
                }
            }
            AggregateEffect::Done { mail: place, answer } => {
                if let Some(AggregateMail::Unpark { done, .. }) = mail(place) {
                    self.shared.send_reply(commit, done, answer, false);
                }
            }
        }
    }

    fn on_accepted(effects: &VecDeque<AggregateEffect>, mails: &[Option<AggregateMail>]) {
        for effect in effects {
            let (place, number) = match effect {
                AggregateEffect::Reply { mail, answer: Ok(outcome) } => (*mail, outcome.number),
                AggregateEffect::Wait { mail, number, .. } => (*mail, *number),
                _ => continue,
            };
            if let Some(Some(AggregateMail::Command(entry))) = mails.get(place) {
                entry.progress.set_recorded(number);
            }
        }
    }

    fn reject_mail(&mut self, mail: AggregateMail, why: &Fault) {
        match mail {
            AggregateMail::Command(entry) => drop(entry.reply.send(Err(why.clone().into()))),
            AggregateMail::Unpark { done, .. } => drop(done.send(Err(why.clone()))),
            // The asker times out; events and timers are read again from the store. A rejected
            // answer leaves its question open, so the question is asked again.
            AggregateMail::Answer { number, .. } => self.retry_ask(number),
            AggregateMail::Ask(_) | AggregateMail::Delivery(_) | AggregateMail::Wake => {
                self.has_more = true
            }
        }
    }

    fn drop_waiting(&mut self) {
        // Their commands are recorded: the handle answers with the current state.
        let waiting = std::mem::take(&mut self.waiting).into_values().flatten().count();
        self.shared.waiting.fetch_sub(waiting as u64, Relaxed);
        self.postponed.clear();
        self.asking.clear();
        sync::lock(&self.shared.retries).asks.clear();
        self.publish_health();
    }

    fn is_from_outside(mail: &AggregateMail) -> bool {
        matches!(mail, AggregateMail::Command(_))
    }

    fn next_wake(&self) -> Option<Duration> {
        if self.has_more {
            return Some(Duration::ZERO);
        }
        // The next timer is never a failing one: those have their own retry time.
        let (due, stuck) = self.timers.due();
        let due = due.map(|at| self.clock.time_until(at));
        [
            due,
            stuck,
            self.subscriptions.next_wake(&self.counters.positions),
            Some(self.expiry.due_in()),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn wake_mail() -> AggregateMail {
        AggregateMail::Wake
    }
}
