//! A Prometheus with the rules, and an Alertmanager, beside servers that have faults.

use super::{expressions_of_dashboard, read};
use crate::consumers::is_there;
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread,
};
use support::{Client, Server, eventually, free_ports, tls::CertificateFiles};
use tempfile::TempDir;

/// Prometheus and Alertmanager, stopped when dropped.
struct Monitors {
    prometheus: Client,
    alertmanager: Client,
    children: Vec<Child>,
    _directory: TempDir,
}

impl Drop for Monitors {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The rules, where what has to last for minutes lasts for a second.
fn hasty_rules() -> String {
    let is_wait = |line: &str| line.trim().starts_with("for: ");
    let rules = read("holdfast.rules.yaml");
    let lines = rules.lines().map(|line| if is_wait(line) { "        for: 1s" } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

impl Monitors {
    /// They scrape servers at these addresses, the second one over TLS.
    fn watching(plain: &str, encrypted: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let file = |name: &str| directory.path().join(name);
        let ports = free_ports(2);
        let addresses = [ports, ports + 1].map(|port| format!("127.0.0.1:{port}"));
        let [prometheus, alertmanager] = &addresses;
        fs::write(file("rules.yaml"), hasty_rules()).unwrap();
        let config = json!({
            "global": { "scrape_interval": "1s", "evaluation_interval": "1s" },
            "rule_files": ["rules.yaml"],
            "alerting": { "alertmanagers": [{ "static_configs": [{ "targets": [alertmanager] }] }] },
            "scrape_configs": [
                { "job_name": "holdfast", "static_configs": [{ "targets": [plain] }] },
                {
                    "job_name": "encrypted",
                    "scheme": "https",
                    "tls_config": { "insecure_skip_verify": true },
                    "static_configs": [{ "targets": [encrypted] }],
                    "relabel_configs": [{ "target_label": "job", "replacement": "holdfast" }],
                },
            ],
        });
        // JSON is YAML.
        fs::write(file("prometheus.yaml"), config.to_string()).unwrap();
        let config =
            json!({ "route": { "receiver": "nowhere" }, "receivers": [{ "name": "nowhere" }] });
        fs::write(file("alertmanager.yaml"), config.to_string()).unwrap();
        let start = |program: &str, arguments: [String; 3]| {
            let mut command = Command::new(program);
            command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().unwrap()
        };
        let flag = |name: &str, value: &dyn std::fmt::Display| format!("--{name}={value}");
        let mut alerting = Command::new("prometheus-alertmanager");
        alerting.arg("--cluster.listen-address=").args([
            flag("config.file", &file("alertmanager.yaml").display()),
            flag("storage.path", &file("alerts").display()),
            flag("web.listen-address", alertmanager),
        ]);
        let children = vec![
            start(
                "prometheus",
                [
                    flag("config.file", &file("prometheus.yaml").display()),
                    flag("storage.tsdb.path", &file("series").display()),
                    flag("web.listen-address", prometheus),
                ],
            ),
            alerting.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap(),
        ];
        let [prometheus, alertmanager] =
            addresses.map(|address| Client::new(format!("http://{address}")));
        for client in [&prometheus, &alertmanager] {
            eventually("it answers", || {
                client.try_get("/-/ready").ok().filter(|answer| answer.status == 200)
            });
        }
        Self { prometheus, alertmanager, children, _directory: directory }
    }

    /// The names of the alerts that the Alertmanager has and that have not ended.
    fn alerts(&self) -> Vec<String> {
        let all = self.alertmanager.get("/api/v2/alerts?active=true").is(200);
        let name = |alert: &Value| alert["labels"]["alertname"].as_str().map(str::to_owned);
        all.body.as_array().unwrap().iter().filter_map(name).collect()
    }

    fn fires(&self, alert: &str) {
        eventually(&format!("{alert} fires"), || {
            self.alerts().iter().any(|name| name == alert).then_some(())
        });
    }

    fn ends(&self, alert: &str) {
        eventually(&format!("{alert} ends"), || {
            self.alerts().iter().all(|name| name != alert).then_some(())
        });
    }

    /// What an expression gives now.
    fn query(&self, expression: &str) -> Vec<Value> {
        let url = format!("{}/api/v1/query", self.prometheus.url());
        let url = reqwest::Url::parse_with_params(&url, [("query", expression)]).unwrap();
        let path = url.as_str().trim_start_matches(self.prometheus.url()).to_owned();
        let answer = self.prometheus.get(&path);
        assert_eq!(answer.status, 200, "{expression}: {}", answer.text);
        answer["data"]["result"].as_array().unwrap().clone()
    }
}

/// A gateway of text messages that takes none; its address.
fn refusing_gateway() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 8192];
            let _ = stream.read(&mut request);
            let _ = stream
                .write_all(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    address
}

#[test]
fn faults_of_real_servers_fire_their_alerts_and_end_them() {
    let there = ["prometheus", "prometheus-alertmanager"]
        .map(|program| is_there(program, Command::new(program).arg("--version")));
    if there != [true; 2] {
        return;
    }
    let files = TempDir::new().unwrap();
    let certificate = CertificateFiles::in_directory(files.path());
    certificate.renew_for_days(5);
    let ports = free_ports(2);
    let [plain, encrypted] = [ports, ports + 1].map(|port| format!("127.0.0.1:{port}"));
    let texts = format!(
        "[messages]\ngateway = \"webhook\"\nurl = \"http://{}/sms\"\nsecret = \"whsec_{}\"\n",
        refusing_gateway(),
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    );
    let server = Server::at(&plain, "purifier", &texts, &[]);
    let mut other = Server::at(&encrypted, "bookrent", &certificate.http_section(), &[]);
    let monitors = Monitors::watching(&plain, &encrypted);
    monitors.fires("HoldfastCertificateEnds");

    server.stop("purifier.delivery");
    let product =
        server.post("/products", json!({"name": "P1", "amt": 1, "stock": 9})).is(201).id();
    let rental = json!({
        "customerId": 7, "productId": product, "amt": 1, "address": "Seoul", "phone": "010-1"
    });
    server.post("/rentals", rental).is(201);
    monitors.fires("HoldfastContextDown");
    monitors.fires("HoldfastTextsRefused");

    let config = other.directory().join("holdfast.toml");
    let reserve = |mb: u64| {
        let text = format!("{}[store]\nreserve_mb = {mb}\n", certificate.http_section());
        fs::write(&config, text).unwrap();
    };
    reserve(1_048_576);
    other.kill();
    monitors.fires("HoldfastDown");
    other.restart_unready();
    monitors.ends("HoldfastDown");
    monitors.fires("HoldfastDiskFull");
    monitors.fires("HoldfastNotReady");

    reserve(8);
    certificate.renew_for_days(90);
    other.kill();
    other.restart();
    server.start_again("purifier.delivery");
    // One that the rental was received, and one that its delivery began.
    let refused = eventually("both texts are refused", || {
        let parked = server.get("/admin/parked").is(200)["parked"].as_array().unwrap().clone();
        (parked.len() == 2).then_some(parked)
    });
    for message in &refused {
        let id = message["id"].as_str().unwrap();
        server.post(&format!("/admin/parked/{id}/drop"), json!({})).is(200);
    }
    for alert in [
        "HoldfastCertificateEnds",
        "HoldfastContextDown",
        "HoldfastTextsRefused",
        "HoldfastDiskFull",
        "HoldfastNotReady",
    ] {
        monitors.ends(alert);
    }

    let silent: Vec<_> = expressions_of_dashboard()
        .into_iter()
        // There is no broker, no other node whose events come, and no start since the last one.
        .filter(|expression| {
            !["holdfast_outbox_sent", "holdfast_inbox_events", "changes("]
                .iter()
                .any(|part| expression.contains(part))
        })
        .filter(|expression| monitors.query(expression).is_empty())
        .collect();
    assert!(silent.is_empty(), "{silent:#?}");
}
