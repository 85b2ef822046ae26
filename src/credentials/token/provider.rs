//! The keys of one provider, and when they are read again. Requests wait for the provider only where nothing else can judge them;
//! however many wait, it is asked once.

use super::key_set::{KeySet, TokenAlgorithm, TokenKey};
use crate::{identity::Unidentified, sync};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{runtime::Handle, time::Instant};

/// How long keys are used without being read again.
const KEPT: Duration = Duration::from_secs(10 * 60);
/// When they are read again beside the requests, so that none waits.
const RENEWED: Duration = Duration::from_secs(9 * 60);
/// How often unknown names of keys, which anyone can invent, lead to the provider, and how often one that failed is asked again.
const PAUSE: Duration = Duration::from_secs(30);
/// The same while no keys are known at all.
const SHORT_PAUSE: Duration = Duration::from_secs(1);
/// Why nothing can be judged.
const AWAY: &str = "the keys of the provider were never read, and it is away";
/// Rounds in which a request may wait for keys: for a reading that was under way, and for one of its own.
const ROUNDS: usize = 4;

/// Where browsers sign in, and where what they bring back is redeemed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// The page for browsers.
    pub authorization: Option<String>,
    /// What gives a token for a code.
    pub token: Option<String>,
}

/// What a provider publishes.
#[derive(Debug, Default, PartialEq)]
pub struct Published {
    /// Its keys.
    pub keys: KeySet,
    /// Its addresses.
    pub endpoints: Endpoints,
}

/// Where that is read.
pub trait KeySource: Send + Sync + 'static {
    /// Reads it.
    fn fetch(&self) -> BoxFuture<'static, Result<Published, String>>;
}

type Reading = Shared<BoxFuture<'static, ()>>;

#[derive(Default)]
struct State {
    published: Option<Arc<Published>>,
    /// Counts those that differed.
    generation: u64,
    /// When they were read.
    read: Option<Instant>,
    /// When the last reading ended, and whether it failed.
    tried: Option<Instant>,
    failed: bool,
    /// When an unknown name led to the provider.
    unknown: Option<Instant>,
    /// The reading that is under way.
    reading: Option<Reading>,
}

/// What is to be done about a key.
enum Step {
    Use(Arc<TokenKey>, u64),
    Wait(Reading),
    Refuse(Unidentified),
}

/// The keys of one provider.
pub struct Provider {
    /// Its URL, for the log.
    issuer: String,
    source: Box<dyn KeySource>,
    runtime: Handle,
    state: Mutex<State>,
}

fn is_over(pause: Duration, since: Option<Instant>, now: Instant) -> bool {
    since.is_none_or(|since| now.duration_since(since) >= pause)
}

impl Provider {
    /// The provider `issuer`, whose keys are read from `source`, on `runtime`. Nothing is read yet.
    pub fn new(issuer: &str, source: impl KeySource, runtime: Handle) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self { issuer: issuer.to_owned(), source: Box::new(source), runtime, state })
    }

    /// Where the provider is asked.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Begins to read the keys, if that is not under way.
    pub fn read_keys(self: &Arc<Self>) {
        drop(self.reading(&mut sync::lock(&self.state)));
    }

    /// The key with this name for this algorithm, and the generation of the set that it belongs to.
    ///
    /// # Errors
    /// There is none; or it cannot be known, because the keys were never read and the provider is away.
    pub async fn find_key(
        self: &Arc<Self>,
        kid: &str,
        algorithm: TokenAlgorithm,
    ) -> Result<(Arc<TokenKey>, u64), Unidentified> {
        for _ in 0..ROUNDS {
            let step = self.next_step(kid, algorithm);
            match step {
                Step::Use(key, generation) => return Ok((key, generation)),
                Step::Wait(reading) => reading.await,
                Step::Refuse(why) => return Err(why),
            }
        }
        Err(Unidentified::Unavailable(AWAY))
    }

    /// Where browsers sign in.
    ///
    /// # Errors
    /// It cannot be known, because the provider is away.
    pub async fn endpoints(self: &Arc<Self>) -> Result<Endpoints, Unidentified> {
        for _ in 0..ROUNDS {
            let reading = self.must_wait(&mut sync::lock(&self.state));
            match reading {
                Some(reading) => reading.await,
                None => break,
            }
        }
        let state = sync::lock(&self.state);
        let published = state.published.as_ref().ok_or(Unidentified::Unavailable(AWAY));
        published.map(|published| published.endpoints.clone())
    }

    /// Whether what was verified with this generation of the keys is verified still.
    pub fn is_current(self: &Arc<Self>, generation: u64) -> bool {
        let mut state = sync::lock(&self.state);
        state.generation == generation && self.must_wait(&mut state).is_none()
    }

    fn next_step(self: &Arc<Self>, kid: &str, algorithm: TokenAlgorithm) -> Step {
        let mut state = sync::lock(&self.state);
        let now = Instant::now();
        if let Some(reading) = self.must_wait(&mut state) {
            return Step::Wait(reading);
        }
        let Some(published) = &state.published else {
            return Step::Refuse(Unidentified::Unavailable(AWAY));
        };
        if let Some(key) = published.keys.find(kid, algorithm) {
            return Step::Use(key, state.generation);
        }
        if let Some(reading) = &state.reading {
            return Step::Wait(reading.clone());
        }
        if !is_over(PAUSE, state.unknown, now) {
            let why = "the token is signed with a key that its issuer does not publish";
            return Step::Refuse(Unidentified::Invalid(why));
        }
        state.unknown = Some(now);
        Step::Wait(self.reading(&mut state))
    }

    /// The reading that has to be waited for before anything is judged. One that need not be waited for is begun where it is time.
    fn must_wait(self: &Arc<Self>, state: &mut State) -> Option<Reading> {
        let now = Instant::now();
        let pause = if state.published.is_some() { PAUSE } else { SHORT_PAUSE };
        let may_try = !state.failed || is_over(pause, state.tried, now);
        if state.published.is_none() {
            return (may_try || state.reading.is_some()).then(|| self.reading(state));
        }
        // The last good set serves while the provider is away.
        if is_over(KEPT, state.read, now) && !state.failed {
            return Some(self.reading(state));
        }
        if is_over(RENEWED, state.read, now) && may_try {
            drop(self.reading(state));
        }
        None
    }

    /// The reading that is under way; where there is none, one begins.
    fn reading(self: &Arc<Self>, state: &mut State) -> Reading {
        if let Some(reading) = &state.reading {
            return reading.clone();
        }
        let fetched = self.runtime.spawn(self.source.fetch());
        let provider = Arc::clone(self);
        let finished = self.runtime.spawn(async move {
            let outcome = fetched.await.unwrap_or_else(|why| Err(why.to_string()));
            provider.finish(outcome);
        });
        let reading = async move { drop(finished.await) }.boxed().shared();
        state.reading = Some(reading.clone());
        reading
    }

    fn finish(&self, outcome: Result<Published, String>) {
        let mut state = sync::lock(&self.state);
        let now = Instant::now();
        state.reading = None;
        state.tried = Some(now);
        state.failed = outcome.is_err();
        let issuer = self.issuer.as_str();
        match outcome {
            Ok(published) => {
                state.read = Some(now);
                if state.published.as_deref() != Some(&published) {
                    let count = published.keys.len();
                    tracing::info!(issuer, keys = count, "read the keys of a provider");
                    state.generation += 1;
                    state.published = Some(Arc::new(published));
                }
            }
            Err(error) => {
                let serves = state.published.is_some();
                tracing::warn!(issuer, error, serves, "failed to read the keys of a provider");
            }
        }
    }
}

#[cfg(test)]
mod tests;
