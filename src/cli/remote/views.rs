//! `views rebuild`.

use super::{
    client::Client,
    connection::Connection,
    show::{Progress, encoded, print_json, print_table},
};
use crate::app::Failure;
use serde_json::{Value, json};
use std::time::Duration;

/// How often the server is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(300);

#[derive(Debug, clap::Subcommand)]
pub enum Views {
    /// Build views anew from the events, and wait until they have all of them.
    Rebuild {
        #[command(flatten)]
        connection: Connection,
        /// The views: bookrent.view.
        #[arg(required = true, value_name = "VIEW")]
        views: Vec<String>,
        /// Do not wait.
        #[arg(long)]
        no_wait: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Views {
    pub fn run(self) -> Result<(), Failure> {
        let Self::Rebuild { connection, views, no_wait, json } = self;
        let client = connection.client()?;
        let rebuilt = actix_rt::System::new().block_on(async {
            let mut rebuilt = Vec::new();
            for view in &views {
                let path = format!("/admin/views/{}/rebuild", encoded(view));
                rebuilt.push(client.post(&path, None).await?);
            }
            if no_wait { Ok(rebuilt) } else { wait_for(&client, &views).await }
        })?;
        if json {
            return print_json(&json!(rebuilt));
        }
        print_table(&["context", "state", "backlog", "lastCommit"], &rebuilt)
    }
}

/// Waits until these views have all events, and gives how they are then.
async fn wait_for(client: &Client, views: &[String]) -> Result<Vec<Value>, Failure> {
    let path = "/admin/contexts";
    let mut progress = Progress::start();
    loop {
        let mut listed = client.get(path).await?;
        let Some(Value::Array(contexts)) = listed.get_mut("contexts").map(Value::take) else {
            return Err(client.unexpected(path));
        };
        let is_wanted = |context: &Value| {
            let name = context.get("context").and_then(Value::as_str);
            name.is_some_and(|name| views.iter().any(|view| view == name))
        };
        let found: Vec<Value> = contexts.into_iter().filter(is_wanted).collect();
        let failed = found.iter().find(|context| state_of(context) == Some("failed"));
        if let Some(failed) = failed.and_then(|context| context.get("context")) {
            return Err(Failure::Failed(format!("{failed} has failed: the server's log says why")));
        }
        let left: u64 = found.iter().map(events_left).sum();
        if found.iter().all(|context| state_of(context) == Some("running")) && left == 0 {
            return Ok(found);
        }
        progress.show(|| format!("{left} events are left"));
        tokio::time::sleep(ASK_EVERY).await;
    }
}

fn state_of(context: &Value) -> Option<&str> {
    context.get("state")?.as_str()
}

/// How many events a view has not taken yet.
fn events_left(context: &Value) -> u64 {
    context.get("backlog").and_then(Value::as_u64).unwrap_or(0)
}
