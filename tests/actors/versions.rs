//! Functions of stored state change between two starts: their rows are written anew, whatever happens meanwhile.

use super::{
    bench::{Bench, LayOut, eventually, guarded, hasty},
    versioned_system::{lockers, seat},
};
use holdfast::{
    actors::{
        ChaosPoint, CommandRequest, Contested, Fault, LocalNode, Node, NodeSettings, Outcome, Phase,
    },
    domain::Kind,
    store::{MemoryStore, Store, keys::Space},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

/// So many lockers that a rebuild takes several pages.
const MANY: u64 = 700;
const OLD: LayOut = lockers::<1>;
const NEW: LayOut = lockers::<2>;

async fn take(bench: &Bench, key: &str) -> Result<Outcome, Fault> {
    bench.enter("lockers.locker", 0, None, json!({ "key": key, "until": seat::LATER })).await
}

async fn give_up(bench: &Bench, number: u64) {
    bench.enter("lockers.locker", 1, Some(number), json!(null)).await.unwrap();
}

fn is_taken(answer: Result<Outcome, Fault>) -> bool {
    matches!(answer, Err(Fault::Refused(no)) if no.kind == Kind::Conflict && no.code == "taken")
}

/// Lockers under the old functions. 3 and 5 differ by case only, which the new ones do not see; so do 7, 8 and 9.
async fn filled() -> MemoryStore {
    // A request that waits has time: the machine may be busy.
    let settings = guarded("lockers.locker", hasty(60_000));
    let bench = Bench::of(MemoryStore::new(), settings, OLD).ready().await;
    for number in 1..=MANY {
        let key = match number {
            3 => "left".to_owned(),
            5 => "Left".to_owned(),
            7 => "door".to_owned(),
            8 => "dOOr".to_owned(),
            9 => "DOOR".to_owned(),
            number => format!("K{number}"),
        };
        assert_eq!(take(&bench, &key).await.unwrap().number, number);
    }
    give_up(&bench, 100).await;
    bench
        .becomes_consistent(|bench| match bench.total("lockers.wall", &[]) {
            MANY => Ok(()),
            total => Err(format!("{total} on the wall")),
        })
        .await;
    bench.store.crash()
}

/// The rows that functions have written.
fn rows(store: &MemoryStore) -> BTreeMap<(&'static str, Vec<u8>), Vec<u8>> {
    let mut rows = BTreeMap::new();
    for context in ["lockers.locker", "lockers.wall"] {
        for (key, record) in store.rows_of(context) {
            let space = key.first().copied();
            // Two fillings are not of the same time.
            let key =
                if space == Some(Space::Timer as u8) { [b"t", &key[9..]].concat() } else { key };
            if [Space::Claim, Space::Timer, Space::Index]
                .iter()
                .any(|known| space == Some(*known as u8))
            {
                rows.insert((context, key), record);
            }
        }
    }
    rows
}

async fn on(store: MemoryStore, lay_out: LayOut) -> Bench {
    let bench = Bench::of(store, NodeSettings::default(), lay_out).ready().await;
    for context in bench.node.contexts() {
        let health = context.health();
        assert_eq!(
            (health.state, health.damaged, health.rebuilding),
            (Phase::Running, 0, None),
            "{health:?}"
        );
    }
    bench
}

/// Whether a node with the new functions comes to be ready before its process ends.
async fn starts(store: &MemoryStore) -> bool {
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    // It may end before everything is laid out.
    let Ok(node) = LocalNode::start(shared, NodeSettings::default(), NEW) else { return false };
    eventually(|| node.is_ready() || store.failure().is_some()).await;
    store.failure().is_none()
}

fn contested(bench: &Bench) -> Vec<(String, Vec<u64>)> {
    let health = bench.context("lockers.locker").health();
    health.contested.into_iter().map(|Contested { key, numbers }| (key, numbers)).collect()
}

fn all_is_as_the_new_functions_say(bench: &Bench) {
    // Lists miss nothing, and have nothing twice.
    assert_eq!(bench.total("lockers.locker", &[]), MANY);
    for (context, key, total) in [
        ("lockers.locker", "left", 2),
        ("lockers.locker", "Left", 0),
        ("lockers.locker", "door", 3),
        ("lockers.locker", "k500", 1),
        ("lockers.locker", "K500", 0),
        ("lockers.wall", "k500", 1),
        ("lockers.wall", "K500", 0),
        ("lockers.wall", "left", 2),
    ] {
        assert_eq!(bench.total(context, &[("key", key)]), total, "{context} {key}");
    }
    assert_eq!(bench.total("lockers.locker", &[("first", "k")]), MANY - 5);
    assert_eq!(
        contested(bench),
        [("door".to_owned(), vec![7, 8, 9]), ("left".to_owned(), vec![3, 5])]
    );
    let timers = bench
        .store
        .rows_of("lockers.locker")
        .into_iter()
        .filter(|(key, _)| key[0] == Space::Timer as u8);
    assert_eq!(timers.count() as u64, MANY - 1);
}

#[actix_rt::test]
async fn claims_lists_and_timers_follow_their_functions_and_no_held_claim_is_lost() {
    let bench = on(filled().await, NEW).await;
    all_is_as_the_new_functions_say(&bench);
    // A key is another's in any case; one that was given up is free.
    assert!(is_taken(take(&bench, "k500").await) && is_taken(take(&bench, "LEFT").await));
    take(&bench, "K100").await.unwrap();
    assert!(is_taken(take(&bench, "k100").await));
    // What two hold is free when both have given it up, in whichever order.
    give_up(&bench, 5).await;
    assert!(is_taken(take(&bench, "left").await));
    assert_eq!(contested(&bench), [("door".to_owned(), vec![7, 8, 9])]);
    give_up(&bench, 7).await;
    assert!(is_taken(take(&bench, "door").await));
    assert_eq!(contested(&bench), [("door".to_owned(), vec![8, 9])]);
    // Also after a restart in between.
    let bench = on(bench.store.crash(), NEW).await;
    assert_eq!(contested(&bench), [("door".to_owned(), vec![8, 9])]);
    give_up(&bench, 3).await;
    take(&bench, "LEFT").await.unwrap();
    give_up(&bench, 9).await;
    assert!(is_taken(take(&bench, "door").await) && contested(&bench).is_empty());
    give_up(&bench, 8).await;
    take(&bench, "door").await.unwrap();
    // The new functions have them close an hour earlier.
    bench.node.advance_clock(seat::EARLIER).unwrap();
    eventually(|| bench.see("lockers.locker", 699).unwrap()["closed"] == true).await;
}

#[actix_rt::test]
async fn old_functions_take_their_rows_back() {
    let before = filled().await;
    let old = rows(&before);
    let bench = on(before, NEW).await;
    assert_ne!(rows(&bench.store), old);
    let bench = on(bench.store.crash(), OLD).await;
    assert_eq!(contested(&bench), []);
    assert_eq!(bench.total("lockers.locker", &[("key", "Left")]), 1);
    assert!(is_taken(take(&bench, "Left").await) && is_taken(take(&bench, "left").await));
    take(&bench, "k500").await.unwrap();
    bench.node.advance_clock(seat::EARLIER).unwrap();
    // Not yet.
    assert_eq!(bench.see("lockers.locker", 699).unwrap()["closed"], false);
    bench.node.advance_clock(Duration::from_secs(2 * 3_600)).unwrap();
    eventually(|| bench.see("lockers.locker", 699).unwrap()["closed"] == true).await;
}

#[actix_rt::test]
async fn a_kill_at_every_page_ends_in_the_same_rows() {
    let unharmed = rows(&on(filled().await, NEW).await.store);
    for lost in [0, 1] {
        let mut store = filled().await;
        let mut kills = 0;
        loop {
            let accepted = store.health().accepted_commit;
            // One page more is durable than at the last kill, and another is not.
            store.crash_after(accepted + 1, accepted + 1 + lost);
            if starts(&store).await {
                break;
            }
            store = store.crash();
            kills += 1;
            assert!(kills < 100, "it gets nowhere");
        }
        assert!(kills > 8, "{kills} kills");
        let bench = on(store.crash(), NEW).await;
        all_is_as_the_new_functions_say(&bench);
        assert_eq!(rows(&bench.store), unharmed);
    }
}

#[actix_rt::test]
async fn a_panic_at_any_page_and_a_conflict_cost_time_only() {
    for at in [ChaosPoint::BeforeCommit, ChaosPoint::AfterCommit] {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let chaos: holdfast::actors::Chaos = Arc::new(move |_, point| {
            // Few in ten seconds, or it would be given up.
            if point == at && counted.fetch_add(1, SeqCst).is_multiple_of(4) {
                panic!("as asked");
            }
        });
        let store = filled().await;
        store.conflict_next("lockers.locker", 2);
        store.pending_mode(at == ChaosPoint::AfterCommit);
        let settings = NodeSettings { chaos: Some(chaos), ..NodeSettings::default() };
        let bench = Bench::of(store, settings, NEW).ready().await;
        all_is_as_the_new_functions_say(&bench);
        assert!(count.load(SeqCst) > 0 || at == ChaosPoint::AfterCommit);
    }
}

#[actix_rt::test]
async fn what_one_version_had_begun_another_finishes_in_its_own_way() {
    let before = filled().await;
    let old = rows(&before);
    for pages in [1, 3, 5, 7, 9] {
        let store = filled().await;
        let accepted = store.health().accepted_commit;
        store.crash_after(accepted + pages, accepted + pages);
        assert!(!starts(&store).await);
        let bench = on(store.crash(), OLD).await;
        // Rows of an index that were emptied are not there any more.
        let now = rows(&bench.store);
        let missing: Vec<_> =
            old.iter().filter(|(key, record)| now.get(*key) != Some(record)).collect();
        let more: Vec<_> = now.iter().filter(|(key, _)| !old.contains_key(*key)).collect();
        assert!(more.is_empty(), "after {pages} pages there are {more:?}");
        assert!(
            missing.iter().all(|((_, key), _)| key[0] == Space::Index as u8) && missing.len() < 20,
            "{missing:?}"
        );
        assert_eq!(bench.total("lockers.locker", &[("key", "Left")]), 1);
        assert_eq!(bench.total("lockers.wall", &[("key", "K500")]), 1);
    }
}

#[actix_rt::test]
async fn until_its_rows_are_written_a_context_answers_no_request_and_is_not_ready() {
    let (gate, closed) = std::sync::mpsc::channel::<()>();
    let closed = std::sync::Mutex::new(closed);
    let chaos: holdfast::actors::Chaos = Arc::new(move |context, _| {
        if context == "lockers.locker" {
            // Until the gate is gone.
            let _ = closed.lock().unwrap().recv();
        }
    });
    let settings = NodeSettings { chaos: Some(chaos), ..NodeSettings::default() };
    let bench = Bench::of(filled().await, settings, NEW);
    let answers = |bench: &Bench| {
        let context = bench.context("lockers.locker");
        (
            context.read_item(1).is_ok(),
            context
                .list_items(&holdfast::actors::ListQuery { size: 1, ..Default::default() })
                .is_ok(),
        )
    };
    assert_eq!((answers(&bench), bench.node.is_ready()), ((false, false), false));
    assert!(bench.context("lockers.locker").health().rebuilding.is_some());
    assert!(matches!(
        bench.order("lockers.locker", CommandRequest::default()).await,
        Err(Fault::Away(_))
    ));
    drop(gate);
    let bench = bench.ready().await;
    assert_eq!(answers(&bench), (true, true));
    assert!(bench.see("lockers.locker", 1).is_some());
}

#[actix_rt::test]
async fn a_state_that_cannot_be_read_costs_its_own_rows_only() {
    let store = filled().await;
    let key = holdfast::store::keys::KeyBuf::new(Space::State).number(0).number(300).build();
    store.damage_row("lockers.locker", &key, Some(b"not a record".to_vec()));
    let bench = Bench::of(store, NodeSettings::default(), NEW).ready().await;
    let health = bench.context("lockers.locker").health();
    assert!(health.damage.is_some_and(|what| what.contains("300")));
    assert_eq!(bench.total("lockers.locker", &[]), MANY - 1);
    assert!(is_taken(take(&bench, "k301").await));
}
