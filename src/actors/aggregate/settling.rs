//! How a turn answers the callers that wait until an aggregate is settled.

use super::{
    context::AggregateEffect,
    message::as_replay,
    turn::{Awaited, Turn},
};
use crate::{
    actors::port::fault::{CommandFault, Fault},
    domain::{Kind, Refusal},
    store::StoreError,
};

impl Turn<'_> {
    /// Answers those whose aggregate waits for nothing any more, and writes their idempotency rows.
    pub(crate) fn settle_requests(&mut self) -> Result<(), StoreError> {
        for (key, number) in std::mem::take(&mut self.new_keys) {
            match self.open_question(number) {
                Some(open) => self.awaited_mut(number, open).keys.push(key),
                None => self.store_outcome(&key, number)?,
            }
        }
        let settled: Vec<u64> = self
            .awaited
            .iter()
            .filter(|(_, awaited)| awaited.open_question.is_none())
            .map(|(number, _)| *number)
            .collect();
        for number in settled {
            for key in self.awaited.get_mut(&number).map(Awaited::take_keys).unwrap_or_default() {
                self.store_outcome(&key, number)?;
            }
            if self.behavior.asking.contains_key(&number) {
                let outcome = self.outcome_of(number)?;
                self.effects.push_back(AggregateEffect::Settled { number, outcome });
            }
        }
        for (mail, number, replayed) in std::mem::take(&mut self.waiters) {
            if self.open_question(number).is_some() {
                self.effects.push_back(AggregateEffect::Wait { mail, number, replayed });
            } else {
                let answer = as_replay(self.outcome_of(number)?, replayed);
                self.effects.push_back(AggregateEffect::Reply { mail, answer });
            }
        }
        Ok(())
    }

    /// Refuses those who wait for `number` so far, although it goes on; later messages of this turn
    /// are not affected.
    pub(crate) fn reject_waiting(
        &mut self,
        number: u64,
        refusal: Refusal,
    ) -> Result<(), StoreError> {
        let fault = match refusal.kind {
            Kind::RetryLater => self.retry_fault(number, refusal),
            _ => Fault::Refused(refusal),
        };
        let outcome = Err(CommandFault { fault, order: self.order_outcome(number) });
        let mut keys = self.awaited.get_mut(&number).map(Awaited::take_keys).unwrap_or_default();
        let new_keys = std::mem::take(&mut self.new_keys).into_iter();
        let (refused, others): (Vec<_>, Vec<_>) = new_keys.partition(|(_, of)| *of == number);
        keys.extend(refused.into_iter().map(|(key, _)| key));
        self.new_keys = others;
        for key in keys {
            self.store_response(&key, outcome.clone())?;
        }
        let waits = std::mem::take(&mut self.waiters).into_iter();
        let (refused, others): (Vec<_>, Vec<_>) = waits.partition(|(_, of, _)| *of == number);
        self.waiters = others;
        for (mail, _, replayed) in refused {
            self.effects.push_back(AggregateEffect::Reply {
                mail,
                answer: as_replay(outcome.clone(), replayed),
            });
        }
        self.effects.push_back(AggregateEffect::Settled { number, outcome });
        Ok(())
    }

    fn store_outcome(&mut self, key: &[u8], number: u64) -> Result<(), StoreError> {
        let outcome = self.outcome_of(number)?;
        self.store_response(key, outcome)
    }
}
