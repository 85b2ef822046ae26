//! What this node knows of the logs of other nodes' contexts, and whether what it receives now continues that.
//!
//! Two nodes that decide for one context, or one that was started with an older copy of its data, give the same numbers
//! twice. A node that asks sends the past of its log and gets that of the other; what is known of it is kept here. A past
//! that does not go on with what is known is refused, and the node reports it until an operator has resolved it.

use crate::{
    actors::{
        port::{
            dispute::{Dispute, describe_remedy},
            fault::Fault,
            history::{EventId, Past, Relation},
            machine::Machine,
        },
        tables::version::VERSION,
    },
    store::{
        Batch, Epoch, Scan, Store, StoreError, TreeId, codec,
        keys::{KeyBuf, Space},
    },
    sync,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// At most so many contexts are known; there are not so many on all boards together.
const MOST: usize = 4096;

/// By what a dispute is known: who found it, about which context.
type Case = (&'static str, String);

/// What is known of other nodes' contexts.
#[derive(Debug)]
pub struct KnownPasts {
    store: Arc<dyn Store>,
    machine: Machine,
    tree: TreeId,
    epoch: Epoch,
    pasts: Mutex<BTreeMap<String, Past>>,
    disputes: Mutex<BTreeMap<Case, Dispute>>,
}

fn past_key(context: &str) -> Vec<u8> {
    KeyBuf::new(Space::Epoch).text(context).build()
}

fn decode_past(record: &[u8]) -> Result<(String, Past), StoreError> {
    let (context, past): (String, String) = codec::decode(Space::Epoch, record)?;
    let past = past
        .parse()
        .map_err(|()| StoreError::Damaged(format!("the past of {context}: `{past}`")))?;
    Ok((context, past))
}

fn log_damage(what: &str) {
    tracing::error!(
        what,
        "what was known of the log of another node is damaged; the next past that arrives is accepted"
    );
}

impl KnownPasts {
    /// Opens what is known. Of the contexts in `accepted` it is forgotten: the next past that arrives is accepted.
    pub fn open(
        store: &Arc<dyn Store>,
        machine: Machine,
        accepted: &[String],
    ) -> Result<Self, StoreError> {
        let tree = store.open_tree("holdfast.heard")?;
        let epoch = store.activate(tree)?;
        let scan = Scan::space(Space::Epoch, MOST);
        let mut pasts = BTreeMap::new();
        let mut writes = Vec::new();
        let rows = store.scan(tree, &scan).or_else(|error| match error {
            StoreError::Damaged(what) => {
                log_damage(&what);
                Ok(Vec::new())
            }
            error => Err(error),
        })?;
        for (row_key, row) in rows {
            let (context, past) = match decode_past(&row.record) {
                // It is as for a node that knows nothing of that context; the next past of it is written again.
                Err(StoreError::Damaged(what)) => {
                    log_damage(&what);
                    continue;
                }
                read => read?,
            };
            if accepted.contains(&context) {
                writes.push((row_key, None))
            } else {
                pasts.insert(context, past);
            }
        }
        if !writes.is_empty() {
            store.submit(Batch { tree, epoch, expects: Vec::new(), writes })?;
        }
        let store = store.clone();
        let pasts = Mutex::new(pasts);
        let disputes = Mutex::default();
        Ok(Self { store, machine, tree, epoch, pasts, disputes })
    }

    /// The last event of `context` that is known.
    pub fn last_known(&self, context: &str) -> Option<EventId> {
        sync::lock(&self.pasts).get(context).map(Past::last)
    }

    /// Accepts the past that `context` sends of itself, if it continues what is known. It is on disk with any commit
    /// that is accepted from now on.
    ///
    /// # Errors
    /// [`Fault::HistoryChanged`] when these are two logs; [`Fault::Busy`] for a past that comes too late.
    pub fn accept_past(&self, context: &str, past: &Past) -> Result<(), Fault> {
        let mut pasts = sync::lock(&self.pasts);
        if let Some(known) = pasts.get(context) {
            match past.relation_to(known) {
                Relation::GoesOn if past.is_no_news(known) => return Ok(()),
                Relation::GoesOn => {}
                Relation::Behind => return Err(late_fault()),
                Relation::Apart => {
                    let known = known.last();
                    drop(pasts);
                    return Err(self.report_divergence(context, known));
                }
            }
        }
        let record = codec::encode(Space::Epoch, VERSION, &(context, past.to_string()))?;
        let writes = vec![(past_key(context), Some(record))];
        // Under the lock, so that the rows are written in the order in which the words came.
        self.store.submit(Batch {
            tree: self.tree,
            epoch: self.epoch,
            expects: Vec::new(),
            writes,
        })?;
        pasts.insert(context.to_owned(), past.clone());
        Ok(())
    }

    /// The past that `context` sends lacks an event that is known.
    pub fn report_divergence(&self, context: &str, known: EventId) -> Fault {
        let detail = format!(
            "this node knows event {known} of {context}, which is not in the log of the node that speaks for it now. {}",
            describe_remedy(context)
        );
        self.record_dispute("heard", context, detail.clone());
        Fault::HistoryChanged { context: context.to_owned(), detail }
    }

    /// Others know an event of this node's own `context` that is not in its log.
    pub fn report_lost_event(&self, context: &'static str, known: EventId) -> Fault {
        let detail = format!(
            "other nodes know event {known} of {context}, which is not in the log here. Either they have it from another \
             node that decides for {context}, or this node's data was put back from a copy. Start it with its latest data; \
             to go on with what it has, start those who have asked it once with `--accept-history {context}`, and this \
             one anew"
        );
        self.record_dispute("lost", context, detail.clone());
        Fault::HistoryChanged { context: context.to_owned(), detail }
    }

    /// Another node asks for a `context` that this one decides for.
    pub fn report_second_node(&self, context: &str) -> Fault {
        let detail = format!(
            "another node asks questions of {context}, which this one decides for. End one of them, or have it leave \
             {context} out with --contexts, and start this node anew"
        );
        self.record_dispute("second", context, detail.clone());
        Fault::HistoryChanged { context: context.to_owned(), detail }
    }

    /// Questions to `callee` are refused for the past of who asks there.
    pub fn report_refusal(&self, callee: &'static str, why: &str) {
        self.record_dispute(
            "refused",
            callee,
            format!("{callee} answers no questions of this node. Its own node says: {why}"),
        );
    }

    /// Questions to `callee` are answered.
    pub fn clear_refusal(&self, callee: &'static str) {
        let mut disputes = sync::lock(&self.disputes);
        if !disputes.is_empty() && disputes.remove(&("refused", callee.to_owned())).is_some() {
            tracing::info!(callee, "questions are answered again");
        }
    }

    fn record_dispute(&self, case: &'static str, context: &str, detail: String) {
        let mut disputes = sync::lock(&self.disputes);
        disputes.entry((case, context.to_owned())).or_insert_with(|| {
            tracing::error!(context, detail, "two pasts of one log");
            Dispute::new(context, self.machine.now(), detail)
        });
    }

    /// What is to be mended.
    pub fn disputes(&self) -> Vec<Dispute> {
        sync::lock(&self.disputes).values().cloned().collect()
    }
}

/// A message of a node that another one has succeeded since.
pub fn late_fault() -> Fault {
    Fault::Busy { retry_after: std::time::Duration::from_secs(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    fn past(text: &str) -> Past {
        text.parse().unwrap()
    }

    #[test]
    fn a_damaged_row_is_forgotten_and_the_others_are_known() {
        let memory = MemoryStore::default();
        let store: Arc<dyn Store> = Arc::new(memory.clone());
        let known = KnownPasts::open(&store, Machine::default(), &[]).unwrap();
        known.accept_past("shop.till", &past("7;0;1:a")).unwrap();
        known.accept_past("shop.desk", &past("7;0;1:b")).unwrap();
        memory.damage_row("holdfast.heard", &past_key("shop.till"), Some(vec![1; 20]));
        let known = KnownPasts::open(&store, Machine::default(), &[]).unwrap();
        assert_eq!(
            (known.last_known("shop.till"), known.last_known("shop.desk").unwrap().sequence),
            (None, 7)
        );
        known.accept_past("shop.till", &past("8;0;1:a")).unwrap();
        let known = KnownPasts::open(&store, Machine::default(), &[]).unwrap();
        assert_eq!(known.last_known("shop.till").unwrap().to_string(), "a-8");
    }

    #[test]
    fn a_received_past_is_known_after_a_restart_and_another_is_refused_until_it_is_accepted() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let known = KnownPasts::open(&store, Machine::default(), &[]).unwrap();
        known.accept_past("shop.till", &past("7;0;1:a")).unwrap();
        known.accept_past("shop.till", &past("9;0;1:a")).unwrap();
        // One that was overtaken on its way.
        known.accept_past("shop.till", &past("8;0;1:a")).unwrap();
        let known = KnownPasts::open(&store, Machine::default(), &[]).unwrap();
        assert_eq!(known.last_known("shop.till").unwrap().to_string(), "a-9");
        let refused = known.accept_past("shop.till", &past("8;0;1:a,8:b")).unwrap_err();
        assert!(
            matches!(&refused, Fault::HistoryChanged { context, .. } if context == "shop.till"),
            "{refused}"
        );
        assert!(known.disputes()[0].detail.contains("--accept-history shop.till"));
        known.accept_past("shop.till", &past("12;0;1:a,11:c")).unwrap();
        // A late word of a process that has ended is nothing to mend.
        let before = known.disputes().len();
        assert_eq!(known.accept_past("shop.till", &past("10;0;1:a")).unwrap_err(), late_fault());
        assert_eq!(known.disputes().len(), before);
        let known = KnownPasts::open(&store, Machine::default(), &["shop.till".into()]).unwrap();
        known.accept_past("shop.till", &past("8;0;1:a,8:b")).unwrap();
        assert!(known.disputes().is_empty());
    }
}
