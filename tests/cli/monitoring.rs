//! The rules and the dashboard in `deploy/monitoring` speak of metrics that there are; each alert has its page, and fires.

mod fires;

use crate::{
    consumers::is_there,
    documents::root,
    names_in_documents::{read_list, split_parts},
};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};
use support::run;

fn monitoring(file: &str) -> PathBuf {
    root().join("deploy/monitoring").join(file)
}

fn read(file: &str) -> String {
    fs::read_to_string(monitoring(file)).unwrap()
}

/// What follows `key` in the lines of `text` that begin with it.
fn values(text: &str, key: &str) -> Vec<String> {
    let found = text.lines().filter_map(|line| line.trim().strip_prefix(key));
    found.map(|value| value.trim().to_owned()).collect()
}

/// The expressions of the dashboard's panels, with its variables replaced by all that there is.
fn expressions_of_dashboard() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    let annotations = dashboard["annotations"]["list"].as_array().unwrap();
    let expressions = targets.chain(annotations).map(|target| target["expr"].as_str().unwrap());
    let shown = expressions.map(|expression| {
        let replaced = expression.replace("$instance", ".*").replace("$system", ".*");
        replaced.replace("$__rate_interval", "1m")
    });
    shown.collect()
}

/// The metrics that `text` names.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let parts = split_parts(text, |letter| letter.is_ascii_lowercase() || letter == '_');
    let names = parts.into_iter().filter(|part| {
        ["holdfast_", "process_", "http_server_"].iter().any(|prefix| part.starts_with(prefix))
    });
    // A histogram is asked for by its parts.
    let whole = names.map(|name| {
        let part = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
        part.map_or(name.clone(), str::to_owned)
    });
    whole.collect()
}

#[test]
fn rules_and_dashboard_ask_for_metrics_that_there_are() {
    let known: BTreeSet<_> = read_list("metrics").into_iter().collect();
    let rules = values(&read("holdfast.rules.yaml"), "").join("\n");
    let rules = rules.lines().filter(|line| !line.starts_with("summary") && !line.starts_with('#'));
    for text in [rules.collect::<Vec<_>>().join("\n"), expressions_of_dashboard().join("\n")] {
        let named = metrics_in(&text);
        assert!(named.len() > 15, "{named:?}");
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}

#[test]
fn every_alert_has_its_page_and_a_test() {
    let rules = read("holdfast.rules.yaml");
    let alerts = values(&rules, "- alert:");
    assert!(alerts.len() > 20, "{alerts:?}");
    let pages = values(&fs::read_to_string(root().join("docs/alerts.md")).unwrap(), "### ");
    assert_eq!(
        alerts.iter().collect::<BTreeSet<_>>(),
        pages.iter().collect(),
        "alerts, and headings of docs/alerts.md"
    );
    let runbooks = values(&rules, "runbook:");
    let addresses = alerts.iter().map(|alert| format!("docs/alerts.md#{}", alert.to_lowercase()));
    assert_eq!(runbooks, addresses.collect::<Vec<_>>());
    let tests = values(&read("holdfast.rules.test.yaml"), "- name:");
    let wanted =
        alerts.iter().flat_map(|alert| ["fires", "is quiet"].map(|what| format!("{alert} {what}")));
    assert_eq!(tests, wanted.collect::<Vec<_>>());
}

#[test]
fn promtool_finds_the_rules_right_and_each_alert_fires_when_it_should() {
    if !is_there("promtool", Command::new("promtool").arg("--version")) {
        return;
    }
    let tell = |arguments: &[&str], file: &str| {
        let done = run(Command::new("promtool").args(arguments).arg(monitoring(file)));
        let said = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
        assert!(done.status.success(), "{said}");
        said
    };
    let rules = tell(&["check", "rules"], "holdfast.rules.yaml");
    let count = values(&read("holdfast.rules.yaml"), "- alert:").len();
    assert!(rules.contains(&format!("{count} rules found")), "{rules}");
    tell(&["check", "config"], "prometheus.yaml");
    tell(&["test", "rules"], "holdfast.rules.test.yaml");
}
