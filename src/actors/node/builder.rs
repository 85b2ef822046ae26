//! Lays the contexts of a board out on a node: who listens to whom, which routes there are, and an actor for each.

mod on_board;

use super::declared::{DeclaredAggregate, DeclaredView, ListensTo};
use super::settings::{NodeError, NodeSettings};
use crate::{
    actors::{
        actor::{
            behavior::Behavior, context_actor::ContextActor, handle::ContextHandle,
            mailbox::Mailbox,
        },
        aggregate::{
            context::AggregateBehavior,
            handle::{AggregatePart, Patience},
            message::AggregateMail,
            prospects::Surroundings,
        },
        ask::{
            directory::{Askable, Peer, PeerDirectory},
            guard::Guard,
            over_network::OverNetwork,
        },
        cluster::{
            known_pasts::KnownPasts,
            remote_context::{Pasts, RemoteContext, TellPast},
            replica::Replica,
        },
        erased::AggregateType,
        outbox::event_log::EventLogs,
        port::{
            clock::Clock,
            context::Context,
            history::Word,
            network::{Transmission, TransmissionKind},
            replica::ReplicaHandle,
            retention::Retention,
            safeguard::Safeguard,
            status::ContextStatus,
        },
        projection::{
            handle::ViewPart,
            view::{ViewBehavior, ViewMail, stored_generation},
        },
        subscription::{
            source::{LocalSource, LogEntries, PushWindow, Source, Subscribers},
            source_log::source_log,
            subscriptions::{EventDelivery, Subscriptions},
        },
        tables::{
            log::{last_sequence, last_time},
            rebuild,
            tree::Tree,
        },
    },
    domain::{Label, Name},
    store::{Store, StoreError},
};
use actix::{ArbiterHandle, Supervisor};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::SeqCst},
};

/// Starts an actor on an arbiter.
pub type Spawn = Box<dyn Fn(&ArbiterHandle) + Send + Sync>;

/// One context, laid out: its handle, how to start its actor, and whether that is alive.
pub struct DeployedContext {
    pub name: Name,
    pub context: Arc<dyn Context>,
    pub spawn: Spawn,
    pub is_alive: Box<dyn Fn() -> bool + Send + Sync>,
    /// Whether an actor of it has ever been there.
    pub was_attached: Box<dyn Fn() -> bool + Send + Sync>,
    /// Marks it as to be loaded anew by an actor that takes its place.
    pub replace: Box<dyn Fn() + Send + Sync>,
    pub wake: Box<dyn Fn() + Send + Sync>,
}

/// The board of a node: lays out what it is shown.
pub struct NodeBuilder<'a> {
    store: &'a Arc<dyn Store>,
    clock: &'a Arc<Clock>,
    pub(crate) peers: PeerDirectory,
    settings: &'a NodeSettings,
    pub(crate) deployed: Vec<DeployedContext>,
    pub(crate) askable: BTreeMap<&'static str, Peer>,
    pub(crate) failed: Option<NodeError>,
    pub(crate) replicas: Vec<Arc<dyn ReplicaHandle>>,
    pub(crate) guards: Vec<(&'static str, Arc<Guard>)>,
    pub(crate) pasts: Pasts,
    pub(crate) local_pasts: BTreeMap<&'static str, TellPast>,
    known_pasts: &'a Arc<KnownPasts>,
    subscribers: BTreeMap<&'static str, Arc<Subscribers>>,
    /// What people call what the contexts have on the wire that are laid out now.
    labels: &'static [Label],
}

impl<'a> NodeBuilder<'a> {
    pub(crate) fn new(
        store: &'a Arc<dyn Store>,
        clock: &'a Arc<Clock>,
        settings: &'a NodeSettings,
        known_pasts: &'a Arc<KnownPasts>,
    ) -> Self {
        Self {
            store,
            clock,
            peers: PeerDirectory::default(),
            settings,
            deployed: Vec::new(),
            askable: BTreeMap::new(),
            failed: None,
            replicas: Vec::new(),
            guards: Vec::new(),
            pasts: Pasts::default(),
            local_pasts: BTreeMap::new(),
            known_pasts,
            subscribers: BTreeMap::new(),
            labels: &[],
        }
    }

    /// Where a context's log is: in its own tree, or in the replica of a context that another node hosts.
    fn open_log(&self, aggregate: &'static dyn AggregateType) -> Result<Tree, NodeError> {
        let context = aggregate.name().context;
        Ok(if self.settings.hosts_context(context) {
            Tree::open(self.store, aggregate)?
        } else {
            Tree::open_as(self.store, aggregate, &format!("replica/{context}"))?
        })
    }

    /// Those who listen to a context, whether or not it is laid out yet.
    fn subscribers_of(
        &mut self,
        aggregate: &'static dyn AggregateType,
    ) -> Result<Arc<Subscribers>, NodeError> {
        let context = aggregate.name().context;
        if let Some(known) = self.subscribers.get(context) {
            return Ok(known.clone());
        }
        let random = self.settings.machine.random();
        let does = |safeguard| self.settings.without != Some(safeguard);
        let word = Word::new(if does(Safeguard::BeginEpochs) { random } else { 1 });
        let listeners = Arc::new(Subscribers::new(aggregate, word));
        let tree = self.open_log(aggregate)?;
        let last = last_sequence(aggregate, &tree)?;
        let is_here = self.settings.hosts_context(context);
        listeners.latest.store(last, SeqCst);
        listeners.load_history(&tree, is_here.then_some(last + 1))?;
        if let Some(wire) = self.settings.wire.as_ref().filter(|_| !is_here) {
            let machine = self.settings.machine.clone();
            let replica = Replica::open(tree, listeners.clone(), wire.clone(), machine)?;
            let replica = replica.continuing(does(Safeguard::ContinueLogs));
            self.replicas.push(Arc::new(replica));
        }
        self.subscribers.insert(context, listeners.clone());
        Ok(listeners)
    }

    /// Has the owner of a mailbox listen to a context: pushes become its mail, and the log is there for what was missed.
    fn subscribe_mailbox<M: Send + 'static, T: Send + 'static>(
        &mut self,
        mailbox: &Arc<Mailbox<M>>,
        subscription: usize,
        listens_to: &ListensTo<T>,
        mail: fn(EventDelivery<T>) -> M,
    ) -> Result<(Arc<Subscribers>, PushWindow), NodeError> {
        let listeners = self.subscribers_of(listens_to.source)?;
        let pushes = PushWindow::default();
        let mailbox = mailbox.clone();
        let pushed = listens_to.react.clone();
        let queue = pushes.clone();
        let push = move |events: &LogEntries| {
            let ticket = queue.try_acquire()?;
            let batch = LocalSource::typed_batch(events, &pushed);
            Some(mail(EventDelivery { subscription, batch, _ticket: ticket }))
        };
        let Some(network) = self.settings.network.clone() else {
            let push =
                move |events: &_| push(events).into_iter().for_each(|mail| mailbox.post(mail));
            listeners.subscribe(Box::new(push));
            return Ok((listeners, pushes));
        };
        let from = listens_to.source.name().context;
        listeners.subscribe(Box::new(move |events| {
            let to = mailbox.shared.name.context;
            let sent = Transmission { kind: TransmissionKind::Events, from, to };
            for pause in network.deliveries(sent) {
                let Some(mail) = push(events) else { continue };
                let mailbox = mailbox.clone();
                actix::spawn(async move {
                    tokio::time::sleep(pause).await;
                    mailbox.post(mail);
                });
            }
        }));
        Ok((listeners, pushes))
    }

    /// Has the owner of a mailbox listen to all its sources; gives how to open the sources anew for each of its lives.
    fn connect_all<M: Send + 'static, T: Send + 'static>(
        &mut self,
        mailbox: &Arc<Mailbox<M>>,
        all: Vec<ListensTo<T>>,
        mail: fn(EventDelivery<T>) -> M,
    ) -> Result<Vec<OpenSource<T>>, NodeError> {
        let mut sources = Vec::<OpenSource<T>>::new();
        let mut logs = Vec::new();
        for listens_to in all {
            let (listeners, pushes) =
                self.subscribe_mailbox(mailbox, sources.len(), &listens_to, mail)?;
            let tree = self.open_log(listens_to.source)?.reporting_to(&mailbox.shared);
            logs.push(source_log(&tree, &listeners, &listens_to.react));
            sources.push(Box::new(move || {
                Box::new(LocalSource::new(&tree, &listeners, &listens_to.react, &pushes))
            }));
        }
        let _ = mailbox.shared.sources.set(logs);
        Ok(sources)
    }

    fn new_status(&self, name: Name) -> Arc<ContextStatus> {
        ContextStatus::new(
            name,
            self.store.clone(),
            self.settings.machine.clone(),
            self.settings.without,
            self.settings.admission,
            Retention::new(self.settings.kept),
            self.settings.chaos.clone(),
        )
    }

    fn new_guard(&self, name: Name) -> Arc<Guard> {
        let settles_at_once = self.settings.without != Some(Safeguard::SettleAtOnce);
        Arc::new(Guard::new(self.settings.guard_settings(&name)).settling_at_once(settles_at_once))
    }

    fn deploy_context<L: Behavior>(
        &mut self,
        name: Name,
        mailbox: &Arc<Mailbox<L::Mail>>,
        context: Arc<dyn Context>,
        logic: impl Fn() -> Result<L, NodeError> + Send + Sync + 'static,
    ) {
        let spawn = {
            let shared = mailbox.shared.clone();
            let mailbox = mailbox.clone();
            let logic = Arc::new(logic);
            move |arbiter: &ArbiterHandle| {
                let mailbox = mailbox.clone();
                let shared = shared.clone();
                let logic = logic.clone();
                arbiter.spawn_fn(move || match logic() {
                    Ok(logic) => drop(Supervisor::start(|_| ContextActor::new(logic, shared, mailbox))),
                    Err(error) => {
                        tracing::error!(context = shared.name.context, %error, "the context cannot be started");
                        shared.set_phase(crate::actors::port::health::Phase::Failed);
                    }
                });
            }
        };
        let alive = mailbox.clone();
        let lived = mailbox.clone();
        let waking = mailbox.clone();
        let replaced = mailbox.clone();
        self.deployed.push(DeployedContext {
            name,
            context,
            spawn: Box::new(spawn),
            is_alive: Box::new(move || alive.is_connected()),
            was_attached: Box::new(move || lived.was_attached()),
            replace: Box::new(move || {
                replaced.shared.set_phase(crate::actors::port::health::Phase::Starting);
                replaced.detach();
            }),
            wake: Box::new(move || waking.post(L::wake_mail())),
        });
    }

    fn deploy_aggregate(&mut self, declared: DeclaredAggregate) -> Result<(), NodeError> {
        let DeclaredAggregate { aggregate, sources, routes, messaging } = declared;
        let name = aggregate.name();
        let shared = self.new_status(name);
        let mailbox = Mailbox::<AggregateMail>::new(shared.clone());
        let sources = Arc::new(self.connect_all(&mailbox, sources, AggregateMail::Delivery)?);

        let tree = Tree::open(self.store, aggregate)?.reporting_to(&shared);
        rebuild::say_whether_due(&shared, &tree)?;
        last_time(aggregate, &tree).into_iter().for_each(|at| self.clock.carry_on_from(at));
        let guard = self.new_guard(name);
        let guards = self.settings.guards.clone();
        let system_guards = self.settings.system_guards.clone();
        let asking = NodeSettings { guards, system_guards, ..NodeSettings::default() };
        let patience: Patience = Box::new(move |chain| asking.ask_patience(name.system, chain));
        let listeners = self.subscribers_of(aggregate)?;
        let past = listeners.clone();
        self.local_pasts.insert(name.context, Box::new(move || past.past()));
        let outflows = EventLogs {
            tree: tree.clone(),
            listeners: listeners.clone(),
            status: shared.clone(),
            written_version: self.settings.written_version(aggregate)?,
            messaging,
        };
        let settings = self.settings.of_aggregate(aggregate)?;
        let surroundings = Surroundings { settings: settings.clone(), clock: self.clock.clone() };
        let part = AggregatePart::new(routes, patience, outflows, surroundings);
        let handle = Arc::new(
            ContextHandle::new(mailbox.clone(), tree.clone(), guard.clone(), part)
                .with_labels(self.labels),
        );
        let askable: Arc<dyn Askable> = handle.clone();
        let askable = match self.settings.network.clone() {
            Some(network) => Arc::new(OverNetwork { context: name.context, askable, network }),
            None => askable,
        };
        self.askable.insert(name.context, Peer { guard, askable });

        let clock = self.clock.clone();
        let peers = self.peers.clone();
        self.deploy_context(name, &mailbox, handle, move || {
            let subscriptions = Subscriptions::new(sources.iter().map(|open| open()).collect());
            let tree = tree.clone();
            let shared = shared.clone();
            let clock = clock.clone();
            Ok(AggregateBehavior::new(
                tree,
                shared,
                clock,
                settings.clone(),
                peers.clone(),
                subscriptions,
                listeners.clone(),
            ))
        });
        Ok(())
    }

    /// A context that another node hosts can be asked from here, through a guard of this node's own.
    fn reach_remote(&mut self, name: Name) {
        let context = name.context;
        if let Some(wire) = self.settings.wire.as_ref().filter(|wire| wire.reaches_context(context))
        {
            let patience = self.settings.guard_settings(&name).patience();
            let guard = self.new_guard(name);
            let store = self.store.clone();
            let pasts = self.pasts.clone();
            let known_pasts = self.known_pasts.clone();
            let askable =
                RemoteContext { context, wire: wire.clone(), store, patience, pasts, known_pasts };
            self.guards.push((context, guard.clone()));
            self.askable.insert(context, Peer { guard, askable: Arc::new(askable) });
        }
    }

    fn deploy_view(&mut self, declared: DeclaredView) -> Result<(), NodeError> {
        let DeclaredView { view, sources } = declared;
        let name = view.name();
        let shared = self.new_status(name);
        let mailbox = Mailbox::<ViewMail>::new(shared.clone());
        let sources = Arc::new(self.connect_all(&mailbox, sources, ViewMail::Delivery)?);
        let tree = Tree::open(self.store, view)?.reporting_to(&shared);
        // Readers may come before the actor has loaded anything.
        match stored_generation(&tree) {
            Ok(generation) => shared.generation.store(generation, SeqCst),
            // Its actor reports it, and fails; the others go on.
            Err(StoreError::Damaged(_)) => {}
            Err(error) => return Err(error.into()),
        }
        rebuild::say_whether_due(&shared, &tree)?;
        let guard = self.new_guard(name);
        let handle = ContextHandle::new(mailbox.clone(), tree.clone(), guard, ViewPart)
            .with_labels(self.labels);
        self.deploy_context(name, &mailbox, Arc::new(handle), move || {
            let subscriptions = Subscriptions::new(sources.iter().map(|open| open()).collect());
            Ok(ViewBehavior::new(tree.clone(), shared.clone(), subscriptions))
        });
        Ok(())
    }
}

type OpenSource<T> = Box<dyn Fn() -> Box<dyn Source<T>> + Send + Sync>;
