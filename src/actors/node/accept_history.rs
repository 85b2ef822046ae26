//! An operator has found which of two pasts of a context counts, and names it at the start: what this node has of the
//! other one is given up.
//!
//! The replica of the context's log goes back to the last event that both have, and those who listen to it here go back to
//! that event, so that they get what has happened after it. What they have done about events that are given up stays.

use crate::{
    actors::{
        erased::{self, AggregateType, EntityType},
        node::settings::{NodeError, NodeSettings},
        port::{health::ParkedId, history::Past},
        tables::{
            counters::{counters_key, encode_counters},
            history::{History, epoch_key},
            log::{decode_log, encode_event, encode_log, last_sequence},
            parked::{self, parked_key},
            tree::Tree,
        },
    },
    domain::{Aggregate, Board, View},
    store::{
        Batch, Scan, Store, StoreError, TreeId,
        keys::{KeyBuf, Space, prefix_end},
        paging::Pages,
    },
};
use std::{collections::BTreeMap, sync::Arc};

#[derive(Clone, Copy)]
enum Step {
    Look,
    /// Listeners go back first: were the process to end now, their positions were not ahead of the log.
    GoBack,
    Cut,
}

/// Visits a board and gives up what is not accepted.
pub struct Accepting<'a> {
    store: &'a Arc<dyn Store>,
    settings: &'a NodeSettings,
    pasts: BTreeMap<String, Past>,
    step: Step,
    /// The last event that is kept, by source.
    kept: BTreeMap<&'static str, u64>,
    failed: Option<StoreError>,
}

/// Gives up what this node has of contexts of which another past is accepted, before anything is started.
///
/// # Errors
/// [`NodeError`] when the store fails, or who has the accepted past cannot be asked.
pub async fn accept_histories(
    store: &Arc<dyn Store>,
    settings: &NodeSettings,
    lay_out: impl Fn(&mut Accepting<'_>),
) -> Result<(), NodeError> {
    let mut pasts = BTreeMap::new();
    let elsewhere =
        settings.accept_history.iter().filter(|context| !settings.hosts_context(context));
    for (context, wire) in elsewhere.filter_map(|context| Some((context, settings.wire.as_ref()?)))
    {
        if !wire.reaches_context(context) {
            continue;
        }
        let past = wire.fetch_past(context).await.map_err(|why| {
            NodeError::Settings(format!(
                "node.accept_history: {context} cannot be asked for the past that is to be accepted ({why}); start this \
                 node when that one runs"
            ))
        })?;
        pasts.insert(context.clone(), past);
    }
    if pasts.is_empty() {
        return Ok(());
    }
    let mut accepting =
        Accepting { store, settings, pasts, step: Step::Look, kept: BTreeMap::new(), failed: None };
    for step in [Step::Look, Step::GoBack, Step::Cut] {
        accepting.step = step;
        lay_out(&mut accepting);
        accepting.failed.take().map_or(Ok(()), Err)?;
    }
    Ok(())
}

impl Accepting<'_> {
    fn open_replica(&self, aggregate: &'static dyn AggregateType) -> Result<Tree, StoreError> {
        let name = format!("replica/{}", aggregate.name().context);
        Tree::open_as(self.store, aggregate, &name)
    }

    fn write_rows(
        &self,
        tree: TreeId,
        writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    ) -> Result<(), StoreError> {
        if !writes.is_empty() {
            let epoch = self.store.activate(tree)?;
            self.store.submit(Batch { tree, epoch, expects: Vec::new(), writes })?;
        }
        Ok(())
    }

    /// Finds the last event that the replica of a context and the accepted past have in common.
    fn find_common_event(
        &mut self,
        aggregate: &'static dyn AggregateType,
    ) -> Result<(), StoreError> {
        let context = aggregate.name().context;
        let Some(past) = self.pasts.get(context) else { return Ok(()) };
        let tree = self.open_replica(aggregate)?;
        let last = last_sequence(aggregate, &tree)?;
        let history = History::load_epochs(&tree)?;
        let mut kept = last.min(past.latest);
        // Where the source has never sent the names of its events, only their numbers can be compared.
        while history.names_event(kept) && !past.has_event(history.id_of(kept)) {
            kept -= 1;
        }
        if kept < last {
            tracing::warn!(context, kept, given_up = last - kept, "another past is accepted");
            self.kept.insert(context, kept);
        }
        Ok(())
    }

    fn go_back(&mut self, entity: &'static dyn EntityType) -> Result<(), StoreError> {
        let tree = Tree::open(self.store, entity)?;
        let (mut meta, _) = tree.read_counters()?;
        let before = meta.clone();
        let mut writes = Vec::new();
        for (source, kept) in &self.kept {
            let building = meta.building.iter_mut().map(|(_, positions)| positions);
            for position in [&mut meta.positions]
                .into_iter()
                .chain(building)
                .filter_map(|all| all.get_mut(*source))
            {
                *position = (*position).min(*kept);
            }
            let mut after = None;
            loop {
                let page = parked::parked_page(&tree, after.as_ref(), 1024)?;
                let Some((last, _)) = page.last() else { break };
                after = Some(last.clone());
                for (ParkedId { source: of, aggregate, sequence }, _) in page {
                    if of == *source && sequence > *kept {
                        writes.push((parked_key(&of, aggregate, sequence), None));
                    }
                }
            }
        }
        if meta != before {
            writes.push((counters_key(), Some(encode_counters(&meta)?)));
        }
        self.write_rows(tree.id, writes)
    }

    fn cut_replica(&mut self, aggregate: &'static dyn AggregateType) -> Result<(), StoreError> {
        let context = aggregate.name().context;
        let Some(kept) = self.kept.get(context).copied() else { return Ok(()) };
        let tree = self.open_replica(aggregate)?;
        let log = [Space::Log as u8];
        let key = |sequence| KeyBuf::new(Space::Log).number(sequence).build();
        // The row that holds the last event that is kept may hold others.
        let last =
            Scan { from: log.to_vec(), to: key(kept.saturating_add(1)), backwards: true, limit: 1 };
        let mut writes = Vec::new();
        for (_, row) in tree.scan_rows(&last)? {
            let mut events = decode_log(aggregate, &row.record)?;
            events.retain(|logged| logged.envelope.sequence <= kept);
            let written = events.iter().map(|logged| Ok((&logged.envelope, encode_event(logged)?)));
            let written = written.collect::<Result<Vec<_>, StoreError>>()?;
            let rows = encode_log(aggregate.event_version(), written.into_iter())?;
            writes.extend(rows.into_iter().map(|(first, record)| (key(first), Some(record))));
        }
        let epochs = [Space::Epoch as u8];
        for (from, to) in [
            (key(kept.saturating_add(1)), prefix_end(&log)),
            (epoch_key(kept.saturating_add(1)), prefix_end(&epochs)),
        ] {
            let mut pages = Pages::over_scan(Scan { from, to, backwards: false, limit: 256 });
            while let Some(rows) = tree.next_page(&mut pages)? {
                writes.extend(rows.into_iter().map(|(key, _)| (key, None)));
            }
        }
        self.write_rows(tree.id, writes)
    }
}

impl Accepting<'_> {
    fn visit_aggregate(&mut self, aggregate: &'static dyn AggregateType) {
        let done = match (self.step, self.settings.hosts_context(aggregate.name().context)) {
            (Step::Look, false) => self.find_common_event(aggregate),
            (Step::GoBack, true) => self.go_back(aggregate),
            (Step::Cut, false) => self.cut_replica(aggregate),
            _ => Ok(()),
        };
        self.failed = self.failed.take().or(done.err());
    }

    fn visit_view(&mut self, view: &'static dyn EntityType) {
        if matches!(self.step, Step::GoBack) && self.settings.hosts_context(view.name().context) {
            let done = self.go_back(view);
            self.failed = self.failed.take().or(done.err());
        }
    }
}

impl Board for Accepting<'_> {
    fn aggregate<A: Aggregate>(&mut self) {
        self.visit_aggregate(erased::aggregate_type::<A>());
    }
    fn view<V: View>(&mut self) {
        self.visit_view(erased::view_type::<V>());
    }
}
