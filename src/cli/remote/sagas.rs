//! `sagas list`, `show` and `redrive`.

use super::{
    client::Client,
    connection::Connection,
    parked::settle_all,
    show::{encoded, print_json, print_table, with_query},
};
use crate::app::{Failure, print_text};
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The columns of the list.
const COLUMNS: &[&str] = &[
    "system", "context", "number", "state", "owedBy", "what", "since", "why", "attempts", "nextTry",
];
/// The columns of a timeline.
const ENTRIES: &[&str] = &["at", "context", "number", "sequence", "what", "cause"];
/// What is said of an order that cannot be redriven.
const NOTHING_PARKED: &str =
    "nothing of this order is set aside; what it asks is tried again by itself\n";

#[derive(Debug, clap::Subcommand)]
pub enum Sagas {
    /// List orders by their state: those that wait, are stuck or have failed.
    List(List),
    /// Show everything that belongs to an order.
    Show(Show),
    /// Process again what is parked of an order.
    Redrive(Show),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    connection: Connection,
    /// Of this system.
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// In which this context owes something.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// In this state: running, waiting, stuck, ended, failed.
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Of this customer.
    #[arg(long, value_name = "CUSTOMER")]
    customer: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    connection: Connection,
    /// The system (bookrent), or the context in which it began (bookrent.book).
    system: String,
    /// Its number.
    number: u64,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Sagas {
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(),
            Self::Show(show) => show.run(),
            Self::Redrive(show) => show.redrive(),
        }
    }
}

impl List {
    fn run(self) -> Result<(), Failure> {
        let Self { connection, system, context, state, customer, limit, json } = self;
        let client = connection.client()?;
        let parameters =
            [("system", system), ("context", context), ("state", state), ("customer", customer)];
        let path = with_query("/admin/sagas", &parameters);
        let mut rows = Vec::new();
        let take = |page: Vec<Value>| {
            let left = limit.saturating_sub(rows.len());
            rows.extend(page.into_iter().take(left));
            Ok(rows.len() < limit)
        };
        actix_rt::System::new().block_on(client.walk(&path, "sagas", take))?;
        if json { print_json(&json!(rows)) } else { print_table(COLUMNS, &rows) }
    }
}

impl Show {
    fn run(self) -> Result<(), Failure> {
        let client = self.connection.client()?;
        let saga = read_saga(&client, &self.system, self.number);
        let saga = actix_rt::System::new().block_on(saga)?;
        if self.json {
            return print_json(&saga);
        }
        let list = |name: &str| saga.get(name).and_then(Value::as_array).cloned();
        print_table(ENTRIES, &list("entries").unwrap_or_default())?;
        let parked = list("parked").unwrap_or_default();
        if !parked.is_empty() {
            print_text("\nparked\n")?;
            print_table(
                &["listener", "source", "aggregate", "sequence", "attempts", "error"],
                &parked,
            )?;
        }
        let states = saga.get("states").and_then(Value::as_object).into_iter().flatten();
        for (context, state) in states {
            print_text(&format!("\n{context}\n"))?;
            print_json(state)?;
        }
        Ok(())
    }

    fn redrive(self) -> Result<(), Failure> {
        let Self { connection, system, number, json } = self;
        let client = connection.client()?;
        let (done, failed) = actix_rt::System::new().block_on(async {
            let ids = parked_ids(&client, &system, number).await?;
            Ok::<_, Failure>(settle_all(&client, &ids, "redrive").await)
        })?;
        if json {
            print_json(&json!({ "done": done, "failed": failed }))?;
        } else if done.is_empty() && failed.is_empty() {
            print_text(NOTHING_PARKED)?;
        } else {
            print_text(&format!("redrive: {} done\n", done.len()))?;
        }
        failed.first().map_or(Ok(()), |first| Err(Failure::Failed(first.clone())))
    }
}

/// What is parked of the order: its events, and what it is owed besides, such as texts.
async fn parked_ids(client: &Client, system: &str, number: u64) -> Result<Vec<String>, Failure> {
    let saga = read_saga(client, system, number).await?;
    let parked = saga.get("parked").and_then(Value::as_array).into_iter().flatten();
    let mut ids: BTreeSet<String> = parked.filter_map(parked_id).collect();
    let system = system.split('.').next().unwrap_or_default().to_owned();
    let owed = with_query("/admin/sagas", &[("system", Some(system))]);
    let take = |rows: Vec<Value>| {
        let own = rows.iter().filter(|row| {
            row.get("number").and_then(Value::as_u64) == Some(number)
                && row.get("context") == saga.get("context")
        });
        ids.extend(own.filter_map(|row| Some(row.get("id")?.as_str()?.to_owned())));
        Ok(true)
    };
    client.walk(&owed, "sagas", take).await?;
    Ok(ids.into_iter().collect())
}

/// The id of an event that is parked, as a timeline shows it.
fn parked_id(event: &Value) -> Option<String> {
    let text = |name: &str| event.get(name)?.as_str();
    let number = |name: &str| event.get(name)?.as_u64();
    let listener = text("listener")?;
    let source = text("source")?;
    Some(format!("{listener}~{source}~{}~{}", number("aggregate")?, number("sequence")?))
}

/// All pages of a timeline, as one.
async fn read_saga(client: &Client, system: &str, number: u64) -> Result<Value, Failure> {
    let mut whole = client.get(&format!("/admin/sagas/{}/{number}", encoded(system))).await?;
    while let Some(Value::String(next)) = whole.as_object_mut().and_then(|page| page.remove("next"))
    {
        let Value::Object(page) = client.get(&next).await? else {
            return Err(client.unexpected(&next));
        };
        let Some(fields) = whole.as_object_mut() else { break };
        for (name, value) in page {
            match (fields.get_mut(&name), value) {
                (Some(Value::Array(all)), Value::Array(more)) => all.extend(more),
                (Some(Value::Object(all)), Value::Object(more)) => all.extend(more),
                (_, value) => drop(fields.insert(name, value)),
            }
        }
    }
    Ok(whole)
}
