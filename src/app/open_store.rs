//! The store of a node: a data directory, or a database.

use super::{failure::Failure, settings::store_options};
use crate::{
    config::{ConfigProblem, Settings},
    store::{PostgresOptions, PostgresStore, Recovery, SledStore, Store, prepare_directory},
};
use std::{sync::Arc, time::Duration};

/// An open store, and what was done to open it.
pub struct OpenedStore {
    pub store: Arc<dyn Store>,
    pub recovery: Recovery,
    /// The store, if it is a database.
    pub database: Option<Arc<PostgresStore>>,
}

impl From<PostgresStore> for OpenedStore {
    fn from(store: PostgresStore) -> Self {
        let recovery = store.recovery();
        let store = Arc::new(store);
        Self { recovery, store: store.clone(), database: Some(store) }
    }
}

/// Opens the store that the settings name.
///
/// # Errors
/// [`Failure`] if it cannot be opened, or if another process uses it.
pub fn open_store(settings: &Settings) -> Result<OpenedStore, Failure> {
    match database_options(settings)? {
        Some(options) => {
            let store = PostgresStore::open(options).map_err(Failure::from_error)?;
            Ok(OpenedStore::from(store))
        }
        None => open_directory(settings),
    }
}

/// Opens the data directory.
///
/// # Errors
/// [`Failure`] if it cannot be opened.
pub(super) fn open_directory(settings: &Settings) -> Result<OpenedStore, Failure> {
    let store = SledStore::open(&settings.store.dir, &store_options(settings));
    let store = store.map_err(Failure::from_error)?;
    Ok(OpenedStore { recovery: store.recovery(), store: Arc::new(store), database: None })
}

/// Whether a server could start on the database of the settings, if the store is one. Nothing is changed. It must not be
/// called on a thread that drives a runtime.
///
/// # Errors
/// [`Failure`]: why it could not, with what to do.
pub(crate) fn examine_database(settings: &Settings) -> Result<(), Failure> {
    match read_database_options(settings)? {
        Some(options) => PostgresStore::examine(&options).map_err(Failure::from_error),
        None => Ok(()),
    }
}

/// How the database is opened, if the store is one. What is the node's own, such as its key, gets its directory.
///
/// # Errors
/// [`Failure`] if the settings are wrong.
pub(super) fn database_options(settings: &Settings) -> Result<Option<PostgresOptions>, Failure> {
    let options = read_database_options(settings)?;
    if options.is_some() {
        prepare_directory(&settings.store.dir).map_err(Failure::from_error)?;
    }
    Ok(options)
}

fn read_database_options(settings: &Settings) -> Result<Option<PostgresOptions>, Failure> {
    let store = &settings.store;
    let Some(url) = &store.url else { return Ok(None) };
    let encryption = settings
        .connects_by_tls()
        .then(|| settings.tls.trust().map(|trust| trust.config()))
        .transpose()
        .map_err(ConfigProblem::from)?;
    Ok(Some(PostgresOptions {
        url: url.reveal().to_owned(),
        encryption,
        node: settings.node_name(),
        systems: settings.enabled_systems().into_iter().map(ToOwned::to_owned).collect(),
        unwritten_limit_bytes: store.unwritten_mb << 20,
        cache_bytes: store.cache_mb << 20,
        accept_data_loss: store.accept_data_loss,
        patience: Duration::from_secs(store.wait_s),
        ..PostgresOptions::default()
    }))
}
