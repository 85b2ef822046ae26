//! The way from acceptance to the disk: the intake, in the order of commits, and the committer at its end.

use super::overlay::{Overlay, Write};
use super::row;
use crate::store::{Commit, Epoch, StoreError, TreeId, Verdict, durability::Durability, lock};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A group holds at most so many batches, or so many bytes, so that no sync waits for an endless write.
const GROUP_BATCHES: usize = 4096;
const GROUP_BYTES: usize = 8 * 1024 * 1024;

/// An accepted batch.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) commit: Commit,
    pub(super) tree: TreeId,
    pub(super) writes: Vec<Write>,
    overlay: Arc<Overlay>,
    bytes: usize,
}

/// A batch on its way in: values are made, the commit is not known yet.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) tree: TreeId,
    pub(super) overlay: Arc<Overlay>,
    pub(super) epoch: Epoch,
    pub(super) writes: Vec<Write>,
}

/// Where groups go.
pub(super) trait Medium: Send + 'static {
    /// Writes a group as a whole.
    fn write(&mut self, group: &[Accepted], last: Commit) -> Result<(), StoreError>;
    /// Makes all that was written durable.
    fn sync(&mut self) -> Result<(), StoreError>;
    /// Notes how far things are durable, if it is time to; says in how long it wants to be asked again.
    fn note(&mut self, durable: Commit, closing: bool) -> Option<Duration>;
}

#[derive(Debug, Default)]
struct Intake {
    queue: VecDeque<Accepted>,
    accepted: Commit,
    unwritten: u64,
    /// By tree.
    epochs: Vec<u64>,
    refusal: Option<StoreError>,
    closing: bool,
    /// Whether the committer sleeps: waking one who is awake is a system call for nothing.
    asleep: bool,
}

/// What the store and its committer share.
#[derive(Debug)]
pub(super) struct Pipe {
    intake: Mutex<Intake>,
    wake: Condvar,
    pub(super) durability: Durability,
    syncs: AtomicU64,
    limit: u64,
}

/// Figures for health.
pub(super) struct Figures {
    pub(super) accepted: Commit,
    pub(super) syncs: u64,
    pub(super) unwritten: u64,
}

impl Pipe {
    /// A pipe behind commit `last`, which takes `limit` bytes of unwritten batches.
    pub(super) fn new(last: Commit, limit: u64) -> Self {
        Self {
            intake: Mutex::new(Intake { accepted: last, ..Intake::default() }),
            wake: Condvar::new(),
            durability: Durability::new(last),
            syncs: AtomicU64::new(0),
            limit,
        }
    }

    pub(super) fn figures(&self) -> Figures {
        let intake = lock(&self.intake);
        Figures { accepted: intake.accepted, syncs: self.syncs.load(Ordering::Relaxed), unwritten: intake.unwritten }
    }

    /// Begins an activation of `tree`.
    pub(super) fn activate(&self, tree: TreeId) -> Epoch {
        let mut intake = lock(&self.intake);
        let place = tree.0 as usize;
        if intake.epochs.len() <= place {
            intake.epochs.resize(place + 1, 0);
        }
        let Some(epoch) = intake.epochs.get_mut(place) else { return Epoch(0) };
        *epoch += 1;
        Epoch(*epoch)
    }

    /// Accepts a batch if `stands` says that what it rests on does. Number, overlay and queue change under one lock, so
    /// that the queue is in the order of commits and nobody sees half a batch.
    pub(super) fn accept(
        &self,
        mut incoming: Incoming,
        stands: impl FnOnce() -> Result<bool, StoreError>,
    ) -> Result<Verdict, StoreError> {
        let bytes = incoming.writes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, |v| v.len())).sum();
        let mut intake = lock(&self.intake);
        if let Some(refusal) = &intake.refusal {
            return Err(refusal.clone());
        }
        if intake.epochs.get(incoming.tree.0 as usize) != Some(&incoming.epoch.0) {
            return Err(StoreError::Superseded);
        }
        // One that is larger than the whole room passes when the room is empty, or it never would.
        if intake.unwritten > 0 && intake.unwritten + bytes as u64 > self.limit {
            return Err(StoreError::Behind);
        }
        if !stands()? {
            return Ok(Verdict::Conflict);
        }
        let commit = intake.accepted + 1;
        incoming.writes.iter_mut().filter_map(|(_, value)| value.as_mut()).for_each(|value| row::stamp(value, commit));
        intake.accepted = commit;
        intake.unwritten += bytes as u64;
        incoming.overlay.lay(commit, &incoming.writes);
        let Incoming { tree, overlay, writes, .. } = incoming;
        intake.queue.push_back(Accepted { commit, tree, writes, overlay, bytes });
        if std::mem::take(&mut intake.asleep) {
            self.wake.notify_one();
        }
        Ok(Verdict::Accepted(commit))
    }

    /// Takes no more, and lets the committer end once it has written what it has.
    pub(super) fn close(&self) {
        let mut intake = lock(&self.intake);
        intake.closing = true;
        intake.refusal.get_or_insert_with(|| StoreError::Failed("it has been closed".into()));
        self.wake.notify_one();
    }

    fn fail(&self, error: StoreError) {
        tracing::error!(%error, "nothing more is acknowledged");
        lock(&self.intake).refusal = Some(error.clone());
        self.durability.fail(error);
    }

    /// Waits for batches, at most for `patience`. An empty group: nothing came. `None`: closed, and nothing is left.
    fn next(&self, patience: Option<Duration>) -> Option<Vec<Accepted>> {
        let mut intake = lock(&self.intake);
        while intake.queue.is_empty() {
            if intake.closing {
                return None;
            }
            intake.asleep = true;
            match patience {
                None => intake = self.wake.wait(intake).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let (woken, timeout) =
                        self.wake.wait_timeout(intake, patience).unwrap_or_else(PoisonError::into_inner);
                    intake = woken;
                    if timeout.timed_out() {
                        break;
                    }
                }
            }
        }
        intake.asleep = false;
        let mut bytes = 0;
        let fitting = intake.queue.iter().take(GROUP_BATCHES).take_while(|batch| {
            let fits = bytes < GROUP_BYTES;
            bytes += batch.bytes;
            fits
        });
        let count = fitting.count();
        Some(intake.queue.drain(..count).collect())
    }

    /// Writes group after group until the pipe is closed and empty, or the medium fails. While one group syncs, the
    /// next gathers.
    pub(super) fn commit_all(&self, mut medium: impl Medium) {
        let mut patience = None;
        while let Some(group) = self.next(patience) {
            if let Some(last) = group.last().map(|batch| batch.commit) {
                let written = catch_unwind(AssertUnwindSafe(|| {
                    medium.write(&group, last)?;
                    medium.sync()
                }))
                .unwrap_or_else(|_| Err(StoreError::Failed("the database panicked while it wrote".into())));
                match written {
                    Ok(()) => {}
                    Err(error @ StoreError::Failed(_)) => return self.fail(error),
                    Err(error) => return self.fail(StoreError::Failed(error.to_string())),
                }
                self.syncs.fetch_add(1, Ordering::Relaxed);
                self.durability.reach(last);
                self.lift(group);
            }
            patience = medium.note(self.durability.number(), false);
        }
        medium.note(self.durability.number(), true);
        self.durability.fail(StoreError::Failed("it has been closed".into()));
    }

    fn lift(&self, group: Vec<Accepted>) {
        let mut bytes = 0;
        for batch in group {
            batch.overlay.lift(batch.commit, &batch.writes);
            bytes += batch.bytes as u64;
        }
        lock(&self.intake).unwritten -= bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sled::IVec;
    use std::sync::mpsc;

    /// A medium whose syncs wait for a word: go on, fail or panic.
    struct Slow {
        groups: mpsc::Sender<usize>,
        word: mpsc::Receiver<Result<(), StoreError>>,
    }
    impl Medium for Slow {
        fn write(&mut self, group: &[Accepted], _: Commit) -> Result<(), StoreError> {
            self.groups.send(group.len()).expect("the test listens");
            Ok(())
        }
        fn sync(&mut self) -> Result<(), StoreError> {
            self.word.recv().expect("the test is still there, or else the disk panics")
        }
        fn note(&mut self, _: Commit, _: bool) -> Option<Duration> {
            None
        }
    }

    struct Rig {
        pipe: Arc<Pipe>,
        overlay: Arc<Overlay>,
        groups: mpsc::Receiver<usize>,
        word: mpsc::Sender<Result<(), StoreError>>,
        tell: mpsc::Sender<(Commit, bool)>,
        heard: mpsc::Receiver<(Commit, bool)>,
    }

    fn rig() -> Rig {
        let pipe = Arc::new(Pipe::new(0, 1 << 20));
        let (groups, groups_out) = mpsc::channel();
        let (word, word_out) = mpsc::channel();
        let committer = pipe.clone();
        std::thread::spawn(move || committer.commit_all(Slow { groups, word: word_out }));
        pipe.activate(TreeId(0));
        let (tell, heard) = mpsc::channel();
        Rig { pipe, overlay: Arc::default(), groups: groups_out, word, tell, heard }
    }

    impl Rig {
        fn submit(&self, key: u8) -> Result<Commit, StoreError> {
            let incoming = Incoming {
                tree: TreeId(0),
                overlay: self.overlay.clone(),
                epoch: Epoch(1),
                writes: vec![(IVec::from(&[key]), Some(IVec::from(&[0; 9])))],
            };
            match self.pipe.accept(incoming, || Ok(true))? {
                Verdict::Accepted(commit) => Ok(commit),
                other => panic!("{other:?}"),
            }
        }
        fn listen(&self, commit: Commit) {
            let tell = self.tell.clone();
            self.pipe
                .durability
                .wait(commit, Box::new(move |word| tell.send((commit, word.is_ok())).expect("the test listens")));
        }
        fn hears(&self) -> (Commit, bool) {
            self.heard.recv().expect("the sender lives in the rig")
        }
    }

    #[test]
    fn while_one_group_syncs_the_next_gathers() {
        let rig = rig();
        rig.submit(1).expect("accepted");
        assert_eq!(rig.groups.recv(), Ok(1));
        for key in 2..=6 {
            rig.submit(key).expect("accepted");
        }
        rig.listen(6);
        assert!(rig.heard.try_recv().is_err(), "nothing has been synced");
        rig.word.send(Ok(())).expect("the committer waits");
        assert_eq!(rig.groups.recv(), Ok(5));
        assert_eq!(rig.pipe.durability.number(), 1);
        rig.word.send(Ok(())).expect("the committer waits");
        assert_eq!(rig.hears(), (6, true));
        assert_eq!(rig.pipe.figures().syncs, 2);
    }

    #[test]
    fn waiters_are_released_in_the_order_of_commits() {
        let rig = rig();
        (1..=3).for_each(|key| assert!(rig.submit(key).is_ok()));
        [3, 1, 2].into_iter().for_each(|commit| rig.listen(commit));
        (0..3).for_each(|_| rig.word.send(Ok(())).expect("the committer waits"));
        assert_eq!([rig.hears(), rig.hears(), rig.hears()], [(1, true), (2, true), (3, true)]);
    }

    #[test]
    fn after_a_failed_sync_nothing_is_durable_and_nothing_is_taken() {
        let rig = rig();
        rig.submit(1).expect("accepted");
        rig.listen(1);
        rig.word.send(Err(StoreError::Failed("no space".into()))).expect("the committer waits");
        assert_eq!(rig.hears(), (1, false));
        assert_eq!(rig.submit(2), Err(StoreError::Failed("no space".into())));
        rig.listen(1);
        assert_eq!(rig.hears(), (1, false), "whoever asks later hears it too");
    }

    #[test]
    fn a_panic_of_the_database_is_a_failure_like_any_other() {
        let mut rig = rig();
        // Whoever waits for a word from nobody panics.
        rig.word = mpsc::channel().0;
        rig.listen(1);
        rig.submit(1).expect("accepted");
        assert_eq!(rig.hears(), (1, false));
        assert!(matches!(rig.submit(2), Err(StoreError::Failed(_))));
    }

    #[test]
    fn an_unwritten_row_stays_until_its_own_group_is_written() {
        let rig = rig();
        rig.submit(1).expect("accepted");
        assert_eq!(rig.groups.recv(), Ok(1));
        rig.submit(1).expect("accepted");
        rig.word.send(Ok(())).expect("the committer waits");
        assert_eq!(rig.groups.recv(), Ok(1), "the first group has been settled when the second is written");
        let over = rig.overlay.get(&[&[1]]);
        let value = over.first().cloned().flatten().flatten().expect("the second write is not in the tree");
        assert_eq!(row::row(&value).map(|row| row.commit), Ok(2));
    }
}
