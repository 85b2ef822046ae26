//! The handle of a context, used by other threads: what every context does, and a part for what only its kind does.

use super::mailbox::{Mailbox, SetRunning};
use crate::{
    actors::{
        ask::guard::Guard,
        port::{
            context::{CommandRequest, Context, ListPage, ListQuery, Outcome, Seen},
            declaration::{Declaration, RouteInfo},
            event_log::{EventLog, OutboundMessage, RecordedEvent},
            fault::Fault,
            health::{ContextHealth, Injected, ParkedEvent, ParkedId, Phase, SagaPart},
            peers::PeerQuestion,
            status::{ContextStatus, HeardSource},
        },
        tables::{
            parked::{self, ParkedRow},
            query,
            tree::Tree,
        },
    },
    domain::{Lifecycle, MessageOutcome, Name, Refusal},
    store::StoreError,
    sync,
};
use futures_util::{FutureExt, future::BoxFuture};
use schemars::{Schema, SchemaGenerator};
use std::sync::{
    Arc,
    atomic::Ordering::{Relaxed, SeqCst},
};
use tokio::sync::oneshot;

/// Tells an operator how it went.
pub type Done = oneshot::Sender<Result<(), Fault>>;

/// The handle of a context.
pub struct ContextHandle<P: HandlePart> {
    pub mailbox: Arc<Mailbox<P::Mail>>,
    pub tree: Tree,
    filters: Vec<&'static str>,
    guard: Arc<Guard>,
    pub part: P,
}

/// What only one kind of context does. Each function is the one of [`Context`] with its name.
pub trait HandlePart: Send + Sync + Sized + 'static {
    /// What its actor is sent.
    type Mail: Send + 'static;
    /// Whether it only listens.
    const IS_VIEW: bool;

    fn routes(&self) -> &[RouteInfo] {
        &[]
    }
    fn enter(
        handle: &ContextHandle<Self>,
        order: CommandRequest,
    ) -> BoxFuture<'static, Result<Outcome, Fault>>;
    fn rebuild(handle: &ContextHandle<Self>) -> BoxFuture<'static, Result<(), Fault>>;
    /// The message that redrives or drops what is parked.
    fn unpark(parked: ParkedId, redrive: bool, done: Done) -> Self::Mail;
    fn ask(
        handle: &ContextHandle<Self>,
        _question: PeerQuestion,
    ) -> BoxFuture<'static, Result<Result<(), Refusal>, Fault>> {
        std::future::ready(Err(Fault::Away(handle.shared().name.context))).boxed()
    }
    fn history(&self) -> Option<Arc<dyn EventLog<RecordedEvent>>> {
        None
    }
    fn messages(&self) -> Option<Arc<dyn EventLog<OutboundMessage>>> {
        None
    }
    fn report_message(
        handle: &ContextHandle<Self>,
        _number: u64,
        _outcome: MessageOutcome,
    ) -> BoxFuture<'static, Result<(), Fault>> {
        std::future::ready(Err(Fault::Away(handle.shared().name.context))).boxed()
    }
    fn saga(
        _handle: &ContextHandle<Self>,
        _began: (&str, u64),
        _from: u64,
        _limit: usize,
    ) -> Result<SagaPart, Fault> {
        Ok(SagaPart::default())
    }
}

impl<P: HandlePart> ContextHandle<P> {
    pub fn new(mailbox: Arc<Mailbox<P::Mail>>, tree: Tree, guard: Arc<Guard>, part: P) -> Self {
        let filters = query::filter_fields(tree.entity);
        Self { mailbox, tree, filters, guard, part }
    }

    pub fn shared(&self) -> &ContextStatus {
        &self.mailbox.shared
    }

    /// Reads again if the shown generation changed meanwhile: the old one is being purged.
    fn read_one_generation<T>(&self, look: impl Fn(u32) -> Result<T, Fault>) -> Result<T, Fault> {
        loop {
            let generation = self.shared().generation.load(SeqCst);
            let seen = look(generation);
            if self.shared().generation.load(SeqCst) == generation {
                return seen;
            }
        }
    }

    /// How many events it has not processed, from the stored positions: right even if the actor
    /// does not run.
    fn backlog(&self) -> u64 {
        let meta = self.tree.counters().map(|(meta, _)| meta).unwrap_or_default();
        let positions = meta.building.as_ref().map_or(&meta.positions, |(_, positions)| positions);
        let left = |source: &HeardSource| {
            let position = positions.get(source.context).copied().unwrap_or(0);
            (source.latest)().saturating_sub(position)
        };
        self.shared().sources.get().map_or(0, |sources| sources.iter().map(left).sum())
    }

    fn set_running(&self, is_halted: bool) -> BoxFuture<'static, ()> {
        let mailbox = self.mailbox.clone();
        async move {
            let (done, is_done) = oneshot::channel();
            mailbox.set_running(SetRunning(is_halted, done));
            let _ = is_done.await;
        }
        .boxed()
    }

    /// Sends a message that an operator waits for.
    pub fn send_by_operator(
        &self,
        mail: impl FnOnce(Done) -> P::Mail,
    ) -> BoxFuture<'static, Result<(), Fault>> {
        let (done, is_done) = oneshot::channel();
        match self.shared().check_open() {
            Ok(()) => self.mailbox.post(mail(done)),
            Err(fault) => drop(done.send(Err(fault))),
        }
        let context = self.shared().name.context;
        async move { is_done.await.unwrap_or(Err(Fault::Away(context))) }.boxed()
    }

    fn parked_event(&self, (id, row): (ParkedId, ParkedRow)) -> ParkedEvent {
        let listener = self.shared().name.context;
        ParkedEvent { id, listener, attempts: row.attempts, error: row.error }
    }
}

impl<P: HandlePart> Declaration for ContextHandle<P> {
    fn name(&self) -> Name {
        self.tree.entity.name()
    }
    fn aliases(&self) -> &'static [&'static str] {
        self.tree.entity.aliases()
    }
    fn is_view(&self) -> bool {
        P::IS_VIEW
    }
    fn is_order(&self) -> bool {
        self.tree.entity.is_order()
    }
    fn routes(&self) -> &[RouteInfo] {
        self.part.routes()
    }
    fn shown_schema(&self, generator: &mut SchemaGenerator) -> Schema {
        self.tree.entity.shown_schema(generator)
    }
    fn filters(&self) -> &[&'static str] {
        &self.filters
    }
}

impl<P: HandlePart> Context for ContextHandle<P> {
    fn enter(&self, order: CommandRequest) -> BoxFuture<'static, Result<Outcome, Fault>> {
        P::enter(self, order)
    }

    fn read(&self, number: u64) -> Result<Seen, Fault> {
        self.shared().check_open()?;
        let look = |generation: u32| {
            self.tree.state(generation, number).map_err(|error| {
                if let StoreError::Damaged(what) = &error {
                    self.tree.report(generation, what);
                }
                error.into()
            })
        };
        let Some((commit, kept)) = self.read_one_generation(look)? else {
            return Err(Refusal::absent(self.name()).into());
        };
        match kept.state.lifecycle() {
            Lifecycle::Absent | Lifecycle::Ended(_) => Err(Refusal::absent(self.name()).into()),
            Lifecycle::Open | Lifecycle::Established | Lifecycle::Withdrawn => Ok(Seen {
                number,
                version: kept.version,
                body: query::represent(kept.state.as_ref(), number)?,
                commit,
            }),
        }
    }

    fn list(&self, query: &ListQuery) -> Result<ListPage, Fault> {
        self.shared().check_open()?;
        self.read_one_generation(|generation| query::list(&self.tree, generation, query))
    }

    fn health(&self) -> ContextHealth {
        let shared = self.shared();
        ContextHealth {
            context: shared.name.context,
            view: P::IS_VIEW,
            state: shared.phase(),
            restarts: shared.restarts.load(Relaxed),
            crashes: shared.crashes.load(Relaxed),
            mailbox: shared.mailbox.load(Relaxed),
            backlog: self.backlog(),
            waiting: shared.waiting.load(Relaxed),
            parked: shared.parked.load(Relaxed),
            contested: sync::lock(&shared.contested).clone(),
            rebuilding: shared.rebuilding.load(Relaxed).then(|| shared.rebuilt.load(Relaxed)),
            damaged: shared.damaged.load(Relaxed),
            damage: shared.damage(),
            last_commit: shared.last_commit.load(Relaxed),
            last_sequence: shared.last_sequence.load(Relaxed),
            orders: (!P::IS_VIEW && self.tree.entity.is_order())
                .then(|| *sync::lock(&shared.orders)),
            fault: shared.fault(),
            guard: (!P::IS_VIEW).then(|| self.guard.health()),
        }
    }

    fn phase(&self) -> Phase {
        self.shared().phase()
    }
    fn stop(&self) -> BoxFuture<'static, ()> {
        self.set_running(true)
    }
    fn start(&self) -> BoxFuture<'static, ()> {
        self.set_running(false)
    }
    fn set_fault(&self, fault: Option<Injected>) {
        self.shared().set_fault(fault);
    }
    fn rebuild(&self) -> BoxFuture<'static, Result<(), Fault>> {
        P::rebuild(self)
    }
    fn parked(&self, after: Option<&ParkedId>, limit: usize) -> Result<Vec<ParkedEvent>, Fault> {
        let rows = parked::parked_page(&self.tree, after, limit)?;
        Ok(rows.into_iter().map(|row| self.parked_event(row)).collect())
    }
    fn parked_among(&self, ids: Vec<ParkedId>) -> Result<Vec<ParkedEvent>, Fault> {
        let rows = parked::parked_among(&self.tree, ids)?;
        Ok(rows.into_iter().map(|row| self.parked_event(row)).collect())
    }
    fn unpark(&self, parked: ParkedId, redrive: bool) -> BoxFuture<'static, Result<(), Fault>> {
        self.send_by_operator(|done| P::unpark(parked, redrive, done))
    }
    fn saga(&self, context: &str, number: u64, from: u64, limit: usize) -> Result<SagaPart, Fault> {
        P::saga(self, (context, number), from, limit)
    }
    fn ask(
        &self,
        question: PeerQuestion,
    ) -> BoxFuture<'static, Result<Result<(), Refusal>, Fault>> {
        P::ask(self, question)
    }
    fn history(&self) -> Option<Arc<dyn EventLog<RecordedEvent>>> {
        self.part.history()
    }
    fn messages(&self) -> Option<Arc<dyn EventLog<OutboundMessage>>> {
        self.part.messages()
    }
    fn report_message(
        &self,
        number: u64,
        outcome: MessageOutcome,
    ) -> BoxFuture<'static, Result<(), Fault>> {
        P::report_message(self, number, outcome)
    }
}
