//! The guard in front of an asked context: breaker, concurrency limit and quota; and the asking itself, in tries.

use super::breaker::{Breaker, BreakerSettings, CallPermit};
use crate::{actors::port::health::GuardHealth, domain::NoAnswer, durations::Durations};
use futures_util::FutureExt;
use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use std::{future::poll_fn, num::NonZeroU32, sync::Arc, task::Poll, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, oneshot::error::RecvError};
use tokio::time::Instant;

/// How a context may be asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GuardSettings {
    /// How long one try may take.
    pub timeout: Duration,
    /// How many tries; each repeats the same ask id.
    pub tries: u32,
    /// How many questions at once.
    pub concurrency: usize,
    /// How many questions a second.
    pub quota_per_second: u32,
    /// The breaker.
    pub breaker: BreakerSettings,
}

impl Default for GuardSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_millis(1000),
            tries: 1,
            concurrency: 1024,
            quota_per_second: 100_000,
            breaker: BreakerSettings::default(),
        }
    }
}

impl GuardSettings {
    /// How long an asker waits before it gives up.
    pub fn patience(&self) -> Duration {
        self.timeout * self.tries
    }
}

/// Guards one asked context for all who ask it from this node.
pub struct Guard {
    settings: GuardSettings,
    breaker: Arc<Breaker>,
    concurrency: Arc<Semaphore>,
    quota: RateLimiter<NotKeyed, InMemoryState, QuotaClock, NoOpMiddleware<Duration>>,
    answered: Durations,
    unanswered: Durations,
    settles_at_once: bool,
}

/// The time since the guard was made, on tokio's clock.
#[derive(Debug, Clone)]
struct QuotaClock(Instant);

impl QuotaClock {
    fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for QuotaClock {
    type Instant = Duration;
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The permission to ask once. It counts for nothing until it is used.
#[must_use]
pub struct Permit {
    call: Option<CallPermit>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            call.not_made();
        }
    }
}

/// What an answer comes through.
pub type AnswerReceiver = oneshot::Receiver<Result<(), NoAnswer>>;

impl Guard {
    /// A guard that lets questions through as `settings` say.
    pub fn new(settings: GuardSettings) -> Self {
        let per_second = NonZeroU32::new(settings.quota_per_second).unwrap_or(NonZeroU32::MIN);
        Self {
            settings,
            breaker: Breaker::new(settings.breaker),
            concurrency: Arc::new(Semaphore::new(settings.concurrency)),
            quota: RateLimiter::direct_with_clock(Quota::per_second(per_second), QuotaClock::new()),
            answered: Durations::default(),
            unanswered: Durations::default(),
            settles_at_once: true,
        }
    }

    /// The same guard: whether an ask that meets an open breaker has no answer, at once.
    pub fn settling_at_once(self, settles_at_once: bool) -> Self {
        Self { settles_at_once, ..self }
    }

    /// Permits a question, or returns how long to wait.
    ///
    /// # Errors
    /// How long to wait.
    pub fn permit_question(&self) -> Result<Permit, Duration> {
        let call = self.breaker.permit_call(Instant::now())?;
        let Ok(permit) = self.concurrency.clone().try_acquire_owned() else {
            call.not_made();
            return Err(Duration::from_secs(1));
        };
        if let Err(not_until) = self.quota.check() {
            call.not_made();
            return Err(not_until
                .wait_time_from(self.quota.clock().now())
                .max(Duration::from_secs(1)));
        }
        Ok(Permit { call: Some(call), _permit: permit })
    }

    /// Whether the breaker would let a question through now. Nothing is taken.
    ///
    /// # Errors
    /// How long to wait.
    pub fn check_breaker(&self) -> Result<(), Duration> {
        self.breaker.check_call(Instant::now())
    }

    /// How long the breaker lets no call through, if it is open.
    pub fn open_for(&self) -> Option<Duration> {
        self.breaker.open_for(Instant::now())
    }

    /// Asks by `put`, as often as it may; a late answer to an earlier try counts while a later one runs. A question that
    /// must be asked and has no pass yet waits for one for as long as its tries may take together; before an open breaker
    /// the wait could not succeed.
    pub async fn ask_guarded(
        &self,
        pass: Option<Permit>,
        put: impl FnMut() -> AnswerReceiver,
    ) -> Result<(), NoAnswer> {
        let began = Instant::now();
        let answer = self.ask_in_tries(pass, put).await;
        let is_answered = answer != Err(NoAnswer::Unavailable);
        let durations = if is_answered { &self.answered } else { &self.unanswered };
        durations.observe_duration(began.elapsed());
        answer
    }

    async fn ask_in_tries(
        &self,
        pass: Option<Permit>,
        mut put: impl FnMut() -> AnswerReceiver,
    ) -> Result<(), NoAnswer> {
        let mut pass = match pass {
            Some(pass) => pass,
            None => self.wait_for_permit().await.ok_or(NoAnswer::Unavailable)?,
        };
        let mut answers = Vec::with_capacity(1);
        for round in 1..=self.settings.tries.max(1) {
            answers.push(put());
            let ends = Instant::now() + self.settings.timeout;
            while !answers.is_empty() {
                match tokio::time::timeout_at(ends, first_of(&mut answers)).await {
                    Ok(Some(Ok(answer))) if answer != Err(NoAnswer::Unavailable) => {
                        if let Some(call) = pass.call.take() {
                            call.record_success();
                        }
                        return answer;
                    }
                    // Away or crashed: this try has failed, an earlier one may still be answered.
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
            drop(pass.call.take());
            if round < self.settings.tries {
                match self.permit_question() {
                    Ok(next) => pass = next,
                    Err(_) => break,
                }
            }
        }
        Err(NoAnswer::Unavailable)
    }

    async fn wait_for_permit(&self) -> Option<Permit> {
        let ends = Instant::now() + self.settings.patience();
        loop {
            match self.permit_question() {
                Ok(pass) => return Some(pass),
                Err(_) if self.settles_at_once && self.open_for().is_some() => return None,
                Err(wait) => {
                    let left = ends.checked_duration_since(Instant::now())?;
                    tokio::time::sleep(wait.min(left).min(Duration::from_millis(100))).await;
                }
            }
        }
    }

    /// How it is doing.
    pub fn health(&self) -> GuardHealth {
        let (breaker, opened) = self.breaker.circuit_state(Instant::now());
        let in_flight =
            self.settings.concurrency.saturating_sub(self.concurrency.available_permits()) as u64;
        let answered = self.answered.read_counts();
        let unanswered = self.unanswered.read_counts();
        GuardHealth { breaker, opened, in_flight, answered, unanswered }
    }
}

/// The next answer of any of those asked; `None` where no one is left to answer.
async fn first_of(
    answers: &mut Vec<AnswerReceiver>,
) -> Option<Result<Result<(), NoAnswer>, RecvError>> {
    poll_fn(|cx| {
        let mut ready = answers.iter_mut().enumerate().filter_map(|(place, answer)| {
            match answer.poll_unpin(cx) {
                Poll::Ready(word) => Some((place, word)),
                Poll::Pending => None,
            }
        });
        match ready.next() {
            Some((place, word)) => {
                answers.remove(place);
                Poll::Ready(Some(word))
            }
            None if answers.is_empty() => Poll::Ready(None),
            None => Poll::Pending,
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quick(tries: u32) -> Guard {
        Guard::new(GuardSettings {
            timeout: Duration::from_millis(1),
            tries,
            concurrency: 2,
            ..Default::default()
        })
    }

    #[tokio::test]
    async fn a_late_answer_to_the_first_try_counts_while_the_second_runs() {
        let guard = Guard::new(GuardSettings {
            timeout: Duration::from_millis(1),
            tries: 2,
            ..Default::default()
        });
        let mut senders = Vec::new();
        let mut tries = 0;
        let answer = guard.ask_guarded(None, || {
            let (sender, receiver) = oneshot::channel();
            senders.push(sender);
            tries += 1;
            if tries == 2 {
                let _ = senders.remove(0).send(Ok(()));
            }
            receiver
        });
        assert_eq!(answer.await, Ok(()));
    }

    #[tokio::test]
    async fn a_missing_answer_counts_as_no_answer() {
        let mut kept = Vec::new();
        let guard = quick(2);
        let answer = guard.ask_guarded(None, || {
            let (sender, receiver) = oneshot::channel();
            kept.push(sender);
            receiver
        });
        assert_eq!(answer.await, Err(NoAnswer::Unavailable));
        assert_eq!(kept.len(), 2);
    }

    #[tokio::test]
    async fn an_open_breaker_refuses_at_once_and_asks_no_context() {
        let breaker = BreakerSettings {
            minimum: 1,
            open_for: Duration::from_secs(600),
            ..Default::default()
        };
        let guard = Guard::new(GuardSettings {
            timeout: Duration::from_secs(600),
            breaker,
            ..Default::default()
        });
        // The context that is asked is unavailable.
        assert_eq!(
            guard.ask_guarded(None, || oneshot::channel().1).await,
            Err(NoAnswer::Unavailable)
        );
        assert!(guard.check_breaker().is_err() && guard.open_for().is_some());
        let refused = guard.ask_guarded(None, || unreachable!("the breaker is open"));
        assert_eq!(refused.now_or_never(), Some(Err(NoAnswer::Unavailable)));
    }

    #[test]
    fn more_at_once_than_it_may_is_refused_and_a_pass_that_is_dropped_frees_its_place() {
        let guard = quick(1);
        let passes = (guard.permit_question().ok(), guard.permit_question().ok());
        assert!(guard.permit_question().is_err());
        drop(passes);
        assert!(guard.permit_question().is_ok());
        assert_eq!(guard.health().breaker, "closed");
    }
}
