use super::*;
use std::sync::{Arc, mpsc};

/// A log writer whose syncs wait for the test: succeed, fail or panic.
struct Slow {
    groups: mpsc::Sender<usize>,
    word: mpsc::Receiver<Result<(), StoreError>>,
}
impl LogWriter for Slow {
    fn write_group(&mut self, group: &[QueuedBatch]) -> Result<(), StoreError> {
        self.groups.send(group.len()).expect("the test listens");
        Ok(())
    }
    fn sync_writes(&mut self) -> Result<(), StoreError> {
        self.word.recv().expect("the test is still there, or else the disk panics")
    }
    fn needs_maintenance(&self) -> bool {
        false
    }
    fn write_watermark(&mut self, _: Commit, _: bool) -> Option<Duration> {
        None
    }
}

struct Rig {
    pipe: Arc<CommitQueue>,
    table: Table,
    groups: mpsc::Receiver<usize>,
    word: mpsc::Sender<Result<(), StoreError>>,
    tell: mpsc::Sender<(Commit, bool)>,
    notices: mpsc::Receiver<(Commit, bool)>,
}

fn new_rig() -> Rig {
    let pipe = Arc::new(CommitQueue::new(0, 1 << 20));
    let (groups, groups_out) = mpsc::channel();
    let (word, word_out) = mpsc::channel();
    let committer = pipe.clone();
    std::thread::spawn(move || committer.run_committer(Slow { groups, word: word_out }));
    pipe.activate_tree(TreeId(0));
    let (tell, notices) = mpsc::channel();
    let db = sled::Config::new().temporary(true).open().expect("opens");
    let table =
        Table::open("a.b", db.open_tree("a.b").expect("opens"), Arc::default()).expect("opens");
    Rig { pipe, table, groups: groups_out, word, tell, notices }
}

impl Rig {
    fn submit_key(&self, key: u8) -> Result<Commit, StoreError> {
        let writes = vec![(vec![key], Some(vec![0; 9]))];
        let batch = Batch { tree: TreeId(0), epoch: Epoch(1), expects: Vec::new(), writes };
        match self.pipe.accept_batch(batch, &self.table, || Ok(true))? {
            CommitVerdict::Accepted(commit) => Ok(commit),
            other => panic!("{other:?}"),
        }
    }
    fn await_commit(&self, commit: Commit) {
        let tell = self.tell.clone();
        self.pipe.on_durable(
            commit,
            Box::new(move |word| tell.send((commit, word.is_ok())).expect("the test listens")),
        );
    }
    fn next_notice(&self) -> (Commit, bool) {
        self.notices.recv().expect("the sender lives in the rig")
    }
}

#[test]
fn while_one_group_syncs_the_next_gathers() {
    let rig = new_rig();
    rig.submit_key(1).expect("accepted");
    assert_eq!(rig.groups.recv(), Ok(1));
    for key in 2..=6 {
        rig.submit_key(key).expect("accepted");
    }
    rig.await_commit(6);
    assert!(rig.notices.try_recv().is_err(), "nothing has been synced");
    rig.word.send(Ok(())).expect("the committer waits");
    assert_eq!(rig.groups.recv(), Ok(5));
    assert_eq!(rig.pipe.durability.durable_commit(), 1);
    rig.word.send(Ok(())).expect("the committer waits");
    assert_eq!(rig.next_notice(), (6, true));
    assert_eq!(rig.pipe.queue_stats().syncs, 2);
}

#[test]
fn waiters_are_released_in_the_order_of_commits() {
    let rig = new_rig();
    (1..=3).for_each(|key| assert!(rig.submit_key(key).is_ok()));
    [3, 1, 2].into_iter().for_each(|commit| rig.await_commit(commit));
    (0..3).for_each(|_| rig.word.send(Ok(())).expect("the committer waits"));
    assert_eq!(
        [rig.next_notice(), rig.next_notice(), rig.next_notice()],
        [(1, true), (2, true), (3, true)]
    );
}

#[test]
fn after_a_failed_sync_nothing_is_durable_and_nothing_is_taken() {
    let rig = new_rig();
    rig.submit_key(1).expect("accepted");
    rig.await_commit(1);
    rig.word.send(Err(StoreError::Failed("no space".into()))).expect("the committer waits");
    assert_eq!(rig.next_notice(), (1, false));
    assert_eq!(rig.submit_key(2), Err(StoreError::Failed("no space".into())));
    rig.await_commit(1);
    assert_eq!(rig.next_notice(), (1, false), "a later caller gets it too");
}

#[test]
fn a_panic_of_the_database_is_a_failure_like_any_other() {
    let mut rig = new_rig();
    // A receiver without a sender panics.
    rig.word = mpsc::channel().0;
    rig.await_commit(1);
    rig.submit_key(1).expect("accepted");
    assert_eq!(rig.next_notice(), (1, false));
    assert!(matches!(rig.submit_key(2), Err(StoreError::Failed(_))));
}
