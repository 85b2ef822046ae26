//! What is said aloud: events to the log, and answers to those who wait for a thing.

use super::AggregateContext;
use crate::simulator::{
    network::{Flight, Network, Reply},
    subscription::Said,
    trace::Digest,
    world::Context,
};
use holdfast::domain::{Aggregate, Kind, Lifecycle};

impl<A: Aggregate> AggregateContext<A> {
    pub(super) fn record(
        &mut self,
        network: &mut Network,
        commit: u64,
        (number, mut version): (u64, u64),
        events: Vec<A::Event>,
        without_undo: bool,
    ) {
        network.changed = true;
        let mut log = self.log.borrow_mut();
        let mut history = log
            .iter()
            .rfind(|said| said.number == number)
            .map(|said| said.history)
            .unwrap_or_default();
        for event in events {
            network.trace.say(format_args!("    {event:?}"));
            version += 1;
            history = history.and(format_args!("{event:?}"));
            log.push(Said { number, version, commit, history, without_undo, event });
        }
    }

    /// Askers that wait for `number` get their answer, if it waits for nothing itself.
    pub(super) fn settled(&mut self, network: &mut Network, number: u64) {
        if self.open(number).is_some() {
            return;
        }
        let (told, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(of, _)| *of == number);
        self.waiting = waiting;
        let told: Vec<(u64, Option<u64>)> = told;
        told.into_iter().for_each(|(_, key)| self.reply(network, number, key));
        let (called, postponed) = std::mem::take(&mut self.postponed)
            .into_iter()
            .partition(|flight| flight.number == number);
        self.postponed = postponed;
        network.flights.extend::<Vec<Flight>>(called);
    }

    fn reply(&mut self, network: &mut Network, number: u64, key: Option<u64>) {
        let Some(kept) = self.kept.get(&number) else { return };
        let node = network.places[self.me].node;
        let context = self.me;
        let version = kept.version;
        match kept.state.lifecycle() {
            // Try again in a moment: the same key is then a new request.
            Lifecycle::Ended(refusal) if refusal.kind == Kind::RetryLater => {
                let Some(key) = key else { return };
                let commit = network.commit(self.me);
                self.keys.remove(commit, &key);
            }
            Lifecycle::Open | Lifecycle::Established | Lifecycle::Withdrawn => {
                let Some(history) = self.history(number, version).map(Digest) else { return };
                network.reply(Reply {
                    node,
                    commit: kept.commit,
                    context,
                    number,
                    version,
                    history,
                    key,
                });
            }
            Lifecycle::Absent | Lifecycle::Ended(_) => {}
        }
    }
}
