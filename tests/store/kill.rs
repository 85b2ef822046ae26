//! `kill -9` under load: nothing acknowledged is lost, and what is left is a prefix of what was accepted.
//!
//! The test starts itself again as the process that is killed. `HOLDFAST_KILL_ROUNDS` sets how often.
//! `tests/store/power_cut.py` runs the same victim, and `survivor` on what a power cut would have left of its files.

use holdfast::store::{
    Batch, Commit, CommitVerdict, FailPoints, Options, Scan, SledStore, Store, StoreError, TreeId,
};
use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

const VICTIM: &str = "HOLDFAST_TEST_VICTIM";
const UNSYNCED: &str = "HOLDFAST_TEST_UNSYNCED";
const SURVIVOR: &str = "HOLDFAST_TEST_SURVIVOR";
const ACKNOWLEDGED: &str = "HOLDFAST_TEST_ACKNOWLEDGED";
const TREES: [&str; 3] = ["bookrent.book", "bookrent.rent", "bookrent.delivery"];

/// Writes until it is killed, and prints each commit once it is durable. One turn writes into all trees in a row, the
/// same number each, as contexts that act on each other's acceptance do.
#[test]
#[ignore = "the process that the other test kills"]
fn victim() {
    let Ok(dir) = env::var(VICTIM) else { return };
    let hazards = FailPoints { skip_sync: env::var(UNSYNCED).is_ok(), ..FailPoints::default() };
    // Little memory, so that runs are written and merged all the time.
    let options = Options { unwritten_limit_bytes: 256 << 10, ..Options::default() };
    let store = SledStore::open_with(dir, &options, hazards).expect("opens");
    let owners = TREES.map(|name| {
        let tree = store.open_tree(name).expect("opens");
        (tree, store.activate(tree).expect("activates"))
    });
    let out = Arc::new(Mutex::new(std::io::stdout()));
    let mut number = rows(&store, owners[0].0).last().map_or(0, |last| last.0);
    loop {
        number += 1;
        for (tree, epoch) in owners {
            let writes = vec![
                (
                    number.to_be_bytes().to_vec(),
                    Some(number.to_le_bytes().repeat(1 + (number % 20) as usize)),
                ),
                (vec![u8::MAX; 9], Some(number.to_le_bytes().to_vec())),
            ];
            let batch = Batch { tree, epoch, expects: Vec::new(), writes };
            let commit = loop {
                match store.submit(batch.clone()) {
                    Ok(CommitVerdict::Accepted(commit)) => break commit,
                    Err(StoreError::Overloaded) => std::thread::yield_now(),
                    other => panic!("{other:?}"),
                }
            };
            let out = out.clone();
            let tell = move |durable: Result<(), StoreError>| {
                durable.expect("the disk is sound");
                let mut out = out.lock().expect("not poisoned");
                // The parent may be gone already.
                let _ = writeln!(out, "\nacknowledged {commit}").and_then(|()| out.flush());
            };
            store.on_durable(commit, Box::new(tell));
        }
        // A window of 64 turns, so that groups are neither single nor endless.
        while store.health().accepted_commit > store.durable_commit() + 192 {
            std::thread::yield_now();
        }
    }
}

/// Number, commit and record of each row.
fn rows(store: &SledStore, tree: TreeId) -> Vec<(u64, Commit, Vec<u8>)> {
    let all = Scan { from: vec![0], to: vec![u8::MAX; 8], backwards: false, limit: usize::MAX };
    let row = |(key, row): (Vec<u8>, holdfast::store::Row)| {
        (u64::from_be_bytes(key.try_into().expect("a number")), row.commit, row.record)
    };
    store.scan(tree, &all).expect("scans").into_iter().map(row).collect()
}

/// Runs a victim until it has acknowledged `count` commits, kills it, and gives the highest that it acknowledged.
fn run_and_kill(dir: &Path, count: usize) -> Commit {
    let mut victim = Command::new(env::current_exe().expect("this test"))
        .args(["kill::victim", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(VICTIM, dir)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let lines = BufReader::new(victim.stdout.take().expect("is piped")).lines();
    let mut highest = 0;
    let mut seen = 0;
    for line in lines.map_while(Result::ok) {
        // A line cut off by the kill could read as a smaller number, which only weakens the check.
        if let Some(commit) =
            line.strip_prefix("acknowledged ").and_then(|commit| commit.parse().ok())
        {
            highest = highest.max(commit);
            seen += 1;
            if seen == count {
                victim.kill().expect("kills");
            }
        }
    }
    victim.wait().expect("ends");
    assert!(seen >= count, "the victim ended by itself");
    highest
}

#[test]
fn nothing_acknowledged_is_lost_and_what_is_left_is_a_prefix() {
    let rounds: u32 =
        env::var("HOLDFAST_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(6);
    let keep = tempfile::tempdir().expect("a temporary directory");
    let dir = keep.path().join("data");
    // Where each run began to count, and what it had acknowledged when it was killed.
    let mut runs = vec![];
    let mut before = 0;
    for round in 0..rounds {
        let acknowledged = run_and_kill(&dir, 1 + (round as usize * 271) % 2000);
        let store = SledStore::open(&dir, &Options::default()).expect("a killed store opens");
        let durable = store.durable_commit();
        assert!(
            durable >= acknowledged,
            "round {round}: {acknowledged} acknowledged, {durable} left"
        );
        assert!(acknowledged > before, "numbers go on");
        runs.push((before, acknowledged, durable));
        check(&store, &runs);
        before = durable;
    }
}

/// Checks a directory that was made elsewhere.
#[test]
#[ignore = "run by power_cut.py"]
fn survivor() {
    let Ok(dir) = env::var(SURVIVOR) else { return };
    let acknowledged: Commit = env::var(ACKNOWLEDGED).expect("is set").parse().expect("a number");
    let store = SledStore::open(dir, &Options::default()).expect("opens");
    let durable = store.durable_commit();
    assert!(durable >= acknowledged, "{acknowledged} acknowledged, {durable} left");
    check(&store, &[(0, acknowledged, durable)]);
}

/// The store holds of each run a prefix without holes, at least as long as what was acknowledged, all of it whole. The
/// numbers of a group that was cut short are not used again, so the next run begins after it.
fn check(store: &SledStore, runs: &[(Commit, Commit, Commit)]) {
    let mut commits = Vec::new();
    for name in TREES {
        let tree = store.open_tree(name).expect("opens");
        let rows = rows(store, tree);
        for (number, _, record) in &rows {
            assert_eq!(
                record,
                &number.to_le_bytes().repeat(1 + (number % 20) as usize),
                "{name} {number}"
            );
        }
        let last = store.read(tree, &[&[u8::MAX; 9]]).expect("reads").remove(0);
        assert_eq!(
            last.map(|row| (row.commit, row.record)),
            rows.last().map(|(number, commit, _)| (*commit, number.to_le_bytes().to_vec())),
            "both rows of a batch, or none"
        );
        commits.extend(rows.into_iter().map(|(_, commit, _)| commit));
    }
    commits.sort_unstable();
    for (begun_at, acknowledged, ended_at) in runs {
        let of_run: Vec<_> = commits
            .iter()
            .copied()
            .filter(|commit| begun_at < commit && commit <= ended_at)
            .collect();
        let last = of_run.last().copied().unwrap_or(*begun_at);
        assert!(
            of_run.iter().copied().eq(begun_at + 1..=last),
            "a prefix without holes across all trees"
        );
        assert!(last >= *acknowledged, "{acknowledged} acknowledged, {last} left");
    }
    let known = runs.last().map_or(0, |(_, _, ended_at)| *ended_at);
    assert!(commits.last().is_none_or(|last| *last <= known), "nothing else");
}
