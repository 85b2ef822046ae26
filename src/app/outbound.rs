//! What the server sends to others: on a runtime of its own, so that slow peers delay no request.

use super::failure::Failure;
use crate::{
    actors::{LocalNode, MessageGateway, PeerClient},
    app::connection_budget,
    cluster::{HttpWire, KeyKeeper, Peers},
    config::{AuthMode, ConfigProblem, GatewayKind as Gateway, MessagesSection, Settings},
    credentials::NodePass,
    domain::Facts,
    http::RemoteTarget,
    limits,
    notifications::{self, AlertWebhook, DailyCap, LogSink, Webhook, WebhookSettings},
    sagas::StuckReceiver,
    spans::{CollectorSettings, Spans},
    systems,
    tls::Trust,
};
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio::runtime::{Builder, Handle, Runtime};

/// The runtime of everything that is sent. It stops when this is dropped; what is in flight is sent again later.
pub struct Outbound {
    runtime: Option<Runtime>,
    handle: Handle,
    trust: Trust,
}

impl Outbound {
    /// A runtime on which nothing runs yet.
    ///
    /// # Errors
    /// [`Failure`] if no thread can be started, or the authorities to trust cannot be read.
    pub fn new(settings: &Settings) -> Result<Self, Failure> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("outside")
            .enable_all()
            .build();
        let runtime = runtime.map_err(|why| Failure::Failed(why.to_string()))?;
        let handle = runtime.handle().clone();
        let trust = if settings.connects_by_tls() {
            settings.tls.trust().map_err(ConfigProblem::from)?
        } else {
            Trust::default()
        };
        Ok(Self { runtime: Some(runtime), handle, trust })
    }

    /// The handle of the runtime.
    pub fn runtime(&self) -> &Handle {
        &self.handle
    }

    /// The way of spans to the collector, if one is configured.
    ///
    /// # Errors
    /// [`Failure`] if what is configured cannot be used.
    pub fn start_spans(&self, settings: &Settings) -> Result<Option<Spans>, Failure> {
        let Some(url) = settings.traces.endpoint() else { return Ok(None) };
        let client = self.trust.http_client().build();
        let authorization = settings.traces.authorization.as_ref();
        let collector = CollectorSettings {
            url,
            authorization: authorization.map(|secret| secret.reveal().to_owned()),
            one_in: settings.traces.one_in,
            node: settings.node_name(),
            client: client.map_err(|why| Failure::Failed(why.to_string()))?,
            runtime: self.handle.clone(),
        };
        Spans::start(collector).map(Some).map_err(Failure::Failed)
    }

    /// Whom this node trusts.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The client of other nodes, if any are configured, which shows them `pass`.
    ///
    /// # Errors
    /// [`Failure`] if the configuration is wrong.
    pub fn peer_client(
        &self,
        settings: &Settings,
        pass: &NodePass,
    ) -> Result<Option<Arc<dyn PeerClient>>, Failure> {
        if pass.is_empty() || settings.peers.is_empty() {
            return Ok(None);
        }
        let mut peers = Peers {
            urls: Default::default(),
            pass: pass.clone(),
            asks: connection_budget::reserve_for_asks(limits::open_files()),
            answer_limit: settings.node.answer_limit,
            trust: self.trust.clone(),
        };
        for (system, contexts) in &settings.peers {
            for (context, url) in contexts {
                let name = format!("{system}.{context}");
                let url = url
                    .parse()
                    .map_err(|why| ConfigProblem(format!("peers.{name}: `{url}`: {why}")))?;
                peers.urls.insert(name, url);
            }
        }
        Ok(Some(Arc::new(HttpWire::new(peers, self.handle.clone()).map_err(Failure::Failed)?)))
    }

    /// The way to the node that keeps the API keys and sessions, if it is another one, which is shown `pass`.
    ///
    /// # Errors
    /// [`Failure`] if the configuration is wrong.
    pub fn key_keeper(
        &self,
        settings: &Settings,
        pass: &NodePass,
    ) -> Result<Option<Arc<KeyKeeper>>, Failure> {
        let Some(url) = &settings.auth.keys_from else { return Ok(None) };
        let url =
            url.parse().map_err(|why| ConfigProblem(format!("auth.keys_from: `{url}`: {why}")))?;
        let runtime = self.handle.clone();
        let keeper = KeyKeeper::new(&url, pass.clone(), &self.trust, runtime);
        Ok(Some(Arc::new(keeper.map_err(Failure::Failed)?)))
    }

    /// Begins to send the messages of `node`, and to read the events of other nodes.
    ///
    /// # Errors
    /// [`Failure`] if the configuration is wrong, or a cursor of a log cannot be read.
    pub fn start_sinks(&self, settings: &Settings, node: &LocalNode) -> Result<(), Failure> {
        let queues = node.attach_gateway(notifications::SINK, &self.message_gateway(settings)?);
        let queues = queues.map_err(|why| Failure::Failed(why.to_string()))?;
        queues
            .into_iter()
            .chain(node.follow_replicas())
            .for_each(|task| drop(self.handle.spawn(task)));
        Ok(())
    }

    /// The receiver of alerts, if one is configured.
    ///
    /// # Errors
    /// [`Failure`] if the configuration is wrong.
    pub fn alert_receiver(
        &self,
        settings: &Settings,
    ) -> Result<Option<Arc<dyn StuckReceiver>>, Failure> {
        let alerts = &settings.alerts;
        let Some(url) = &alerts.url else { return Ok(None) };
        let missing = || ConfigProblem("alerts: `alerts.url` needs `alerts.secret`".into());
        let url =
            url.parse().map_err(|why| ConfigProblem(format!("alerts.url: `{url}`: {why}")))?;
        let webhook = WebhookSettings {
            url,
            secret: alerts.signing_key().ok_or_else(missing)?,
            timeout: Duration::from_millis(alerts.timeout_ms),
            trust: self.trust.clone(),
        };
        let webhook = AlertWebhook::new(webhook, settings.node_name());
        Ok(Some(Arc::new(webhook.map_err(Failure::Failed)?)))
    }

    /// What sends text messages.
    fn message_gateway(&self, settings: &Settings) -> Result<Arc<dyn MessageGateway>, Failure> {
        let shows_personal = settings.auth.mode == AuthMode::Open;
        let settings = &settings.messages;
        let gateway: Arc<dyn MessageGateway> = match settings.gateway {
            Gateway::Log => Arc::new(LogSink { shows_personal }),
            Gateway::Webhook => {
                let settings = webhook_settings(settings, self.trust.clone())?;
                Arc::new(Webhook::new(settings).map_err(Failure::Failed)?)
            }
        };
        match settings.daily_per_telephone.and_then(NonZeroU32::new) {
            Some(most) => Ok(Arc::new(DailyCap::new(gateway, most))),
            None => Ok(gateway),
        }
    }
}

impl Drop for Outbound {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The contexts of the enabled systems that other nodes host.
pub fn remote_contexts(settings: &Settings) -> Vec<RemoteTarget> {
    let hosted = settings.hosted_contexts();
    let all = settings.enabled_systems().into_iter().flat_map(systems::contexts);
    let away = all.filter(|context| {
        hosted.as_ref().is_some_and(|hosted| !hosted.contains(context.name.context))
    });
    away.map(|Facts { name, is_order, is_view, aliases, .. }| {
        let url = settings.peers.get(name.system).and_then(|contexts| contexts.get(name.short()));
        let url = url.and_then(|url| url.parse().ok());
        RemoteTarget { name, is_order: is_order && !is_view, is_view, aliases, url }
    })
    .collect()
}

/// The settings of the webhook, which are checked.
fn webhook_settings(
    settings: &MessagesSection,
    trust: Trust,
) -> Result<WebhookSettings, ConfigProblem> {
    let missing =
        || ConfigProblem("messages: the webhook needs `messages.url` and `messages.secret`".into());
    let url = settings.url.as_deref().and_then(|url| url.parse().ok()).ok_or_else(missing)?;
    let secret = settings.signing_key().ok_or_else(missing)?;
    Ok(WebhookSettings { url, secret, timeout: Duration::from_millis(settings.timeout_ms), trust })
}
