//! The handle of a view, used by other threads.

use super::behavior::ViewMail;
use crate::{
    actors::{
        actor::{handle::ContextHandle, mailbox::Mailbox},
        ask::guard::Guard,
        port::{
            context::{CommandRequest, Context, ListPage, ListQuery, Outcome, RouteInfo, Seen},
            fault::Fault,
            health::{ContextHealth, Injected, ParkedEvent, ParkedId, Phase, SagaPart},
        },
        tables::{query, tree::Tree},
    },
    domain::{Name, Refusal},
};
use futures_util::{FutureExt, future::BoxFuture};
use schemars::{Schema, SchemaGenerator};
use std::sync::Arc;

/// The handle of a view.
pub struct ViewHandle {
    common: ContextHandle<ViewMail>,
}

impl ViewHandle {
    pub fn new(mailbox: Arc<Mailbox<ViewMail>>, tree: Tree, guard: Arc<Guard>) -> Self {
        let filters = query::filters(tree.entity);
        Self { common: ContextHandle { mailbox, tree, filters, guard } }
    }
}

impl Context for ViewHandle {
    fn name(&self) -> Name {
        self.common.name()
    }
    fn aliases(&self) -> &'static [&'static str] {
        self.common.tree.entity.aliases()
    }
    fn is_view(&self) -> bool {
        true
    }
    fn is_order(&self) -> bool {
        self.common.tree.entity.is_order()
    }
    fn routes(&self) -> &[RouteInfo] {
        &[]
    }
    fn shown_schema(&self, generator: &mut SchemaGenerator) -> Schema {
        self.common.tree.entity.shown_schema(generator)
    }
    fn filters(&self) -> &[&'static str] {
        &self.common.filters
    }
    fn enter(&self, _: CommandRequest) -> BoxFuture<'static, Result<Outcome, Fault>> {
        std::future::ready(Err(Refusal::absent("route").into())).boxed()
    }
    fn read(&self, number: u64) -> Result<Seen, Fault> {
        self.common.read(number)
    }
    fn list(&self, query: &ListQuery) -> Result<ListPage, Fault> {
        self.common.list(query)
    }
    fn health(&self) -> ContextHealth {
        self.common.health(true)
    }
    fn phase(&self) -> Phase {
        self.common.phase()
    }
    fn stop(&self) -> BoxFuture<'static, ()> {
        self.common.set_running(true)
    }
    fn start(&self) -> BoxFuture<'static, ()> {
        self.common.set_running(false)
    }
    fn set_fault(&self, fault: Option<Injected>) {
        self.common.shared().set_fault(fault);
    }
    fn rebuild(&self) -> BoxFuture<'static, Result<(), Fault>> {
        // Both tables exist until the new one is complete.
        if self.common.shared().store.is_full() {
            return std::future::ready(Err(Fault::DiskFull)).boxed();
        }
        self.common.send_by_operator(ViewMail::Rebuild)
    }
    fn parked(&self, after: Option<&ParkedId>, limit: usize) -> Result<Vec<ParkedEvent>, Fault> {
        self.common.parked(after, limit)
    }
    fn parked_among(&self, ids: Vec<ParkedId>) -> Result<Vec<ParkedEvent>, Fault> {
        self.common.parked_among(ids)
    }
    fn unpark(&self, parked: ParkedId, redrive: bool) -> BoxFuture<'static, Result<(), Fault>> {
        self.common.send_by_operator(|done| ViewMail::Unpark { parked, redrive, done })
    }
    fn saga(&self, _: &str, _: u64, _: u64, _: usize) -> Result<SagaPart, Fault> {
        Ok(SagaPart::default())
    }
}
