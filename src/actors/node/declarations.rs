//! What the contexts of a board declare, without an actor for any of them.

use super::declared::{declared_aggregate, declared_view};
use crate::{
    actors::{
        erased::EntityType,
        port::declaration::{Declaration, RouteInfo},
        tables::query,
    },
    domain::{Aggregate, Board, Label, Name, Reads, View},
};
use schemars::{Schema, SchemaGenerator};
use std::sync::Arc;

/// Gathers what the contexts of a board declare.
#[derive(Default)]
pub struct Declarations {
    found: Vec<Arc<dyn Declaration>>,
    labels: &'static [Label],
}

/// What the contexts that `lay_out` puts on the board declare, in the order of the board.
pub fn collect_declarations(lay_out: impl FnOnce(&mut Declarations)) -> Vec<Arc<dyn Declaration>> {
    let mut board = Declarations::default();
    lay_out(&mut board);
    board.found
}

impl Board for Declarations {
    fn aggregate<A: Aggregate>(&mut self) {
        let declared = declared_aggregate::<A>();
        self.add_declaration(declared.aggregate, false, declared.routes.0);
    }
    fn view<V: View>(&mut self) {
        self.add_declaration(declared_view::<V>().view, true, Vec::new());
    }
    fn labels(&mut self, labels: &'static [Label]) {
        self.labels = labels;
    }
}

impl Declarations {
    fn add_declaration(
        &mut self,
        entity: &'static dyn EntityType,
        is_view: bool,
        routes: Vec<RouteInfo>,
    ) {
        let filters = query::filter_fields(entity);
        let labels = self.labels;
        self.found.push(Arc::new(Declared { entity, is_view, routes, filters, labels }));
    }
}

/// What one context declares.
struct Declared {
    entity: &'static dyn EntityType,
    is_view: bool,
    routes: Vec<RouteInfo>,
    filters: Vec<&'static str>,
    labels: &'static [Label],
}

impl Declaration for Declared {
    fn name(&self) -> Name {
        self.entity.name()
    }
    fn is_view(&self) -> bool {
        self.is_view
    }
    fn is_order(&self) -> bool {
        self.entity.is_order()
    }
    fn reads(&self) -> Reads {
        self.entity.reads()
    }
    fn personal_fields(&self) -> &'static [&'static str] {
        self.entity.personal_fields()
    }
    fn labels(&self) -> &'static [Label] {
        self.labels
    }
    fn unique_fields(&self) -> Vec<&'static str> {
        query::unique_fields(self.entity)
    }
    fn id_aliases(&self) -> &'static [&'static str] {
        self.entity.id_aliases()
    }
    fn aliases(&self) -> &'static [&'static str] {
        self.entity.aliases()
    }
    fn routes(&self) -> &[RouteInfo] {
        &self.routes
    }
    fn shown_schema(&self, generator: &mut SchemaGenerator) -> Schema {
        self.entity.shown_schema(generator)
    }
    fn filter_fields(&self) -> &[&'static str] {
        &self.filters
    }
}
