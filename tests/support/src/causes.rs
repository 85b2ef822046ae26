//! What events follow from: a chain that ends at a command.

use crate::{Client, eventually};
use serde_json::Value;
use std::collections::BTreeMap;

/// No chain of a test is so long.
const LONGEST: usize = 100;

/// Each event in the logs of these contexts follows from a command, or names the event that it follows from, which is
/// there and follows from something in the same way. What is on its way to another node may come a moment later.
#[track_caller]
pub fn lead_to_commands(client: &Client, contexts: &[&str]) {
    eventually("each event names what it follows from", || {
        let wrong = unexplained(client, contexts);
        wrong.iter().for_each(|wrong| println!("{wrong}"));
        wrong.is_empty().then_some(())
    });
}

fn unexplained(client: &Client, contexts: &[&str]) -> Vec<String> {
    let mut events = BTreeMap::new();
    for context in contexts {
        let page = client.get(&format!("/events/{context}?limit=1000")).is(200).body;
        let page = page.as_array().unwrap();
        assert!(page.len() < 1000, "{context} has more than one page");
        for event in page {
            let name = |of: &str| event[of].as_str().unwrap().to_owned();
            events.insert((name("source"), name("id")), event.clone());
        }
    }
    assert!(!events.is_empty());
    events.values().filter_map(|event| breaks_off(event, &events)).collect()
}

/// Where the chain from `event` breaks off, if it does.
fn breaks_off(event: &Value, events: &BTreeMap<(String, String), Value>) -> Option<String> {
    let mut at = event;
    for _ in 0..LONGEST {
        let name = |of: &str| at[of].as_str().map(str::to_owned);
        let Some(cause) = name("causationsource").zip(name("causationid")) else {
            let is_command = at["cause"].as_str().unwrap().starts_with("command ");
            return (!is_command).then(|| format!("{event} breaks off at {at}"));
        };
        at = match events.get(&cause) {
            Some(before) => before,
            None => return Some(format!("{cause:?} is not there, which {at} names")),
        };
    }
    Some(format!("{event} follows from itself"))
}
