//! The way from one node to another, in memory: what the server does over HTTP, with the faults of a network.

use super::conditions::{Conditions, Link};
use futures_util::{FutureExt, future::BoxFuture};
use holdfast::actors::{
    Context, EventId, Fault, LocalNode, Node, Past, PeerClient, PeerQuestion, PeerReply,
    RecordedEvent, Safeguard, Silence, Transmission, TransmissionKind, answer_question,
    check_continues,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

/// After so long a connection without a word is given up.
const GIVEN_UP: Duration = Duration::from_secs(5);
/// How often one who waits for an event looks whether it is there.
const LOOKS: Duration = Duration::from_millis(100);

/// Which node hosts each context.
pub type Hosts = BTreeMap<&'static str, usize>;

/// The nodes that run now, by their place. Clones are the same one.
#[derive(Clone, Default)]
pub struct Nodes(Arc<Mutex<BTreeMap<usize, Arc<LocalNode>>>>);

impl Nodes {
    pub fn put(&self, place: usize, node: Arc<LocalNode>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(place, node);
    }
    fn get(&self, place: usize) -> Option<Arc<LocalNode>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&place).cloned()
    }
}

/// The way from one node to the others.
#[derive(Clone)]
pub struct Wire {
    pub conditions: Conditions,
    pub nodes: Nodes,
    pub hosts: Arc<Hosts>,
    pub place: usize,
    pub off: Option<Safeguard>,
}

fn silence(fault: Fault) -> Silence {
    match fault {
        Fault::HistoryChanged { detail, .. } => Silence::Changed(detail),
        fault => Silence::Away(fault.to_string()),
    }
}

fn away() -> Silence {
    Silence::Away("no node answers".to_owned())
}

impl Wire {
    /// The context, at the node that hosts it at present.
    fn find(&self, context: &str) -> Result<(Arc<LocalNode>, Arc<dyn Context>), Silence> {
        let place = self.hosts.get(context).ok_or_else(away)?;
        let node = self.nodes.get(*place).ok_or_else(away)?;
        let found = node.contexts().iter().find(|known| known.name().context == context).cloned();
        Ok((node, found.ok_or_else(away)?))
    }

    async fn answer(
        &self,
        context: &'static str,
        mut question: PeerQuestion,
        within: Duration,
    ) -> Result<PeerReply, Silence> {
        question.owner.take_if(|_| self.off == Some(Safeguard::TellOwners));
        let (node, asked) = self.find(context)?;
        let is_early = self.conditions.is_early();
        let sent =
            if is_early { PeerQuestion { past: None, heard: None, ..question } } else { question };
        let answer = answer_question(node.as_ref(), asked.as_ref(), sent.clone(), within).await;
        let reply = answer.map_err(silence)?;
        self.conditions.observe_reply(self.hosts[context], context, &sent, &reply);
        Ok(if is_early { PeerReply { past: None, ..reply } } else { reply })
    }

    async fn read(
        &self,
        context: &'static str,
        from: u64,
        after: Option<EventId>,
        linger: Duration,
    ) -> Result<Vec<RecordedEvent>, Silence> {
        let (node, source) = self.find(context)?;
        let log = source.event_log().ok_or_else(away)?;
        check_continues(log.as_ref(), from, after).map_err(silence)?;
        // tokio wakes several who wait for one value in an order of chance, which no seed determines: so this looks again.
        let latest = log.latest();
        let end = Instant::now() + linger;
        while *latest.borrow() < from && Instant::now() < end {
            tokio::time::sleep(LOOKS).await;
        }
        let page = log.read_page(from).map_err(|why| Silence::Away(why.to_string()))?;
        node.wait_durable(page.commit).await.map_err(silence)?;
        Ok(page.items.into_iter().map(|(_, event)| event).collect())
    }

    fn deliveries(&self, kind: TransmissionKind, from: &str, to: &str) -> Vec<Duration> {
        self.conditions.deliveries_over(Link::Nodes, Transmission { kind, from, to })
    }
}

impl PeerClient for Wire {
    fn reaches_context(&self, context: &str) -> bool {
        self.hosts.get(context).is_some_and(|place| *place != self.place)
    }

    fn send_question(
        &self,
        context: &'static str,
        question: PeerQuestion,
        within: Duration,
    ) -> BoxFuture<'static, Result<PeerReply, Silence>> {
        let wire = self.clone();
        let asker = question.id.context.clone();
        async move {
            let (reply, mut replies) = mpsc::unbounded_channel();
            for pause in wire.deliveries(TransmissionKind::Ask, &asker, context) {
                let wire = wire.clone();
                let asker = asker.clone();
                let question = question.clone();
                let reply = reply.clone();
                actix_rt::spawn(async move {
                    tokio::time::sleep(pause).await;
                    let answer = wire.answer(context, question, within).await;
                    for pause in wire.deliveries(TransmissionKind::Answer, context, &asker) {
                        let reply = reply.clone();
                        let answer = answer.clone();
                        actix_rt::spawn(async move {
                            tokio::time::sleep(pause).await;
                            let _ = reply.send(answer);
                        });
                    }
                });
            }
            let answer = timeout(within, replies.recv()).await;
            answer.ok().flatten().unwrap_or_else(|| Err(away()))
        }
        .boxed()
    }

    fn fetch_past(&self, context: &str) -> BoxFuture<'static, Result<Past, String>> {
        let past =
            self.find(context).ok().and_then(|(_, context)| Some(context.event_log()?.past()));
        async move { past.ok_or_else(|| "no node answers".to_owned()) }.boxed()
    }

    fn fetch_events(
        &self,
        context: &'static str,
        from: u64,
        after: Option<EventId>,
        linger: Duration,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, Silence>> {
        let wire = self.clone();
        async move {
            let here = format!("node {}", wire.place);
            let asked = wire.deliveries(TransmissionKind::Ask, &here, context);
            let Some(pause) = asked.first() else {
                tokio::time::sleep(GIVEN_UP).await;
                return Err(away());
            };
            tokio::time::sleep(*pause).await;
            let read = timeout(linger + GIVEN_UP, wire.read(context, from, after, linger)).await;
            let read = read.map_err(|_| away())??;
            let answered = wire.deliveries(TransmissionKind::Events, context, &here);
            let Some(pause) = answered.first() else {
                tokio::time::sleep(GIVEN_UP).await;
                return Err(away());
            };
            tokio::time::sleep(*pause).await;
            Ok(read)
        }
        .boxed()
    }
}
