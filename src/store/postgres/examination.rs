//! Whether a store could be opened, without opening it: nothing is changed.

use super::{
    connection::{Connector, Purpose},
    options::PostgresOptions,
    postgres_store::PostgresStore,
    schema,
};
use crate::store::StoreError;
use std::time::Duration;
use tokio::{runtime::Builder, time::timeout};

/// How long the database may take to answer all that it is asked.
const PATIENCE: Duration = Duration::from_secs(10);

impl PostgresStore {
    /// Connects to the database, and looks at its schema and its settings. It must not be called on a thread that drives a
    /// runtime.
    ///
    /// # Errors
    /// [`StoreError::CannotOpen`]: that of a start which does not wait; the text says what to do.
    pub fn examine(options: &PostgresOptions) -> Result<(), StoreError> {
        let connector = Connector::new(&options.url, options.encryption.as_ref())?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::CannotOpen(error.to_string()))?;
        let examine = async {
            let client = connector.connect(Purpose::Read).await;
            let client = client.map_err(|error| connector.explain(&error).at_start())?;
            schema::is_current(&client).await?;
            schema::check_durability(&client, &connector, options.accept_data_loss).await
        };
        let silent = |_| {
            let what =
                format!("the database of `store.url` does not answer in {} s", PATIENCE.as_secs());
            StoreError::CannotOpen(what)
        };
        runtime.block_on(async { timeout(PATIENCE, examine).await }).map_err(silent)?
    }
}
