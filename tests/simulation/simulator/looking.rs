//! A view: rows kept by listening.

use super::{
    hall::Hall,
    hearing::{Change, Ears, Heard, Logs, ears_of_view},
    table::Table,
    world::{Context, Order, Things},
};
use holdfast::domain::{Lifecycle, Name, View};
use std::collections::BTreeMap;

pub struct Looking<V: View> {
    me: usize,
    rows: Table<u64, V>,
    ears: Ears<Change<V>>,
    shown: Things,
}

impl<V: View> Looking<V> {
    pub fn new(me: usize, logs: &mut Logs) -> Self {
        Self {
            me,
            rows: Table::default(),
            ears: ears_of_view::<V>(me, logs),
            shown: Things::default(),
        }
    }

    fn take(&mut self, commit: u64, heard: Heard<Change<V>>) {
        if let Some((number, change)) = heard.what {
            let mut row = self.rows.get(&number).cloned().unwrap_or_default();
            change(&mut row);
            self.shown.set(number, &row);
            self.rows.put(commit, number, row);
        }
    }

    fn folded(&self, backwards: bool) -> BTreeMap<u64, V> {
        let mut rows = BTreeMap::<u64, V>::new();
        for (number, change) in self.ears.everything(backwards).filter_map(|heard| heard.what) {
            change(rows.entry(number).or_default());
        }
        rows
    }
}

impl<V: View> Context for Looking<V> {
    fn name(&self) -> Name {
        V::NAME
    }
    fn things(&self) -> &Things {
        &self.shown
    }
    fn enter(&mut self, hall: &mut Hall, order: &Order) {
        hall.wrong(format!("{} is a view and takes no {order:?}", V::NAME));
    }
    fn ears(&self) -> usize {
        self.ears.count()
    }
    fn hears_more(&self, hall: &Hall, ear: usize) -> bool {
        self.ears.hears_more(hall, ear)
    }
    fn hear(&mut self, hall: &mut Hall, ear: usize) {
        let (commit, heard) = self.ears.hear(hall, ear);
        heard.into_iter().for_each(|heard| self.take(commit, heard));
    }
    fn retry(&mut self, hall: &mut Hall) -> bool {
        let Some((commit, heard)) = self.ears.retry(hall) else { return false };
        self.take(commit, heard);
        true
    }
    fn crash(&mut self, hall: &mut Hall, to: u64) {
        self.rows.roll_back(to);
        self.ears.crash(hall, to);
        self.shown.show(self.rows.rows().iter());
    }
    fn rebuild(&mut self, hall: &mut Hall) -> bool {
        hall.trace.say(format_args!("{} is built anew", V::NAME));
        let commit = hall.commit(self.me);
        self.rows.clear(commit);
        self.ears.forget(commit);
        self.shown = Things::default();
        true
    }
    fn at_rest(&self, hall: &Hall) -> Result<(), String> {
        self.ears.rest(hall)?;
        // The same rows, whichever source is heard first.
        for backwards in [false, true] {
            let folded = self.folded(backwards);
            for (number, row) in &folded {
                let kept = self.rows.get(number);
                if kept != Some(row) {
                    return Err(format!("row {number} is {kept:?}, and folded {row:?}"));
                }
            }
            if let Some(number) =
                self.rows.rows().keys().find(|number| !folded.contains_key(number))
            {
                return Err(format!("row {number} comes from no event"));
            }
        }
        match self.rows.rows().iter().find(|(_, row)| row.lifecycle() == Lifecycle::Open) {
            Some((number, _)) => Err(format!("row {number} is open for ever")),
            None => Ok(()),
        }
    }
}
