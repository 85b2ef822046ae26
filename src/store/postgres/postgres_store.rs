//! A store in PostgreSQL: its parts put together, and the port that they serve.

use super::{
    candidate::{PostgresCandidate, TakenLeases},
    commit_queue::CommitQueue,
    committer::Committer,
    connection::{Connector, Link, Purpose},
    lease::{self, Claimant, LeaseHolder, Leases},
    options::PostgresOptions,
    reader::{KeyedRow, Reader},
    reading,
    renewal::{Shared, renew},
    rows::Known,
    trees::PostgresTree,
};
use crate::{
    store::{
        Batch, Commit, CommitVerdict, DurabilityCallback, Epoch, Recovery, Row, Scan, Store,
        StoreError, StoreHealth, TreeId, codec::MAX_RECORD,
    },
    sync,
};
use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
};
use tokio::runtime::Runtime;

/// A store in PostgreSQL.
///
/// *Expectations.* As with sled, the owner of a tree is the only one that writes it: the lease keeps other processes out,
/// and an activation ends those before it. So what it expects is compared with what is in memory, and in debug builds with
/// the database.
///
/// *Answers* leave while the leases are held for sure. When they have run out they wait; a renewal shows that no other
/// process was in between.
pub struct PostgresStore {
    shared: Arc<Shared>,
    reader: Arc<Reader>,
    identity: u128,
    recovery: Recovery,
    options: PostgresOptions,
    connector: Connector,
    claimant: Claimant,
    committer: Mutex<Option<JoinHandle<()>>>,
    runtime: Mutex<Option<Runtime>>,
}

impl PostgresStore {
    /// The store of a candidate that has taken its leases.
    pub(super) fn lead(
        candidate: PostgresCandidate,
        taken: TakenLeases,
    ) -> Result<Self, StoreError> {
        let PostgresCandidate { options, connector, runtime, identity, began, claimant, .. } =
            candidate;
        let TakenLeases { leases: taken, asked, first } = taken;
        let epochs = taken.iter().map(|(system, taken)| (system.clone(), taken.epoch));
        let shared = Arc::new(Shared {
            queue: Arc::new(CommitQueue::new(first, options.unwritten_limit_bytes)),
            leases: Arc::new(Leases::new(epochs, asked)),
            trees: Arc::default(),
            held: Mutex::default(),
            database_bytes: AtomicU64::new(0),
        });
        let reader = Arc::new(Reader::new(&connector, runtime.handle().clone()));
        let committer = Committer {
            queue: shared.queue.clone(),
            leases: shared.leases.clone(),
            trees: shared.trees.clone(),
            cache_bytes: options.cache_bytes + options.unwritten_limit_bytes,
            link: Link::new(connector.clone(), Purpose::Write),
            last: taken.into_iter().map(|(system, taken)| (system, taken.last)).collect(),
            prepared: None,
        };
        let handle = runtime.handle().clone();
        let spawned = std::thread::Builder::new()
            .name("committer".into())
            .spawn(move || committer.run(&handle))
            .map_err(|error| StoreError::CannotOpen(error.to_string()))?;
        let link = Link::new(connector.clone(), Purpose::Write);
        runtime.spawn(renew(shared.clone(), link, reader.clone()));
        Ok(Self {
            shared,
            reader,
            identity,
            recovery: Recovery { batches: 0, took: began.elapsed() },
            options,
            connector,
            claimant,
            committer: Mutex::new(Some(spawned)),
            runtime: Mutex::new(Some(runtime)),
        })
    }

    /// What was done when the store was opened.
    pub fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// The lease that this process holds.
    pub fn own_lease(&self) -> LeaseHolder {
        let Claimant { node, start, url } = self.claimant.clone();
        LeaseHolder { system: String::new(), node, start, url, is_current: true }
    }

    /// Says to other nodes that this one is leaving: they keep what is for it until another one leads. It waits for the
    /// database, at most a moment.
    pub fn announce_leaving(&self) {
        let held = self.shared.leases.list();
        self.with_database(move |client| async move { lease::hide_url(&client, &held).await });
    }

    /// Does something with the database, within half the term of a lease.
    fn with_database<Q, F>(&self, act: Q)
    where
        Q: FnOnce(tokio_postgres::Client) -> F + Send + 'static,
        F: Future<Output = Result<(), tokio_postgres::Error>> + Send,
    {
        let connector = self.connector.clone();
        let (done, is_done) = std::sync::mpsc::channel();
        if let Some(runtime) = &*sync::lock(&self.runtime) {
            runtime.spawn(async move {
                let acted = match connector.connect(Purpose::Write).await {
                    Ok(client) => act(client).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = acted {
                    tracing::warn!(%error, "the leases are not changed: they run out");
                }
                let _ = done.send(());
            });
            let _ = is_done.recv_timeout(lease::TERM / 2);
        }
    }

    fn expectations_hold(
        &self,
        tree: &PostgresTree,
        expects: &[(Vec<u8>, Commit)],
    ) -> Result<bool, StoreError> {
        let keys: Vec<&[u8]> = expects.iter().map(|(key, _)| key.as_slice()).collect();
        let commit_of = |row: Option<Row>| row.map_or(0, |row| row.commit);
        if cfg!(debug_assertions) {
            let rows = reading::read_rows(&self.reader, tree, &keys)?;
            return Ok(expects
                .iter()
                .zip(rows)
                .all(|((_, commit), row)| commit_of(row) == *commit));
        }
        let (known, _) = tree.rows.known(&keys);
        Ok(expects.iter().zip(known).all(|((_, commit), known)| match known {
            Known::Row(row) => commit_of(row) == *commit,
            Known::Nothing => true,
        }))
    }
}

impl Store for PostgresStore {
    fn open_tree(&self, name: &str) -> Result<TreeId, StoreError> {
        self.shared.trees.open(name, || self.reader.find_tree(name))
    }

    fn activate(&self, tree: TreeId) -> Result<Epoch, StoreError> {
        let tree = self.shared.trees.find(tree)?;
        let epoch = tree.activate();
        reading::load_first_rows(&self.reader, &tree, self.options.first_rows)?;
        Ok(epoch)
    }

    fn read(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Row>>, StoreError> {
        reading::read_rows(&self.reader, &*self.shared.trees.find(tree)?, keys)
    }

    fn scan(&self, tree: TreeId, scan: &Scan) -> Result<Vec<KeyedRow>, StoreError> {
        let tree = self.shared.trees.find(tree)?;
        if scan.from >= scan.to || scan.limit == 0 {
            return Ok(Vec::new());
        }
        reading::scan_rows(&self.reader, &tree, scan)
    }

    fn submit(&self, mut batch: Batch) -> Result<CommitVerdict, StoreError> {
        let tree = self.shared.trees.find(batch.tree)?;
        let lens = batch.writes.iter().map(|(_, record)| record.as_ref().map_or(0, Vec::len));
        if let Some(len) = lens.max().filter(|len| *len > MAX_RECORD) {
            return Err(StoreError::Invalid(format!(
                "a record of {len} bytes is over the limit of {MAX_RECORD}"
            )));
        }
        let expects = std::mem::take(&mut batch.expects);
        self.shared.queue.accept_batch(batch, &tree, || self.expectations_hold(&tree, &expects))
    }

    fn durable_commit(&self) -> Commit {
        self.shared.queue.durability.durable_commit()
    }

    fn is_durable(&self, commit: Commit) -> bool {
        commit <= self.durable_commit() && self.shared.leases.are_current()
    }

    fn accepted_commit(&self) -> Commit {
        self.shared.queue.figures().accepted
    }

    fn on_durable(&self, commit: Commit, callback: DurabilityCallback) {
        if !self.shared.leases.are_current() && self.shared.queue.refusal().is_none() {
            sync::lock(&self.shared.held).push((commit, callback));
            return;
        }
        self.shared.queue.on_durable(commit, callback);
    }

    fn failure(&self) -> Option<String> {
        self.shared.queue.durability.failure().map(|error| error.to_string())
    }

    fn is_full(&self) -> bool {
        self.shared.queue.is_full()
    }

    fn health(&self) -> StoreHealth {
        let figures = self.shared.queue.figures();
        let is_current = self.shared.leases.are_current();
        let waits_for = self.shared.queue.waits_for();
        let lapsed = || "the leases have run out, and the database cannot be asked".to_owned();
        StoreHealth {
            failed: self.failure(),
            accepted_commit: figures.accepted,
            durable_commit: self.durable_commit(),
            syncs: figures.groups,
            sync_durations: figures.group_durations,
            unwritten_bytes: figures.unwritten,
            disk_bytes: self.shared.database_bytes.load(Ordering::Relaxed),
            full: self.is_full(),
            waits_for: waits_for.or_else(|| (!is_current).then(lapsed)),
            ..StoreHealth::default()
        }
    }

    fn identity(&self) -> u128 {
        self.identity
    }

    /// Writes what has been accepted, takes no more, and gives the leases up. Reading goes on.
    fn close(&self) {
        self.shared.queue.close();
        let committer = sync::lock(&self.committer).take();
        let own =
            |committer: &JoinHandle<()>| committer.thread().id() == std::thread::current().id();
        let Some(committer) = committer.filter(|committer| !own(committer)) else { return };
        if committer.join().is_err() {
            tracing::error!("the committer has panicked");
        }
        let held = self.shared.leases.list();
        self.shared.leases.end();
        self.shared.release_answers(&Err(StoreError::closed()));
        // Given up or not, they run out.
        self.with_database(
            move |client| async move { lease::release_leases(&client, &held).await },
        );
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("queue", &self.shared.queue).finish_non_exhaustive()
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.close();
        if let Some(runtime) = sync::lock(&self.runtime).take() {
            runtime.shutdown_background();
        }
    }
}
