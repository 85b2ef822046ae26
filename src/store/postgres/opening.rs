//! From a candidate to the store that it leads.

use super::{
    candidate::{PAUSE, PostgresCandidate},
    connection::Purpose,
    database_error::Trouble,
    lease::LeaseHolder,
    options::PostgresOptions,
    postgres_store::PostgresStore,
};
use crate::store::StoreError;

/// What an attempt to lead came to.
pub enum Attempt {
    /// It leads.
    Leads(Box<PostgresStore>),
    /// Another process does, as far as the database can be asked.
    Waits(Box<PostgresCandidate>, Option<LeaseHolder>),
}

impl PostgresCandidate {
    /// Takes the leases, if they are free.
    ///
    /// # Errors
    /// [`StoreError::CannotOpen`]: waiting does not help.
    pub fn try_lead(mut self) -> Result<Attempt, StoreError> {
        let runtime = self.runtime.handle().clone();
        match runtime.block_on(self.take_leases()) {
            Ok(Some(taken)) => {
                let store = PostgresStore::lead(self, taken)?;
                Ok(Attempt::Leads(Box::new(store)))
            }
            Ok(None) => {
                let holder = runtime.block_on(self.holder());
                Ok(Attempt::Waits(Box::new(self), holder))
            }
            Err(error) => {
                let trouble = self.connector.explain(&error);
                if matches!(trouble, Trouble::Lasting(_) | Trouble::Wrong(_)) {
                    return Err(trouble.at_start());
                }
                tracing::warn!(why = trouble.words(), "the leases cannot be asked for");
                if self.client.is_closed()
                    && let Ok(client) = runtime.block_on(self.connector.connect(Purpose::Write))
                {
                    self.client = client;
                }
                Ok(Attempt::Waits(Box::new(self), None))
            }
        }
    }
}

impl PostgresStore {
    /// Opens the store, and takes the leases of its systems. Waits for a database that is away, and for leases that other
    /// processes hold, as long as its options say.
    ///
    /// # Errors
    /// [`StoreError::CannotOpen`]: the text says what to do.
    pub fn open(options: PostgresOptions) -> Result<Self, StoreError> {
        // On a thread of its own: this one may drive a runtime, which must not wait for another.
        let opened =
            std::thread::scope(|threads| threads.spawn(|| Self::open_here(options)).join());
        let panicked = |_| StoreError::CannotOpen("opening the database panicked".into());
        opened.map_err(panicked)?
    }

    fn open_here(options: PostgresOptions) -> Result<Self, StoreError> {
        let patience = options.patience;
        let mut candidate = PostgresCandidate::connect(options)?;
        loop {
            match candidate.try_lead()? {
                Attempt::Leads(store) => return Ok(*store),
                Attempt::Waits(again, holder) if again.waited() < patience => {
                    tracing::debug!(?holder, "waiting for the leases");
                    candidate = *again;
                    std::thread::sleep(PAUSE);
                }
                Attempt::Waits(_, holder) => return Err(held_by(holder)),
            }
        }
    }
}

/// The error of a start that other processes are in the way of.
fn held_by(holder: Option<LeaseHolder>) -> StoreError {
    StoreError::CannotOpen(match holder {
        Some(LeaseHolder { node, system, .. }) => format!(
            "another process runs on this database: {node} (system {system}); stop it, or give this one a database of its own"
        ),
        None => "the leases of the database cannot be taken: it does not answer".into(),
    })
}
