//! A process that is started with exactly what the manifest gives it, and looked after as the node of a cluster does.

use super::{
    manifests::{Manifests, Object},
    pod::{Pod, Prepared},
};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};
use support::{Client, eventually};

/// A container that runs.
struct Container<'a> {
    prepared: &'a Prepared,
    spec: &'a Value,
    child: Child,
    probes: Client,
    restarts: u32,
}

/// Starts the process. Addresses have no ports of their own on this machine, so it chooses them.
fn start(prepared: &Prepared) -> (Child, Client) {
    let mut server = prepared.command(&["serve"]);
    for address in ["HTTP__LISTEN", "HTTP__PROBES", "OPS__LISTEN"] {
        server.env(format!("HOLDFAST_{address}"), "127.0.0.1:0");
    }
    server.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = server.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let probes = lines.into_iter().find_map(|line| {
        line.strip_prefix("probes on ").map(|url| Client::new(url.trim().to_owned()))
    });
    (child, probes.expect("it answers probes"))
}

impl<'a> Container<'a> {
    fn run(prepared: &'a Prepared, spec: &'a Value) -> Self {
        let (child, probes) = start(prepared);
        Self { prepared, spec, child, probes, restarts: 0 }
    }

    /// Whether a probe succeeds.
    fn probe(&self, name: &str) -> bool {
        let path = self.spec[name]["httpGet"]["path"].as_str().unwrap();
        self.probes.try_get(path).is_ok_and(|answer| (200..400).contains(&answer.status))
    }

    /// Probes for so many rounds, and restarts it when one has failed as often as it may.
    fn look_after(&mut self, rounds: u32) {
        eventually("it has started", || self.probe("startupProbe").then_some(()));
        let most = self.spec["livenessProbe"]["failureThreshold"].as_u64().unwrap();
        let mut failed = 0;
        for _ in 0..rounds {
            failed = if self.probe("livenessProbe") { 0 } else { failed + 1 };
            if failed >= most {
                self.end();
                (self.child, self.probes) = start(self.prepared);
                self.restarts += 1;
                failed = 0;
            }
        }
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the pod of these manifests is started with.
fn with_pod(manifests: &Manifests, act: impl FnOnce(&Pod<'_>, &Prepared)) {
    let objects: Vec<Object> = manifests.objects().unwrap();
    let mut workloads = objects.iter().filter(|object| object.kind() == "StatefulSet");
    let pod = Pod::of(workloads.next().unwrap(), &objects);
    let mut faults = Vec::new();
    let prepared = pod.prepare(&mut faults);
    assert!(faults.is_empty(), "{faults:?}");
    act(&pod, &prepared);
}

#[test]
fn a_wrong_path_of_the_probe_restarts_it_and_the_right_one_does_not() {
    let mut manifests = Manifests::load("single");
    with_pod(&manifests, |pod, prepared| {
        let mut container = Container::run(prepared, pod.container());
        container.look_after(10);
        assert!(container.probe("readinessProbe"));
        assert_eq!(container.restarts, 0);
    });
    manifests.replace("single/statefulset.yaml", "path: /livez", "path: /actuator/healthy");
    with_pod(&manifests, |pod, prepared| {
        let mut container = Container::run(prepared, pod.container());
        container.look_after(3);
        assert_eq!(container.restarts, 1);
    });
}

#[test]
fn without_its_configmap_it_does_not_start() {
    let manifests = Manifests::load("single");
    with_pod(&manifests, |_, prepared| {
        std::fs::remove_file(prepared.directory.path().join("etc/holdfast/holdfast.toml")).unwrap();
        let output = support::run(&mut prepared.command(&["serve"]));
        assert_eq!(output.status.code(), Some(78));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("holdfast.toml"), "{said}");
    });
}
