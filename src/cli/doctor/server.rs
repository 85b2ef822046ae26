//! What a running server says of itself.

use super::finding::Findings;
use crate::{
    app::Failure,
    cli::remote::{Client, Connection},
    config::{AuthMode, Settings},
};
use serde_json::Value;

/// With so many events that a context has not taken, it is late.
const LATE: u64 = 10_000;
/// How many things are named of each kind.
const NAMED: usize = 5;

/// Looks at the server, if one runs; gives whether it does. `is_held`: a process has its data directory.
pub async fn look(
    settings: &Settings,
    connection: Connection,
    is_held: bool,
    findings: &mut Findings,
) -> bool {
    // A database does not say whether a server of this machine uses it: that server is asked.
    let has_database = settings.store.url.is_some();
    if !has_database {
        findings.looked_at("lock");
    }
    let should_answer = is_held || connection.is_named();
    if !should_answer && !has_database {
        return false;
    }
    let client = match connection.client_of(&own_url(settings)) {
        Ok(client) => client,
        Err(failure) => {
            findings.add(
                "credentials",
                failure.to_string(),
                "mend the profile, or the file with the key",
            );
            return is_held;
        }
    };
    findings.looked_at("server");
    if let Err(failure) = client.get_text("/livez").await {
        if !should_answer {
            return false;
        }
        let what = if is_held {
            format!("a process has the data directory and does not answer: {failure}")
        } else {
            failure.to_string()
        };
        findings.add(
            "server",
            what,
            "look at its log; if it still starts, wait; if its threads hang it ends by itself after ten seconds; otherwise stop \
             it (SIGTERM, then SIGKILL: nothing that was acknowledged is lost) and start it again",
        );
        return is_held;
    }
    if let Err(failure) = ask_all(&client, findings).await {
        let is_of_credentials = matches!(failure, Failure::Refused { status: 401 | 403, .. });
        let (about, remedy) = match (is_of_credentials, settings.auth.mode) {
            (false, _) => ("server", "look at its log, and at `/readyz?verbose`"),
            (true, AuthMode::Open) => (
                "credentials",
                "run doctor on the machine itself, or name the operators' port with --url",
            ),
            (true, AuthMode::Token) => (
                "credentials",
                "make a key with `holdfast key add --role operator`, and show it with --token-file",
            ),
        };
        findings.add(about, failure.to_string(), remedy);
    }
    true
}

/// Where a server with these settings answers operators.
fn own_url(settings: &Settings) -> String {
    let listen = settings.ops.listen.unwrap_or(settings.http.listen);
    let scheme = if settings.http.tls.cert.is_some() { "https" } else { "http" };
    if listen.ip().is_unspecified() {
        format!("{scheme}://127.0.0.1:{}", listen.port())
    } else {
        format!("{scheme}://{listen}")
    }
}

async fn ask_all(client: &Client, findings: &mut Findings) -> Result<(), Failure> {
    look_at_readiness(client, findings).await?;
    look_at_contexts(client, findings).await?;
    look_at_parked(client, findings).await?;
    look_at_orders(client, findings).await?;
    look_at_backups(client, findings).await
}

async fn look_at_readiness(client: &Client, findings: &mut Findings) -> Result<(), Failure> {
    findings.looked_at("readiness");
    let report = client.get_text("/readyz?verbose").await?;
    for line in report.lines().filter_map(|line| line.strip_prefix("[-]")) {
        // Contexts are looked at by themselves.
        if !line.starts_with(|letter: char| letter.is_ascii_lowercase()) || is_of_context(line) {
            continue;
        }
        findings.add("readiness", line, remedy_of(line));
    }
    Ok(())
}

/// Whether a line of the report begins with the name of a context, as `bookrent.rent failed`.
fn is_of_context(line: &str) -> bool {
    line.split(' ').next().is_some_and(|word| word.contains('.'))
}

fn remedy_of(line: &str) -> &'static str {
    match line.split(' ').next().unwrap_or_default() {
        "store" => {
            "read the log; mend the disk; restart. Damage: `holdfast check-store`, then restore a backup"
        }
        "disk" => "make room on the disk of the data directory; it goes on by itself",
        "history" => {
            "two nodes have different pasts of one context: docs/clustering.md says how to go on"
        }
        "start" => "it still reads its data: wait, and look at the log",
        "messages:" => "`holdfast parked list` has the texts with the reason; redrive or drop them",
        "events" | "node" => "look at that node, and at `[peers]`",
        _ => "`/readyz?verbose` and the log say more",
    }
}

async fn look_at_contexts(client: &Client, findings: &mut Findings) -> Result<(), Failure> {
    findings.looked_at("contexts");
    findings.looked_at("backlog");
    let listed = client.get("/admin/contexts").await?;
    let contexts = listed.get("contexts").and_then(Value::as_array);
    for context in contexts.into_iter().flatten() {
        let text = |name: &str| context.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| context.get(name).and_then(Value::as_u64).unwrap_or(0);
        let name = text("context");
        match text("state") {
            "running" | "starting" => {}
            state => findings.add(
                "contexts",
                format!("{name} is {state}: its commands get 503, its events and timers wait"),
                format!("`holdfast contexts start {name}`; where it failed, the log says why"),
            ),
        }
        if number("backlog") > LATE {
            findings.add(
                "backlog",
                format!("{name} has {} events of its sources to take", number("backlog")),
                "wait; if it does not fall, look at its parked events and at the load of the machine",
            );
        }
        if number("damaged") > 0 {
            let what =
                format!("{name} has found damage {} times: {}", number("damaged"), text("damage"));
            findings.add(
                "damage",
                what,
                "a view: `holdfast views rebuild`; anything else: restore a backup",
            );
        }
        let contested = context.get("contested").and_then(Value::as_array);
        if contested.is_some_and(|contested| !contested.is_empty()) {
            let what = format!(
                "things of {name} claim one key: {}",
                context.get("contested").cloned().unwrap_or_default()
            );
            findings.add("contexts", what, "correct or cancel one of each pair");
        }
        let breaker = context.pointer("/guard/breaker").and_then(Value::as_str);
        if breaker == Some("open") {
            let what =
                format!("the breaker in front of {name} is open: orders that need it get 503");
            findings.add(
                "contexts",
                what,
                "look at that context, its node and what it asks itself",
            );
        }
    }
    Ok(())
}

async fn look_at_parked(client: &Client, findings: &mut Findings) -> Result<(), Failure> {
    findings.looked_at("parked");
    let mut ids = Vec::new();
    let mut more = false;
    let take = |page: Vec<Value>| {
        ids.extend(page.iter().filter_map(|item| Some(item.get("id")?.as_str()?.to_owned())));
        more = ids.len() >= 1000;
        Ok(!more)
    };
    client.walk("/admin/parked?limit=1000", "parked", take).await?;
    if !ids.is_empty() {
        let count = format!("{}{}", ids.len(), if more { " or more" } else { "" });
        let first: Vec<_> = ids.into_iter().take(NAMED).collect();
        findings.add(
            "parked",
            format!("{count} could not be processed: {}", first.join(", ")),
            "`holdfast parked list` says why; mend the cause, then `holdfast parked redrive`",
        );
    }
    Ok(())
}

async fn look_at_orders(client: &Client, findings: &mut Findings) -> Result<(), Failure> {
    let mut stuck = Vec::new();
    let take = |page: Vec<Value>| {
        stuck.extend(page);
        Ok(stuck.len() < NAMED)
    };
    match client.walk("/admin/sagas?state=stuck", "sagas", take).await {
        Ok(()) => findings.looked_at("orders"),
        // A server that has no such list.
        Err(Failure::Refused { status: 404, .. }) => return Ok(()),
        Err(failure) => return Err(failure),
    }
    for order in stuck.iter().take(NAMED) {
        let text = |name: &str| order.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = order.get("number").cloned().unwrap_or_default();
        let system = text("system");
        findings.add(
            "orders",
            format!("order {number} of {system} is stuck at {}: {}", text("owedBy"), text("why")),
            format!("`holdfast sagas show {system} {number}`, then `holdfast sagas redrive {system} {number}`"),
        );
    }
    Ok(())
}

async fn look_at_backups(client: &Client, findings: &mut Findings) -> Result<(), Failure> {
    findings.looked_at("backup");
    let listed = client.get("/admin/backups").await?;
    if let Some(failure) = listed.get("failure").and_then(Value::as_str) {
        let what = format!("the last backup could not be made: {failure}");
        findings.add("backup", what, "mend that, then `POST /admin/backups/make`");
    }
    Ok(())
}
