//! `key`: API keys in the data directory of a stopped server. The lock of the store keeps this out while a server runs, which
//! makes and revokes keys itself.

use super::sources::{Sources, require_data};
use crate::{
    actors::Machine,
    app::{Failure, OpenedStore, open_store, print_text},
    config::Settings,
    credentials::{ApiKey, KeyId, KeyStore, NewKey, parse_role},
    domain::Timestamp,
    identity::Role,
    systems,
};
use clap::{Args, Subcommand};
use std::fmt::Write;

/// Hours of a day.
const DAY: u32 = 24;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a key, and print it. It is not kept, and cannot be printed again.
    Add(AddKey),
    /// List the keys.
    List {
        #[command(flatten)]
        sources: Sources,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key: it opens nothing from the next start on.
    Revoke {
        #[command(flatten)]
        sources: Sources,
        /// Its id: what is between `hf_` and the secret.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddKey {
    #[command(flatten)]
    sources: Sources,
    /// What it is for.
    #[arg(long)]
    name: String,
    /// What its holder may do: customer, staff, admin, operator, auditor; several with commas.
    #[arg(long = "role", value_name = "ROLES", value_delimiter = ',', required = true, value_parser = parse_role)]
    roles: Vec<Role>,
    /// The customer that its holder is, for the role customer.
    #[arg(long, value_name = "CUSTOMER")]
    customer: Option<String>,
    /// The systems and contexts that it may reach: all, when left out.
    #[arg(long = "scope", value_name = "NAMES", value_delimiter = ',')]
    scopes: Vec<String>,
    /// How many requests a second it may make: any number, when left out.
    #[arg(long, value_name = "NUMBER")]
    rate: Option<u64>,
    /// After how many days it ends: never, when left out.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
}

impl Keys {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add(add) => add.run(),
            Self::List { sources, json } => {
                let settings = settings_of_server(sources)?;
                let keys = with_keys(&settings, async |keys| Ok(keys.list()))?;
                if json {
                    let text =
                        serde_json::to_string_pretty(&keys.iter().map(show).collect::<Vec<_>>());
                    let text = text.map_err(|error| Failure::Internal(error.to_string()))?;
                    return print_text(&format!("{text}\n"));
                }
                print_text(&write_table(&keys, Machine::default().now()))
            }
            Self::Revoke { sources, id } => {
                let known = KeyId::parse(&id);
                let known =
                    known.ok_or_else(|| Failure::Usage(format!("`{id}` is no id of a key")))?;
                let settings = settings_of_server(sources)?;
                let revoked = with_keys(&settings, async |keys| {
                    keys.revoke(&known).await.map_err(Failure::from_error)
                });
                print_text(&format!("revoked {} ({})\n", known, revoked?.about.name))
            }
        }
    }
}

impl AddKey {
    fn run(self) -> Result<(), Failure> {
        let Self { sources, name, roles, customer, scopes, rate, days } = self;
        let now = Machine::default().now();
        let expires = days.map(|days| now.plus_hours(days.saturating_mul(DAY)));
        let about = NewKey { name, roles, customer, scopes, rate, expires };
        let known = systems::all_names();
        let checked = about.check(now).and_then(|()| about.check_scopes(&known));
        checked.map_err(|wrong| Failure::Usage(wrong.to_string()))?;
        let settings = sources.load_config()?.settings;
        let text =
            with_keys(&settings, async |keys| keys.add(about).await.map_err(Failure::from_error))?;
        print_text(&format!("{}\n", text.reveal()))
    }
}

/// The settings of a server that has been there: nothing is made of a directory that was named by mistake.
fn settings_of_server(sources: Sources) -> Result<Settings, Failure> {
    let settings = sources.load_config()?.settings;
    if settings.store.url.is_none() {
        require_data(&settings.store.dir)?;
    }
    Ok(settings)
}

/// Does `act` with the keys of a data directory that no server uses.
fn with_keys<T>(
    settings: &Settings,
    act: impl AsyncFnOnce(&KeyStore) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let OpenedStore { store, .. } = open_store(settings)?;
    let done = actix_rt::System::new().block_on(async {
        let keys = KeyStore::open(&store, Machine::default()).map_err(Failure::from_error)?;
        act(&keys).await
    });
    store.close();
    done
}

fn show(key: &ApiKey) -> serde_json::Value {
    let mut shown = serde_json::json!(key.about);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("id".into(), serde_json::json!(key.id));
        fields.insert("made".into(), serde_json::json!(key.made));
        fields.insert("revoked".into(), serde_json::json!(key.revoked));
    }
    shown
}

fn write_table(keys: &[ApiKey], now: Timestamp) -> String {
    let mut rows =
        vec![["id", "is", "roles", "customer", "scopes", "ends", "name"].map(str::to_owned)];
    rows.extend(keys.iter().map(|key| {
        let state = match (key.revoked.is_some(), key.is_valid(now)) {
            (true, _) => "revoked",
            (false, true) => "valid",
            (false, false) => "ended",
        };
        let roles: Vec<&str> = key.about.roles.iter().map(|role| role.into()).collect();
        let scopes = match key.about.scopes.as_slice() {
            [] => "all".to_owned(),
            scopes => scopes.join(","),
        };
        let customer = key.about.customer.clone().unwrap_or_else(|| "-".to_owned());
        let ends = key.about.expires.map_or_else(|| "never".to_owned(), |ends| ends.to_string());
        let name = key.about.name.clone();
        [key.id.to_string(), state.to_owned(), roles.join(","), customer, scopes, ends, name]
    }));
    let mut text = String::new();
    for row in &rows {
        let mut cells = row.iter().enumerate().map(|(column, cell)| {
            let widths = rows.iter().filter_map(|row| row.get(column));
            let width = widths.map(|cell| cell.chars().count()).max().unwrap_or_default();
            format!("{cell:width$}")
        });
        let cells: Vec<String> = cells.by_ref().collect();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}
