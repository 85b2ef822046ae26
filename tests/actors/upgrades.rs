//! Logs whose events have no epochs, and nodes that do not send any: a store, a source and a replica from before there were
//! words; and what a replica takes from whom.

use super::{
    bench::{Bench, bookrent, eventually},
    event_source::{EventSource, OnlyEvents},
};
use futures_util::{FutureExt, future::BoxFuture};
use holdfast::{
    actors::{
        EventId, EventLog, Node, NodeSettings, RecordedEvent, ReplicaHandle, ReplicaHealth,
        Silence, Word,
    },
    store::{Batch, MemoryStore, Scan, Store},
};
use std::{
    collections::BTreeSet,
    future::ready,
    sync::{Arc, Mutex},
    time::Duration,
};

/// The store as it was before there were words.
fn from_before(store: MemoryStore) -> MemoryStore {
    for context in ["bookrent.book", "bookrent.rent", "bookrent.delivery"] {
        let tree = store.open_tree(context).unwrap();
        let all = Scan { from: b"e".to_vec(), to: b"f".to_vec(), backwards: false, limit: 1000 };
        let writes = store
            .scan(tree, &all)
            .unwrap()
            .into_iter()
            .map(|(key, _)| (key, None))
            .collect::<Vec<_>>();
        assert!(!writes.is_empty(), "{context} has an epoch");
        let epoch = store.activate(tree).unwrap();
        store.submit(Batch { tree, epoch, expects: Vec::new(), writes }).unwrap();
    }
    store
}

/// A store with the same rows.
fn copy(store: &MemoryStore) -> MemoryStore {
    let copy = MemoryStore::new();
    for context in ["bookrent.book", "bookrent.rent", "bookrent.delivery", "bookrent.view"] {
        let all = Scan { from: Vec::new(), to: vec![u8::MAX], backwards: false, limit: 10_000 };
        let rows = store.scan(store.open_tree(context).unwrap(), &all).unwrap().into_iter();
        let writes = rows.map(|(key, row)| (key, Some(row.record))).collect();
        let tree = copy.open_tree(context).unwrap();
        let epoch = copy.activate(tree).unwrap();
        copy.submit(Batch { tree, epoch, expects: Vec::new(), writes }).unwrap();
    }
    copy
}

fn ids(bench: &Bench, context: &str) -> Vec<String> {
    let events = bench.context(context).event_log().unwrap().read_page(1).unwrap().items;
    events.into_iter().map(|(_, event)| event.id().to_string()).collect()
}

async fn settled(bench: &Bench) {
    bench.becomes_consistent(|_| Ok(())).await;
}

#[actix_rt::test]
async fn a_store_from_before_opens_and_its_events_keep_their_names() {
    let bench = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    for _ in 0..2 {
        bench.register().await;
    }
    let book = bench.register().await;
    bench.rent(book, 1).await.unwrap();
    settled(&bench).await;
    let bench = Bench::on(from_before(bench.store.crash()), NodeSettings::default()).ready().await;
    let count = ids(&bench, "bookrent.book").len();
    assert_eq!(
        ids(&bench, "bookrent.book"),
        (1..=count).map(|sequence| sequence.to_string()).collect::<Vec<_>>()
    );
    bench.register().await;
    let now = ids(&bench, "bookrent.book");
    assert!(now[count].ends_with(&format!("-{}", count + 1)), "{now:?}");
    let bench = bench.crashed(NodeSettings::default(), bookrent).await;
    assert_eq!(ids(&bench, "bookrent.book"), now);
    bench.register().await;
    let word = |id: &str| id.rsplit_once('-').map(|(word, _)| word.to_owned());
    let later = ids(&bench, "bookrent.book");
    assert_ne!(word(&later[count]), word(&later[count + 1]), "each start is an epoch: {later:?}");
}

/// How the other node answers.
#[derive(Clone, Copy, PartialEq)]
enum Speaks {
    /// As before there were words.
    AsBefore,
    Now,
    Not,
}

type Log = Arc<dyn EventLog<RecordedEvent>>;

/// The other node, with whichever logs it has now.
struct Other {
    logs: Mutex<(Vec<Log>, Speaks)>,
    /// From which sequence it was asked for rents, after which event.
    asked: Mutex<Vec<(u64, Option<EventId>)>>,
}

impl Other {
    fn is(&self, bench: &Bench, speaks: Speaks) {
        let contexts = bench.node.contexts().iter();
        *self.logs.lock().unwrap() =
            (contexts.filter_map(|context| context.event_log()).collect(), speaks);
    }
    fn speaks(&self, speaks: Speaks) {
        self.logs.lock().unwrap().1 = speaks;
    }
}

impl EventSource for Other {
    fn fetch_events(
        &self,
        context: &'static str,
        from: u64,
        after: Option<EventId>,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, Silence>> {
        let (logs, speaks) = self.logs.lock().unwrap().clone();
        let log = logs.into_iter().find(|log| log.context() == context).unwrap();
        if context == "bookrent.rent" {
            self.asked.lock().unwrap().push((from, after));
        }
        async move {
            let mut latest = log.latest();
            let _ = tokio::time::timeout(
                Duration::from_millis(20),
                latest.wait_for(|latest| *latest >= from),
            )
            .await;
            match speaks {
                Speaks::Not => return Err(Silence::Away("it is away".into())),
                Speaks::Now if !after.is_none_or(|id| log.has_event(id)) => {
                    return Err(Silence::Changed("no".into()));
                }
                _ => {}
            }
            // It may have ended meanwhile.
            let drawn = log.read_page(from).map_err(|why| Silence::Away(why.to_string()))?;
            let mut events: Vec<_> = drawn.items.into_iter().map(|(_, event)| event).collect();
            if speaks == Speaks::AsBefore {
                events.iter_mut().for_each(|event| {
                    event.epoch = Word::default();
                    event.owner = None;
                });
            }
            Ok(events)
        }
        .boxed()
    }
}

fn rents(listener: &Bench) -> ReplicaHealth {
    let mut replicas = listener.node.replica_health().into_iter();
    replicas.find(|replica| replica.context == "bookrent.rent").unwrap()
}

fn replica(listener: &Bench) -> Arc<dyn ReplicaHandle> {
    listener
        .node
        .replica_handles()
        .iter()
        .find(|replica| replica.context() == "bookrent.rent")
        .unwrap()
        .clone()
}

fn event(bench: &Bench, sequence: u64) -> RecordedEvent {
    bench
        .context("bookrent.rent")
        .event_log()
        .unwrap()
        .read_page(sequence)
        .unwrap()
        .items
        .remove(0)
        .1
}

async fn rent(bench: &Bench) {
    let book = bench.register().await;
    bench.rent(book, 1).await.unwrap();
    settled(bench).await;
}

#[actix_rt::test]
async fn a_replica_continues_after_its_last_event_with_any_mix_of_versions() {
    let old = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    rent(&old).await;
    let other =
        Arc::new(Other { logs: Mutex::new((Vec::new(), Speaks::Not)), asked: Mutex::default() });
    other.is(&old, Speaks::AsBefore);
    let contexts = Some(BTreeSet::from(["bookrent.view".to_owned()]));
    let wire = Some(Arc::new(OnlyEvents(other.clone())) as _);
    let settings = NodeSettings { contexts, wire, ..NodeSettings::default() };
    let listener = Bench::on(MemoryStore::new(), settings).ready().await;
    listener.node.follow_replicas().into_iter().for_each(|follow| drop(actix_rt::spawn(follow)));
    let asked_behind = |sequence: u64, word: Option<&EventId>| {
        other.asked.lock().unwrap().contains(&(sequence + 1, word.copied()))
    };
    // A source that sends no names is asked by numbers.
    eventually(|| rents(&listener).last_sequence == 2 && asked_behind(2, None)).await;

    // It is upgraded, and has a word from now on.
    let store = from_before(old.store.crash());
    let copied = copy(&store);
    let source = Bench::on(store, NodeSettings::default()).ready().await;
    other.is(&source, Speaks::Now);
    rent(&source).await;
    let last = event(&source, 4).id();
    assert!(!last.word.is_none());
    eventually(|| rents(&listener).last_sequence == 4 && asked_behind(4, Some(&last))).await;

    // All replicas, or one that has nothing of what is lost would go on with the copy.
    let has_all = |replica: &ReplicaHealth| {
        replica.last_sequence == source.context(replica.context).health().last_sequence
    };
    eventually(|| listener.node.replica_health().iter().all(has_all)).await;

    // Its data is put back from a copy.
    let restored = Bench::on(copied, NodeSettings::default()).ready().await;
    for _ in 0..2 {
        rent(&restored).await;
    }
    other.is(&restored, Speaks::Now);
    eventually(|| rents(&listener).history_changed.is_some()).await;
    assert!(!listener.node.is_ready());
    assert_eq!(listener.node.disputes()[0].context, "bookrent.rent");
    let brought = (3..=6).map(|sequence| event(&restored, sequence)).collect();
    assert_eq!(replica(&listener).take_events(brought).await.unwrap(), []);
    assert_eq!(rents(&listener).last_sequence, 4);

    // The right data again: it goes on by itself.
    other.is(&source, Speaks::Now);
    eventually(|| listener.node.is_ready() && rents(&listener).history_changed.is_none()).await;
    // While no source can be asked, a feed brings what follows in the known epoch, and nothing else.
    other.speaks(Speaks::Not);
    // What it was asked before that is answered.
    other.asked.lock().unwrap().clear();
    eventually(|| !other.asked.lock().unwrap().is_empty()).await;
    replica(&listener).fed_by(Ok("amqp"));
    rent(&source).await;
    let brought = vec![event(&restored, 5), event(&source, 5)];
    replica(&listener).take_events(brought).await.unwrap();
    assert_eq!(rents(&listener).last_sequence, 5);
    let source = source.crashed(NodeSettings::default(), bookrent).await;
    replica(&listener).take_events(vec![event(&source, 6)]).await.unwrap();
    assert_eq!(rents(&listener).last_sequence, 6);
    rent(&source).await;
    replica(&listener).take_events(vec![event(&source, 7)]).await.unwrap();
    assert_eq!(rents(&listener).last_sequence, 6, "what a new epoch follows only its source knows");
    other.is(&source, Speaks::Now);
    eventually(|| rents(&listener).last_sequence == 8).await;
    replica(&listener).take_events(vec![event(&source, 7), event(&source, 8)]).await.unwrap();
    assert!(rents(&listener).again >= 2);
}

/// A source that leaves an event out.
struct WithGap(RecordedEvent);

impl EventSource for WithGap {
    fn fetch_events(
        &self,
        _: &'static str,
        from: u64,
        _: Option<EventId>,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, Silence>> {
        let event = RecordedEvent { sequence: from + 1, ..self.0.clone() };
        ready(Ok(vec![event])).boxed()
    }
}

#[actix_rt::test]
async fn a_source_that_leaves_an_event_out_is_asked_with_pauses_and_named_in_health() {
    let source = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    rent(&source).await;
    let contexts = Some(BTreeSet::from(["bookrent.view".to_owned()]));
    let wire = Some(Arc::new(OnlyEvents(Arc::new(WithGap(event(&source, 1))))) as _);
    let settings = NodeSettings { contexts, wire, ..NodeSettings::default() };
    let listener = Bench::on(MemoryStore::new(), settings).ready().await;
    listener.node.follow_replicas().into_iter().for_each(|follow| drop(actix_rt::spawn(follow)));
    let has_found_it = |replica: ReplicaHealth| {
        replica.attempts > 1
            && replica.error.is_some_and(|why| why.contains("none follows event 0"))
    };
    eventually(|| has_found_it(rents(&listener))).await;
    assert_eq!(rents(&listener).last_sequence, 0);
}
