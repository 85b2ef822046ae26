//! Many events that cannot be taken: what they cost a turn, a start and a listing.

use super::*;
use crate::actors::{subscription::source::Recipient, tables::log::Envelope};
use crate::{
    actors::{
        erased,
        port::saga::SagaId,
        tables::{
            counting::Counting,
            log::Cause,
            parked::{self, ParkedRow},
        },
    },
    domain::{Entity, Folds, Id, Lifecycle, Name, Timestamp, View},
    store::{Batch, CommitVerdict, Epoch, Store, codec, keys::Space},
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
};

/// What the listener keeps: nothing, here.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct TestThing;

impl Entity for TestThing {
    const READS: crate::domain::Reads = crate::domain::Reads::Public;
    const NAME: Name = Name {
        system: "shop",
        context: "shop.thing",
        collection: "things",
        item: "thing",
        korean: "물건",
    };
    type Representation = bool;
    fn represent(&self, _: Id<Self>) -> bool {
        true
    }
    fn lifecycle(&self) -> Lifecycle {
        Lifecycle::Established
    }
}

impl View for TestThing {
    fn folds(_: &mut impl Folds<Self>) {}
}

const SOURCE: &str = "bookrent.rent";

/// A log in which every aggregate has an event in turn.
#[derive(Clone, Default)]
struct TestLog {
    latest: Arc<AtomicU64>,
    aggregates: u64,
    read: Arc<AtomicUsize>,
}

struct Stretch(Vec<Envelope>);

impl EventBatch<u64> for Stretch {
    fn envelope_at(&self, place: usize) -> Option<&Envelope> {
        self.0.get(place)
    }
    fn react_at(&self, place: usize) -> Option<(Recipient, u64)> {
        self.0.get(place).map(|envelope| (Recipient::Number(envelope.aggregate), envelope.sequence))
    }
}

impl Source<u64> for TestLog {
    fn context(&self) -> &'static str {
        SOURCE
    }
    fn latest(&self) -> u64 {
        self.latest.load(SeqCst)
    }
    fn is_idle(&self) -> bool {
        true
    }
    fn read_batch(&self, from: u64, limit: usize) -> Result<Box<dyn EventBatch<u64>>, StoreError> {
        let envelope = |sequence| Envelope {
            sequence,
            aggregate: 1 + (sequence - 1) % self.aggregates,
            version: 1,
            at: Timestamp::default(),
            saga: SagaId { context: SOURCE.into(), number: 1 },
            cause: Cause::Answer("test".into()),
            client: None,
            trace: None,
            owner: None,
        };
        let events: Vec<_> = (from..=self.latest()).take(limit).map(envelope).collect();
        self.read.fetch_add(events.len(), SeqCst);
        Ok(Box::new(Stretch(events)))
    }
}

/// A listener that takes what is not too heavy for it.
struct Work {
    tree: Tree,
    hearing: SubscriptionProgress,
    heavy: BTreeSet<u64>,
    taken: Vec<u64>,
    writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Listener<u64> for Work {
    fn progress(&mut self) -> &mut SubscriptionProgress {
        &mut self.hearing
    }
    fn apply_event(
        &mut self,
        _: &'static str,
        envelope: &Envelope,
        _: Recipient,
        what: u64,
    ) -> Result<Result<(), String>, StoreError> {
        if self.heavy.contains(&envelope.aggregate) {
            return Ok(Err("too heavy".to_owned()));
        }
        self.taken.push(what);
        Ok(Ok(()))
    }
    fn report_damage(&mut self, what: &str) {
        panic!("{what}");
    }
    fn write_parked(&mut self, key: Vec<u8>, row: Option<ParkedRow>) -> Result<(), StoreError> {
        let record = row.map(|row| codec::encode(Space::Parked, 1, &row)).transpose()?;
        self.writes.push((key, record));
        Ok(())
    }
    fn list_parked(
        &self,
        source: &str,
        aggregate: u64,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        parked::first_parked(&self.tree, source, aggregate, limit)
    }
}

struct Post {
    store: Arc<Counting>,
    tree: Tree,
    epoch: Epoch,
    log: TestLog,
    subscriptions: Subscriptions<u64>,
    positions: BTreeMap<String, u64>,
    heavy: BTreeSet<u64>,
    taken: Vec<u64>,
}

impl Post {
    fn new(aggregates: u64) -> Self {
        let store = Arc::new(Counting::default());
        let shared: Arc<dyn Store> = store.clone();
        let tree = Tree::open(&shared, erased::view_type::<TestThing>()).unwrap();
        let epoch = store.activate(tree.id).unwrap();
        let log = TestLog { aggregates, ..TestLog::default() };
        let subscriptions = Subscriptions::new(vec![Box::new(log.clone())]);
        Self {
            store,
            tree,
            epoch,
            log,
            subscriptions,
            positions: BTreeMap::new(),
            heavy: BTreeSet::new(),
            taken: Vec::new(),
        }
    }

    /// One turn; gives how many rows it read and wrote.
    fn turn(&mut self, turn: impl FnOnce(&Subscriptions<u64>, &mut Work)) -> (usize, usize) {
        let before = self.store.rows_read();
        let hearing = SubscriptionProgress::from(&self.positions);
        let tree = self.tree.clone();
        let heavy = self.heavy.clone();
        let mut work = Work { tree, hearing, heavy, taken: Vec::new(), writes: Vec::new() };
        turn(&self.subscriptions, &mut work);
        let Work { hearing, taken, writes, .. } = work;
        let written = writes.len();
        let batch = Batch { tree: self.tree.id, epoch: self.epoch, expects: Vec::new(), writes };
        assert!(matches!(self.store.submit(batch), Ok(CommitVerdict::Accepted(_))));
        self.taken.extend(taken);
        self.positions.clone_from(&hearing.positions);
        self.subscriptions.apply_progress(&hearing);
        (self.store.rows_read() - before, written)
    }

    fn catch_up(&mut self) {
        while self.subscriptions.backlog(&self.positions) > 0 {
            let (read, written) =
                self.turn(|subscriptions, work| subscriptions.catch_up_all(work).unwrap());
            assert!(read == 0 && written <= READ_LIMIT, "{read} rows were read, {written} written");
        }
    }

    fn count_in_store(&self) -> usize {
        let mut after = None;
        let mut count = 0;
        loop {
            let before = self.store.rows_read();
            let page = parked::parked_page(&self.tree, after.as_ref(), 1000).unwrap();
            assert!(self.store.rows_read() - before <= 1000);
            count += page.len();
            after = page.last().map(|(id, _)| id.clone());
            if page.is_empty() {
                return count;
            }
        }
    }
}

#[test]
fn a_hundred_thousand_events_set_aside_cost_memory_by_aggregate_and_each_turn_a_bounded_part() {
    const EVENTS: u64 = 100_000;
    let mut post = Post::new(10);
    post.heavy = (1..=9).collect();
    post.log.latest.store(EVENTS, SeqCst);
    post.catch_up();
    let parked = EVENTS / 10 * 9;
    assert_eq!(
        (post.subscriptions.parked_count(), post.count_in_store() as u64, post.taken.len() as u64),
        (parked, parked, EVENTS / 10)
    );
    // A start reads them in pages, and keeps a queue an aggregate.
    let before = post.store.rows_read();
    post.subscriptions.reload_parked(&post.tree).unwrap();
    assert!((post.store.rows_read() - before) as u64 <= parked + 1);
    assert_eq!(
        (post.subscriptions.parked_count(), post.subscriptions.subscriptions[0].parked.len()),
        (parked, 9)
    );
    // By hand, one queue at a time; what cannot be taken is tried once.
    post.log.read.store(0, SeqCst);
    let (read, written) = post.turn(|subscriptions, work| {
        assert!(subscriptions.retry_parked(work, Some((SOURCE, 3))).unwrap())
    });
    assert!(
        read <= MAX_RETRIES_PER_QUEUE + 1 && written == 1 && post.log.read.load(SeqCst) == 1,
        "{read} {written}"
    );
    // Mended, it goes on in turns of a bounded size, in order, each event once.
    post.heavy.remove(&3);
    post.taken.clear();
    while post.subscriptions.subscriptions[0].parked.get(3).is_some() {
        post.log.read.store(0, SeqCst);
        let (read, written) = post.turn(|subscriptions, work| {
            assert!(subscriptions.retry_parked(work, Some((SOURCE, 3))).unwrap())
        });
        assert!(
            read <= MAX_RETRIES_PER_QUEUE + 1
                && written <= MAX_RETRIES_PER_QUEUE
                && post.log.read.load(SeqCst) <= MAX_RETRIES_PER_QUEUE
        );
    }
    assert_eq!(post.taken, (0..EVENTS / 10).map(|round| round * 10 + 3).collect::<Vec<_>>());
    assert_eq!(post.subscriptions.parked_count() as usize, post.count_in_store());
    // What is dropped is the first of its queue.
    let id = |sequence| ParkedId { source: SOURCE.to_owned(), aggregate: 1, sequence };
    post.turn(|subscriptions, work| assert!(!subscriptions.drop_parked(work, &id(11)).unwrap()));
    post.turn(|subscriptions, work| {
        assert!(
            subscriptions.drop_parked(work, &id(1)).unwrap()
                && !subscriptions.drop_parked(work, &id(11)).unwrap()
        )
    });
    assert_eq!(
        post.subscriptions.subscriptions[0].parked.get(1).map(|queue| queue.first),
        Some(11)
    );
    assert_eq!(post.subscriptions.parked_count() as usize, post.count_in_store());
}

#[test]
fn many_shelves_that_are_due_at_once_are_tried_some_a_turn_and_none_is_forgotten() {
    const AGGREGATES: u64 = 5000;
    let mut post = Post::new(AGGREGATES);
    post.heavy = (1..=AGGREGATES).collect();
    post.log.latest.store(AGGREGATES, SeqCst);
    post.catch_up();
    post.heavy.clear();
    let mut turns = 0;
    while post.subscriptions.parked_count() > 0 {
        // They become due by the clock of the machine; a look before that is a turn that does nothing.
        let (read, written) = post
            .turn(|subscriptions, work| assert!(subscriptions.retry_parked(work, None).is_ok()));
        assert!(read <= MAX_RETRIES && written <= MAX_RETRIES, "{read} {written}");
        turns += usize::from(written > 0);
        if written == 0 {
            std::thread::yield_now();
        }
    }
    assert!(turns >= AGGREGATES as usize / MAX_RETRIES);
    post.taken.sort_unstable();
    assert_eq!(post.taken, (1..=AGGREGATES).collect::<Vec<_>>());
    assert_eq!(post.count_in_store(), 0);
    assert_eq!(post.subscriptions.next_wake(&post.positions), None);
}
