//! A view: rows kept by listening.

use super::{
    network::Network,
    subscription::{Change, Ears, Heard, Logs, ears_of_view},
    table::Table,
    world::{Context, Order, Things},
};
use holdfast::domain::{Lifecycle, Name, View};
use std::collections::BTreeMap;

pub struct ViewContext<V: View> {
    me: usize,
    rows: Table<u64, V>,
    ears: Ears<Change<V>>,
    shown: Things,
}

impl<V: View> ViewContext<V> {
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

impl<V: View> Context for ViewContext<V> {
    fn name(&self) -> Name {
        V::NAME
    }
    fn things(&self) -> &Things {
        &self.shown
    }
    fn enter(&mut self, network: &mut Network, order: &Order) {
        network.wrong(format!("{} is a view and takes no {order:?}", V::NAME));
    }
    fn ears(&self) -> usize {
        self.ears.count()
    }
    fn hears_more(&self, network: &Network, ear: usize) -> bool {
        self.ears.hears_more(network, ear)
    }
    fn hear(&mut self, network: &mut Network, ear: usize) {
        let (commit, heard) = self.ears.hear(network, ear);
        heard.into_iter().for_each(|heard| self.take(commit, heard));
    }
    fn retry(&mut self, network: &mut Network) -> bool {
        let Some((commit, heard)) = self.ears.retry(network) else { return false };
        self.take(commit, heard);
        true
    }
    fn crash(&mut self, network: &mut Network, to: u64) {
        self.rows.roll_back(to);
        self.ears.crash(network, to);
        self.shown.show(self.rows.rows().iter());
    }
    fn rebuild(&mut self, network: &mut Network) -> bool {
        network.trace.say(format_args!("{} is built anew", V::NAME));
        let commit = network.commit(self.me);
        self.rows.clear(commit);
        self.ears.forget(commit);
        self.shown = Things::default();
        true
    }
    fn at_rest(&self, network: &Network) -> Result<(), String> {
        self.ears.rest(network)?;
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
