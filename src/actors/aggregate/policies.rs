//! Applies the commands that policies make of events.

use super::turn::{Rejection, Turn};
use crate::{
    actors::{
        erased::Command,
        port::{safeguard::Safeguard, saga::TraceContext, status::ChaosPoint},
        subscription::{
            progress::{Listener, SubscriptionProgress},
            source::Recipient,
        },
        tables::{
            log::{Cause, Envelope},
            parked,
            parked::ParkedRow,
        },
    },
    store::StoreError,
};
use std::borrow::Cow;

impl Listener<Command> for Turn<'_> {
    fn does(&self, safeguard: Safeguard) -> bool {
        Turn::does(self, safeguard)
    }

    fn before_applying(&self) {
        self.behavior.shared.inject_chaos(ChaosPoint::Applying);
    }

    fn progress(&mut self) -> &mut SubscriptionProgress {
        &mut self.progress
    }

    fn apply_event(
        &mut self,
        source: &'static str,
        envelope: &Envelope,
        whose: Recipient,
        command: Command,
    ) -> Result<Result<(), String>, StoreError> {
        let is_undo = self.behavior.aggregate.compensates(command.as_ref()).is_some();
        if is_undo && !self.does(Safeguard::SendUndos) {
            return Ok(Ok(()));
        }
        let is_new = whose == Recipient::New;
        let number = match whose {
            Recipient::Number(number) => number,
            Recipient::New => self.next_number()?,
            Recipient::Key(key) => match self.holder_of(&key) {
                Ok(Some(number)) => number,
                Ok(None) => {
                    self.refuse_withdrawn(command.as_ref())?;
                    return Ok(Ok(()));
                }
                Err(StoreError::Damaged(what)) => {
                    self.report_damage(&what);
                    return Ok(Err(what));
                }
                Err(error) => return Err(error),
            },
        };
        let cause = Cause::Event(Cow::Borrowed(source), envelope.sequence);
        let thread = TraceContext {
            client: envelope.client.clone(),
            trace: envelope.trace.clone(),
            owner: envelope.owner.clone(),
        };
        let decided =
            match self.decide(number, command, cause, envelope.saga.clone(), Some(&thread)) {
                Err(StoreError::Damaged(what)) => {
                    self.report_damage(&what);
                    return Ok(Err(what));
                }
                decided => decided?,
            };
        Ok(match decided {
            Ok(()) => {
                if is_new && self.transaction.load_state(number)?.now.version > 0 {
                    self.counters.last_number = number;
                }
                Ok(())
            }
            Err(Rejection::TooLarge(why)) => Err(why),
            // A policy's command is never refused: a refusal is a gap in the context's `decide`.
            Err(trouble) => Err(trouble.into_fault().to_string()),
        })
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
