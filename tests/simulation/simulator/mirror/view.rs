//! A view: what its sources make of it.

use super::{Logs, Mirror, listed::lists_what_is_established, shown_by};
use crate::simulator::{
    client::Things,
    owners::{Owners, saga_of},
};
use holdfast::{
    actors::{Context, Fault},
    domain::{Aggregate, Entity, Folds, Id, Lifecycle, Name, Reads, View},
};
use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
};

/// The rows of a view, by number.
type Rows<V> = BTreeMap<u64, V>;

/// What some events of a source make of the rows. Gives the numbers of those.
type Fold<V> = Box<dyn Fn(&mut Rows<V>, &Part<'_>) -> BTreeSet<u64>>;

/// One source of a view.
struct Source<V> {
    name: &'static str,
    /// How many events of it are known.
    known: Box<dyn Fn() -> u64>,
    fold: Fold<V>,
}

/// The events of a source from one to another, both counted, but for those that are set aside.
struct Part<'a> {
    from: u64,
    to: u64,
    aside: &'a BTreeSet<(String, u64)>,
    name: &'static str,
}

/// The sources of a view, in the order in which it names them.
struct Sources<'a, V> {
    logs: &'a mut Logs,
    sources: Vec<Source<V>>,
}

impl<V: View> Folds<V> for Sources<'_, V> {
    fn on<S: Aggregate>(&mut self, row: fn(&S::Event) -> Option<u64>, fold: fn(&mut V, &S::Event)) {
        let log = self.logs.of::<S>();
        let known = log.clone();
        self.sources.push(Source {
            name: S::NAME.context,
            known: Box::new(move || known.borrow().len() as u64),
            fold: Box::new(move |rows, part| {
                let log = log.borrow();
                let is_aside = |sequence: u64| {
                    !part.aside.is_empty() && part.aside.contains(&(part.name.to_owned(), sequence))
                };
                let events = (1..).zip(log.iter()).skip(part.from.saturating_sub(1) as usize);
                let events = events.take_while(|(sequence, _)| *sequence <= part.to);
                let mut touched = BTreeSet::new();
                for (_, said) in events.filter(|(sequence, _)| !is_aside(*sequence)) {
                    if let Some(number) = row(&said.event) {
                        fold(rows.entry(number).or_default(), &said.event);
                        touched.insert(number);
                    }
                }
                touched
            }),
        });
    }
}

/// What a view has heard: how far in each source, and which events there are set aside.
type Heard = (BTreeMap<String, u64>, BTreeSet<(String, u64)>);

/// A view: what its sources make of it.
pub struct ViewMirror<V: View> {
    sources: Vec<Source<V>>,
    /// What it had heard at the last look, and what its rows were then.
    heard: Option<Heard>,
    rows: Rows<V>,
    shown: Things,
}

/// At most so many events that are set aside are looked at.
const ASIDE: usize = 1000;

impl<V: View> ViewMirror<V> {
    pub(super) fn of(logs: &mut Logs) -> Self {
        let mut heard = Sources { logs, sources: Vec::new() };
        V::folds(&mut heard);
        let sources = heard.sources;
        Self { sources, heard: None, rows: Rows::new(), shown: Things::default() }
    }

    fn folded(&self, backwards: bool) -> Rows<V> {
        let mut rows = Rows::new();
        let mut sources: Vec<_> = self.sources.iter().collect();
        if backwards {
            sources.reverse();
        }
        for Source { name, fold, .. } in sources {
            fold(&mut rows, &Part { from: 1, to: u64::MAX, aside: &BTreeSet::new(), name });
        }
        rows
    }

    /// What a view has heard by now; nothing while that is not known.
    fn hear(&self, context: &dyn Context) -> Option<Heard> {
        let positions = context.positions()?;
        let aside = context.list_parked(None, ASIDE).ok()?;
        let is_known = |source: &Source<V>| {
            positions.get(source.name).is_none_or(|position| *position <= (source.known)())
        };
        let aside = aside.into_iter().map(|event| (event.id.source, event.id.sequence)).collect();
        self.sources.iter().all(is_known).then_some((positions, aside))
    }

    /// Hears of what is new since the last look, or all of it once more. Gives the numbers of the rows that are to be looked at.
    fn fold_up_to(&mut self, heard: &Heard) -> BTreeSet<u64> {
        let none = Heard::default();
        let reach = |(positions, _): &Heard, source| positions.get(source).copied().unwrap_or(0);
        let names = self.sources.iter().map(|source| source.name);
        let goes_on = |before: &&Heard| {
            let is_further = |source| reach(before, source) <= reach(heard, source);
            before.1.is_empty() && heard.1.is_empty() && names.clone().all(is_further)
        };
        let mut touched = BTreeSet::new();
        let before = match self.heard.as_ref().filter(goes_on) {
            Some(before) => before,
            None => {
                touched.extend(std::mem::take(&mut self.rows).into_keys());
                &none
            }
        };
        for Source { name, fold, .. } in &self.sources {
            let from = reach(before, name) + 1;
            let to = reach(heard, name);
            touched.extend(fold(&mut self.rows, &Part { from, to, aside: &heard.1, name }));
        }
        touched
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
    fn forget(&mut self) {
        self.heard = None;
    }
    fn shows_what_it_heard(&mut self, context: &dyn Context) -> Result<(), String> {
        let Some(heard) = self.hear(context).filter(|heard| self.heard.as_ref() != Some(heard))
        else {
            return Ok(());
        };
        let touched = self.fold_up_to(&heard);
        for number in touched {
            let row = self.rows.get(&number).filter(|row| row.lifecycle().is_shown());
            let folded = row.map(|row| serde_json::to_value(row.represent(Id::new(number))));
            let folded = folded.transpose().map_err(|why| why.to_string())?;
            let shown = match context.read_item(number) {
                // It is stopped: at the next look all of it is compared.
                Err(Fault::Away(_)) => {
                    self.heard = None;
                    return Ok(());
                }
                seen => shown_by(seen, number)?,
            };
            if shown != folded {
                return Err(format!(
                    "row {number} is {shown:?}; what it has heard, up to {heard:?}, makes it {folded:?}"
                ));
            }
        }
        self.heard = Some(heard);
        Ok(())
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
