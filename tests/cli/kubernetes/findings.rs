//! What is wrong with manifests: with each object, between them, and with what the server makes of them.

use super::{
    manifests::{Manifests, Object},
    pod::Pod,
    typed::find_unknown,
};
use serde_json::Value;
use std::{collections::BTreeMap, net::SocketAddr};
use support::run;

fn array<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// All that is wrong with `manifests`.
pub fn find_faults(manifests: &Manifests) -> Vec<String> {
    let objects = match manifests.objects() {
        Ok(objects) => objects,
        Err(faults) => return faults,
    };
    let mut faults: Vec<String> = objects.iter().flat_map(find_unknown).collect();
    let workloads =
        objects.iter().filter(|object| object.value.pointer("/spec/template").is_some());
    let workloads: Vec<_> = workloads.collect();
    let [workload] = workloads.as_slice() else {
        faults.push(format!("there are {} workloads, not one", workloads.len()));
        return faults;
    };
    let pod = Pod::of(workload, &objects);
    let mut found = Found { faults, objects: &objects, pod };
    found.check_pod();
    found.check_services();
    found.check_selectors();
    found.check_scaling();
    let settings = found.ask_server();
    found.check_settings(&settings);
    found.faults
}

type Settings = BTreeMap<String, Value>;

struct Found<'a> {
    faults: Vec<String>,
    objects: &'a [Object],
    pod: Pod<'a>,
}

impl<'a> Found<'a> {
    fn expect(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        if !holds {
            self.faults.push(fault());
        }
    }

    fn all(&self, kind: &str) -> Vec<&'a Object> {
        self.objects.iter().filter(|object| object.kind() == kind).collect()
    }

    fn has(&self, kind: &str, name: &str) -> bool {
        self.all(kind).iter().any(|object| object.name() == name)
    }

    /// What a pod must be, whatever it runs.
    fn check_pod(&mut self) {
        let spec = self.pod.spec();
        let container = self.pod.container();
        for (value, pointer, expected) in [
            (spec, "/enableServiceLinks", Value::Bool(false)),
            (spec, "/automountServiceAccountToken", Value::Bool(false)),
            (spec, "/securityContext/runAsNonRoot", Value::Bool(true)),
            (spec, "/securityContext/runAsUser", 65532.into()),
            (spec, "/securityContext/fsGroup", 65532.into()),
            (spec, "/securityContext/seccompProfile/type", "RuntimeDefault".into()),
            (container, "/securityContext/allowPrivilegeEscalation", Value::Bool(false)),
            (container, "/securityContext/readOnlyRootFilesystem", Value::Bool(true)),
            (container, "/securityContext/capabilities/drop/0", "ALL".into()),
            (container, "/args/0", "serve".into()),
        ] {
            let is = value.pointer(pointer) == Some(&expected);
            self.expect(is, || format!("the pod has no {pointer} = {expected}"));
        }
        let image = text(container, "/image");
        let own = concat!("holdfast:", env!("CARGO_PKG_VERSION"));
        self.expect(image == own, || format!("the image is {image}, not {own}"));
        let account = text(spec, "/serviceAccountName");
        let has = self.has("ServiceAccount", account);
        self.expect(has, || format!("there is no ServiceAccount {account}"));
        let memory = container.pointer("/resources/limits/memory").is_some();
        self.expect(memory, || "the container has no limit of memory".to_owned());
        for (probe, path) in [
            ("startupProbe", "/readyz"),
            ("livenessProbe", "/livez"),
            ("readinessProbe", "/readyz"),
        ] {
            let asked = text(container, &format!("/{probe}/httpGet/path"));
            self.expect(asked == path, || format!("{probe} asks for `{asked}`, not {path}"));
            let port = text(container, &format!("/{probe}/httpGet/port"));
            self.expect(port == "probes", || {
                format!("{probe} is at the port `{port}`, not probes")
            });
        }
    }

    /// Every port that is named is there, and every service has pods.
    fn check_services(&mut self) {
        for service in self.all("Service") {
            for port in array(&service.value, "/spec/ports") {
                let target = text(port, "/targetPort");
                let has = self.pod.port(target).is_some();
                let name = service.name();
                self.expect(has, || {
                    format!("Service {name}: no port of the pod is called {target}")
                });
            }
        }
        for policy in self.all("NetworkPolicy") {
            for rule in array(&policy.value, "/spec/ingress") {
                for port in array(rule, "/ports") {
                    let port = text(port, "/port");
                    let has = self.pod.port(port).is_some();
                    self.expect(has, || {
                        format!("NetworkPolicy: no port of the pod is called {port}")
                    });
                }
            }
        }
        for ingress in self.all("Ingress") {
            for rule in array(&ingress.value, "/spec/rules") {
                for path in array(rule, "/http/paths") {
                    let service = text(path, "/backend/service/name");
                    let port = text(path, "/backend/service/port/name");
                    let known = self.all("Service").into_iter().any(|known| {
                        let mut ports = array(&known.value, "/spec/ports").iter();
                        known.name() == service && ports.any(|known| text(known, "/name") == port)
                    });
                    self.expect(known, || {
                        format!("Ingress: there is no Service {service} with a port {port}")
                    });
                    let is_internal = service.ends_with("-ops");
                    self.expect(!is_internal, || {
                        "Ingress: operators are not for everyone".to_owned()
                    });
                }
                let host = text(rule, "/host");
                let mut tls = array(&ingress.value, "/spec/tls").iter();
                let encrypted =
                    tls.any(|tls| array(tls, "/hosts").iter().any(|known| known == host));
                self.expect(encrypted, || format!("Ingress: {host} is not encrypted"));
            }
        }
    }

    /// Every selector matches the pod.
    fn check_selectors(&mut self) {
        let labels = self.pod.labels();
        let mut selectors = Vec::new();
        for object in self.objects {
            let pointers = ["/spec/selector/matchLabels", "/spec/podSelector/matchLabels"];
            selectors.extend(pointers.iter().filter_map(|pointer| object.value.pointer(pointer)));
            if object.kind() == "Service" {
                selectors.extend(object.value.pointer("/spec/selector"));
            }
        }
        let spread = array(self.pod.spec(), "/topologySpreadConstraints").iter();
        selectors.extend(spread.filter_map(|spread| spread.pointer("/labelSelector/matchLabels")));
        for selector in selectors {
            let mut wanted = selector.as_object().into_iter().flatten();
            let matches = wanted.all(|(name, value)| labels.get(name) == Some(value));
            self.expect(matches, || format!("the selector {selector} matches no pod"));
        }
    }

    /// Only what has its data elsewhere runs more than once.
    fn check_scaling(&mut self) {
        let workload = self.pod.workload;
        let is_alone = workload.kind() == "StatefulSet";
        let replicas = workload.value.pointer("/spec/replicas").and_then(Value::as_u64);
        if is_alone {
            self.expect(replicas == Some(1), || {
                format!("{replicas:?} replicas, each with data of its own, are different servers")
            });
            let name = text(&workload.value, "/spec/serviceName");
            let has = self.has("Service", name);
            self.expect(has, || format!("there is no Service {name}"));
        }
        let scalers = self.all("HorizontalPodAutoscaler");
        let budgets = self.all("PodDisruptionBudget");
        self.expect(is_alone || !(scalers.is_empty() || budgets.is_empty()), || {
            "replicas without HorizontalPodAutoscaler or PodDisruptionBudget".to_owned()
        });
        self.expect(scalers.is_empty() || replicas.is_none(), || {
            "both the workload and its HorizontalPodAutoscaler say how many".to_owned()
        });
        for scaler in scalers {
            let target = ["/spec/scaleTargetRef/kind", "/spec/scaleTargetRef/name"];
            let target = target.map(|pointer| text(&scaler.value, pointer));
            let is_right = target == [workload.kind(), workload.name()];
            self.expect(is_right, || format!("nothing to scale is called {}", target.join(" ")));
            self.expect(!is_alone, || "one node on its own disk cannot be scaled".to_owned());
            let count = |name: &str| scaler.value["spec"][name].as_u64().unwrap_or_default();
            let (least, most) = (count("minReplicas"), count("maxReplicas"));
            self.expect(2 <= least && least <= most, || {
                format!("from {least} to {most} replicas: no node takes over, or none is added")
            });
            let cpu = self.pod.container().pointer("/resources/requests/cpu").is_some();
            self.expect(cpu, || {
                "a share of the processor is of nothing: none is requested".to_owned()
            });
        }
        for budget in budgets {
            let most = budget.value.pointer("/spec/maxUnavailable").and_then(Value::as_u64);
            self.expect(most >= Some(1) && !is_alone, || "no node can ever be drained".to_owned());
        }
    }

    /// What the server makes of its variables and files.
    fn ask_server(&mut self) -> Settings {
        let prepared = self.pod.prepare(&mut self.faults);
        let output = run(&mut prepared.command(&["check-config", "--json"]));
        if !output.status.success() {
            self.faults.push(String::from_utf8_lossy(&output.stderr).into_owned());
            return Settings::new();
        }
        let lines: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let root = prepared.directory.path().display().to_string();
        let setting = |line: &Value| {
            let value = match line["value"].as_str() {
                Some(text) => text.replace(&root, "").into(),
                None => line["value"].clone(),
            };
            (text(line, "/key").to_owned(), value)
        };
        lines.iter().map(setting).collect()
    }

    fn check_settings(&mut self, settings: &Settings) {
        if settings.is_empty() {
            return;
        }
        for (name, key) in
            [("http", "http.listen"), ("probes", "http.probes"), ("ops", "ops.listen")]
        {
            let value = settings.get(key).and_then(Value::as_str).unwrap_or_default();
            let address: Option<SocketAddr> = value.parse().ok();
            let reachable = address.is_some_and(|address| address.ip().is_unspecified());
            self.expect(reachable, || format!("{key} = {value} is reached by no other pod"));
            let port = self.pod.port(name);
            self.expect(port == address.map(|address| address.port().into()), || {
                format!("the port {name} is {port:?}, and {key} is {value}")
            });
        }
        let public = settings.get("http.public_url").and_then(Value::as_str).unwrap_or_default();
        for ingress in self.all("Ingress") {
            for rule in array(&ingress.value, "/spec/rules") {
                let host = text(rule, "/host");
                self.expect(public == format!("https://{host}"), || {
                    format!("{public} is not the URL of the Ingress, which has the host {host}")
                });
            }
        }
        let millis = |key: &str| settings.get(key).and_then(Value::as_u64).unwrap_or_default();
        let drain = (millis("http.drain_delay_ms") + millis("http.drain_timeout_ms")) / 1000;
        let grace = self.pod.spec()["terminationGracePeriodSeconds"].as_u64().unwrap_or_default();
        self.expect(grace >= drain + 5, || {
            format!("{grace} s are less than the {drain} s of draining, and 5 s to flush")
        });
        self.expect(millis("http.drain_delay_ms") >= 1000, || {
            "a pod that stops gets requests until its Service has seen it".to_owned()
        });
        let data = settings.get("store.dir").and_then(Value::as_str).unwrap_or_default();
        let volume = array(self.pod.container(), "/volumeMounts").iter().find(|mount| {
            let at = format!("{}/", text(mount, "/mountPath"));
            data.starts_with(&at) && mount["readOnly"] != true
        });
        self.expect(volume.is_some(), || format!("store.dir = {data} is in no volume"));
    }
}
