//! Connections to the database.

use super::{
    database_error::Trouble,
    encryption::Encryption,
    url::{list_hosts, parse_database_url},
};
use crate::{store::StoreError, sync};
use rustls::ClientConfig;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_postgres::{Client, Config};

/// How long a statement may take that reads.
const READ_LIMIT: Duration = Duration::from_secs(2);
/// How long a statement may take that writes: it may wait for the lease's row, and for replicas.
const WRITE_LIMIT: Duration = Duration::from_secs(20);

/// How to connect.
#[derive(Clone)]
pub struct Connector {
    config: Config,
    encryption: Encryption,
    hosts: Arc<str>,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Read,
    Write,
}

impl Connector {
    pub fn new(url: &str, encryption: Option<&Arc<ClientConfig>>) -> Result<Self, StoreError> {
        let config = parse_database_url(url)
            .map_err(|why| StoreError::CannotOpen(format!("store.url: it {why}")))?;
        let hosts = list_hosts(&config).into();
        Ok(Self { config, encryption: Encryption::new(encryption), hosts })
    }

    /// What `error` of this database means.
    pub fn explain(&self, error: &tokio_postgres::Error) -> Trouble {
        Trouble::of(error, &self.hosts)
    }

    /// A connection to the host that takes writes.
    pub async fn connect(&self, purpose: Purpose) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = self.config.connect(self.encryption.clone()).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection to the database ended");
            }
        });
        let limit = match purpose {
            Purpose::Read => READ_LIMIT,
            Purpose::Write => WRITE_LIMIT,
        };
        let settings = format!(
            "set statement_timeout = {}; set client_min_messages = warning; set idle_in_transaction_session_timeout = 60000",
            limit.as_millis()
        );
        client.batch_execute(&settings).await?;
        Ok(client)
    }
}

/// A connection that is opened when it is needed, and again after it was lost.
pub struct Link {
    connector: Connector,
    purpose: Purpose,
    client: Mutex<Option<Arc<Client>>>,
    opening: tokio::sync::Mutex<()>,
}

impl Link {
    pub fn new(connector: Connector, purpose: Purpose) -> Self {
        Self {
            connector,
            purpose,
            client: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
        }
    }

    fn open_client(&self) -> Option<Arc<Client>> {
        sync::lock(&self.client).clone().filter(|client| !client.is_closed())
    }

    /// The connection, which is opened first if there is none.
    pub async fn client(&self) -> Result<Arc<Client>, Trouble> {
        if let Some(client) = self.open_client() {
            return Ok(client);
        }
        let _alone = self.opening.lock().await;
        if let Some(client) = self.open_client() {
            return Ok(client);
        }
        let client = self.connector.connect(self.purpose).await;
        let client = Arc::new(client.map_err(|error| self.explain(&error))?);
        *sync::lock(&self.client) = Some(client.clone());
        Ok(client)
    }

    /// The next use opens a new connection.
    pub fn give_up(&self) {
        *sync::lock(&self.client) = None;
    }

    pub fn explain(&self, error: &tokio_postgres::Error) -> Trouble {
        self.connector.explain(error)
    }
}
