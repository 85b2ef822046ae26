//! `contexts list`, `stop` and `start`.

use super::{
    client::Client,
    connection::Connection,
    show::{encoded, print_json, print_table},
};
use crate::app::Failure;
use clap::Args;
use serde_json::{Value, json};

/// The columns of the table.
const COLUMNS: &[&str] = &[
    "context",
    "node",
    "state",
    "backlog",
    "parked",
    "waiting",
    "mailbox",
    "restarts",
    "guard.breaker",
];

#[derive(Debug, clap::Subcommand)]
pub enum Contexts {
    /// List the contexts of all nodes that can be reached, and how they are.
    List {
        #[command(flatten)]
        connection: Connection,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Stop contexts: they answer 503, and their events and timers wait.
    Stop(Operate),
    /// Start contexts.
    Start(Operate),
}

#[derive(Debug, Args)]
pub struct Operate {
    #[command(flatten)]
    connection: Connection,
    /// The contexts: bookrent.rent.
    #[arg(required = true, value_name = "CONTEXT")]
    contexts: Vec<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Contexts {
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::List { connection, json } => {
                let client = connection.client()?;
                let listed = actix_rt::System::new().block_on(client.get("/admin/contexts"))?;
                if json {
                    return print_json(&listed);
                }
                let rows = listed.get("contexts").and_then(Value::as_array);
                print_table(COLUMNS, rows.map(Vec::as_slice).unwrap_or_default())
            }
            Self::Stop(operate) => operate.run("stop"),
            Self::Start(operate) => operate.run("start"),
        }
    }
}

impl Operate {
    fn run(self, action: &str) -> Result<(), Failure> {
        let client = self.connection.client()?;
        let done = actix_rt::System::new().block_on(operate(&client, &self.contexts, action))?;
        if self.json { print_json(&json!(done)) } else { print_table(COLUMNS, &done) }
    }
}

async fn operate(
    client: &Client,
    contexts: &[String],
    action: &str,
) -> Result<Vec<Value>, Failure> {
    let mut done = Vec::new();
    for context in contexts {
        let path = format!("/admin/contexts/{}/{action}", encoded(context));
        done.push(client.post(&path, None).await?);
    }
    Ok(done)
}
