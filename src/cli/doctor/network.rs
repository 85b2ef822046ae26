//! What the server needs of others: ports of the machine, the broker, providers, peers, the gateway of texts.

use super::finding::Findings;
use crate::{
    amqp::ConnectionSettings, client_errors::describe_error, config::Settings, tls::Trust,
};
use reqwest::Client;
use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

/// How long another may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at them. While the server is `running` its ports are its own.
pub async fn look(settings: &Settings, running: bool, findings: &mut Findings) {
    if !running {
        look_at_ports(settings, findings);
    }
    findings.looked_at("authorities");
    let trust = match settings.tls.trust() {
        Ok(trust) => trust,
        Err(invalid) => {
            let what = format!("{}: {}", invalid.key, invalid.reason);
            findings.add("authorities", what, "put the file in place, with certificates in PEM");
            return;
        }
    };
    look_at_broker(settings, &trust, findings).await;
    let Ok(client) = trust.http_client().timeout(PATIENCE).build() else { return };
    look_at_providers(settings, &client, findings).await;
    look_at_peers(settings, &client, findings).await;
}

/// Whether each port could be taken.
fn look_at_ports(settings: &Settings, findings: &mut Findings) {
    findings.looked_at("ports");
    let listen = settings.http.listen;
    let compat = settings.compat_ports().into_iter();
    let compat = compat.map(|(_, port)| ("compat.ports", SocketAddr::new(listen.ip(), port)));
    let ours = [Some(("http.listen", listen))].into_iter().flatten();
    let probes = settings.http.probes.map(|address| ("http.probes", address));
    let ops = settings.ops.listen.map(|address| ("ops.listen", address));
    for (key, address) in ours.chain(probes).chain(ops).chain(compat) {
        if let Err(error) = TcpListener::bind(address) {
            findings.add(
                "ports",
                format!("{address} of `{key}` cannot be listened on: {error}"),
                "find out who has it (`ss -ltnp`) and end that, or choose another address",
            );
        }
    }
}

async fn look_at_broker(settings: &Settings, trust: &Trust, findings: &mut Findings) {
    let urls = settings.amqp.url.reveal();
    if urls.is_empty() {
        return;
    }
    findings.looked_at("broker");
    for (place, url) in urls.iter().enumerate() {
        let broker = ConnectionSettings {
            urls: urls.clone(),
            name: "holdfast doctor".into(),
            connect_timeout: PATIENCE,
            heartbeat: settings.amqp.heartbeat_s,
            tls: trust.config(),
        };
        if let Err(why) = broker.connect(url).await {
            findings.add(
                "broker",
                format!("node {} of the broker (`amqp.url`): {why}", place + 1),
                "start the broker (`rabbitmqctl status`), or mend address, user and password; events wait meanwhile, nothing is lost",
            );
        }
    }
}

async fn look_at_providers(settings: &Settings, client: &Client, findings: &mut Findings) {
    for issuer in &settings.auth.issuers {
        findings.looked_at("provider");
        let url = format!("{}/.well-known/openid-configuration", issuer.url.trim_end_matches('/'));
        if let Err(why) = ask(client, &url).await {
            findings.add(
                "provider",
                format!("the OpenID provider {} does not answer: {why}", issuer.url),
                "mend `auth.issuers`, the provider or the way to it: without its keys no new tokens are taken; API keys still are",
            );
        }
    }
}

async fn look_at_peers(settings: &Settings, client: &Client, findings: &mut Findings) {
    let peers = settings.peers.values().flat_map(|contexts| contexts.values());
    let peers: BTreeSet<&String> = peers.chain(&settings.auth.keys_from).collect();
    for peer in peers {
        findings.looked_at("peers");
        if let Err(why) = ask(client, &format!("{}/livez", peer.trim_end_matches('/'))).await {
            findings.add(
                "peers",
                format!("the node {peer} does not answer: {why}"),
                "start that node, or mend `[peers]`; what is asked of it waits, or gets 503",
            );
        }
    }
}

async fn ask(client: &Client, url: &str) -> Result<(), String> {
    let answer = client.get(url).send().await;
    let answer = answer.map_err(|error| describe_error(&error))?;
    let status = answer.status();
    if status.is_success() { Ok(()) } else { Err(format!("it answers {status}")) }
}
