//! Runs long reads off the threads that serve connections: a few at once, first come, first served.

use crate::{actors::Fault, api::Problem};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Runs long reads.
#[derive(Debug)]
pub struct ReadPool {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl ReadPool {
    /// Runs `running` reads at once, while at most `waiting` others wait.
    pub fn new(running: usize, waiting: usize) -> Self {
        let semaphore =
            |permits: usize| Arc::new(Semaphore::new(permits.clamp(1, Semaphore::MAX_PERMITS)));
        Self { running: semaphore(running), waiting: semaphore(waiting.saturating_add(running)) }
    }

    /// Runs `work` in its turn.
    ///
    /// # Errors
    /// `retry-later` if too many wait.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.waiting.clone().try_acquire_owned();
        let permit = permit.map_err(|_| Fault::Busy { retry_after: Duration::from_secs(1) })?;
        self.run_unbounded(move || {
            let _permit = permit;
            work()
        })
        .await
    }

    /// Runs `work` in its turn, however many wait; for callers whose number is bounded elsewhere.
    pub async fn run_unbounded<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.running.clone().acquire_owned().await.map_err(|_| Problem::crashed())?;
        // The permit is held until the work ends, even if the caller has gone.
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(|_| Problem::crashed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn reads_beyond_the_running_and_waiting_ones_are_refused() {
        let pool = Arc::new(ReadPool::new(1, 1));
        let (go, gone) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(move || gone.recv().is_ok()).await.unwrap() }
        });
        while pool.running.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let second = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(|| 7).await.unwrap() }
        });
        while pool.waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.run(|| ()).await.unwrap_err().code(), "retry-later");
        go.send(()).unwrap();
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (true, 7));
        assert_eq!(pool.run(|| 8).await.unwrap(), 8);
    }
}
