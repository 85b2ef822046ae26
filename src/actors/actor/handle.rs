//! What the handles of aggregates and views have in common.

use super::mailbox::{Mailbox, SetRunning};
use crate::{
    actors::{
        ask::guard::Guard,
        port::{
            context::{ListPage, ListQuery, Seen},
            fault::Fault,
            health::{ContextHealth, ParkedEvent, ParkedId, Phase},
            status::{ContextStatus, Latest},
        },
        subscription::parking,
        tables::{query, records::ParkedRow, tree::Tree},
    },
    domain::{self, Name, Refusal},
    store::StoreError,
    sync,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::sync::{
    Arc,
    atomic::Ordering::{Relaxed, SeqCst},
};
use tokio::sync::oneshot;

/// What the handles of aggregates and views have in common.
pub struct ContextHandle<M: Send + 'static> {
    pub mailbox: Arc<Mailbox<M>>,
    pub tree: Tree,
    pub filters: Vec<&'static str>,
    pub guard: Arc<Guard>,
}

impl<M: Send + 'static> ContextHandle<M> {
    pub fn name(&self) -> Name {
        self.tree.entity.name()
    }

    pub fn shared(&self) -> &ContextStatus {
        &self.mailbox.shared
    }

    pub fn read(&self, number: u64) -> Result<Seen, Fault> {
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
            return Err(Refusal::absent(self.name().item).into());
        };
        match kept.state.lifecycle() {
            domain::Lifecycle::Absent | domain::Lifecycle::Ended(_) => {
                Err(Refusal::absent(self.name().item).into())
            }
            domain::Lifecycle::Open | domain::Lifecycle::Established => Ok(Seen {
                number,
                version: kept.version,
                body: query::represent(kept.state.as_ref(), number)?,
                commit,
            }),
        }
    }

    pub fn list(&self, query: &ListQuery) -> Result<ListPage, Fault> {
        self.shared().check_open()?;
        self.read_one_generation(|generation| query::list(&self.tree, generation, query))
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
        let left = |(source, latest): &(&'static str, Latest)| {
            latest().saturating_sub(positions.get(*source).copied().unwrap_or(0))
        };
        self.shared().sources.get().map_or(0, |sources| sources.iter().map(left).sum())
    }

    pub fn phase(&self) -> Phase {
        self.shared().phase()
    }

    pub fn health(&self, view: bool) -> ContextHealth {
        let shared = self.shared();
        ContextHealth {
            context: self.name().context,
            view,
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
            fault: shared.fault(),
            guard: (!view).then(|| self.guard.health()),
        }
    }

    pub fn set_running(&self, halt: bool) -> BoxFuture<'static, ()> {
        let mailbox = self.mailbox.clone();
        async move {
            let (done, is_done) = oneshot::channel();
            mailbox.set_running(SetRunning(halt, done));
            let _ = is_done.await;
        }
        .boxed()
    }

    pub fn parked(
        &self,
        after: Option<&ParkedId>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, Fault> {
        Ok(parking::parked_page(&self.tree, after, limit)?
            .into_iter()
            .map(|row| self.parked_event(row))
            .collect())
    }

    pub fn parked_among(&self, ids: Vec<ParkedId>) -> Result<Vec<ParkedEvent>, Fault> {
        Ok(parking::parked_among(&self.tree, ids)?
            .into_iter()
            .map(|row| self.parked_event(row))
            .collect())
    }

    /// Sends a message that an operator waits for.
    pub fn send_by_operator(
        &self,
        mail: impl FnOnce(oneshot::Sender<Result<(), Fault>>) -> M,
    ) -> BoxFuture<'static, Result<(), Fault>> {
        let (done, is_done) = oneshot::channel();
        match self.shared().check_open() {
            Ok(()) => self.mailbox.post(mail(done)),
            Err(fault) => drop(done.send(Err(fault))),
        }
        let context = self.name().context;
        async move { is_done.await.unwrap_or(Err(Fault::Away(context))) }.boxed()
    }

    fn parked_event(&self, (id, row): (ParkedId, ParkedRow)) -> ParkedEvent {
        let listener = self.name().context;
        ParkedEvent { id, listener, attempts: row.attempts, error: row.error }
    }
}
