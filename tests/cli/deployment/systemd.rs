//! The units of systemd: it understands them, they grant as little as possible, and they agree with the settings beside them.

use super::{deploy, said};
use serde_json::Value;
use std::{collections::BTreeMap, fs, process::Command};
use support::{binary, holdfast, run};
use tempfile::TempDir;

/// What `systemd-analyze security` finds, from 0 (nothing is exposed) to 10.
const MOST_EXPOSED: f64 = 1.2;

/// The values of a unit by key; of keys that are there more than once, the last one.
fn unit(name: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(deploy("systemd").join(name)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let lines = lines.filter_map(|line| line.split_once('='));
    lines.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// The units where the server is installed, as it is here.
fn installed() -> TempDir {
    let directory = TempDir::new().unwrap();
    for name in ["holdfast.service", "holdfast.socket"] {
        let text = fs::read_to_string(deploy("systemd").join(name)).unwrap();
        let text = text.replace("/usr/local/bin/holdfast", &binary().display().to_string());
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

#[test]
fn systemd_understands_the_units_and_grants_little() {
    let directory = installed();
    let unit = |name: &str| directory.path().join(name);
    let verified = run(Command::new("systemd-analyze")
        .arg("verify")
        .args([unit("holdfast.service"), unit("holdfast.socket")]));
    assert!(verified.status.success() && verified.stderr.is_empty(), "{}", said(&verified));

    let judged = run(Command::new("systemd-analyze")
        .args(["security", "--offline=yes", "--no-pager"])
        .arg(unit("holdfast.service")));
    let judged = String::from_utf8_lossy(&judged.stdout).into_owned();
    let (_, level) = judged.split_once("exposure level for holdfast.service: ").expect(&judged);
    let level: f64 = level.split(' ').next().unwrap().parse().unwrap();
    assert!(level <= MOST_EXPOSED, "{judged}");
}

#[test]
fn the_units_agree_with_the_settings_beside_them() {
    let service = unit("holdfast.service");
    let socket = unit("holdfast.socket");
    let settings = deploy("systemd").join("holdfast.toml");
    let output = run(holdfast().args(["check-config", "--json", "--config"]).arg(&settings));
    assert!(output.status.success(), "{}", said(&output));
    let lines: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let setting = |key: &str| {
        lines
            .iter()
            .find(|line| line["key"] == key)
            .and_then(|line| line["value"].as_str())
            .unwrap()
    };
    assert_eq!(setting("http.listen"), socket["ListenStream"]);
    assert_eq!(setting("store.dir"), format!("/var/lib/{}", service["StateDirectory"]));
    let command = &service["ExecStart"];
    assert!(
        command.ends_with(&format!("/etc/{}/holdfast.toml", service["ConfigurationDirectory"]))
    );
    assert_eq!(service["Requires"], "holdfast.socket");
    assert_eq!(service["Type"], "notify");
    // What it runs is a command of the server.
    let mut words = command.split(' ').skip(1);
    let help = run(holdfast().arg(words.next().unwrap()).arg("--help"));
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("--config"));
}
