//! The committer: writes group after group, each exactly once.

use super::{
    commit_queue::CommitQueue,
    connection::Link,
    database_error::Trouble,
    group::{Group, QueuedBatch, cut_by_system},
    lease::{Leases, last_group},
    trees::{PostgresTree, Trees},
};
use crate::store::{Commit, StoreError};
use futures_util::future::join_all;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::runtime::Handle;
use tokio_postgres::{Client, Statement, types::ToSql};

/// How long the database may take to answer to a group before the connection is given up.
const GROUP_LIMIT: Duration = Duration::from_secs(10);
/// Pauses between attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long a store that is closed waits for a database that is away.
/// After how long the database counts as away: what comes then would only wait.
const AWAY_AFTER: Duration = Duration::from_secs(5);
const CLOSING_LIMIT: Duration = Duration::from_secs(5);

const WRITE_GROUP: &str = "select holdfast.write_group($1, $2, $3, $4, $5, $6, $7)";

/// What writes.
pub struct Committer {
    pub queue: Arc<CommitQueue>,
    pub leases: Arc<Leases>,
    pub trees: Arc<Trees>,
    /// Memory for rows that are in the database too.
    pub cache_bytes: u64,
    pub link: Link,
    /// The last group of each system.
    pub last: BTreeMap<String, i64>,
    pub prepared: Option<(Arc<Client>, Statement)>,
}

impl Committer {
    /// Writes until the queue is closed and empty, or nothing more may be written.
    pub fn run(mut self, runtime: &Handle) {
        while let Some(batches) = self.queue.next_batches() {
            let began = Instant::now();
            let last = batches.last().map_or(0, |batch| batch.commit);
            let bytes = batches.iter().map(|batch| batch.bytes).sum();
            let written = written_keys(&batches);
            let groups = cut_by_system(batches);
            if let Err(error) = runtime.block_on(self.write_groups(groups)) {
                return self.queue.fail_with(error);
            }
            for (tree, keys) in written {
                tree.rows.mark_written(&keys);
            }
            self.queue.written(last, bytes, began);
            self.trim_rows();
            if self.queue.needs_numbers() {
                runtime.block_on(self.fetch_numbers());
            }
        }
        self.queue.durability.fail_with(StoreError::closed());
    }

    /// Writes groups of different systems. Each is the next of its system; it is sent again only when it is known that it was
    /// not written.
    async fn write_groups(&mut self, groups: Vec<Group>) -> Result<(), StoreError> {
        let mut left = groups;
        for group in &mut left {
            let last = self.last.get(&*group.system).copied();
            group.number = last.ok_or(StoreError::Superseded)? + 1;
        }
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            if let Err(trouble) = self.send_groups(&mut left).await {
                if matches!(trouble, Trouble::Wrong(_)) {
                    return Err(StoreError::Failed(trouble.words().to_owned()));
                }
                self.wait_for(&trouble, pause, began).await?;
                pause = (2 * pause).min(LONGEST_PAUSE);
            }
            while !left.is_empty() {
                match self.find_written(&mut left).await {
                    Ok(()) => break,
                    Err(Unresolved::Lost(error)) => return Err(error),
                    Err(Unresolved::Unknown(trouble)) => {
                        self.wait_for(&trouble, pause, began).await?
                    }
                }
            }
            if left.is_empty() {
                self.queue.set_waiting(None, false);
                self.queue.set_away(false);
                return Ok(());
            }
        }
    }

    /// Waits a moment, and says for what.
    async fn wait_for(
        &self,
        trouble: &Trouble,
        pause: Duration,
        began: Instant,
    ) -> Result<(), StoreError> {
        self.queue.set_away(began.elapsed() > AWAY_AFTER);
        self.queue.set_waiting(Some(trouble.words()), trouble.is_full());
        if self.queue.closing_for().is_some_and(|closing| closing > CLOSING_LIMIT) {
            return Err(StoreError::Failed(trouble.words().to_owned()));
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Sends groups, all at once, and keeps those that are not known to be written.
    async fn send_groups(&mut self, left: &mut Vec<Group>) -> Result<(), Trouble> {
        let (client, statement) = self.prepared_client().await?;
        let sent = left.iter().map(|group| {
            let client = &client;
            let statement = &statement;
            let epoch = self.leases.epoch_of(&group.system);
            async move {
                let Ok(epoch) = epoch else { return Ok(false) };
                let values: [&(dyn ToSql + Sync); 7] = [
                    &&*group.system,
                    &epoch,
                    &group.number,
                    &group.trees,
                    &group.keys,
                    &group.commits,
                    &group.records,
                ];
                let row = client.query_one(statement, &values).await?;
                row.try_get::<_, bool>(0)
            }
        });
        let Ok(answers) = tokio::time::timeout(GROUP_LIMIT, join_all(sent)).await else {
            self.give_up();
            return Err(Trouble::Passing("the database does not answer".into()));
        };
        let mut trouble = None;
        let mut answers = answers.into_iter();
        left.retain(|group| match answers.next() {
            Some(Ok(true)) => {
                self.last.insert(group.system.to_string(), group.number);
                false
            }
            Some(Err(error)) => {
                trouble = Some(self.link.explain(&error));
                true
            }
            _ => true,
        });
        match trouble {
            None => Ok(()),
            Some(trouble) => {
                if client.is_closed() {
                    self.give_up();
                }
                Err(trouble)
            }
        }
    }

    /// Asks the leases which groups were written after all, and removes those.
    async fn find_written(&mut self, left: &mut Vec<Group>) -> Result<(), Unresolved> {
        let client = self.link.client().await.map_err(Unresolved::Unknown)?;
        let mut place = 0;
        while let Some(group) = left.get(place) {
            let last = self.ask_last(&client, &group.system).await?;
            if last == group.number {
                self.last.insert(group.system.to_string(), last);
                left.remove(place);
            } else if last + 1 == group.number {
                place += 1;
            } else {
                return Err(Unresolved::Lost(StoreError::Failed(format!(
                    "the database has group {last} of {}, and {} would be the next: it was changed, or put back to an older \
                     state; start again to go on with what it has",
                    group.system, group.number
                ))));
            }
        }
        Ok(())
    }

    /// The last group of `system` that is in the database.
    async fn ask_last(&mut self, client: &Client, system: &str) -> Result<i64, Unresolved> {
        let lost = || {
            Unresolved::Lost(StoreError::Failed(format!(
                "another process has taken over the system {system}"
            )))
        };
        let epoch = self.leases.epoch_of(system).map_err(|_| lost())?;
        let asked = tokio::time::timeout(GROUP_LIMIT, last_group(client, system, epoch)).await;
        match asked {
            Ok(Ok(last)) => last.ok_or_else(lost),
            Ok(Err(error)) => {
                if client.is_closed() {
                    self.give_up();
                }
                Err(Unresolved::Unknown(self.link.explain(&error)))
            }
            Err(_) => {
                self.give_up();
                Err(Unresolved::Unknown(Trouble::Passing("the database does not answer".into())))
            }
        }
    }

    async fn prepared_client(&mut self) -> Result<(Arc<Client>, Statement), Trouble> {
        let client = self.link.client().await?;
        if let Some((known, statement)) = &self.prepared
            && Arc::ptr_eq(known, &client)
        {
            return Ok((client, statement.clone()));
        }
        let statement = client.prepare(WRITE_GROUP).await;
        let statement = statement.map_err(|error| self.link.explain(&error))?;
        self.prepared = Some((client.clone(), statement.clone()));
        Ok((client, statement))
    }

    fn give_up(&mut self) {
        self.link.give_up();
        self.prepared = None;
    }

    /// Lets go of rows that take more memory than they may.
    fn trim_rows(&self) {
        let trees = self.trees.all();
        let sizes: Vec<usize> = trees.iter().map(|tree| tree.rows.bytes()).collect();
        if sizes.iter().sum::<usize>() as u64 <= self.cache_bytes {
            return;
        }
        if let Some((_, tree)) = sizes.iter().zip(&trees).max_by_key(|(size, _)| **size) {
            tree.rows.trim();
        }
    }

    /// Fetches the next block of commit numbers; if it cannot, after the next group.
    async fn fetch_numbers(&mut self) {
        let Ok(client) = self.link.client().await else { return };
        match next_block(&client).await {
            Ok(first) => self.queue.add_numbers(first),
            Err(error) => tracing::warn!(%error, "no further commit numbers yet"),
        }
    }
}

/// Why it is not known what was written.
enum Unresolved {
    /// Nothing more may be written.
    Lost(StoreError),
    /// It has to be asked again.
    Unknown(Trouble),
}

/// The first number of a block that no other process has.
pub async fn next_block(client: &Client) -> Result<Commit, tokio_postgres::Error> {
    let row = client.query_one("select nextval('holdfast.commit_block')", &[]).await?;
    Ok(row.try_get::<_, i64>(0)? as Commit)
}

/// The keys that some batches write, by tree, each with the last commit that does.
type WrittenKeys = Vec<(Arc<PostgresTree>, Vec<(Vec<u8>, Commit)>)>;

/// A tree, and what is written in it.
type KeysOfTree<'a> = (Arc<PostgresTree>, BTreeMap<&'a [u8], Commit>);

fn written_keys(batches: &[QueuedBatch]) -> WrittenKeys {
    let mut keys: BTreeMap<i32, KeysOfTree<'_>> = BTreeMap::new();
    for batch in batches {
        let (_, written) =
            keys.entry(batch.tree.id).or_insert_with(|| (batch.tree.clone(), BTreeMap::new()));
        for (key, _) in &batch.writes {
            written.insert(key, batch.commit);
        }
    }
    let owned = |keys: BTreeMap<&[u8], Commit>| {
        keys.into_iter().map(|(key, commit)| (key.to_vec(), commit)).collect()
    };
    keys.into_values().map(|(tree, keys)| (tree, owned(keys))).collect()
}
