//! Rows from the database, for threads that wait for them.

use super::{
    connection::{Connector, Link, Purpose},
    database_error::Trouble,
};
use crate::store::{Commit, Row, Scan, StoreError};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};
use tokio::runtime::Handle;
use tokio_postgres::{Client, Error, types::ToSql};

/// How long a thread waits for rows: far less than the watchdog of contexts waits for a thread.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many connections read.
const LINKS: usize = 2;

/// A key and its row.
pub type KeyedRow = (Vec<u8>, Row);

/// What reads from the database.
pub struct Reader {
    runtime: Handle,
    links: Arc<Vec<Link>>,
    next: AtomicUsize,
}

impl Reader {
    pub fn new(connector: &Connector, runtime: Handle) -> Self {
        let links = (0..LINKS).map(|_| Link::new(connector.clone(), Purpose::Read)).collect();
        Self { runtime, links: Arc::new(links), next: AtomicUsize::new(0) }
    }

    /// Runs `query` on the runtime of the store, while this thread waits.
    fn wait<T, Q, F>(&self, query: Q) -> Result<T, StoreError>
    where
        T: Send + 'static,
        Q: FnOnce(Arc<Client>) -> F + Send + 'static,
        F: Future<Output = Result<T, Error>> + Send,
    {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % LINKS;
        let links = self.links.clone();
        let (sender, answer) = mpsc::sync_channel(1);
        self.runtime.spawn(async move {
            let Some(link) = links.get(place) else { return };
            let read = async {
                let client = link.client().await?;
                query(client).await.map_err(|error| link.explain(&error))
            };
            let read: Result<T, Trouble> = read.await;
            // The thread has gone on if it is late.
            let _ = sender.send(read);
        });
        match answer.recv_timeout(PATIENCE) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(trouble)) => {
                tracing::warn!(why = trouble.words(), "rows cannot be read");
                Err(trouble.into())
            }
            Err(_) => {
                tracing::warn!("the database does not answer to a read");
                Err(StoreError::Overloaded)
            }
        }
    }

    /// The rows of a tree under `keys`.
    pub fn read_keys(&self, tree: i32, keys: Vec<Vec<u8>>) -> Result<Vec<KeyedRow>, StoreError> {
        self.wait(move |client| async move {
            let query =
                "select key, commit, record from holdfast.row where tree = $1 and key = any($2)";
            read_rows(&client, query, &[&tree, &keys]).await
        })
    }

    /// A range of rows of a tree.
    pub fn scan(&self, tree: i32, scan: Scan) -> Result<Vec<KeyedRow>, StoreError> {
        let order = if scan.backwards { "desc" } else { "asc" };
        let query = format!(
            "select key, commit, record from holdfast.row where tree = $1 and key >= $2 and key < $3 order by key {order} limit $4"
        );
        self.wait(move |client| async move {
            let limit = i64::try_from(scan.limit).unwrap_or(i64::MAX);
            read_rows(&client, &query, &[&tree, &scan.from, &scan.to, &limit]).await
        })
    }

    /// The last rows of each key space of a tree, at most `limit` of each.
    pub fn read_last(
        &self,
        tree: i32,
        spaces: Vec<u8>,
        limit: usize,
    ) -> Result<Vec<KeyedRow>, StoreError> {
        let from: Vec<Vec<u8>> = spaces.iter().map(|space| vec![*space]).collect();
        let to: Vec<Vec<u8>> =
            spaces.iter().map(|space| crate::store::keys::prefix_end(&[*space])).collect();
        self.wait(move |client| async move {
            let query = "select last.key, last.commit, last.record
                from unnest($2::bytea[], $3::bytea[]) as space (low, high), lateral (
                    select key, commit, record from holdfast.row
                    where tree = $1 and key >= space.low and key < space.high order by key desc limit $4
                ) as last";
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            read_rows(&client, query, &[&tree, &from, &to, &limit]).await
        })
    }

    /// The number of the tree called `name`, which is made if there is none.
    pub fn find_tree(&self, name: &str) -> Result<i32, StoreError> {
        let name = name.to_owned();
        self.wait(move |client| async move {
            let find = "select id from holdfast.tree where name = $1";
            if let Some(row) = client.query_opt(find, &[&name]).await? {
                return row.try_get(0);
            }
            let make = "insert into holdfast.tree (name) values ($1) on conflict (name) do nothing";
            client.execute(make, &[&name]).await?;
            client.query_one(find, &[&name]).await?.try_get(0)
        })
    }

    /// How many bytes the database has.
    pub async fn size(&self) -> Option<u64> {
        let client = self.links.first()?.client().await.ok()?;
        let row = client.query_one("select pg_database_size(current_database())", &[]).await;
        u64::try_from(row.ok()?.try_get::<_, i64>(0).ok()?).ok()
    }
}

async fn read_rows(
    client: &Client,
    query: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<KeyedRow>, Error> {
    let rows = client.query(query, values).await?;
    let row = |row: &tokio_postgres::Row| {
        let commit = row.try_get::<_, i64>(1)? as Commit;
        Ok((row.try_get(0)?, Row { commit, record: row.try_get(2)? }))
    };
    rows.iter().map(row).collect()
}
