//! The behavior of an aggregate context: commands, asks, answers, events and timers come in, one
//! batch a turn goes out.

use super::context::{AggregateBehavior, CacheUpdate, Effect, WaitingClient};
use super::message::AggregateMail;

use crate::{
    actors::{
        actor::{
            behavior::{Behavior, TurnOutput},
            mailbox::Mailbox,
        },
        port::fault::Fault,
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
    type Effect = Effect;
    type CacheUpdate = CacheUpdate;

    fn reload(&mut self, mailbox: &Arc<Mailbox<AggregateMail>>) -> Result<(), StoreError> {
        self.mailbox = Some(mailbox.clone());
        self.epoch = self.tree.store.activate(self.tree.id)?;
        (self.counters, self.counters_commit) = rebuild::load(&self.tree)?;
        self.subscribers.load_history(&self.tree, Some(self.counters.last_sequence + 1))?;
        if rebuild::is_due(&self.counters, &self.tree) {
            return Ok(());
        }
        self.contested = rebuild::contested(&self.tree)?;
        self.subscriptions.reload(&self.tree)?;
        self.reload_timers()?;
        self.reload_questions()?;
        self.has_more = true;
        self.publish_health();
        self.subscribers.latest.fetch_max(self.counters.last_sequence, Relaxed);
        self.subscribers.publish(&Arc::from([]));
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

    fn decide(&mut self, mails: &[Option<AggregateMail>]) -> Result<TurnOutput<Self>, StoreError> {
        let mut work = super::turn::Turn::new(self);
        for (place, mail) in mails.iter().enumerate() {
            if let Some(mail) = mail {
                work.handle(place, mail)?;
            }
        }
        work.into_output()
    }

    fn apply_cache(&mut self, memory: CacheUpdate, commit: Commit) {
        if memory.counters != self.counters {
            self.counters_commit = commit;
        }
        self.counters = memory.counters;
        self.subscriptions.apply_progress(&memory.progress);
        for (number, asking) in memory.asking {
            match asking {
                Some(asking) => drop(self.asking.insert(number, asking)),
                None => drop(self.asking.remove(&number)),
            }
        }
        self.timers.apply(memory.timers);
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
        sync::lock(&self.shared.orders).add(memory.orders);
        self.publish_health();
    }

    fn run_effect(&mut self, commit: Commit, effect: Effect, mails: &mut [Option<AggregateMail>]) {
        let mut mail = |place: usize| mails.get_mut(place).and_then(Option::take);
        match effect {
            Effect::Publish(events) => self.subscribers.publish(&events.into()),
            Effect::Ask { number, ask, pass, pause, saga, thread } => {
                self.send_ask(number, ask, pass, pause, saga, thread)
            }
            Effect::Reply { mail: place, answer } => {
                if let Some(AggregateMail::Command(entry)) = mail(place) {
                    self.shared.reply(commit, entry.reply, answer, false);
                }
            }
            Effect::Wait { mail: place, number, replayed } => {
                if let Some(AggregateMail::Command(entry)) = mail(place) {
                    let waiting =
                        WaitingClient { reply: entry.reply, replayed, _permit: entry.permit };
                    self.waiting.entry(number).or_default().push(waiting);
                    self.shared.waiting.fetch_add(1, Relaxed);
                }
            }
            Effect::Settled { number, outcome } => {
                for waiting in self.waiting.remove(&number).unwrap_or_default() {
                    self.shared.waiting.fetch_sub(1, Relaxed);
                    let answer = super::message::as_replay(outcome.clone(), waiting.replayed);
                    self.shared.reply(commit, waiting.reply, answer, true);
                }
                for asked in self.postponed.remove(&number).unwrap_or_default() {
                    if let Some(mailbox) = &self.mailbox {
                        mailbox.post(AggregateMail::Ask(asked));
                    }
                }
            }
            Effect::Answer { mail: place, answer } => {
                if let Some(AggregateMail::Ask(asked)) = mail(place) {
                    self.shared.answer_ask(asked.reply, answer);
                }
            }
            Effect::Postpone { mail: place, number } => {
                if let Some(AggregateMail::Ask(asked)) = mail(place) {
                    self.postponed.entry(number).or_default().push(asked);
                }
            }
            Effect::Done { mail: place, answer } => {
                if let Some(AggregateMail::Unpark { done, .. }) = mail(place) {
                    self.shared.reply(commit, done, answer, false);
                }
            }
        }
    }

    fn on_accepted(effects: &VecDeque<Effect>, mails: &[Option<AggregateMail>]) {
        for effect in effects {
            let (place, number) = match effect {
                Effect::Reply { mail, answer: Ok(outcome) } => (*mail, outcome.number),
                Effect::Wait { mail, number, .. } => (*mail, *number),
                _ => continue,
            };
            if let Some(Some(AggregateMail::Command(entry))) = mails.get(place) {
                entry.progress.set_recorded(number);
            }
        }
    }

    fn reject(&mut self, mail: AggregateMail, why: &Fault) {
        match mail {
            AggregateMail::Command(entry) => drop(entry.reply.send(Err(why.clone()))),
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
        let due = due.map(|at| self.clock.until(at));
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
