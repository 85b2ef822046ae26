//! The jobs of a node: kept in its store, so that they go on after a restart, and run one after the other, no faster than
//! is set.

use super::{
    filter::SagaFilter,
    job::{Job, JobAction, JobOrder, JobState},
    list::{RowPage, RowStart, list_rows},
    settings::SagaSettings,
    state::SagaState,
};
use crate::{
    actors::{Fault, Machine, Node, NodeTree, OwedPlace},
    store::{
        Scan, Store, StoreError, codec,
        keys::{KeyBuf, Space},
        paging::Pages,
    },
    sync,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Notify;

/// The tree that they are kept in.
const TREE: &str = "holdfast.jobs";
const VERSION: u16 = 1;
/// So many jobs are kept; the first to end give way.
const MOST: usize = 100;
/// So many parked ones are listed at once, and the place is kept after each of these.
const PAGE: usize = 50;
/// So much of an error is kept.
const LONGEST_ERROR: usize = 300;
/// How long until a job goes on whose node cannot list what is parked.
const PAUSE: Duration = Duration::from_secs(1);

/// The jobs of a node.
#[derive(Debug)]
pub struct Jobs {
    rows: NodeTree,
    machine: Machine,
    settings: SagaSettings,
    all: Mutex<BTreeMap<String, Job>>,
    /// Held while one is looked at and written.
    writing: tokio::sync::Mutex<()>,
    begun: Notify,
}

fn job_key(id: &str) -> Vec<u8> {
    KeyBuf::new(Space::State).text(id).build()
}

impl Jobs {
    /// Opens the jobs of a store.
    ///
    /// # Errors
    /// The error of the store.
    pub fn open(
        store: &Arc<dyn Store>,
        machine: Machine,
        settings: SagaSettings,
    ) -> Result<Self, StoreError> {
        let rows = NodeTree::open(store, TREE)?;
        let mut all = BTreeMap::new();
        let mut pages = Pages::over_scan(Scan::space(Space::State, MOST));
        while let Some(page) = rows.next_page(&mut pages, 1)? {
            for (_, row) in &page {
                match codec::decode::<Job>(Space::State, &row.record) {
                    Ok(job) => drop(all.insert(job.order.id.clone(), job)),
                    Err(StoreError::Damaged(what)) => {
                        tracing::error!(tree = TREE, what, "row of the node is damaged");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let all = Mutex::new(all);
        let writing = tokio::sync::Mutex::default();
        Ok(Self { rows, machine, settings, all, writing, begun: Notify::new() })
    }

    /// An id that no other job has.
    pub fn new_id(&self) -> String {
        format!("{:016x}", self.machine.random())
    }

    /// All of them, the latest first.
    pub fn list(&self) -> Vec<Job> {
        let mut all: Vec<Job> = sync::lock(&self.all).values().cloned().collect();
        all.sort_by_key(|job| std::cmp::Reverse(job.begun));
        all
    }

    fn find(&self, id: &str) -> Option<Job> {
        sync::lock(&self.all).get(id).cloned()
    }

    /// The job that does just this, if one is running.
    pub fn find_running(&self, action: JobAction, filter: &SagaFilter) -> Option<Job> {
        let all = sync::lock(&self.all);
        let is_same = |job: &&Job| {
            let JobOrder { action: of, filter: wanted, .. } = &job.order;
            job.state == JobState::Running && *of == action && wanted == filter
        };
        all.values().find(is_same).cloned()
    }

    async fn keep(&self, job: &Job) -> Result<(), StoreError> {
        let record = codec::encode(Space::State, VERSION, job)?;
        self.rows.write_durably(job_key(&job.order.id), Some(record)).await?;
        sync::lock(&self.all).insert(job.order.id.clone(), job.clone());
        Ok(())
    }

    /// Begins a job, once it cannot be lost. One that has begun is not begun again.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn begin(&self, order: JobOrder) -> Result<Job, StoreError> {
        let _writing = self.writing.lock().await;
        if let Some(known) = self.find(&order.id) {
            return Ok(known);
        }
        self.forget_oldest().await?;
        let job = Job::new(order, self.machine.now());
        self.keep(&job).await?;
        self.begun.notify_one();
        Ok(job)
    }

    /// Makes room for one more.
    async fn forget_oldest(&self) -> Result<(), StoreError> {
        let over = {
            let all = sync::lock(&self.all);
            let over = all.values().filter(|job| job.state != JobState::Running);
            let oldest = over.min_by_key(|job| job.begun).map(|job| job.order.id.clone());
            oldest.filter(|_| all.len() >= MOST)
        };
        let Some(id) = over else { return Ok(()) };
        self.rows.write_durably(job_key(&id), None).await?;
        sync::lock(&self.all).remove(&id);
        Ok(())
    }

    /// Cancels a job; what it has done stays. `None`: there is none of this id.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn cancel(&self, id: &str) -> Result<Option<Job>, StoreError> {
        let _writing = self.writing.lock().await;
        let Some(mut job) = self.find(id) else { return Ok(None) };
        if job.state == JobState::Running {
            job.end(JobState::Canceled, self.machine.now());
            self.keep(&job).await?;
        }
        Ok(Some(job))
    }

    /// Runs the jobs of `node`, for as long as it is polled.
    pub async fn run(self: Arc<Self>, node: Arc<dyn Node>) {
        // One that cannot go on lets the others go first.
        let mut stuck: Option<String> = None;
        loop {
            let running = {
                let all = sync::lock(&self.all);
                let running = all.values().filter(|job| job.state == JobState::Running);
                let order = |job: &&Job| (stuck.as_ref() == Some(&job.order.id), job.begun);
                running.min_by_key(order).cloned()
            };
            match running {
                None => self.begun.notified().await,
                Some(job) => {
                    let id = job.order.id.clone();
                    if let Err(error) = self.run_page(&node, job).await {
                        tracing::warn!(job = id, %error, "failed to go on with a job");
                        stuck = Some(id);
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        }
    }

    /// Does what is on the next page of a job, and keeps how far it has come.
    async fn run_page(&self, node: &Arc<dyn Node>, mut job: Job) -> Result<(), Fault> {
        let RowPage { rows, next } = self.list_page(node, &job).await?;
        for row in rows {
            if self.find(&job.order.id).is_none_or(|job| job.state != JobState::Running) {
                return Ok(());
            }
            if let Some(RowStart { context, after }) = RowStart::from_cursor(&row.cursor) {
                self.settle(node.as_ref(), &context, after, &mut job).await;
                tokio::time::sleep(
                    Duration::from_secs(1) / self.settings.redrive_per_second.max(1),
                )
                .await;
            }
        }
        if next.is_none() {
            job.end(JobState::Done, self.machine.now());
        }
        job.cursor = next;
        let _writing = self.writing.lock().await;
        // It may have been canceled meanwhile.
        if let Some(canceled) =
            self.find(&job.order.id).filter(|job| job.state == JobState::Canceled)
        {
            job.state = canceled.state;
            job.ended = canceled.ended;
        }
        Ok(self.keep(&job).await?)
    }

    async fn list_page(&self, node: &Arc<dyn Node>, job: &Job) -> Result<RowPage, Fault> {
        let node = node.clone();
        let settings = self.settings;
        let filter = SagaFilter { state: Some(SagaState::Stuck), ..job.order.filter.clone() };
        let start = job.cursor.as_deref().and_then(RowStart::from_cursor);
        let read = move || list_rows(node.as_ref(), &settings, &filter, start.as_ref(), PAGE);
        let mut page = tokio::task::spawn_blocking(read).await.map_err(|_| Fault::Unknown)??;
        // What is tried again by itself need not be redriven.
        page.rows.retain(|row| row.id.is_some());
        Ok(page)
    }

    /// Redrives or drops one.
    async fn settle(&self, node: &dyn Node, context: &str, place: OwedPlace, job: &mut Job) {
        let redrive = job.order.action == JobAction::Redrive;
        let of = node.contexts().iter().find(|known| known.name().context == context);
        let settled = match (place, of) {
            (OwedPlace::Parked(id), Some(of)) => {
                let settled = of.settle_parked(id.clone(), redrive).await;
                let is_there = || of.parked_among(vec![id]).is_ok_and(|found| !found.is_empty());
                if settled.is_ok() && redrive && is_there() {
                    job.parked_again += 1;
                }
                settled
            }
            (OwedPlace::Text(number), _) => {
                node.settle_refused(context, number, redrive).await.map(drop)
            }
            _ => return,
        };
        match settled {
            Ok(()) => job.touched += 1,
            // It is not parked any more.
            Err(Fault::Refused(_)) => {}
            Err(fault) => {
                job.failed += 1;
                job.error = Some(fault.to_string().chars().take(LONGEST_ERROR).collect());
            }
        }
    }
}
