//! What an actor shares with those outside its thread: its phase, and its mailbox.

use crate::{
    actors::{
        port::retention::Retention,
        port::{
            admission::Admission,
            changes::Changes,
            fault::Fault,
            health::{Contested, Injected, OrderCounts, Phase},
            history::EventId,
            machine::Machine,
            owed::{ReadSource, Retries},
            safeguard::Safeguard,
        },
    },
    domain::Name,
    store::{Commit, Store, StoreError},
    sync,
};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, OnceLock, RwLock,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::oneshot;

/// The state of one context that health, metrics and readers look at.
pub struct ContextStatus {
    pub name: Name,
    pub store: Arc<dyn Store>,
    pub machine: Machine,
    without: Option<Safeguard>,
    phase: AtomicU8,
    pub restarts: AtomicU64,
    pub crashes: AtomicU64,
    pub mailbox: AtomicU64,
    pub waiting: AtomicU64,
    pub parked: AtomicU64,
    /// Those that it listens to; set once it is laid out.
    pub sources: OnceLock<Vec<SourceLog>>,
    pub last_commit: AtomicU64,
    pub last_sequence: AtomicU64,
    pub generation: AtomicU32,
    /// How long answers and idempotency rows are kept.
    pub retention: Retention,
    /// Its rows are being rewritten; until then it answers no request. How many have been, so far.
    pub rebuilding: AtomicBool,
    pub rebuilt: AtomicU64,
    /// What it tries again.
    pub retries: Mutex<Retries>,
    /// Keys that more than one of its things claims.
    pub contested: Mutex<Vec<Contested>>,
    /// How its orders have ended since the process began.
    pub orders: Mutex<OrderCounts>,
    /// How often a row was found that cannot be read.
    pub damaged: AtomicU64,
    /// What was found, each once, the newest last; only so many are remembered.
    damage: Mutex<VecDeque<String>>,
    /// In front of mail from outside; actix's own mailbox bounds nothing.
    pub admission: Admission,
    /// Which of its things have changed, for those outside who look at them.
    pub changes: Arc<Changes>,
    fault: RwLock<Option<Injected>>,
    chaos: Option<Chaos>,
}

/// A log that a context listens to.
pub struct SourceLog {
    pub context: &'static str,
    /// Tells its last sequence.
    pub latest: Box<dyn Fn() -> u64 + Send + Sync>,
    /// Tells the id of the event with a sequence.
    pub id_of: Box<dyn Fn(u64) -> EventId + Send + Sync>,
    /// Reads its events.
    pub read: ReadSource,
}

/// Is called at the points where a crash hurts most. Tests let it panic.
pub type Chaos = Arc<dyn Fn(&'static str, ChaosPoint) + Send + Sync>;

/// Where a crash is injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChaosPoint {
    /// A turn has decided; nothing is committed yet.
    BeforeCommit,
    /// The batch is accepted; no caller has been answered.
    AfterCommit,
    /// An event of a source is applied; nothing of that stands yet.
    Applying,
}

/// So many different reports of damage are remembered, so that each is logged once.
const DAMAGE: usize = 64;

const PHASES: [Phase; 5] =
    [Phase::Starting, Phase::Running, Phase::Degraded, Phase::Failed, Phase::Stopped];

impl ContextStatus {
    pub fn new(
        name: Name,
        store: Arc<dyn Store>,
        machine: Machine,
        without: Option<Safeguard>,
        admission: usize,
        retention: Retention,
        chaos: Option<Chaos>,
    ) -> Arc<Self> {
        let changes = Arc::new(Changes::laid_out_at(machine.now().micros()));
        Arc::new(Self {
            name,
            store,
            machine,
            without,
            phase: AtomicU8::new(0),
            restarts: AtomicU64::new(0),
            crashes: AtomicU64::new(0),
            mailbox: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            parked: AtomicU64::new(0),
            sources: OnceLock::new(),
            last_commit: AtomicU64::new(0),
            last_sequence: AtomicU64::new(0),
            generation: AtomicU32::new(0),
            retention,
            rebuilding: AtomicBool::new(false),
            rebuilt: AtomicU64::new(0),
            retries: Mutex::default(),
            contested: Mutex::default(),
            orders: Mutex::default(),
            damaged: AtomicU64::new(0),
            damage: Mutex::default(),
            admission: Admission::new(admission),
            changes,
            fault: RwLock::new(None),
            chaos,
        })
    }
    pub fn phase(&self) -> Phase {
        PHASES.get(usize::from(self.phase.load(Relaxed))).copied().unwrap_or(Phase::Failed)
    }
    pub fn set_phase(&self, phase: Phase) {
        let place = PHASES.iter().position(|known| *known == phase).unwrap_or(3);
        self.phase.store(u8::try_from(place).unwrap_or(3), Relaxed);
    }
    /// The id of an event of a source.
    pub fn id_in_source(&self, source: &str, sequence: u64) -> Option<EventId> {
        let mut sources = self.sources.get()?.iter();
        let source = sources.find(|known| known.context == source)?;
        Some((source.id_of)(sequence))
    }
    /// Whether it does what `safeguard` says, as it always does outside of tests.
    pub fn does(&self, safeguard: Safeguard) -> bool {
        self.without != Some(safeguard)
    }
    /// The second on the machine's clock, and for how many answers are kept.
    pub fn keeping(&self) -> (u64, u64) {
        (self.machine.seconds(), self.retention.seconds())
    }
    /// Whether mail from outside is taken.
    pub fn check_open(&self) -> Result<(), Fault> {
        match self.phase() {
            _ if self.rebuilding.load(Relaxed) => Err(Fault::Away(self.name.context)),
            Phase::Failed | Phase::Stopped => Err(Fault::Away(self.name.context)),
            Phase::Starting | Phase::Running | Phase::Degraded => Ok(()),
        }
    }
    pub fn injected_fault(&self) -> Option<Injected> {
        *sync::read(&self.fault)
    }
    pub fn set_fault(&self, fault: Option<Injected>) {
        *sync::write(&self.fault) = fault;
    }
    /// A row of this context cannot be read, or one is missing: `what`, in words. Counted each time, logged once.
    pub fn report_damage(&self, what: &str) {
        self.damaged.fetch_add(1, Relaxed);
        let mut known = sync::lock(&self.damage);
        if let Some(place) = known.iter().position(|words| words == what) {
            known.remove(place);
        } else {
            tracing::error!(context = self.name.context, what, "something that is kept is damaged");
            if known.len() == DAMAGE {
                known.pop_front();
            }
        }
        known.push_back(what.to_owned());
    }
    /// The damage that was found last.
    pub fn last_damage(&self) -> Option<String> {
        sync::lock(&self.damage).back().cloned()
    }
    pub fn inject_chaos(&self, point: ChaosPoint) {
        if let Some(chaos) = &self.chaos {
            chaos(self.name.context, point);
        }
    }

    /// Sends `answer` once `commit` is durable, held back or lost by the injected fault. If it never will be durable,
    /// a caller that has been granted something, or has had something recorded (`stands`), cannot know what is left of it.
    pub fn send_reply<T: Send + 'static, F: From<Fault> + Send + 'static>(
        &self,
        commit: Commit,
        sender: oneshot::Sender<Result<T, F>>,
        answer: Result<T, F>,
        stands: bool,
    ) {
        let stands = stands || answer.is_ok();
        let then = Box::new(move |durable: Result<(), StoreError>| {
            let lost = |error| if stands { Fault::Unknown } else { Fault::from(error) };
            let _ = sender.send(durable.map_err(|error| lost(error).into()).and(answer));
        });
        match self.injected_fault() {
            None => self.store.on_durable(commit, then),
            Some(fault) => {
                let store = self.store.clone();
                self.after_fault(fault, move || store.on_durable(commit, then));
            }
        }
    }

    /// Sends the answer to an ask, which does not wait for the disk, held back or lost by the injected fault.
    pub fn answer_ask<T: Send + 'static>(&self, sender: oneshot::Sender<T>, answer: T) {
        let release = move || drop(sender.send(answer));
        match self.injected_fault() {
            None => release(),
            Some(fault) => self.after_fault(fault, release),
        }
    }

    fn after_fault(&self, fault: Injected, release: impl FnOnce() + 'static) {
        let (low, high) = fault.delay_ms;
        let delay =
            Duration::from_millis(low + self.machine.random() % (high.saturating_sub(low) + 1));
        let lost = (self.machine.random() % 1_000_000) as f64 / 1_000_000.0 < fault.failure_rate;
        actix::spawn(async move {
            tokio::time::sleep(delay).await;
            if !lost {
                release();
            }
        });
    }
}
