//! The builder of a node visits the boards of its systems.

use super::NodeBuilder;
use crate::{
    actors::node::declared::{declared_aggregate, declared_view},
    domain::{Aggregate, Board, Label, View},
};

impl Board for NodeBuilder<'_> {
    fn aggregate<A: Aggregate>(&mut self) {
        if !self.settings.hosts_context(A::NAME.context) {
            self.reach_remote(A::NAME);
        } else if self.failed.is_none() {
            self.failed = self.deploy_aggregate(declared_aggregate::<A>()).err();
        }
    }
    fn view<V: View>(&mut self) {
        if self.failed.is_none() && self.settings.hosts_context(V::NAME.context) {
            self.failed = self.deploy_view(declared_view::<V>()).err();
        }
    }
    fn labels(&mut self, labels: &'static [Label]) {
        self.labels = labels;
    }
}
