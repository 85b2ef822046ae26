//! Makes backups by itself.

use super::service::Backups;
use crate::sync;
use std::{
    io,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long to wait after an attempt that failed, unless backups are made more often.
const RETRY_AFTER: Duration = Duration::from_secs(5 * 60);
/// How often the clock is looked at, which may be set.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The thread that makes backups by itself. Dropped, it ends, with the backup that is being made.
#[derive(Debug)]
pub struct Schedule {
    backups: Arc<Backups>,
    stopped: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Schedule {
    /// Begins, if backups are made by themselves.
    ///
    /// # Errors
    /// There is no thread for it.
    pub fn start(backups: &Arc<Backups>) -> io::Result<Option<Self>> {
        let Some(every) = backups.every() else { return Ok(None) };
        let stopped = Arc::<(Mutex<bool>, Condvar)>::default();
        let own = Arc::clone(&stopped);
        let kept = Arc::clone(backups);
        let backups = Arc::clone(backups);
        let run = move || {
            let mut failed = None;
            while wait(&own, until_next(&backups, every, failed)) {
                if until_next(&backups, every, failed).is_zero() {
                    // Where another one is being made, that one may be enough.
                    failed = backups.make().is_err().then(Instant::now);
                }
            }
        };
        let thread = thread::Builder::new().name("backup-schedule".into()).spawn(run)?;
        Ok(Some(Self { backups: kept, stopped, thread: Some(thread) }))
    }
}

/// How long it is until the next one, after an attempt that may have `failed`.
fn until_next(backups: &Backups, every: Duration, failed: Option<Instant>) -> Duration {
    let due = backups.age().map_or(Duration::ZERO, |age| every.saturating_sub(age));
    let pause = failed.map(|at| RETRY_AFTER.min(every).saturating_sub(at.elapsed()));
    due.max(pause.unwrap_or_default())
}

/// Waits, and gives whether to go on.
fn wait(stopped: &(Mutex<bool>, Condvar), rest: Duration) -> bool {
    let (stopped, wake) = stopped;
    let guard = sync::lock(stopped);
    let rest = rest.min(LOOK_EVERY);
    let waited = wake.wait_timeout_while(guard, rest, |stopped| !*stopped);
    !*waited.unwrap_or_else(PoisonError::into_inner).0
}

impl Drop for Schedule {
    fn drop(&mut self) {
        self.backups.stop();
        let (stopped, wake) = &*self.stopped;
        *sync::lock(stopped) = true;
        wake.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that makes backups has panicked");
        }
    }
}
