//! Renewing the leases, and the answers that wait for that.

use super::{
    commit_queue::CommitQueue,
    connection::Link,
    database_error::Trouble,
    lease::{self, Leases},
    reader::Reader,
    trees::Trees,
};
use crate::{
    store::{Commit, DurabilityCallback, StoreError},
    sync,
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

/// How often the size of the database is looked at, in renewals.
const SIZE_EVERY: u64 = 15;

/// Answers that wait until it is known that the leases are still held.
type HeldAnswers = Mutex<Vec<(Commit, DurabilityCallback)>>;

/// What the store shares with its tasks.
pub struct Shared {
    pub queue: Arc<CommitQueue>,
    pub leases: Arc<Leases>,
    pub trees: Arc<Trees>,
    pub held: HeldAnswers,
    pub database_bytes: AtomicU64,
}

/// Renews the leases, and lets the answers go that wait for that.
pub async fn renew(shared: Arc<Shared>, link: Link, reader: Arc<Reader>) {
    let mut interval = tokio::time::interval(lease::RENEWAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut turn = 0_u64;
    let mut said = None;
    loop {
        interval.tick().await;
        if shared.queue.refusal().is_some() {
            return;
        }
        let asked = Instant::now();
        let renewed = tokio::time::timeout(lease::TERM / 2, renew_once(&shared, &link)).await;
        match renewed {
            Ok(Ok(true)) => {
                shared.leases.renewed(asked);
                if said.take().is_some() {
                    tracing::info!("leases renewed again");
                }
                shared.release_answers(&Ok(()));
            }
            Ok(Ok(false)) => {
                shared.leases.end();
                let error = "another process has taken over; this one starts again".to_owned();
                let error = StoreError::Failed(error);
                shared.queue.fail_with(error.clone());
                shared.release_answers(&Err(error));
                return;
            }
            Ok(Err(trouble)) => say_once(&mut said, trouble.words()),
            Err(_) => {
                link.give_up();
                say_once(&mut said, "the database does not answer");
            }
        }
        if turn.is_multiple_of(SIZE_EVERY)
            && let Some(size) = reader.size().await
        {
            shared.database_bytes.store(size, Ordering::Relaxed);
        }
        turn += 1;
    }
}

/// Logs why leases are not renewed, unless that was said last.
fn say_once(said: &mut Option<String>, why: &str) {
    if said.as_deref() != Some(why) {
        tracing::warn!(why, "leases not renewed");
        *said = Some(why.to_owned());
    }
}

/// Renews the leases; `false`: one of them is another process's.
async fn renew_once(shared: &Shared, link: &Link) -> Result<bool, Trouble> {
    let client = link.client().await?;
    let held = shared.leases.list();
    match lease::renew_leases(&client, &held).await {
        Ok(renewed) => Ok(renewed.len() == held.len()),
        Err(error) => {
            let trouble = link.explain(&error);
            if client.is_closed() {
                link.give_up();
            }
            Err(trouble)
        }
    }
}

impl Shared {
    /// Lets the answers go that waited for the leases.
    pub fn release_answers(&self, result: &Result<(), StoreError>) {
        let held = std::mem::take(&mut *sync::lock(&self.held));
        for (commit, callback) in held {
            match result {
                Ok(()) => self.queue.on_durable(commit, callback),
                Err(error) => callback(Err(error.clone())),
            }
        }
    }
}
