//! Leases: which process may write a system. The clock of the database decides when one has run out, and this process's own
//! monotonic clock when it has to stop answering.

use crate::{store::StoreError, sync};
use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant},
};
use tokio_postgres::Client;

/// How long a lease lasts, and how often it is renewed.
pub const TERM: Duration = Duration::from_secs(10);
pub const RENEWAL: Duration = Duration::from_secs(2);
/// How much earlier than the database the holder takes its lease for ended: clocks differ in their rate.
const MARGIN: Duration = Duration::from_millis(500);

/// Another process that holds a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseHolder {
    /// The system.
    pub system: String,
    /// The name of its node.
    pub node: String,
    /// Under which URL it is reached; empty: it is leaving, or is not to be reached.
    pub url: String,
    /// The word of the process.
    pub start: String,
    /// Whether the lease has not run out.
    pub is_current: bool,
}

/// Who takes leases: the node, and the process by a word of its own, so that a process that is started again does not take
/// itself for the one before it.
#[derive(Debug, Clone)]
pub struct Claimant {
    pub node: String,
    pub start: String,
    pub url: String,
}

/// A lease that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub epoch: i64,
    /// The last group that was written.
    pub last: i64,
}

/// Takes the lease of `system`, if it has run out or was released.
pub async fn take_lease(
    client: &Client,
    claimant: &Claimant,
    system: &str,
) -> Result<Option<Taken>, tokio_postgres::Error> {
    let taken = client
        .query_opt(
            "insert into holdfast.lease as held (system, epoch, last, node, start, url, until)
             values ($1, 1, 0, $2, $3, $4, clock_timestamp() + $5 * interval '1 second')
             on conflict (system) do update set
                epoch = held.epoch + 1, node = $2, start = $3, url = $4, until = excluded.until
                where held.until < clock_timestamp() or (held.node = $2 and held.start = $3)
             returning epoch, last",
            &[&system, &claimant.node, &claimant.start, &claimant.url, &TERM.as_secs_f64()],
        )
        .await?;
    taken.map(|row| Ok(Taken { epoch: row.try_get(0)?, last: row.try_get(1)? })).transpose()
}

/// Renews leases by their epochs, and returns the systems whose leases are still held.
pub async fn renew_leases(
    client: &Client,
    held: &[(String, i64)],
) -> Result<Vec<String>, tokio_postgres::Error> {
    let systems: Vec<&str> = held.iter().map(|(system, _)| system.as_str()).collect();
    let epochs: Vec<i64> = held.iter().map(|(_, epoch)| *epoch).collect();
    let rows = client
        .query(
            "update holdfast.lease as lease set until = clock_timestamp() + $3 * interval '1 second'
             from unnest($1::text[], $2::bigint[]) as held (system, epoch)
             where lease.system = held.system and lease.epoch = held.epoch returning lease.system",
            &[&systems, &epochs, &TERM.as_secs_f64()],
        )
        .await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// The last group of `system`, if the lease is still of `epoch`. It writes, so what it returns is as safe as an
/// acknowledgement, whatever replicas the database waits for.
pub async fn last_group(
    client: &Client,
    system: &str,
    epoch: i64,
) -> Result<Option<i64>, tokio_postgres::Error> {
    let row = client
        .query_opt(
            "update holdfast.lease set until = greatest(until, clock_timestamp() + $3 * interval '1 second')
             where system = $1 and epoch = $2 returning last",
            &[&system, &epoch, &TERM.as_secs_f64()],
        )
        .await?;
    row.map(|row| row.try_get(0)).transpose()
}

/// Has other nodes keep what is for this one, which is leaving.
pub async fn hide_url(
    client: &Client,
    held: &[(String, i64)],
) -> Result<(), tokio_postgres::Error> {
    for (system, epoch) in held {
        let hide = "update holdfast.lease set url = '' where system = $1 and epoch = $2";
        client.execute(hide, &[system, epoch]).await?;
    }
    Ok(())
}

/// Notes that a node is there.
pub async fn note_node(client: &Client, claimant: &Claimant) -> Result<(), tokio_postgres::Error> {
    let note =
        "insert into holdfast.node as known (name, url, seen) values ($1, $2, clock_timestamp())
        on conflict (name) do update set url = $2, seen = clock_timestamp()
        where known.url <> $2 or known.seen < clock_timestamp() - interval '2 seconds'";
    client.execute(note, &[&claimant.node, &claimant.url]).await.map(drop)
}

/// Ends leases at once, for the next holder.
pub async fn release_leases(
    client: &Client,
    held: &[(String, i64)],
) -> Result<(), tokio_postgres::Error> {
    for (system, epoch) in held {
        client
            .execute(
                "update holdfast.lease set until = '-infinity' where system = $1 and epoch = $2",
                &[system, epoch],
            )
            .await?;
    }
    Ok(())
}

/// Who holds leases.
pub async fn list_holders(client: &Client) -> Result<Vec<LeaseHolder>, tokio_postgres::Error> {
    let rows = client
        .query(
            "select system, node, url, start, until >= clock_timestamp() from holdfast.lease order by system",
            &[],
        )
        .await?;
    let read = |row: &tokio_postgres::Row| {
        Ok(LeaseHolder {
            system: row.try_get(0)?,
            node: row.try_get(1)?,
            url: row.try_get(2)?,
            start: row.try_get(3)?,
            is_current: row.try_get(4)?,
        })
    };
    rows.iter().map(read).collect()
}

/// The leases of this process.
#[derive(Debug)]
pub struct Leases {
    held: Mutex<BTreeMap<String, i64>>,
    /// Until when they are held for sure, by this process's clock.
    until: Mutex<Instant>,
}

impl Leases {
    /// Leases that were asked for at `asked`.
    pub fn new(held: impl IntoIterator<Item = (String, i64)>, asked: Instant) -> Self {
        Self {
            held: Mutex::new(held.into_iter().collect()),
            until: Mutex::new(asked + TERM - MARGIN),
        }
    }

    pub fn list(&self) -> Vec<(String, i64)> {
        sync::lock(&self.held).iter().map(|(system, epoch)| (system.clone(), *epoch)).collect()
    }

    /// The epoch of the lease of `system`.
    pub fn epoch_of(&self, system: &str) -> Result<i64, StoreError> {
        sync::lock(&self.held).get(system).copied().ok_or(StoreError::Superseded)
    }

    /// Whether they are held for sure.
    pub fn are_current(&self) -> bool {
        Instant::now() < *sync::lock(&self.until)
    }

    /// They were renewed by what was asked for at `asked`.
    pub fn renewed(&self, asked: Instant) {
        let mut until = sync::lock(&self.until);
        *until = (*until).max(asked + TERM - MARGIN);
    }

    /// They are given up: nothing is answered from now on.
    pub fn end(&self) {
        *sync::lock(&self.until) = Instant::now();
        sync::lock(&self.held).clear();
    }
}
