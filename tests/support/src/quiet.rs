//! Tests that need the machine to themselves, among tests that do not: the latter run beside each other, the former alone.

use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard},
    thread,
};

/// The tests that run, each by the name that its thread has.
struct State {
    /// How many servers and brokers each ordinary test has.
    beside: BTreeMap<String, usize>,
    alone: Option<String>,
    /// How many tests wait to be alone. Ordinary tests that begin meanwhile wait for them.
    waiting: usize,
}

static STATE: Mutex<State> = Mutex::new(State { beside: BTreeMap::new(), alone: None, waiting: 0 });
static CHANGED: Condvar = Condvar::new();

/// A test that failed has changed nothing halfway.
fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn wait(
    state: MutexGuard<'static, State>,
    is_blocked: impl Fn(&State) -> bool,
) -> MutexGuard<'static, State> {
    let waited = CHANGED.wait_while(state, |state| is_blocked(state));
    waited.unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn test() -> Option<String> {
    thread::current().name().map(str::to_owned)
}

/// Held by what an ordinary test runs. A thread without a name belongs to a test that has begun.
pub(crate) struct Beside(Option<String>);

impl Beside {
    pub(crate) fn others() -> Self {
        let Some(test) = test() else { return Self(None) };
        let mut state = state();
        if state.alone.as_ref() == Some(&test) {
            return Self(None);
        }
        if !state.beside.contains_key(&test) {
            state = wait(state, |state| state.alone.is_some() || state.waiting > 0);
        }
        *state.beside.entry(test.clone()).or_default() += 1;
        Self(Some(test))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let Some(test) = self.0.take() else { return };
        let mut state = state();
        if let Some(count) = state.beside.get_mut(&test) {
            *count -= 1;
            if *count == 0 {
                state.beside.remove(&test);
                CHANGED.notify_all();
            }
        }
    }
}

/// While this is held, no other test of this program has a server or a broker.
#[must_use]
pub struct Alone(());

/// Waits until no other test runs a server or a broker, and keeps others from it. Call it before the first of one's own.
pub fn alone() -> Alone {
    let mut state = state();
    state.waiting += 1;
    state = wait(state, |state| !state.beside.is_empty() || state.alone.is_some());
    state.waiting -= 1;
    state.alone = Some(test().unwrap_or_default());
    Alone(())
}

impl Drop for Alone {
    fn drop(&mut self) {
        state().alone = None;
        CHANGED.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// One test with two servers, one that wants to be alone, and one that comes after it.
    #[test]
    fn a_test_that_is_alone_waits_for_others_and_they_for_it() {
        let named = |name: &str| thread::Builder::new().name(name.into());
        let first = Beside::others();
        let (tell, told) = mpsc::channel();
        let heard = tell.clone();
        let quiet = named("quiet").spawn(move || {
            let alone = alone();
            let own = Beside::others();
            assert!(own.0.is_none(), "what is alone does not wait for itself");
            tell.send("quiet").unwrap();
            drop(own);
            drop(alone);
        });
        while state().waiting == 0 {
            thread::yield_now();
        }
        let later = named("later").spawn(move || {
            let _beside = Beside::others();
            heard.send("later").unwrap();
        });
        let second = Beside::others();
        assert!(told.try_recv().is_err(), "two servers of the first test run");
        drop(first);
        assert!(told.try_recv().is_err(), "one of them still runs");
        drop(second);
        quiet.unwrap().join().unwrap();
        later.unwrap().join().unwrap();
        assert_eq!(told.iter().collect::<Vec<_>>(), ["quiet", "later"]);
    }
}
