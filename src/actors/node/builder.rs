//! Lays the contexts of a board out on a node: who listens to whom, which doors there are, and an actor for each.

use super::local_node::{NodeError, NodeSettings};
use crate::actors::{
    actor::{
        behavior::Behavior,
        context_actor::ContextActor,
        status::{ContextStatus, Latest, Mailbox},
    },
    aggregate::{
        behavior::AggregateBehavior,
        handle::{Enter, Handle, Patience},
        message::Mail,
    },
    ask::{
        directory::{Askable, Peer, Peers},
        guard::Guard,
    },
    cluster::{
        hearsay::Hearsay,
        remote_context::{Pasts, RemoteContext, TellPast},
        replica::{Replica, ReplicaHandle},
    },
    outbox::event_log::Outflows,
    port::{
        clock::Clock,
        context::{Context, DoorInfo, Verb},
    },
    projection::{
        behavior::{Change, Mail as ViewMail, Projecting, generation},
        handle::ViewHandle,
    },
    subscription::{
        source::{
            LocalSource, Queue, Reaction, Source, Subscribers, Whose, last_sequence, last_time,
        },
        subscriptions::{Delivery, Subscriptions},
    },
    tables::{
        rebuild::{self, Functions},
        transaction::Tree,
    },
};
use crate::{
    domain::{
        Aggregate, Board, Body, Entity, Folds, Id, Messages, Name, Policies, React, Role, Routes,
        Target, View, Write, lenient,
    },
    store::{Store, StoreError},
};
use actix::{ArbiterHandle, Supervisor};
use schemars::{Schema, SchemaGenerator};
use std::{
    any::Any,
    collections::HashMap,
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
    pub has_lived: Box<dyn Fn() -> bool + Send + Sync>,
    /// Marks it as to be loaded anew by an actor that takes its place.
    pub replace: Box<dyn Fn() + Send + Sync>,
    pub wake: Box<dyn Fn() + Send + Sync>,
}

/// The board of a node: lays out what it is shown.
pub struct NodeBuilder<'a> {
    store: &'a Arc<dyn Store>,
    clock: &'a Arc<Clock>,
    pub(crate) peers: Peers,
    settings: &'a NodeSettings,
    pub(crate) placed: Vec<DeployedContext>,
    pub(crate) known: HashMap<&'static str, Peer>,
    pub(crate) failed: Option<NodeError>,
    pub(crate) replicas: Vec<Arc<dyn ReplicaHandle>>,
    pub(crate) guards: Vec<(&'static str, Arc<Guard>)>,
    pub(crate) pasts: Pasts,
    pub(crate) told: HashMap<&'static str, TellPast>,
    heard: &'a Arc<Hearsay>,
    listeners: HashMap<&'static str, Box<dyn Any>>,
}

impl<'a> NodeBuilder<'a> {
    pub(crate) fn new(
        store: &'a Arc<dyn Store>,
        clock: &'a Arc<Clock>,
        settings: &'a NodeSettings,
        heard: &'a Arc<Hearsay>,
    ) -> Self {
        Self {
            store,
            clock,
            peers: Peers::default(),
            settings,
            placed: Vec::new(),
            known: HashMap::new(),
            failed: None,
            replicas: Vec::new(),
            guards: Vec::new(),
            pasts: Pasts::default(),
            told: HashMap::new(),
            heard,
            listeners: HashMap::new(),
        }
    }

    /// Where the log of `S` is: in its own tree, or in the replica of a context that another node hosts.
    fn log<S: Aggregate>(&self) -> Result<Tree<S>, NodeError> {
        Ok(match self.settings.hosts(S::NAME.context) {
            true => Tree::open(self.store)?,
            false => Tree::open_as(self.store, &format!("replica/{}", S::NAME.context))?,
        })
    }

    /// Those who listen to `S`, whether or not it is laid out yet.
    fn listeners<S: Aggregate>(&mut self) -> Result<Arc<Subscribers<S>>, NodeError> {
        let known = self
            .listeners
            .get(S::NAME.context)
            .and_then(|known| known.downcast_ref::<Arc<Subscribers<S>>>());
        if let Some(known) = known {
            return Ok(known.clone());
        }
        let (listeners, tree) = (Arc::new(Subscribers::<S>::default()), self.log::<S>()?);
        let last = last_sequence(&tree)?;
        listeners.latest.store(last, SeqCst);
        listeners.know_history(&tree, self.settings.hosts(S::NAME.context).then_some(last + 1))?;
        if let Some(wire) =
            self.settings.wire.as_ref().filter(|_| !self.settings.hosts(S::NAME.context))
        {
            self.replicas.push(Arc::new(Replica::open(tree, listeners.clone(), wire.clone())?));
        }
        self.listeners.insert(S::NAME.context, Box::new(listeners.clone()));
        Ok(listeners)
    }

    /// Has `L` listen to `S`: pushes become its mail, and the log is there for what was missed.
    fn connect<L: Behavior, S: Aggregate, T: Send + 'static>(
        &mut self,
        mailbox: &Arc<Mailbox<L>>,
        ear: usize,
        react: &Reaction<S, T>,
        mail: fn(Delivery<T>) -> L::Mail,
    ) -> Result<(Arc<Subscribers<S>>, Queue), NodeError> {
        let (listeners, pushes) = (self.listeners::<S>()?, Queue::default());
        let (mailbox, pushed, queue) = (mailbox.clone(), react.clone(), pushes.clone());
        listeners.add(Box::new(move |events| {
            if let Some(ticket) = queue.ticket() {
                let told = LocalSource::<S, T>::told(events, &pushed);
                mailbox.post(mail(Delivery { ear, told, _ticket: ticket }));
            }
        }));
        Ok((listeners, pushes))
    }

    fn shared<E: Entity>(&self) -> Arc<ContextStatus> {
        ContextStatus::new(E::NAME, self.store.clone(), self.settings)
    }

    fn place<L: Behavior>(
        &mut self,
        name: Name,
        mailbox: &Arc<Mailbox<L>>,
        context: Arc<dyn Context>,
        logic: impl Fn() -> Result<L, NodeError> + Send + Sync + 'static,
    ) {
        let spawn = {
            let (mailbox, shared) = (mailbox.clone(), mailbox.shared.clone());
            let logic = Arc::new(logic);
            move |arbiter: &ArbiterHandle| {
                let (mailbox, shared, logic) = (mailbox.clone(), shared.clone(), logic.clone());
                arbiter.spawn_fn(move || match logic() {
                    Ok(logic) => drop(Supervisor::start(|_| ContextActor::new(logic, shared, mailbox))),
                    Err(error) => {
                        tracing::error!(context = shared.name.context, %error, "the context cannot be started");
                        shared.set_phase(crate::actors::port::health::Phase::Failed);
                    }
                });
            }
        };
        let (alive, lived, waking) = (mailbox.clone(), mailbox.clone(), mailbox.clone());
        let replaced = mailbox.clone();
        self.placed.push(DeployedContext {
            name,
            context,
            spawn: Box::new(spawn),
            is_alive: Box::new(move || alive.connected()),
            has_lived: Box::new(move || lived.has_lived()),
            replace: Box::new(move || {
                replaced.shared.set_phase(crate::actors::port::health::Phase::Starting);
                replaced.vacate();
            }),
            wake: Box::new(move || waking.post(L::wake())),
        });
    }

    fn lay_aggregate<A: Aggregate>(&mut self) -> Result<(), NodeError> {
        let shared = self.shared::<A>();
        let mailbox = Mailbox::<AggregateBehavior<A>>::new(shared.clone());
        let mut hearing = Hearings {
            layout: self,
            mailbox: &mailbox,
            sources: Vec::new(),
            latest: Vec::new(),
            failed: None,
        };
        A::whenever(&mut hearing);
        let Hearings { sources, latest, failed, .. } = hearing;
        failed.map_or(Ok(()), Err)?;
        let _ = shared.sources.set(latest);

        let mut doors = DoorList::<A>(Vec::new(), Vec::new());
        A::routes(&mut doors);

        let tree = Tree::<A>::open(self.store)?.telling(&shared);
        rebuild::say_whether_due(&shared, &tree, &Functions::of_aggregate())?;
        last_time(&tree).into_iter().for_each(|at| self.clock.carry_on_from(at));
        let guard = Guard::new(self.settings.guard(&A::NAME));
        let (guards, system_guards) =
            (self.settings.guards.clone(), self.settings.system_guards.clone());
        let asking = NodeSettings { guards, system_guards, ..NodeSettings::default() };
        let patience: Patience = Box::new(move |chain| asking.patience(A::NAME.system, chain));
        let mut writing = Writing::<A>(None);
        A::messages(&mut writing);
        let listeners = self.listeners::<A>()?;
        self.told.insert(A::NAME.context, Box::new(move || listeners.past()));
        let outflows =
            Outflows { tree: tree.clone(), listeners: self.listeners::<A>()?, write: writing.0 };
        let doors = (doors.0, doors.1);
        let handle = Arc::new(Handle::new(
            mailbox.clone(),
            tree.clone(),
            guard.clone(),
            doors,
            patience,
            outflows,
        ));
        let askable: Arc<dyn Askable> = handle.clone();
        self.known.insert(A::NAME.context, Peer { guard, askable });

        let settings: A::Settings = self.settings.of_system(A::NAME.system)?;
        let (clock, peers, listeners) =
            (self.clock.clone(), self.peers.clone(), self.listeners::<A>()?);
        let sources = Arc::new(sources);
        self.place(A::NAME, &mailbox, handle, move || {
            let ears = Subscriptions::new(sources.iter().map(|open| open()).collect());
            let (tree, shared, clock) = (tree.clone(), shared.clone(), clock.clone());
            Ok(AggregateBehavior::new(
                tree,
                shared,
                clock,
                settings.clone(),
                peers.clone(),
                ears,
                listeners.clone(),
            ))
        });
        Ok(())
    }

    /// A context that another node hosts can be asked from here, through a guard of this node's own.
    fn lay_remote<A: Aggregate>(&mut self) {
        if let Some(wire) = self.settings.wire.as_ref().filter(|wire| wire.reaches(A::NAME.context))
        {
            let settings = self.settings.guard(&A::NAME);
            let (patience, guard) = (settings.patience(), Guard::new(settings));
            let (context, store) = (A::NAME.context, self.store.clone());
            let (pasts, heard) = (self.pasts.clone(), self.heard.clone());
            let askable =
                RemoteContext { context, wire: wire.clone(), store, patience, pasts, heard };
            self.guards.push((context, guard.clone()));
            self.known.insert(context, Peer { guard, askable: Arc::new(askable) });
        }
    }

    fn lay_view<V: View>(&mut self) -> Result<(), NodeError> {
        let shared = self.shared::<V>();
        let mailbox = Mailbox::<Projecting<V>>::new(shared.clone());
        let mut hearing = Hearings {
            layout: self,
            mailbox: &mailbox,
            sources: Vec::new(),
            latest: Vec::new(),
            failed: None,
        };
        V::folds(&mut hearing);
        let Hearings { sources, latest, failed, .. } = hearing;
        failed.map_or(Ok(()), Err)?;
        let _ = shared.sources.set(latest);
        let tree = Tree::<V>::open(self.store)?.telling(&shared);
        // Readers may come before the actor has loaded anything.
        match generation(&tree) {
            Ok(generation) => shared.generation.store(generation, SeqCst),
            // Its actor says so, and fails; the others go on.
            Err(StoreError::Damaged(_)) => {}
            Err(error) => return Err(error.into()),
        }
        rebuild::say_whether_due(&shared, &tree, &Functions::of_view())?;
        let handle = ViewHandle::new(
            mailbox.clone(),
            tree.clone(),
            Guard::new(self.settings.guard(&V::NAME)),
        );
        let sources = Arc::new(sources);
        self.place(V::NAME, &mailbox, Arc::new(handle), move || {
            let ears = Subscriptions::new(sources.iter().map(|open| open()).collect());
            Ok(Projecting::new(tree.clone(), shared.clone(), ears))
        });
        Ok(())
    }
}

impl Board for NodeBuilder<'_> {
    fn aggregate<A: Aggregate>(&mut self) {
        match self.settings.hosts(A::NAME.context) {
            true if self.failed.is_none() => self.failed = self.lay_aggregate::<A>().err(),
            true => {}
            false => self.lay_remote::<A>(),
        }
    }
    fn view<V: View>(&mut self) {
        if self.failed.is_none() && self.settings.hosts(V::NAME.context) {
            self.failed = self.lay_view::<V>().err();
        }
    }
}

type OpenSource<T> = Box<dyn Fn() -> Box<dyn Source<T>> + Send + Sync>;

/// Gathers the sources of one listener.
struct Hearings<'l, 'a, L: Behavior, T> {
    layout: &'l mut NodeBuilder<'a>,
    mailbox: &'l Arc<Mailbox<L>>,
    sources: Vec<OpenSource<T>>,
    latest: Vec<(&'static str, Latest)>,
    failed: Option<NodeError>,
}

impl<L: Behavior, T: Send + 'static> Hearings<'_, '_, L, T> {
    fn add<S: Aggregate>(&mut self, react: Reaction<S, T>, mail: fn(Delivery<T>) -> L::Mail) {
        match self.layout.connect::<L, S, T>(self.mailbox, self.sources.len(), &react, mail) {
            Ok((listeners, pushes)) => {
                let said = listeners.clone();
                self.latest.push((S::NAME.context, Box::new(move || said.latest.load(SeqCst))));
                match self.layout.log::<S>().map(|tree| tree.telling(&self.mailbox.shared)) {
                    Ok(tree) => self.sources.push(Box::new(move || {
                        Box::new(LocalSource::new(&tree, &listeners, &react, &pushes))
                    })),
                    Err(error) => self.failed = Some(error),
                }
            }
            Err(error) => self.failed = Some(error),
        }
    }
}

impl<A: Aggregate> Policies<A> for Hearings<'_, '_, AggregateBehavior<A>, A::Command> {
    fn on<S: Aggregate>(&mut self, react: React<A, S>) {
        let reaction: Reaction<S, A::Command> = Arc::new(move |events, place| {
            let (id, command) = react(&events.get(place)?.event)?;
            Some((Whose::Number(id.get()), command))
        });
        self.add::<S>(reaction, Mail::Heard);
    }
    fn creating<S: Aggregate>(&mut self, react: fn(&S::Event) -> Option<A::Command>) {
        let reaction: Reaction<S, A::Command> =
            Arc::new(move |events, place| Some((Whose::New, react(&events.get(place)?.event)?)));
        self.add::<S>(reaction, Mail::Heard);
    }
}

impl<V: View> Folds<V> for Hearings<'_, '_, Projecting<V>, Change<V>> {
    fn on<S: Aggregate>(&mut self, row: fn(&S::Event) -> Option<u64>, fold: fn(&mut V, &S::Event)) {
        let reaction: Reaction<S, Change<V>> = Arc::new(move |events, place| {
            let number = row(&events.get(place)?.event)?;
            let events = events.clone();
            let change: Change<V> = Box::new(move |row| {
                if let Some(logged) = events.get(place) {
                    fold(row, &logged.event);
                }
            });
            Some((Whose::Number(number), change))
        });
        self.add::<S>(reaction, ViewMail::Heard);
    }
}

/// Gathers the doors of one context: what the outside sees of them, and how a body becomes a command.
struct DoorList<A: Aggregate>(Vec<DoorInfo>, Vec<Enter<A>>);

fn schema<B: Body>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<B>()
}

impl<A: Aggregate> DoorList<A> {
    fn add(
        &mut self,
        verb: Verb,
        word: Option<&'static str>,
        role: Role,
        body: Option<fn(&mut SchemaGenerator) -> Schema>,
        enter: Enter<A>,
    ) {
        self.0.push(DoorInfo { verb, word, role, body });
        self.1.push(enter);
    }
}

/// The number comes from the path.
fn on_path<A: Aggregate>(command: A::Command) -> (Target<A>, A::Command) {
    (Target::Chosen(Id::new(0)), command)
}

impl<A: Aggregate> Routes<A> for DoorList<A> {
    fn post<B: Body>(&mut self, who: Role, enter: fn(B) -> (Target<A>, A::Command)) {
        self.add(
            Verb::Post,
            None,
            who,
            Some(schema::<B>),
            Box::new(move |body| Ok(enter(lenient::read(body)?))),
        );
    }
    fn patch<B: Body>(&mut self, who: Role, enter: fn(B) -> A::Command) {
        let enter = Box::new(move |body| Ok(on_path::<A>(enter(lenient::read(body)?))));
        self.add(Verb::Patch, None, who, Some(schema::<B>), enter);
    }
    fn patch_verb(&mut self, who: Role, verb: &'static str, enter: fn() -> A::Command) {
        self.add(Verb::Patch, Some(verb), who, None, Box::new(move |_| Ok(on_path::<A>(enter()))));
    }
    fn delete(&mut self, who: Role, enter: fn() -> A::Command) {
        self.add(Verb::Delete, None, who, None, Box::new(move |_| Ok(on_path::<A>(enter()))));
    }
}

/// Finds out what of an aggregate is told to somebody outside.
struct Writing<A: Aggregate>(Option<Write<A>>);

impl<A: Aggregate> Messages<A> for Writing<A> {
    fn sending(&mut self, write: Write<A>) {
        self.0 = Some(write);
    }
}
