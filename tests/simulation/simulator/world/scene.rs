//! What there is to see of one system, among those that a node has.

use super::{Order, Things, World};
use crate::simulator::mirror::AggregateMirror;
use holdfast::domain::{Aggregate, Timestamp};
use serde_json::Value;

/// A system, as its clients and its owners see it.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    world: &'a World,
    name: &'static str,
    pub system: &'static str,
}

impl World {
    /// What there is to see of each system.
    pub fn scenes(&self) -> impl Iterator<Item = Scene<'_>> {
        self.business.models.iter().map(|model| self.scene(model.name, model.system))
    }
    pub fn scene(&self, name: &'static str, system: &'static str) -> Scene<'_> {
        Scene { world: self, name, system }
    }
}

impl<'a> Scene<'a> {
    /// How the system is laid out.
    pub fn name(&self) -> &'static str {
        self.name
    }
    /// Business time.
    pub fn now(&self) -> Timestamp {
        self.world.now()
    }
    /// What there is to see of the context with that short name.
    pub fn all(&self, context: &str) -> &'a Things {
        self.world.find(self.system, context).things()
    }
    /// What its clients have sent.
    pub fn sent(&self) -> impl Iterator<Item = &'a Order> {
        let system = self.system;
        self.world.sent.iter().filter(move |order| order.system == system)
    }
    /// How often thing `number` of that context has said `event`.
    pub fn said(&self, context: &str, number: u64, event: &str) -> usize {
        self.world.find(self.system, context).said(number, event)
    }
    /// Each thing that was said in the context of `A`, in order: by which of them, and what.
    pub fn each_said<A: Aggregate>(&self, look: impl FnMut(u64, &A::Event)) {
        let found = self.world.find(self.system, A::NAME.short()).as_any();
        let found = found.downcast_ref::<AggregateMirror<A>>();
        found.expect("a context of that type").each_said(look);
    }
    /// Everything that a context has said, as JSON.
    pub fn events(&self, context: &str) -> &'a [(u64, Value)] {
        self.world.find(self.system, context).events()
    }
}
