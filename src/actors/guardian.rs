//! The guardian: an arbiter for each system, and what to do when one ends or hangs.
//!
//! The first layer of supervision is the actor's own. This is the second, for what that cannot see: the end of a
//! thread, with all actors on it, and a thread that hangs. An actor is replaced only where its thread has ended; a
//! live thread that is silent may still write, and cannot be killed, so the process ends and is started anew.

use super::{
    layout::Placed,
    node::{NodeError, NodeSettings, Stuck},
};
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

/// The heart of one arbiter.
struct Heart {
    arbiter: ArbiterHandle,
    last_beat: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

/// Watches over the arbiters of a node.
pub struct Guardian {
    /// Dropped, it ends the watch.
    _watch: Sender<()>,
}

/// Says so when its thread ends.
struct LastWords(Arc<AtomicBool>);

impl Drop for LastWords {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

impl Heart {
    fn start(begun: Instant) -> Self {
        let arbiter = Arbiter::new().handle();
        let (last_beat, ended) = (Arc::new(AtomicU64::new(millis(begun))), Arc::new(AtomicBool::new(false)));
        let (beat, words) = (last_beat.clone(), LastWords(ended.clone()));
        arbiter.spawn(async move {
            let _words = words;
            loop {
                beat.store(millis(begun), Relaxed);
                tokio::time::sleep(BEAT).await;
            }
        });
        Self { arbiter, last_beat, ended }
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Guardian {
    /// Starts the actors, each system's on a thread of its own, and watches over them.
    pub fn start(placed: Arc<Vec<Placed>>, settings: &NodeSettings) -> Result<Self, NodeError> {
        let (stuck, silence) = (settings.stuck.clone(), settings.silence);
        let begun = Instant::now();
        let mut hearts: BTreeMap<&'static str, Heart> = BTreeMap::new();
        for placed in placed.iter() {
            let heart = hearts.entry(placed.name.system).or_insert_with(|| Heart::start(begun));
            (placed.spawn)(&heart.arbiter);
        }
        let (watch, over) = channel::<()>();
        let system = System::current();
        std::thread::Builder::new()
            .name("guardian".into())
            .spawn(move || {
                System::set_current(system);
                while over.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                    look(&placed, &mut hearts, begun, silence, &stuck);
                }
                for heart in hearts.values() {
                    heart.arbiter.stop();
                }
            })
            .map_err(|error| NodeError::Thread(error.to_string()))?;
        Ok(Self { _watch: watch })
    }
}

fn look(
    placed: &[Placed],
    hearts: &mut BTreeMap<&'static str, Heart>,
    begun: Instant,
    silence: Duration,
    stuck: &Stuck,
) {
    for (system, heart) in hearts {
        if heart.ended.load(Relaxed) {
            tracing::error!(system, "the thread of a system has ended; its contexts are started anew");
            *heart = Heart::start(begun);
            for placed in placed.iter().filter(|placed| placed.name.system == *system) {
                (placed.replace)();
                (placed.spawn)(&heart.arbiter);
            }
        } else if millis(begun).saturating_sub(heart.last_beat.load(Relaxed)) > millis_of(silence) {
            tracing::error!(system, "the thread of a system hangs; the process ends");
            stuck(system);
        }
        // An actor that is gone from a living thread panicked where nothing could guard it.
        let gone = |placed: &&Placed| placed.name.system == *system && !(placed.is_alive)() && (placed.has_lived)();
        for placed in placed.iter().filter(gone) {
            tracing::error!(context = placed.name.context, "the context is gone; it is started anew");
            (placed.replace)();
            (placed.spawn)(&heart.arbiter);
        }
    }
}

fn millis_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
