//! The broker, if one is configured: publishes events, consumes those of other nodes and commands, and owns the contexts that
//! this node decides for.

use super::{failure::Failure, outbound::Outbound};
use crate::{
    actors::{DeadLetterStore, DeadLetters, LocalNode, Node, RecordedEvent, Sink},
    amqp::{
        self, CommandConsumer, CommandDispatcher, ConnectionSettings, DeadLetterConsumer,
        EventConsumer, EventConsumerSettings, EventReader, Lease, Limits, ManagedConnection,
        Publisher, PublisherSettings, Senders,
        ownership::{OwnershipClaim, OwnershipConflict},
    },
    api::Ingress,
    app::settings::{event_names, seal_keys},
    config::Settings,
    store::Store,
    systems,
};
use std::{sync::Arc, time::Duration};
use tokio::{runtime::Handle, sync::oneshot};

/// The broker, as this node uses it.
pub struct BrokerService {
    runtime: Handle,
    /// Each purpose has a connection of its own: a broker that is blocked reads nothing more from a publisher, and one that
    /// cannot declare a queue closes the connection.
    publishing: Arc<ManagedConnection>,
    taking: Arc<ManagedConnection>,
    claiming: Arc<ManagedConnection>,
    /// Consumes commands, if that is configured.
    commanded: Option<Arc<ManagedConnection>>,
    commands: Option<Arc<CommandConsumer>>,
    claim: OwnershipClaim,
    lease: Lease,
    /// The part of queue names that is this node's own.
    queues: String,
}

/// How long a connection that has ended may hold a lease, for each second between heartbeats: the broker closes it after two
/// missing ones.
const LEASE_TIMEOUT: Duration = Duration::from_secs(3);

impl BrokerService {
    /// Begins to connect on the runtime of `outbound`, if a broker is configured.
    pub fn connect_broker(outbound: &Outbound, settings: &Settings, store: u128) -> Option<Self> {
        let urls = settings.amqp.url.reveal();
        if urls.is_empty() {
            return None;
        }
        let runtime = outbound.runtime();
        let name = settings.node_name();
        let queues = uuid::Uuid::from_u128(store).simple().to_string();
        let patience = Duration::from_millis(settings.amqp.connect_timeout_ms);
        let settings_of = |does: &str| ConnectionSettings {
            urls: urls.clone(),
            name: format!("holdfast {} {name} {does}", env!("CARGO_PKG_VERSION")),
            connect_timeout: patience,
            heartbeat: settings.amqp.heartbeat_s,
            tls: outbound.trust().config(),
        };
        let link = |does: &str| {
            let (link, keeping) = ManagedConnection::new(settings_of(does));
            runtime.spawn(keeping);
            link
        };
        let publishing = link("publishes");
        let taking = link("takes");
        let claiming = link("claims");
        let commanded = settings.amqp.commands.then(|| link("is commanded"));
        let run = uuid::Uuid::now_v7().simple().to_string();
        let lease = Lease::new(&queues, run, LEASE_TIMEOUT * u32::from(settings.amqp.heartbeat_s));
        let claim = OwnershipClaim {
            store: queues.clone(),
            node: name,
            contexts: deciding_contexts(settings),
            timeout: patience,
        };
        Some(Self {
            runtime: runtime.clone(),
            publishing,
            taking,
            claiming,
            claim,
            lease,
            queues,
            commanded,
            commands: None,
        })
    }

    /// Claims the contexts that this node decides for, and keeps them. The receiver resolves if another node turns out to own
    /// one of them later.
    ///
    /// # Errors
    /// [`Failure`] if another node owns one of them, or runs with the same data.
    pub async fn claim_contexts(&self) -> Result<oneshot::Receiver<OwnershipConflict>, Failure> {
        let claim = self.claim.clone();
        let link = self.claiming.clone();
        let mut lease = self.lease.clone();
        let claimed = self
            .runtime
            .spawn(async move { claim.claim_at_start(&link, &mut lease).await.map(|()| lease) })
            .await;
        let claimed = claimed.map_err(|why| Failure::Internal(why.to_string()))?;
        let lease = claimed.map_err(|why| Failure::Failed(why.to_string()))?;
        let (taken, is_taken) = oneshot::channel();
        let keeping = self.claim.clone().hold_claim(self.claiming.clone(), lease);
        self.runtime.spawn(async move { taken.send(keeping.await) });
        Ok(is_taken)
    }

    /// Begins to publish the events of `node`, and to consume those that it subscribes to, and the commands of `senders`.
    ///
    /// # Errors
    /// [`Failure`] if a cursor of a log cannot be read.
    pub fn start_consumers(
        &mut self,
        settings: &Settings,
        node: &Arc<LocalNode>,
        store: &Arc<dyn Store>,
        senders: Senders,
    ) -> Result<Arc<dyn DeadLetters>, Failure> {
        let names = Arc::new(event_names(settings));
        let failed = |why: &dyn std::fmt::Display| Failure::Failed(why.to_string());
        let publisher = Arc::new(Publisher::new(
            self.publishing.clone(),
            PublisherSettings {
                exchange: settings.amqp.exchange.clone(),
                prefix: settings.events.amqp_prefix.clone(),
                names: Arc::clone(&names),
                keys: seal_keys(settings),
                confirm_timeout: Duration::from_millis(settings.amqp.confirm_timeout_ms),
            },
        ));
        self.runtime.spawn(Arc::clone(&publisher).declare_on_each_connection());
        let publisher: Arc<dyn Sink<RecordedEvent>> = publisher;
        let pumps = node.attach_sink(amqp::SINK, &publisher, |context| context.event_log());
        pumps
            .map_err(|why| failed(&why))?
            .into_iter()
            .for_each(|pump| drop(self.runtime.spawn(pump)));

        let kept = DeadLetterStore::open(store).map_err(|why| failed(&why))?;
        let reader = EventReader { names, keys: seal_keys(settings) };
        let replicas = node.replica_handles();
        let letters = Arc::new(DeadLetterConsumer::new(
            kept,
            node.clone(),
            replicas.to_vec(),
            &self.queues,
            reader.clone(),
        ));
        for replica in replicas {
            let how = EventConsumerSettings {
                exchange: settings.amqp.exchange.clone(),
                node: self.queues.clone(),
                reader: reader.clone(),
            };
            self.runtime.spawn(EventConsumer::new(self.taking.clone(), how, replica.clone()).run());
        }
        if !replicas.is_empty() {
            self.runtime.spawn(letters.clone().run(self.taking.clone(), self.queues.clone()));
        }
        if let Some(link) = self.commanded.clone() {
            let limits = Limits { body: settings.http.body_limit, depth: settings.http.json_depth };
            let entrance = CommandDispatcher::new(
                node.contexts(),
                settings.only_system().is_some(),
                settings.http.public_url(),
                limits,
                senders,
            );
            let commands = CommandConsumer::new(
                link,
                entrance,
                Duration::from_millis(settings.amqp.confirm_timeout_ms),
            );
            self.runtime.spawn(commands.clone().run());
            self.commands = Some(commands);
        }
        Ok(letters)
    }

    /// The ingress of commands.
    pub fn ingress(&self) -> Option<Arc<dyn Ingress>> {
        self.commands.clone().map(|commands| commands as Arc<dyn Ingress>)
    }

    /// Stops consuming; resolves when the commands in flight are answered, or after `patience`.
    pub async fn finish_commands(&self, patience: Duration) {
        if let Some(commands) = &self.commands {
            // What is not answered by then is redelivered.
            let _ = tokio::time::timeout(patience, commands.finish_commands()).await;
        }
    }
}

/// The contexts that this node decides for.
fn deciding_contexts(settings: &Settings) -> Vec<&'static str> {
    let hosted = settings.hosted_contexts();
    let all = settings.enabled_systems().into_iter().flat_map(systems::contexts);
    let deciding = all.filter(|context| !context.is_view).map(|context| context.name.context);
    deciding.filter(|name| hosted.as_ref().is_none_or(|hosted| hosted.contains(*name))).collect()
}
