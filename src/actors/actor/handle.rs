//! The handle of a context, used by other threads: what every context does, and a part for what only its kind does.

use super::mailbox::{Mailbox, SetRunning};
use crate::{
    actors::{
        ask::guard::Guard,
        erased::AnyState,
        port::{
            changes::Changes,
            context::{CommandRequest, Context, Outcome},
            declaration::{Declaration, RouteInfo},
            event_log::{EventLog, OutboundMessage, RecordedEvent},
            fault::{CommandFault, Fault},
            health::{ContextHealth, Injected, ParkedEvent, ParkedId, Phase, SagaPart},
            owed::{EndedPage, OwedPage, OwedPlace},
            peers::PeerQuestion,
            prospect::{Candidate, Prospect},
            reads::{ListPage, ListQuery, Seen},
            status::{ContextStatus, SourceLog},
        },
        tables::{
            owed::{self, Owing},
            parked::{self, ParkedRow},
            query,
            tree::Tree,
        },
    },
    domain::{Label, Lifecycle, MessageOutcome, Name, Reads, Refusal},
    store::StoreError,
    sync,
};
use futures_util::{FutureExt, future::BoxFuture};
use schemars::{Schema, SchemaGenerator};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::Ordering::{Relaxed, SeqCst},
    },
};
use tokio::sync::oneshot;

/// Reports to an operator how it went.
pub type DoneSender = oneshot::Sender<Result<(), Fault>>;

/// The handle of a context.
pub struct ContextHandle<P: HandlePart> {
    pub mailbox: Arc<Mailbox<P::Mail>>,
    pub tree: Tree,
    filters: Vec<&'static str>,
    labels: &'static [Label],
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
    fn execute_command(
        handle: &ContextHandle<Self>,
        order: CommandRequest,
    ) -> BoxFuture<'static, Result<Outcome, CommandFault>>;
    fn rebuild_view(handle: &ContextHandle<Self>) -> BoxFuture<'static, Result<(), Fault>>;
    /// The message that redrives or drops what is parked.
    fn settle_parked(parked: ParkedId, redrive: bool, done: DoneSender) -> Self::Mail;
    fn answer_peer(
        handle: &ContextHandle<Self>,
        _question: PeerQuestion,
    ) -> BoxFuture<'static, Result<Result<(), Refusal>, Fault>> {
        std::future::ready(Err(Fault::Away(handle.context_status().name.context))).boxed()
    }
    fn event_log(&self) -> Option<Arc<dyn EventLog<RecordedEvent>>> {
        None
    }
    fn message_log(&self) -> Option<Arc<dyn EventLog<OutboundMessage>>> {
        None
    }
    fn report_message(
        handle: &ContextHandle<Self>,
        _number: u64,
        _outcome: MessageOutcome,
    ) -> BoxFuture<'static, Result<(), Fault>> {
        std::future::ready(Err(Fault::Away(handle.context_status().name.context))).boxed()
    }
    /// How to find what it owes of its own, if it has questions and timers.
    fn owing(&self) -> Option<Owing<'_>> {
        None
    }
    fn foresee(&self, _thing: (u64, &dyn AnyState), candidates: Vec<Candidate>) -> Vec<Prospect> {
        candidates.into_iter().map(|_| Prospect::WithoutEffect).collect()
    }
    fn saga_part(
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
        Self { mailbox, tree, filters, labels: &[], guard, part }
    }

    /// The handle, with what people call what its context has on the wire.
    pub fn with_labels(self, labels: &'static [Label]) -> Self {
        Self { labels, ..self }
    }

    pub fn context_status(&self) -> &ContextStatus {
        &self.mailbox.shared
    }

    /// Reads again if the shown generation changed meanwhile: the old one is being purged.
    fn read_one_generation<T>(&self, look: impl Fn(u32) -> Result<T, Fault>) -> Result<T, Fault> {
        loop {
            let generation = self.context_status().generation.load(SeqCst);
            let seen = look(generation);
            if self.context_status().generation.load(SeqCst) == generation {
                return seen;
            }
        }
    }

    /// How many events it has not processed, from the stored positions: right even if the actor
    /// does not run.
    fn event_backlog(&self) -> u64 {
        let meta = self.tree.read_counters().map(|(meta, _)| meta).unwrap_or_default();
        let positions = meta.building.as_ref().map_or(&meta.positions, |(_, positions)| positions);
        let left = |source: &SourceLog| {
            let position = positions.get(source.context).copied().unwrap_or(0);
            (source.latest)().saturating_sub(position)
        };
        self.context_status().sources.get().map_or(0, |sources| sources.iter().map(left).sum())
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
        mail: impl FnOnce(DoneSender) -> P::Mail,
    ) -> BoxFuture<'static, Result<(), Fault>> {
        let (done, is_done) = oneshot::channel();
        match self.context_status().check_open() {
            Ok(()) => self.mailbox.post(mail(done)),
            Err(fault) => drop(done.send(Err(fault))),
        }
        let context = self.context_status().name.context;
        async move { is_done.await.unwrap_or(Err(Fault::Away(context))) }.boxed()
    }

    fn parked_event(&self, (id, row): (ParkedId, ParkedRow)) -> ParkedEvent {
        let listener = self.context_status().name.context;
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
    fn personal_fields(&self) -> &'static [&'static str] {
        self.tree.entity.personal_fields()
    }
    fn labels(&self) -> &'static [Label] {
        self.labels
    }
    fn unique_fields(&self) -> Vec<&'static str> {
        query::unique_fields(self.tree.entity)
    }
    fn id_aliases(&self) -> &'static [&'static str] {
        self.tree.entity.id_aliases()
    }
    fn reads(&self) -> Reads {
        self.tree.entity.reads()
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
    fn filter_fields(&self) -> &[&'static str] {
        &self.filters
    }
}

impl<P: HandlePart> Context for ContextHandle<P> {
    fn execute_command(
        &self,
        order: CommandRequest,
    ) -> BoxFuture<'static, Result<Outcome, CommandFault>> {
        P::execute_command(self, order)
    }

    fn read_item(&self, number: u64) -> Result<Seen, Fault> {
        self.context_status().check_open()?;
        let look = |generation: u32| {
            self.tree.read_state(generation, number).map_err(|error| {
                if let StoreError::Damaged(what) = &error {
                    self.tree.report_shown_damage(generation, what);
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
                owner: kept.owner_of(number),
                commit,
            }),
        }
    }

    fn list_items(&self, query: &ListQuery) -> Result<ListPage, Fault> {
        self.context_status().check_open()?;
        self.read_one_generation(|generation| query::list_items(&self.tree, generation, query))
    }

    fn changes(&self) -> Arc<Changes> {
        Arc::clone(&self.context_status().changes)
    }

    fn foresee(&self, number: u64, candidates: Vec<Candidate>) -> Result<Vec<Prospect>, Fault> {
        self.context_status().check_open()?;
        let look = |generation: u32| Ok(self.tree.read_state(generation, number)?);
        let Some((_, kept)) = self.read_one_generation(look)? else {
            return Err(Refusal::absent(self.name()).into());
        };
        Ok(self.part.foresee((number, kept.state.as_ref()), candidates))
    }

    fn health(&self) -> ContextHealth {
        let shared = self.context_status();
        ContextHealth {
            context: shared.name.context,
            view: P::IS_VIEW,
            state: shared.phase(),
            restarts: shared.restarts.load(Relaxed),
            crashes: shared.crashes.load(Relaxed),
            mailbox: shared.mailbox.load(Relaxed),
            backlog: self.event_backlog(),
            waiting: shared.waiting.load(Relaxed),
            parked: shared.parked.load(Relaxed),
            contested: sync::lock(&shared.contested).clone(),
            rebuilding: shared.rebuilding.load(Relaxed).then(|| shared.rebuilt.load(Relaxed)),
            damaged: shared.damaged.load(Relaxed),
            damage: shared.last_damage(),
            last_commit: shared.last_commit.load(Relaxed),
            last_sequence: shared.last_sequence.load(Relaxed),
            orders: (!P::IS_VIEW && self.tree.entity.is_order())
                .then(|| *sync::lock(&shared.orders)),
            fault: shared.injected_fault(),
            guard: (!P::IS_VIEW).then(|| self.guard.health()),
        }
    }

    fn positions(&self) -> Option<BTreeMap<String, u64>> {
        let (counters, _) = self.tree.read_counters().ok()?;
        counters.building.is_none().then_some(counters.positions)
    }
    fn phase(&self) -> Phase {
        self.context_status().phase()
    }
    fn stop(&self) -> BoxFuture<'static, ()> {
        self.set_running(true)
    }
    fn start(&self) -> BoxFuture<'static, ()> {
        self.set_running(false)
    }
    fn set_fault(&self, fault: Option<Injected>) {
        self.context_status().set_fault(fault);
    }
    fn rebuild_view(&self) -> BoxFuture<'static, Result<(), Fault>> {
        P::rebuild_view(self)
    }
    fn list_parked(
        &self,
        after: Option<&ParkedId>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, Fault> {
        let rows = parked::parked_page(&self.tree, after, limit)?;
        Ok(rows.into_iter().map(|row| self.parked_event(row)).collect())
    }
    fn parked_among(&self, ids: Vec<ParkedId>) -> Result<Vec<ParkedEvent>, Fault> {
        let rows = parked::parked_among(&self.tree, ids)?;
        Ok(rows.into_iter().map(|row| self.parked_event(row)).collect())
    }
    fn settle_parked(
        &self,
        parked: ParkedId,
        redrive: bool,
    ) -> BoxFuture<'static, Result<(), Fault>> {
        self.send_by_operator(|done| P::settle_parked(parked, redrive, done))
    }
    fn list_owed(&self, after: Option<&OwedPlace>, limit: usize) -> Result<OwedPage, Fault> {
        Ok(owed::list_owed(self.part.owing(), &self.tree, self.context_status(), after, limit)?)
    }
    fn list_ended(&self, below: Option<u64>, limit: usize) -> Result<EndedPage, Fault> {
        match self.part.owing().filter(|_| self.is_order()) {
            Some(own) => Ok(owed::list_ended(own, &self.tree, below, limit)?),
            None => Ok(EndedPage::default()),
        }
    }
    fn parked_count(&self) -> u64 {
        self.context_status().parked.load(Relaxed)
    }
    fn has_retried(&self, times: u32) -> bool {
        sync::lock(&self.context_status().retries).has_tried(times)
    }
    fn saga_part(
        &self,
        context: &str,
        number: u64,
        from: u64,
        limit: usize,
    ) -> Result<SagaPart, Fault> {
        P::saga_part(self, (context, number), from, limit)
    }
    fn answer_peer(
        &self,
        question: PeerQuestion,
    ) -> BoxFuture<'static, Result<Result<(), Refusal>, Fault>> {
        P::answer_peer(self, question)
    }
    fn event_log(&self) -> Option<Arc<dyn EventLog<RecordedEvent>>> {
        self.part.event_log()
    }
    fn message_log(&self) -> Option<Arc<dyn EventLog<OutboundMessage>>> {
        self.part.message_log()
    }
    fn report_message(
        &self,
        number: u64,
        outcome: MessageOutcome,
    ) -> BoxFuture<'static, Result<(), Fault>> {
        P::report_message(self, number, outcome)
    }
}
