//! A node with a database that another node leads: it passes requests on, and takes over when the leases are free.

use super::{failure::Failure, open_store::OpenedStore};
use crate::{
    actors::{LocalNode, NodeSettings},
    http::{self, Drain, HttpSettings, Leader, Listeners, Standby},
    store::{
        Attempt, CANDIDATE_PAUSE, LeaseHolder, MemoryStore, PostgresCandidate, PostgresOptions,
        StoreError,
    },
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use tokio::sync::{oneshot, watch};

/// A thread that waits for the leases.
pub(super) struct Candidacy {
    leader: watch::Receiver<Option<Leader>>,
    opened: oneshot::Receiver<Result<OpenedStore, StoreError>>,
    is_over: Arc<AtomicBool>,
}

impl Candidacy {
    /// Begins to wait for the leases of the database.
    pub fn begin(options: PostgresOptions) -> Result<Self, Failure> {
        let (known, leader) = watch::channel(None);
        let (done, opened) = oneshot::channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        thread::Builder::new()
            .name("candidate".into())
            .spawn(move || drop(done.send(wait_for_leases(options, &known, &over))))
            .map_err(|error| Failure::Failed(error.to_string()))?;
        Ok(Self { leader, opened, is_over })
    }

    /// Waits until this node leads; `None`: it was asked to stop before that. While another node leads, requests are passed
    /// on to that one; `accepting` is called when they are. What is returned with the store goes on passing on what is under
    /// way, until it is dropped or asked to end.
    pub async fn lead(
        self,
        settings: HttpSettings,
        listeners: &Listeners,
        accepting: &mut Option<impl FnOnce() -> Result<(), Failure>>,
        stopped: impl Future<Output = Drain>,
    ) -> Result<Option<(OpenedStore, Option<Gateway>)>, Failure> {
        let Self { leader, mut opened, is_over } = self;
        let mut known = leader.clone();
        let is_led = async { drop(known.wait_for(Option::is_some).await) };
        tokio::pin!(stopped);
        tokio::select! {
            biased;
            opened = &mut opened => return Ok(Some((finish(opened)?, None))),
            () = is_led => {}
            _ = &mut stopped => {
                is_over.store(true, Ordering::Release);
                return Ok(None);
            }
        }
        if leader.borrow().is_none() {
            return Ok(Some((finish(opened.await)?, None)));
        }
        let gateway = Gateway::start(settings, Standby::new(leader), listeners)?;
        if let Some(accepting) = accepting.take() {
            accepting()?;
        }
        tokio::select! {
            opened = &mut opened => Ok(Some((finish(opened)?, Some(gateway)))),
            _ = &mut stopped => {
                is_over.store(true, Ordering::Release);
                gateway.end().await;
                Ok(None)
            }
        }
    }
}

fn finish(
    opened: Result<Result<OpenedStore, StoreError>, oneshot::error::RecvError>,
) -> Result<OpenedStore, Failure> {
    let gone = |_| Failure::Internal("waiting for the leases ended".into());
    opened.map_err(gone)?.map_err(Failure::from_error)
}

/// Tries to take the leases until it has them.
fn wait_for_leases(
    options: PostgresOptions,
    known: &watch::Sender<Option<Leader>>,
    is_over: &AtomicBool,
) -> Result<OpenedStore, StoreError> {
    let mut candidate = PostgresCandidate::connect(options)?;
    let mut is_said = false;
    loop {
        match candidate.try_lead()? {
            Attempt::Leads(store) => {
                let leader = Leader::from(store.own_lease());
                known.send_replace(is_said.then_some(leader));
                return Ok(OpenedStore::from(*store));
            }
            Attempt::Waits(again, holder) => {
                candidate = *again;
                if let Some(holder) = holder {
                    if !is_said {
                        tracing::info!(
                            node = holder.node,
                            url = holder.url,
                            "on standby: another node leads"
                        );
                        is_said = true;
                    }
                    let leader = Some(Leader::from(holder));
                    known.send_if_modified(|now| {
                        let is_other = *now != leader;
                        *now = leader.clone();
                        is_other
                    });
                }
            }
        }
        if is_over.load(Ordering::Acquire) {
            return Err(StoreError::closed());
        }
        thread::sleep(CANDIDATE_PAUSE);
    }
}

impl From<LeaseHolder> for Leader {
    fn from(LeaseHolder { node, url, start, .. }: LeaseHolder) -> Self {
        Self { node, url: url.parse().ok(), start }
    }
}

/// What passes requests on while another node leads.
pub(super) struct Gateway {
    drain: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<()>,
}

impl Gateway {
    fn start(
        settings: HttpSettings,
        standby: Standby,
        listeners: &Listeners,
    ) -> Result<Self, Failure> {
        // A connection goes to the server that accepts it first.
        let listeners = listeners.duplicate().map_err(Failure::from_error)?;
        let listeners = Listeners { contexts: Vec::new(), ..listeners };
        let node = LocalNode::start(Arc::new(MemoryStore::new()), NodeSettings::default(), |_| {});
        let node = Arc::new(node.map_err(Failure::from_error)?);
        let settings = HttpSettings { standby: Some(standby), ..settings };
        let (drain, drained) = oneshot::channel();
        let served = actix_rt::spawn(async move {
            let drained = async {
                drop(drained.await);
                Drain::Shared
            };
            if let Err(error) = http::serve_http(settings, node, listeners, drained).await {
                tracing::error!(%error, "requests are not passed on");
            }
        });
        Ok(Self { drain, served })
    }

    /// Takes no more, and resolves when what is under way is answered.
    pub async fn end(self) {
        let _ = self.drain.send(());
        let _ = self.served.await;
    }
}
