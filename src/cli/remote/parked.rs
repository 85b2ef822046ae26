//! `parked list`, `redrive` and `drop`.

use super::{
    client::Client,
    connection::Connection,
    show::{Progress, encoded, print_json, print_table},
};
use crate::app::{Failure, print_text};
use clap::Args;
use serde_json::{Value, json};

/// The columns of the table.
const COLUMNS: &[&str] = &["id", "attempts", "error", "reason", "damaged"];
/// Where they are listed.
const PARKED: &str = "/admin/parked?limit=1000";

#[derive(Debug, clap::Subcommand)]
pub enum Parked {
    /// List what could not be processed: events, text messages, messages of the broker.
    List {
        #[command(flatten)]
        connection: Connection,
        #[command(flatten)]
        chosen: Chosen,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Process parked items again.
    Redrive(Settle),
    /// Give parked items up.
    Drop(Settle),
}

/// Which of them.
#[derive(Debug, Default, Args)]
pub struct Chosen {
    /// Of this system.
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// That this context could not process.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

#[derive(Debug, Args)]
pub struct Settle {
    #[command(flatten)]
    connection: Connection,
    /// The items, as `parked list` names them.
    #[arg(value_name = "ID", required_unless_present_any = ["all", "system", "context"])]
    ids: Vec<String>,
    /// All of them.
    #[arg(long, conflicts_with_all = ["ids", "system", "context"])]
    all: bool,
    #[command(flatten)]
    chosen: Chosen,
    /// Do it to more than such as are named.
    #[arg(long)]
    yes: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Parked {
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::List { connection, chosen, json } => {
                let client = connection.client()?;
                let listed = actix_rt::System::new().block_on(list(&client, &chosen))?;
                if json { print_json(&json!(listed)) } else { print_table(COLUMNS, &listed) }
            }
            Self::Redrive(settle) => settle.run("redrive", false),
            Self::Drop(settle) => settle.run("drop", true),
        }
    }
}

/// All that are chosen.
async fn list(client: &Client, chosen: &Chosen) -> Result<Vec<Value>, Failure> {
    let mut listed = Vec::new();
    let take = |page: Vec<Value>| {
        listed.extend(page.into_iter().filter(|item| chosen.has(id_of(item))));
        Ok(true)
    };
    client.walk(PARKED, "parked", take).await?;
    Ok(listed)
}

fn id_of(item: &Value) -> &str {
    item.get("id").and_then(Value::as_str).unwrap_or_default()
}

impl Chosen {
    /// Whether the item with this id is one of them: ids begin with the context.
    fn has(&self, id: &str) -> bool {
        let context = id.strip_prefix("message-").unwrap_or(id);
        let context = context.split('~').next().unwrap_or_default();
        let is_of = |system: &String| {
            context.strip_prefix(system.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        self.context.as_ref().is_none_or(|wanted| wanted == context)
            && self.system.as_ref().is_none_or(is_of)
    }
}

impl Settle {
    fn run(self, action: &str, asks: bool) -> Result<(), Failure> {
        let Self { connection, ids, all: _, chosen, yes, json } = self;
        if ids.is_empty() && asks && !yes {
            let what = "this gives up all that are chosen: look at them with `parked list`, then add --yes";
            return Err(Failure::Usage(what.into()));
        }
        let client = connection.client()?;
        let (done, failed) = actix_rt::System::new().block_on(async {
            let ids = match ids.as_slice() {
                [] => list(&client, &chosen).await?.iter().map(|item| id_of(item).into()).collect(),
                _ => ids,
            };
            Ok::<_, Failure>(settle_all(&client, &ids, action).await)
        })?;
        if json {
            print_json(&json!({ "done": done, "failed": failed }))?;
        } else {
            print_text(&format!("{action}: {} done\n", done.len()))?;
        }
        match failed.first() {
            None => Ok(()),
            Some(first) => {
                let count = failed.len();
                Err(Failure::Failed(format!("{count} could not be settled; the first: {first}")))
            }
        }
    }
}

/// Settles each; gives those that are, and why the others are not.
pub async fn settle_all(
    client: &Client,
    ids: &[String],
    action: &str,
) -> (Vec<String>, Vec<String>) {
    let mut done = Vec::new();
    let mut failed = Vec::new();
    let mut progress = Progress::start();
    for id in ids {
        match client.post(&format!("/admin/parked/{}/{action}", encoded(id)), None).await {
            Ok(_) => done.push(id.clone()),
            Err(error) => failed.push(format!("{id}: {error}")),
        }
        progress.show(|| format!("{} of {}", done.len() + failed.len(), ids.len()));
    }
    (done, failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_chosen_by_the_context_in_their_id() {
        let of = |system: Option<&str>, context: Option<&str>| Chosen {
            system: system.map(Into::into),
            context: context.map(Into::into),
        };
        let event = "bookrent.view~bookrent.rent~1~5";
        let message = "message-ebook.notification~7";
        assert!(of(None, None).has(event) && of(None, None).has("letter-3"));
        assert!(of(Some("bookrent"), None).has(event) && !of(Some("book"), None).has(event));
        assert!(of(None, Some("bookrent.view")).has(event));
        assert!(!of(None, Some("bookrent.rent")).has(event));
        assert!(of(Some("ebook"), None).has(message) && !of(Some("ebook"), None).has("letter-3"));
    }
}
