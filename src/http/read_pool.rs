//! Long reads, off the threads that serve connections: a few at once, in the order in which they came.

use crate::{actors::Fault, api::Problem};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Where long reads run.
#[derive(Debug)]
pub struct Scans {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Scans {
    /// `running` of them at once, while `waiting` others wait.
    pub fn new(running: usize, waiting: usize) -> Self {
        let semaphore =
            |permits: usize| Arc::new(Semaphore::new(permits.clamp(1, Semaphore::MAX_PERMITS)));
        Self { running: semaphore(running), waiting: semaphore(waiting.saturating_add(running)) }
    }

    /// Does `work` when its turn comes; "try again in a moment" where too many wait.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let place = self.waiting.clone().try_acquire_owned();
        let place = place.map_err(|_| Fault::Busy { retry_after: Duration::from_secs(1) })?;
        self.in_turn(move || {
            let _place = place;
            work()
        })
        .await
    }

    /// Does `work` when its turn comes, however many wait: for those whose number is bounded elsewhere.
    pub async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = self.running.clone().acquire_owned().await.map_err(|_| Problem::crashed())?;
        // The turn ends with the work, not with whoever asked for it and may have gone.
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
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
    async fn so_many_run_so_many_wait_and_the_rest_is_asked_to_come_again() {
        let scans = Arc::new(Scans::new(1, 1));
        let (go, gone) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let scans = scans.clone();
            async move { scans.run(move || gone.recv().is_ok()).await.unwrap() }
        });
        while scans.running.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let second = tokio::spawn({
            let scans = scans.clone();
            async move { scans.run(|| 7).await.unwrap() }
        });
        while scans.waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(scans.run(|| ()).await.unwrap_err().code(), "retry-later");
        go.send(()).unwrap();
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (true, 7));
        assert_eq!(scans.run(|| 8).await.unwrap(), 8);
    }
}
