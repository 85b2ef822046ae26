//! A process that may come to lead: it is connected, the schema is there, and it takes the leases when they are free.

use super::{
    committer::next_block,
    connection::{Connector, Purpose},
    database_error::Trouble,
    lease::{self, Claimant, LeaseHolder, Taken},
    options::PostgresOptions,
    schema,
};
use crate::store::{Commit, StoreError};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Client;

/// The system of what belongs to no business: keys, the clock, places in logs.
const NODE_SYSTEM: &str = "holdfast";
/// Pauses while a start waits.
pub const PAUSE: Duration = Duration::from_millis(200);

/// A process that may come to lead.
pub struct PostgresCandidate {
    pub(super) options: PostgresOptions,
    pub(super) connector: Connector,
    pub(super) runtime: Runtime,
    pub(super) identity: u128,
    pub(super) began: Instant,
    pub(super) claimant: Claimant,
    pub(super) client: Client,
}

/// Leases that were taken.
pub(super) struct TakenLeases {
    pub leases: BTreeMap<String, Taken>,
    /// When they were asked for.
    pub asked: Instant,
    /// The first commit number of this process.
    pub first: Commit,
}

impl PostgresCandidate {
    /// Connects, and makes what is missing of the schema. Waits for a database that is away as long as its options say. It
    /// must not be called on a thread that drives a runtime.
    ///
    /// # Errors
    /// [`StoreError::CannotOpen`]: the text says what to do.
    pub fn connect(options: PostgresOptions) -> Result<Self, StoreError> {
        let began = Instant::now();
        let connector = Connector::new(&options.url, options.encryption.as_ref())?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("database")
            .enable_all()
            .build()
            .map_err(|error| StoreError::CannotOpen(error.to_string()))?;
        let connected = runtime.block_on(async {
            let mut client = wait_for_database(&connector, &options, began).await?;
            schema::migrate(&mut client, &connector).await?;
            schema::check_durability(&client, &connector, options.accept_data_loss).await?;
            let identity = read_identity(&client, &connector).await?;
            Ok::<_, StoreError>((client, identity))
        });
        let (client, identity) = connected?;
        let claimant = Claimant {
            node: options.node.clone(),
            start: uuid::Uuid::now_v7().simple().to_string(),
            url: options.node_url.clone(),
        };
        Ok(Self { options, connector, runtime, identity, began, client, claimant })
    }

    /// Takes the leases, if they are free.
    pub(super) async fn take_leases(
        &mut self,
    ) -> Result<Option<TakenLeases>, tokio_postgres::Error> {
        lease::note_node(&self.client, &self.claimant).await?;
        // That of the node first, by which processes that want the same systems are in one order.
        let systems = self.options.systems.iter().map(String::as_str);
        let systems: Vec<&str> = [NODE_SYSTEM].into_iter().chain(systems).collect();
        let asked = Instant::now();
        let mut leases = BTreeMap::new();
        for system in systems {
            let taken = lease::take_lease(&self.client, &self.claimant, system).await?;
            let Some(taken) = taken else { return Ok(None) };
            leases.insert(system.to_owned(), taken);
        }
        // After the leases: so its numbers are higher than those of everything that was written before.
        let first = next_block(&self.client).await?;
        Ok(Some(TakenLeases { leases, asked, first }))
    }

    /// The process that holds a lease that this one wants.
    pub(super) async fn holder(&self) -> Option<LeaseHolder> {
        let holders = lease::list_holders(&self.client).await.ok()?;
        let wanted = |system: &str| {
            system == NODE_SYSTEM || self.options.systems.iter().any(|name| name == system)
        };
        let is_other = |holder: &LeaseHolder| {
            holder.start != self.claimant.start && holder.is_current && wanted(&holder.system)
        };
        holders.into_iter().find(is_other)
    }

    /// For how long it has waited.
    pub fn waited(&self) -> Duration {
        self.began.elapsed()
    }
}

async fn wait_for_database(
    connector: &Connector,
    options: &PostgresOptions,
    began: Instant,
) -> Result<Client, StoreError> {
    let mut is_said = false;
    loop {
        let error = match connector.connect(Purpose::Write).await {
            Ok(client) => return Ok(client),
            Err(error) => error,
        };
        let trouble = connector.explain(&error);
        let passes = matches!(trouble, Trouble::Passing(_) | Trouble::Full(_));
        if !passes || began.elapsed() > options.patience {
            return Err(trouble.at_start());
        }
        if !is_said {
            tracing::warn!(why = trouble.words(), "waiting for the database");
            is_said = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn read_identity(client: &Client, connector: &Connector) -> Result<u128, StoreError> {
    let row = client.query_one("select identity::text from holdfast.store", &[]).await;
    let identity: String =
        row.and_then(|row| row.try_get(0)).map_err(|error| connector.explain(&error).at_start())?;
    let identity = identity.parse::<uuid::Uuid>();
    identity
        .map(|identity| identity.as_u128())
        .map_err(|error| StoreError::CannotOpen(error.to_string()))
}
