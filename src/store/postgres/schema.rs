//! The schema, in numbered migrations. The first process that comes makes it, under a lock; within a major version they
//! only add, so that an older process goes on beside a newer one.

use super::connection::Connector;
use crate::store::StoreError;
use tokio_postgres::Client;

/// The migrations, from 1.
const MIGRATIONS: &[&str] = &[include_str!("migrations/1.sql")];
/// What this release understands: the migrations of a later major version may take away.
const MAJOR: i32 = 1;
/// The advisory lock: `holdfast`.
const LOCK: i64 = i64::from_be_bytes(*b"holdfast");

const TABLE: &str = "create schema if not exists holdfast;
    create table if not exists holdfast.migration (
        version int primary key, major int not null, applied timestamptz not null default now()
    );";

/// Makes what is missing of the schema.
pub async fn migrate(client: &mut Client, connector: &Connector) -> Result<(), StoreError> {
    let explain = |error: tokio_postgres::Error| connector.explain(&error).at_start();
    if is_current(client).await? {
        return Ok(());
    }
    let transaction = client.transaction().await.map_err(explain)?;
    transaction.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(explain)?;
    transaction.batch_execute(TABLE).await.map_err(explain)?;
    let found = transaction
        .query_one(
            "select coalesce(max(version), 0), coalesce(max(major), 0) from holdfast.migration",
            &[],
        )
        .await
        .map_err(explain)?;
    let version = read_number(&found, 0)?;
    for (number, migration) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > version) {
        transaction.batch_execute(migration).await.map_err(explain)?;
        transaction
            .execute(
                "insert into holdfast.migration (version, major) values ($1, $2)",
                &[&number, &MAJOR],
            )
            .await
            .map_err(explain)?;
        tracing::info!(version = number, "schema of the database migrated");
    }
    transaction.commit().await.map_err(explain)
}

/// Whether nothing is missing. A user who may not create anything can use a schema that is there.
pub async fn is_current(client: &Client) -> Result<bool, StoreError> {
    let found =
        client.query_one("select max(version), max(major) from holdfast.migration", &[]).await;
    // There is none yet, or it cannot be seen; making it says why.
    let Ok(found) = found else { return Ok(false) };
    let (Ok(version), Ok(major)) = (found.try_get::<_, i32>(0), found.try_get::<_, i32>(1)) else {
        return Ok(false);
    };
    if major > MAJOR {
        return Err(StoreError::CannotOpen(format!(
            "the database was made for a newer release: its schema is of major version {major}, and this release understands \
             {MAJOR}; start that release, or restore a copy from before it"
        )));
    }
    Ok(version >= MIGRATIONS.len() as i32)
}

fn read_number(row: &tokio_postgres::Row, column: usize) -> Result<i32, StoreError> {
    row.try_get(column).map_err(|error| StoreError::CannotOpen(error.to_string()))
}

/// Refuses a database that may forget what it has acknowledged.
pub async fn check_durability(
    client: &Client,
    connector: &Connector,
    accept_data_loss: bool,
) -> Result<(), StoreError> {
    let found = client
        .query_one(
            "select current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes')",
            &[],
        )
        .await
        .map_err(|error| connector.explain(&error).at_start())?;
    for (column, name) in ["synchronous_commit", "fsync", "full_page_writes"].iter().enumerate() {
        let value: String =
            found.try_get(column).map_err(|error| StoreError::CannotOpen(error.to_string()))?;
        if value != "off" {
            continue;
        }
        let loses = format!(
            "`{name}` is off: the database may forget what it has acknowledged when its machine stops"
        );
        if !accept_data_loss {
            return Err(StoreError::CannotOpen(format!(
                "{loses}; turn it on, for example with `alter system set {name} = on` and `select pg_reload_conf()`, or start with \
                 `--accept-data-loss`"
            )));
        }
        tracing::warn!("{loses}; started all the same, as asked");
    }
    Ok(())
}
