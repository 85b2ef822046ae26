//! What must hold of a context that decides when nothing is left to do.

use super::{AggregateContext, Kept};
use crate::simulator::{mitigation::Mitigation, network::Network};
use holdfast::domain::{Aggregate, Id, Lifecycle};
use std::collections::{BTreeMap, BTreeSet};

impl<A: Aggregate> AggregateContext<A> {
    pub(super) fn is_at_rest(&self, network: &Network) -> Result<(), String> {
        self.ears.rest(network)?;
        let mut folded = BTreeMap::<u64, A>::new();
        for said in self.log.borrow().iter() {
            folded.entry(said.number).or_default().evolve(&said.event);
        }
        let mut timers = BTreeSet::new();
        let mut claims = BTreeMap::new();
        for (number, Kept { state, .. }) in self.kept.rows() {
            if let Some(ask) = state.awaits(Id::new(*number)) {
                return Err(format!("#{number} waits for ever: {ask:?}"));
            }
            if state.lifecycle() == Lifecycle::Open {
                return Err(format!("#{number} is open for ever"));
            }
            if folded.remove(number).as_ref() != Some(state) && network.does(Mitigation::KeepMarks)
            {
                return Err(format!("#{number} is not what its events say"));
            }
            if let Some((at, _)) = state.due() {
                timers.insert((at, *number));
            }
            for key in state.held_keys() {
                if let Some(other) = claims.insert(key.clone(), *number) {
                    return Err(format!("{key} is claimed by #{other} and #{number}"));
                }
            }
        }
        if let Some(number) = folded.keys().next().filter(|_| network.does(Mitigation::KeepMarks)) {
            return Err(format!("#{number} has events and no state"));
        }
        if let Some((at, number)) = timers.iter().find(|(at, _)| *at <= network.now()) {
            return Err(format!("the time of #{number} came at {at}, and nothing happened"));
        }
        if network.does(Mitigation::KeepTimers) && !timers.iter().eq(self.timers.rows().keys()) {
            return Err("its timers are not those of its states".to_owned());
        }
        if network.does(Mitigation::CheckClaims) && claims != *self.claims.rows() {
            return Err("its claims are not those of its states".to_owned());
        }
        match (self.puts.len(), self.waiting.len(), self.postponed.len()) {
            (0, 0, 0) => Ok(()),
            left => Err(format!("questions, clients and callers are left waiting: {left:?}")),
        }
    }
}
