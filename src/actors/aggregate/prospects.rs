//! Tries commands on a copy of a thing, to say which of them it would take now. Nothing is recorded.

use super::enter::{Enter, Entered};
use crate::{
    actors::{
        erased::{AggregateType, AnyState, Circumstances, Settings},
        port::{
            clock::Clock,
            prospect::{Candidate, Prospect},
        },
    },
    domain::Kind,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// What decisions depend on besides the state.
pub struct Surroundings {
    pub settings: Settings,
    pub clock: Arc<Clock>,
}

impl Surroundings {
    /// What would come of `candidate` for the thing `number` with this `state`.
    pub fn foresee(
        &self,
        aggregate: &'static dyn AggregateType,
        enter: &Enter,
        candidate: Candidate,
        (number, state): (u64, &dyn AnyState),
    ) -> Prospect {
        let Ok(Entered { command, .. }) = enter(candidate.body, false) else {
            return Prospect::Undecided;
        };
        let in_json = command.to_json_bytes().unwrap_or_default();
        let this = Circumstances { number, at: self.clock.now(), settings: &self.settings };
        let decided = catch_unwind(AssertUnwindSafe(|| aggregate.decide(state, command, &this)));
        match decided {
            Ok(Ok(decided)) if decided.events.is_empty() => Prospect::WithoutEffect,
            Ok(Ok(_)) => Prospect::Effective(in_json),
            Ok(Err(refusal)) if matches!(refusal.kind, Kind::Invalid | Kind::RetryLater) => {
                Prospect::Undecided
            }
            Ok(Err(refusal)) => Prospect::Refused(refusal),
            Err(_) => Prospect::Undecided,
        }
    }
}
