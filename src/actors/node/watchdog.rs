//! The guardian: an arbiter for each system, and what to do when one ends or hangs.
//!
//! The first layer of supervision is the actor's own. This is the second, for what that cannot see: the end of a
//! thread, with all actors on it, and a thread that hangs. An actor is replaced only where its thread has ended; a
//! live thread that is silent may still write, and cannot be killed, so the process ends and is started anew.

use super::{
    builder::DeployedContext,
    settings::{NodeError, NodeSettings, Stuck},
};
use crate::actors::port::clock::Clock;
use actix::{Arbiter, ArbiterHandle, System};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    time::{Duration, Instant},
};

const BEAT: Duration = Duration::from_secs(1);
/// Between two looks no more than this counts, however long it was: the guardian itself did not run for the rest, and then
/// neither did any other thread. So a process that was stopped, or a machine that slept, hangs no threads.
const LOOK: Duration = Duration::from_millis(1500);

/// The heart of one arbiter.
struct Heartbeat {
    arbiter: ArbiterHandle,
    beats: Arc<AtomicU64>,
    /// How many there were at the last look, and for how long there have been no more.
    seen: u64,
    silent: Duration,
    ended: Arc<AtomicBool>,
}

/// Watches over the arbiters of a node.
pub struct Watchdog {
    /// Dropped, it ends the watch.
    _watch: Sender<()>,
}

/// Says so when its thread ends.
struct ExitFlag(Arc<AtomicBool>);

impl Drop for ExitFlag {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

impl Heartbeat {
    fn start() -> Self {
        let arbiter = Arbiter::new().handle();
        let beats = Arc::new(AtomicU64::new(0));
        let ended = Arc::new(AtomicBool::new(false));
        let beat = beats.clone();
        let words = ExitFlag(ended.clone());
        arbiter.spawn(async move {
            let _words = words;
            loop {
                beat.fetch_add(1, Relaxed);
                tokio::time::sleep(BEAT).await;
            }
        });
        Self { arbiter, beats, seen: 0, silent: Duration::ZERO, ended }
    }

    /// Looks again after so long; returns for how long it has been silent.
    fn measure_silence(&mut self, since: Duration) -> Duration {
        let beats = self.beats.load(Relaxed);
        self.silent =
            if beats == self.seen { self.silent + since.min(LOOK) } else { Duration::ZERO };
        self.seen = beats;
        self.silent
    }
}

impl Watchdog {
    /// Starts the actors, each system's on a thread of its own, and watches over them; and over the clock, so that a step back
    /// is noticed soon.
    pub fn start(
        placed: Arc<Vec<DeployedContext>>,
        settings: &NodeSettings,
        clock: Arc<Clock>,
    ) -> Result<Self, NodeError> {
        let stuck = settings.stuck.clone();
        let silence = settings.silence;
        let mut hearts: BTreeMap<&'static str, Heartbeat> = BTreeMap::new();
        for placed in placed.iter() {
            let heart = hearts.entry(placed.name.system).or_insert_with(Heartbeat::start);
            (placed.spawn)(&heart.arbiter);
        }
        let (watch, over) = channel::<()>();
        let system = System::current();
        std::thread::Builder::new()
            .name("guardian".into())
            .spawn(move || {
                System::set_current(system);
                let mut last = Instant::now();
                while over.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                    check_threads(&placed, &mut hearts, last.elapsed(), silence, &stuck);
                    last = Instant::now();
                    let _ = clock.now();
                }
                for heart in hearts.values() {
                    heart.arbiter.stop();
                }
            })
            .map_err(|error| NodeError::Thread(error.to_string()))?;
        Ok(Self { _watch: watch })
    }
}

fn check_threads(
    placed: &[DeployedContext],
    hearts: &mut BTreeMap<&'static str, Heartbeat>,
    since: Duration,
    silence: Duration,
    stuck: &Stuck,
) {
    for (system, heart) in hearts {
        if heart.ended.load(Relaxed) {
            tracing::error!(system, "restarting contexts: the thread of their system has ended");
            *heart = Heartbeat::start();
            for placed in placed.iter().filter(|placed| placed.name.system == *system) {
                (placed.replace)();
                (placed.spawn)(&heart.arbiter);
            }
        } else if heart.measure_silence(since) > silence {
            tracing::error!(system, "the thread of a system hangs; the process ends");
            stuck(system);
        }
        // An actor that is gone from a living thread panicked where nothing could guard it.
        let gone = |placed: &&DeployedContext| {
            placed.name.system == *system && !(placed.is_alive)() && (placed.was_attached)()
        };
        for placed in placed.iter().filter(gone) {
            tracing::error!(context = placed.name.context, "restarting context: its actor is gone");
            (placed.replace)();
            (placed.spawn)(&heart.arbiter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heart() -> Heartbeat {
        let arbiter = Arbiter::new().handle();
        let beats = Arc::new(AtomicU64::new(0));
        let ended = Arc::new(AtomicBool::new(false));
        Heartbeat { arbiter, beats, seen: 0, silent: Duration::ZERO, ended }
    }

    #[actix_rt::test]
    async fn only_time_in_which_the_guardian_ran_counts_as_silence() {
        let mut heart = heart();
        assert_eq!(
            heart.measure_silence(Duration::from_secs(3600)),
            LOOK,
            "the process was stopped for an hour"
        );
        heart.beats.fetch_add(1, Relaxed);
        assert_eq!(heart.measure_silence(BEAT), Duration::ZERO);
        // It runs, and gets nothing.
        let silences: Vec<_> = (0..11).map(|_| heart.measure_silence(BEAT)).collect();
        assert_eq!(silences.last(), Some(&Duration::from_secs(11)));
    }
}
