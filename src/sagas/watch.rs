//! Notices which sagas of a node are stuck, and tells it once when one gets stuck, and once when it is free. What is to be told
//! is kept in the store until it has been.

use super::{
    filter::SagaFilter,
    list::{RowStart, list_rows},
    news::{NewsKind, SagaNews, StuckReceiver, StuckSaga},
    settings::SagaSettings,
    state::SagaState,
};
use crate::{
    actors::{Context, Fault, Machine, Node, NodeTree, NotSent},
    domain::Timestamp,
    store::{
        Scan, Store, StoreError, codec,
        keys::{KeyBuf, Space},
        paging::Pages,
    },
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The tree that is kept in.
const TREE: &str = "holdfast.stuck";
const VERSION: u16 = 1;
const PAGE: usize = 1000;
/// So many stuck ones are reported; others when these are free.
const MOST: usize = 10_000;
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);

/// A saga that is stuck, or was and this has not been told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct KnownSaga {
    saga: StuckSaga,
    /// Tells this time from another one.
    word: u64,
    noticed: Timestamp,
    /// Whether it has been told that it is stuck.
    told: bool,
    freed: Option<Timestamp>,
}

/// A saga: the context in which it began, and its number.
type SagaKey = (String, u64);

/// Watches the sagas of a node.
pub struct SagaWatch {
    rows: NodeTree,
    machine: Machine,
    settings: SagaSettings,
    every: Duration,
    receiver: Option<Arc<dyn StuckReceiver>>,
    known: BTreeMap<SagaKey, KnownSaga>,
}

fn saga_key((context, number): &SagaKey) -> Vec<u8> {
    KeyBuf::new(Space::Saga).text(context).number(*number).build()
}

impl SagaWatch {
    /// Opens what is known in a store. Looks every `every`, and tells it to `receiver`, if there is one.
    ///
    /// # Errors
    /// The error of the store.
    pub fn open(
        store: &Arc<dyn Store>,
        machine: Machine,
        settings: SagaSettings,
        every: Duration,
        receiver: Option<Arc<dyn StuckReceiver>>,
    ) -> Result<Self, StoreError> {
        let rows = NodeTree::open(store, TREE)?;
        let mut known = BTreeMap::new();
        let mut pages = Pages::over_scan(Scan::space(Space::Saga, PAGE));
        while let Some(page) = rows.next_page(&mut pages, 1)? {
            for (_, row) in &page {
                match codec::decode::<KnownSaga>(Space::Saga, &row.record) {
                    Ok(kept) => {
                        let key = (kept.saga.context.clone(), kept.saga.number);
                        known.insert(key, kept);
                    }
                    // It is noticed anew if it is still stuck.
                    Err(StoreError::Damaged(what)) => {
                        tracing::error!(tree = TREE, what, "row of the node is damaged");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Self { rows, machine, settings, every, receiver, known })
    }

    /// Watches `node`, for as long as it is polled.
    pub async fn run(mut self, node: Arc<dyn Node>) {
        let mut failures = 0;
        loop {
            match self.look(&node).await {
                Ok(true) => failures = 0,
                Ok(false) => failures += 1,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, "failed to watch for stuck sagas");
                }
            }
            let pause = self.machine.random_backoff(failures, SHORTEST, LONGEST);
            let pause = if failures > 0 { pause } else { Duration::ZERO };
            tokio::time::sleep(self.every.max(pause)).await;
        }
    }

    /// Looks once. Returns whether everything that is to be told has been.
    async fn look(&mut self, node: &Arc<dyn Node>) -> Result<bool, Fault> {
        let may_be_stuck = |context: &Arc<dyn Context>| {
            context.parked_count() > 0 || context.has_retried(self.settings.stuck_after)
        };
        let is_any = node.refused_message_count() > 0 || node.contexts().iter().any(may_be_stuck);
        if is_any || !self.known.is_empty() {
            let found = self.find_stuck(node).await?;
            self.notice(found).await?;
        }
        self.tell_all().await
    }

    async fn find_stuck(
        &self,
        node: &Arc<dyn Node>,
    ) -> Result<BTreeMap<SagaKey, StuckSaga>, Fault> {
        let node = node.clone();
        let settings = self.settings;
        let read = move || {
            let filter = SagaFilter { state: Some(SagaState::Stuck), ..SagaFilter::default() };
            let mut found = BTreeMap::new();
            let mut start: Option<RowStart> = None;
            loop {
                let page = list_rows(node.as_ref(), &settings, &filter, start.as_ref(), PAGE)?;
                for row in page.rows {
                    found.entry((row.context.clone(), row.number)).or_insert_with(|| row.into());
                }
                start = page.next.as_deref().and_then(RowStart::from_cursor);
                if start.is_none() || found.len() >= MOST {
                    return Ok::<_, Fault>(found);
                }
            }
        };
        tokio::task::spawn_blocking(read).await.map_err(|_| Fault::Unknown)?
    }

    /// Keeps which are stuck, and which are not any more.
    async fn notice(&mut self, found: BTreeMap<SagaKey, StuckSaga>) -> Result<(), Fault> {
        let now = self.machine.now();
        for (key, saga) in &found {
            // One that was free and is stuck again is sent anew, once it was sent that it was free.
            if self.known.contains_key(key) {
                continue;
            }
            tracing::warn!(
                context = saga.context,
                number = saga.number,
                owed_by = saga.owed_by,
                what = saga.what,
                "saga is stuck"
            );
            let word = self.machine.random();
            let told = self.receiver.is_none();
            let known = KnownSaga { saga: saga.clone(), word, noticed: now, told, freed: None };
            self.keep(key.clone(), known).await?;
        }
        let is_free =
            |key: &SagaKey, known: &KnownSaga| known.freed.is_none() && !found.contains_key(key);
        let freed = self.known.iter().filter(|(key, known)| is_free(key, known));
        let freed: Vec<SagaKey> = freed.map(|(key, _)| key.clone()).collect();
        for key in freed {
            let Some(mut known) = self.known.get(&key).cloned() else { continue };
            tracing::info!(context = key.0, number = key.1, "saga is not stuck any more");
            known.freed = Some(now);
            if self.receiver.is_none() {
                self.forget(&key).await?;
            } else {
                self.keep(key, known).await?;
            }
        }
        Ok(())
    }

    async fn keep(&mut self, key: SagaKey, known: KnownSaga) -> Result<(), StoreError> {
        let record = codec::encode(Space::Saga, VERSION, &known)?;
        // Nothing is sent before it cannot be forgotten that it was.
        self.rows.write_durably(saga_key(&key), Some(record)).await?;
        self.known.insert(key, known);
        Ok(())
    }

    async fn forget(&mut self, key: &SagaKey) -> Result<(), StoreError> {
        self.rows.write_row(saga_key(key), None).await?;
        self.known.remove(key);
        Ok(())
    }

    /// Tells what is to be told. Returns whether all of it has been.
    async fn tell_all(&mut self) -> Result<bool, Fault> {
        let Some(receiver) = self.receiver.clone() else { return Ok(true) };
        let is_due = |known: &KnownSaga| !known.told || known.freed.is_some();
        let due = self.known.iter().filter(|(_, known)| is_due(known));
        let due: Vec<SagaKey> = due.map(|(key, _)| key.clone()).collect();
        for key in due {
            let Some(mut known) = self.known.get(&key).cloned() else { continue };
            if !known.told {
                if !tell(receiver.as_ref(), &known, NewsKind::Stuck).await {
                    return Ok(false);
                }
                known.told = true;
                self.keep(key.clone(), known.clone()).await?;
            }
            if known.freed.is_some() {
                if !tell(receiver.as_ref(), &known, NewsKind::Freed).await {
                    return Ok(false);
                }
                self.forget(&key).await?;
            }
        }
        Ok(true)
    }
}

/// Tells one thing. Returns whether it need not be told again.
async fn tell(receiver: &dyn StuckReceiver, known: &KnownSaga, kind: NewsKind) -> bool {
    let StuckSaga { context, number, .. } = &known.saga;
    let at = known.freed.filter(|_| kind == NewsKind::Freed).unwrap_or(known.noticed);
    let id = format!("{context}-{number}-{:016x}-{}", known.word, kind.type_name());
    let news = SagaNews { id, kind, at, saga: known.saga.clone() };
    match receiver.tell(&news).await {
        Ok(()) => true,
        Err(NotSent::Refused(why)) => {
            tracing::warn!(context, number, why, "the receiver of alerts refuses one");
            true
        }
        Err(NotSent::Failed(why)) => {
            tracing::warn!(context, number, why, "the receiver of alerts does not take one");
            false
        }
    }
}
