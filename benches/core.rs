//! The core without HTTP: durable rents a second, from within one process, on a real disk; or in memory, to see what the
//! runtime itself costs.
//!
//! `cargo bench --bench core -- [memory] [clients] [rents]`

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a bench may fail loudly")]

use holdfast::{
    actors::{CommandRequest, Context, LocalNode, Node, NodeSettings},
    store::{MemoryStore, Options, SledStore, Store},
    systems,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let clients = numbers.first().copied().unwrap_or(100);
    let rents = numbers.get(1).copied().unwrap_or(100_000);
    let dir = tempfile::tempdir_in("target").expect("a directory");
    let store: Arc<dyn Store> = if std::env::args().any(|word| word == "memory") {
        Arc::new(MemoryStore::new())
    } else {
        Arc::new(SledStore::open(dir.path(), &Options::default()).expect("the store opens"))
    };
    actix_rt::System::new().block_on(run(store, clients, rents));
}

async fn run(store: Arc<dyn Store>, clients: u64, rents: u64) {
    let node = LocalNode::start(store.clone(), NodeSettings::default(), |board| {
        systems::lay_out("bookrent", board);
    })
    .expect("the node starts");
    while !node.is_ready() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let context = |name: &str| {
        node.contexts().iter().find(|known| known.name().context == name).expect("it").clone()
    };
    let register = |_| serde_json::json!({ "title": "title01" });
    let rent = |number| serde_json::json!({ "bookId": number, "userId": number, "address": "분당 정자동 1" });
    measure("books registered", &store, context("bookrent.book"), clients, rents, register).await;
    measure("rents", &store, context("bookrent.rent"), clients, rents, rent).await;
    let resident = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = resident
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap_or("unknown")
        .trim()
        .to_owned();
    println!("resident memory {resident}, on disk {} MB", store.health().disk_bytes / 1_000_000);
}

async fn measure(
    what: &str,
    store: &Arc<dyn Store>,
    context: Arc<dyn Context>,
    clients: u64,
    count: u64,
    body: impl Fn(u64) -> serde_json::Value + Copy + 'static,
) {
    let next = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let before = processor_time();
    let syncs = store.health().syncs;
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let next = next.clone();
        let context = context.clone();
        tasks.push(actix_rt::spawn(async move {
            let mut times = Vec::new();
            loop {
                let number = next.fetch_add(1, Relaxed) + 1;
                if number > count {
                    return times;
                }
                let begun = Instant::now();
                let answer = context
                    .execute_command(CommandRequest {
                        body: body(number),
                        ..CommandRequest::default()
                    })
                    .await;
                answer.expect("an answer");
                times.push(begun.elapsed());
            }
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("a client"));
    }
    let took = begun.elapsed();
    let worked = processor_time() - before;
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "{what}: {:.0}/s, {:.1} us of processor time each, p50 {:?}, p99 {:?}, max {:?}, {:.1} a sync",
        count as f64 / took.as_secs_f64(),
        worked.as_secs_f64() * 1e6 / count as f64,
        at(0.5),
        at(0.99),
        at(1.0),
        count as f64 / (store.health().syncs - syncs).max(1) as f64,
    );
}

/// What all threads of this process have worked so far, in the kernel's hundredths of a second.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("the kernel tells");
    let fields = stat.rsplit_once(')').expect("a name").1.split_whitespace();
    Duration::from_millis(
        fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("ticks") * 10).sum(),
    )
}
