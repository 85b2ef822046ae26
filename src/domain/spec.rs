//! Tests in the language of the board: given what happened, when this is asked, then that happens.

use super::{Aggregate, Decision, DecisionContext, Id, Kind, Timestamp};

/// One aggregate, number 1, to which `past` has happened.
pub fn given<A: Aggregate>(past: impl IntoIterator<Item = A::Event>) -> Given<A> {
    let mut state = A::default();
    past.into_iter().for_each(|event| state.evolve(&event));
    Given(state)
}

/// An aggregate with a past.
pub struct Given<A>(pub A);
/// An aggregate that has been asked something.
pub struct When<A: Aggregate>(A, Decision<A::Event>);

impl<A: Aggregate> Given<A> {
    /// This is asked of it, at the epoch and under default settings.
    #[must_use]
    pub fn when(self, command: A::Command) -> When<A> {
        let settings = A::Settings::default();
        let decision = self.0.decide(
            command,
            &DecisionContext { id: Id::new(1), at: Timestamp::default(), settings: &settings },
        );
        When(self.0, decision)
    }
    /// Its open question reads so.
    #[track_caller]
    #[must_use]
    pub fn awaits(self, question: &str) -> Self {
        assert_eq!(
            self.0.awaits(Id::new(1)).map(|ask| format!("{ask:?}")).as_deref(),
            Some(question)
        );
        self
    }
    /// It has no open question.
    #[track_caller]
    pub fn awaits_nothing(self) {
        assert!(self.0.awaits(Id::new(1)).is_none());
    }
}

impl<A: Aggregate> When<A> {
    /// Exactly these events follow.
    #[track_caller]
    #[must_use]
    pub fn then(self, events: impl IntoIterator<Item = A::Event>) -> Given<A> {
        let events: Vec<_> = events.into_iter().collect();
        assert_eq!(self.1.as_ref(), Ok(&events));
        let mut state = self.0;
        events.iter().for_each(|event| state.evolve(event));
        Given(state)
    }
    /// Nothing follows.
    #[track_caller]
    #[must_use]
    pub fn then_nothing(self) -> Given<A> {
        self.then([])
    }
    /// It is refused, with this code.
    #[track_caller]
    pub fn refused(self, kind: Kind, code: &str) {
        let refusal = self.1.err();
        assert_eq!(refusal.as_ref().map(|r| (r.kind, r.code.as_ref())), Some((kind, code)));
    }
}
