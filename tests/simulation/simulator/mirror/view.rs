//! A view: what its sources make of it.

use super::{Logs, Mirror, listed::lists_what_is_established};
use crate::simulator::{
    client::Things,
    owners::{Owners, saga_of},
};
use holdfast::{
    actors::Context,
    domain::{Aggregate, Entity, Folds, Lifecycle, Name, Reads, View},
};
use std::{any::Any, collections::BTreeMap};

/// What the events of one source make of the rows of a view.
type Fold<V> = Box<dyn Fn(&mut BTreeMap<u64, V>)>;

/// The sources of a view, in the order in which it names them.
struct Sources<'a, V> {
    logs: &'a mut Logs,
    folds: Vec<Fold<V>>,
}

impl<V: View> Folds<V> for Sources<'_, V> {
    fn on<S: Aggregate>(&mut self, row: fn(&S::Event) -> Option<u64>, fold: fn(&mut V, &S::Event)) {
        let log = self.logs.of::<S>();
        self.folds.push(Box::new(move |rows| {
            for said in log.borrow().iter() {
                if let Some(number) = row(&said.event) {
                    fold(rows.entry(number).or_default(), &said.event);
                }
            }
        }));
    }
}

/// A view: what its sources make of it.
pub struct ViewMirror<V: View> {
    folds: Vec<Fold<V>>,
    shown: Things,
}

impl<V: View> ViewMirror<V> {
    pub(super) fn of(logs: &mut Logs) -> Self {
        let mut heard = Sources { logs, folds: Vec::new() };
        V::folds(&mut heard);
        Self { folds: heard.folds, shown: Things::default() }
    }

    fn folded(&self, backwards: bool) -> BTreeMap<u64, V> {
        let mut rows = BTreeMap::new();
        let fold = |fold: &Fold<V>| fold(&mut rows);
        if backwards {
            self.folds.iter().rev().for_each(fold)
        } else {
            self.folds.iter().for_each(fold)
        }
        rows
    }
}

impl<V: View> Mirror for ViewMirror<V> {
    fn name(&self) -> Name {
        V::NAME
    }
    fn is_owned(&self) -> bool {
        V::READS == Reads::Owner
    }
    fn things(&self) -> &Things {
        &self.shown
    }
    fn as_any(&self) -> &dyn Any {
        &self.shown
    }
    fn has_owned_rows(
        &self,
        context: &dyn Context,
        order: &str,
        owners: &Owners,
    ) -> Result<(), String> {
        let mut rows = self.shown.iter();
        rows.try_for_each(|(number, _)| owners.has_row(context, number, &saga_of(order, number)))
    }
    fn at_rest(&mut self, context: &dyn Context) -> Result<(), String> {
        let rows = self.folded(false);
        // The same rows, whichever source is heard first.
        if rows != self.folded(true) {
            return Err(format!("its rows depend on the order of its sources: {rows:?}"));
        }
        if let Some((number, _)) = rows.iter().find(|(_, row)| row.lifecycle() == Lifecycle::Open) {
            return Err(format!("row {number} is open for ever"));
        }
        self.shown.show(rows.iter());
        lists_what_is_established(
            context,
            rows.iter().map(|(number, row)| (*number, row)),
            &self.shown,
        )
    }
}
