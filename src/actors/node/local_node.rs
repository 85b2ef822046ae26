//! A node: one process with its contexts, its store, its clock, and a guardian over all of it.

use super::{
    builder::{DeployedContext, NodeBuilder},
    saved_clock::SavedClock,
    watchdog::Watchdog,
};
use crate::{
    actors::{
        ask::guard::Guard,
        cluster::known_pasts::{KnownPasts, late_fault},
        node::settings::{NodeError, NodeSettings, Threads},
        outbox::{
            event_log::Find,
            message_queue::MessageQueue,
            pump::{Cursors, Pump, RunningPump},
            refused_messages::RefusedMessages,
        },
        port::{
            clock::{AdvanceError, Clock, ClockHealth},
            context::{Context, Node},
            dispute::Dispute,
            event_log::OutboxHealth,
            fault::{CONTEXT, Fault},
            health::{GuardHealth, Phase},
            history::Relation,
            machine::Machine,
            message::{MessageGateway, ParkedMessage},
            peers::PeerQuestion,
            replica::{ReplicaHandle, ReplicaHealth},
            safeguard::Safeguard,
            sink::{Sink, SinkHealth},
        },
    },
    domain::{MessageOutcome, Refusal, Timestamp},
    store::{Commit, Store, StoreHealth},
    sync,
};
use actix::Arbiter;
use futures_util::{FutureExt, TryFutureExt, future::BoxFuture};
use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

/// A process that hosts contexts.
pub struct LocalNode {
    contexts: Vec<Arc<dyn Context>>,
    systems: Vec<&'static str>,
    placed: Arc<Vec<DeployedContext>>,
    store: Arc<dyn Store>,
    clock: Arc<Clock>,
    saved_clock: SavedClock,
    places: Arc<Cursors>,
    refused: Arc<RefusedMessages>,
    pumps: RwLock<Vec<Arc<dyn RunningPump>>>,
    replicas: Vec<Arc<dyn ReplicaHandle>>,
    guards: Vec<(&'static str, Arc<Guard>)>,
    known_pasts: Arc<KnownPasts>,
    machine: Machine,
    without: Option<Safeguard>,
    _guardian: Option<Watchdog>,
}

impl LocalNode {
    /// Lays the contexts out as `lay_out` says, and starts them. Must be called within an actix system.
    ///
    /// # Errors
    /// [`NodeError`] when a tree cannot be opened, or a system's configuration is wrong.
    pub fn start(
        store: Arc<dyn Store>,
        settings: NodeSettings,
        lay_out: impl FnOnce(&mut NodeBuilder<'_>),
    ) -> Result<Self, NodeError> {
        let clock = Clock::on(settings.machine.clone(), settings.clock_offset);
        let clock = Arc::new(clock.without(settings.without));
        let saved_clock = SavedClock::open(&store, &settings.machine, &clock)?;
        let known_pasts =
            Arc::new(KnownPasts::open(&store, settings.machine.clone(), &settings.accept_history)?);
        let mut layout = NodeBuilder::new(&store, &clock, &settings, &known_pasts);
        lay_out(&mut layout);
        let NodeBuilder {
            deployed: placed,
            askable: known,
            peers,
            failed,
            replicas,
            guards,
            pasts,
            local_pasts: past,
            ..
        } = layout;
        failed.map_or(Ok(()), Err)?;
        peers.set_peers(known);
        pasts.set_pasts(past);
        let mut systems: Vec<_> = placed.iter().map(|placed| placed.name.system).collect();
        systems.dedup();
        let placed = Arc::new(placed);
        let guardian = match settings.threads {
            Threads::PerSystem => Some(Watchdog::start(placed.clone(), &settings, clock.clone())?),
            Threads::Current => {
                placed.iter().for_each(|placed| (placed.spawn)(&Arbiter::current()));
                None
            }
        };
        let contexts = placed.iter().map(|placed| placed.context.clone()).collect();
        let places = Arc::new(Cursors::open(&store)?);
        let refused = Arc::new(RefusedMessages::open(&store)?);
        let pumps = RwLock::default();
        Ok(Self {
            contexts,
            systems,
            placed,
            store,
            clock,
            saved_clock,
            places,
            refused,
            pumps,
            replicas,
            guards,
            known_pasts,
            machine: settings.machine,
            without: settings.without,
            _guardian: guardian,
        })
    }

    /// Follows the contexts of other nodes that contexts of this node listen to, for as long as it is polled.
    pub fn follow_replicas(&self) -> Vec<BoxFuture<'static, ()>> {
        self.replicas.iter().map(|replica| replica.clone().follow_source()).collect()
    }

    /// The logs of contexts of other nodes that are kept here, for those who bring their events.
    pub fn replica_handles(&self) -> &[Arc<dyn ReplicaHandle>] {
        &self.replicas
    }

    /// Has `sink` take what `of` finds in each context. What is returned runs for as long as it is polled, on any
    /// runtime; the name is kept with the place in each log, so it must stay the same over restarts.
    ///
    /// # Errors
    /// [`NodeError`] when a place cannot be read.
    pub fn attach_sink<T: Send + Sync + 'static>(
        &self,
        name: &'static str,
        sink: &Arc<dyn Sink<T>>,
        of: Find<T>,
    ) -> Result<Vec<BoxFuture<'static, ()>>, NodeError> {
        let mut running = Vec::new();
        for flow in self.contexts.iter().filter_map(|context| of(context.as_ref())) {
            let pump =
                Pump::new(name, flow, sink.clone(), self.machine.clone(), self.places.clone())?;
            let pump: Arc<dyn RunningPump> = Arc::new(pump.without(self.without));
            sync::write(&self.pumps).push(pump.clone());
            running.push(pump.run());
        }
        Ok(running)
    }

    /// Has `gateway` send the text messages of each context. What is returned runs for as long as it is polled, on any
    /// runtime; the name is kept with the cursor of each log, so it must stay the same over restarts.
    ///
    /// # Errors
    /// [`NodeError`] when a cursor cannot be read.
    pub fn attach_gateway(
        &self,
        name: &'static str,
        gateway: &Arc<dyn MessageGateway>,
    ) -> Result<Vec<BoxFuture<'static, ()>>, NodeError> {
        let mut running = Vec::new();
        for context in &self.contexts {
            let Some(log) = context.message_log() else { continue };
            let queue: Arc<dyn RunningPump> = Arc::new(MessageQueue::new(
                name,
                context.clone(),
                log,
                gateway.clone(),
                self.machine.clone(),
                self.places.clone(),
                self.refused.clone(),
            )?);
            sync::write(&self.pumps).push(queue.clone());
            running.push(queue.run());
        }
        Ok(running)
    }

    async fn settle_message(
        &self,
        context: &str,
        number: u64,
        redrive: bool,
    ) -> Result<bool, Fault> {
        let Some(refused) = self.refused.get(context, number)? else { return Ok(false) };
        if redrive {
            let of = self.contexts.iter().find(|of| of.name().context == context);
            let of = of.ok_or(Fault::Refused(Refusal::absent(CONTEXT)))?;
            of.report_message(number, MessageOutcome::Requeued).await?;
        }
        let event = refused.as_ref().ok().map(|refused| refused.event.as_str());
        self.refused.remove(context, number, event).await?;
        Ok(true)
    }
}

impl Node for LocalNode {
    fn contexts(&self) -> &[Arc<dyn Context>] {
        &self.contexts
    }
    fn systems(&self) -> &[&'static str] {
        &self.systems
    }
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
    fn advance_clock(&self, by: Duration) -> Result<(), AdvanceError> {
        self.clock.advance(by)?;
        self.saved_clock.save_offset(&self.clock)?;
        self.placed.iter().for_each(|placed| (placed.wake)());
        Ok(())
    }
    fn clock_health(&self) -> ClockHealth {
        self.clock.health()
    }
    fn wait_durable(&self, commit: Commit) -> BoxFuture<'static, Result<(), Fault>> {
        self.store.durable(commit).map_err(Fault::from).boxed()
    }
    fn is_durable(&self, commit: Commit) -> bool {
        self.store.is_durable(commit)
    }
    fn accepted_commit(&self) -> Commit {
        self.store.accepted_commit()
    }
    fn store_health(&self) -> StoreHealth {
        self.store.health()
    }
    fn store_is_full(&self) -> bool {
        self.store.is_full()
    }
    fn guard_health(&self) -> Vec<(&'static str, GuardHealth)> {
        self.guards.iter().map(|(context, guard)| (*context, guard.health())).collect()
    }
    fn replica_health(&self) -> Vec<ReplicaHealth> {
        self.replicas.iter().map(|replica| replica.health()).collect()
    }
    fn disputes(&self) -> Vec<Dispute> {
        let of_replicas = self.replicas.iter().filter_map(|replica| replica.dispute());
        self.known_pasts.disputes().into_iter().chain(of_replicas).collect()
    }
    fn compare_pasts(&self, callee: &dyn Context, question: &PeerQuestion) -> Result<(), Fault> {
        if self.without == Some(Safeguard::ComparePasts) {
            return Ok(());
        }
        if let (Some(known), Some(history)) = (question.heard, callee.event_log())
            && !history.has_event(known)
        {
            return Err(self.known_pasts.report_lost_event(callee.name().context, known));
        }
        let asker = question.id.context.as_ref();
        // What is decided here asks from here: this is another one of it.
        if self.contexts.iter().any(|context| context.name().context == asker) {
            return Err(self.known_pasts.report_second_node(asker));
        }
        let Some(past) = &question.past else { return Ok(()) };
        // What its events show of it counts as well as the past that it has sent.
        let replica = self.replicas.iter().find(|replica| replica.context() == asker);
        if let Some(known) = replica.and_then(|replica| replica.past()) {
            match past.relation_to(&known) {
                Relation::GoesOn => {}
                Relation::Behind => return Err(late_fault()),
                Relation::Apart => {
                    return Err(self.known_pasts.report_divergence(asker, known.last()));
                }
            }
        }
        self.known_pasts.accept_past(asker, past)
    }
    fn refused_messages(
        &self,
        after: Option<(&str, u64)>,
        limit: usize,
    ) -> Result<Vec<ParkedMessage>, Fault> {
        Ok(self.refused.list_messages(after, limit)?)
    }
    fn refused_message_count(&self) -> u64 {
        self.refused.count()
    }
    fn settle_refused(
        &self,
        context: &str,
        number: u64,
        redrive: bool,
    ) -> BoxFuture<'_, Result<bool, Fault>> {
        let context = context.to_owned();
        async move { self.settle_message(&context, number, redrive).await }.boxed()
    }
    fn sink_health(&self) -> Vec<SinkHealth> {
        let mut sinks: Vec<_> =
            sync::read(&self.pumps).iter().filter_map(|pump| pump.sink_health()).collect();
        sinks.dedup_by_key(|health| health.sink);
        sinks
    }
    fn outbox_health(&self) -> Vec<OutboxHealth> {
        sync::read(&self.pumps).iter().map(|pump| pump.health()).collect()
    }
    fn store_works(&self) -> bool {
        self.store.failure().is_none()
    }
    fn is_ready(&self) -> bool {
        let starting = |context: &Arc<dyn Context>| context.phase() == Phase::Starting;
        self.store_works() && !self.contexts.iter().any(starting) && self.disputes().is_empty()
    }
}
