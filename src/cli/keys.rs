//! `key`: API keys in the data directory of a stopped server. The lock of the store keeps this out while a server runs, which
//! makes and revokes keys itself.

use super::sources::Sources;
use crate::{
    actors::Machine,
    app::{Failure, OpenedStore, open_store, print_text},
    credentials::{ApiKey, KeyId, KeyStore, NewKey},
    domain::Timestamp,
    identity::Role,
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
    #[arg(long = "role", value_name = "ROLES", value_delimiter = ',', required = true)]
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
                let keys = with_keys(sources, async |keys| Ok(keys.list()))?;
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
                let revoked = with_keys(sources, async |keys| {
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
        about.check(now).map_err(|wrong| Failure::Usage(wrong.to_string()))?;
        let text =
            with_keys(sources, async |keys| keys.add(about).await.map_err(Failure::from_error))?;
        print_text(&format!("{}\n", text.reveal()))
    }
}

/// Does `act` with the keys of a data directory that no server uses.
fn with_keys<T>(
    sources: Sources,
    act: impl AsyncFnOnce(&KeyStore) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let settings = sources.load_config()?.settings;
    let OpenedStore { store, .. } = open_store(&settings)?;
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
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "{:12}  {:8}  {:24}  name", "id", "is", "roles");
    for key in keys {
        let state = match (key.revoked.is_some(), key.is_valid(now)) {
            (true, _) => "revoked",
            (false, true) => "valid",
            (false, false) => "ended",
        };
        let roles: Vec<&str> = key.about.roles.iter().map(|role| role.into()).collect();
        let roles = roles.join(",");
        let _ = writeln!(text, "{:12}  {state:8}  {roles:24}  {}", key.id.as_str(), key.about.name);
    }
    text
}
