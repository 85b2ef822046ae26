//! What the contexts know of one saga: those of this node, and those of other nodes when they are asked.

use crate::{
    actors::{Context, Fault, ParkedId, SagaEntry, SagaPart},
    api::Problem,
    http::{
        nodes::{NodeReport, NodeRequest, OtherNode},
        state::AppState,
    },
};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// Which saga, and what of it.
#[derive(Debug, Clone)]
pub struct SagaQuery {
    /// The context in which it began.
    pub context: String,
    pub number: u64,
    /// About so many entries of each context.
    pub limit: usize,
    /// The sequence to go on from, by context.
    pub from: BTreeMap<String, u64>,
}

/// What one context knows.
#[derive(Debug, Serialize, Deserialize)]
pub struct ContextPart {
    pub context: String,
    pub view: bool,
    pub entries: VecDeque<SagaEntry>,
    /// Where there is more: the sequence to go on from.
    pub next: Option<u64>,
    /// What is under the number of the saga, if it takes part in it.
    pub state: Option<Value>,
}

/// The parts of a node.
#[derive(Debug, Serialize, Deserialize)]
pub struct NodeParts {
    pub parts: Vec<ContextPart>,
}

/// Parked events of a node.
#[derive(Debug, Serialize, Deserialize)]
pub struct NodeParked {
    pub parked: Vec<Value>,
}

fn system_of(context: &str) -> &str {
    context.split('.').next().unwrap_or_default()
}

impl SagaQuery {
    /// Whether the saga is of the order of its system.
    fn is_of_order(&self, state: &AppState) -> bool {
        let here = state
            .node
            .contexts()
            .iter()
            .map(|context| (context.name().context, context.is_order() && !context.is_view()));
        let remote = state.settings.remote_contexts.iter();
        let remote = remote.map(|context| (context.name.context, context.is_order));
        here.chain(remote).any(|(name, is_order)| is_order && name == self.context)
    }

    /// The request for the parts of a node, if it hosts a context of the system.
    pub fn node_request(&self, node: &OtherNode) -> Option<NodeRequest> {
        let mut contexts = node.contexts.iter();
        contexts.find(|context| system_of(context) == system_of(&self.context))?;
        let from = self.from.iter().map(|(context, from)| format!("{context}:{from}"));
        let from = from.collect::<Vec<_>>().join(",");
        let mut request =
            NodeRequest::get(format!("/internal/sagas/{}/{}", self.context, self.number));
        request.query = vec![("limit", self.limit.to_string())];
        if !from.is_empty() {
            request.query.push(("from", from));
        }
        Some(request)
    }

    fn read_part(&self, context: &dyn Context, is_of_order: bool) -> Result<ContextPart, Fault> {
        let name = context.name().context;
        let from = self.from.get(name).copied().unwrap_or(0);
        let part = context.saga_part(&self.context, self.number, from, self.limit)?;
        let SagaPart { entries, next } = part;
        // Participants share the number of the saga; what an order merely uses has a number of its own.
        let shares = if context.is_view() {
            is_of_order && context.is_order()
        } else {
            entries.iter().any(|entry| entry.number == self.number)
        };
        let seen = shares.then(|| context.read_item(self.number).ok()).flatten();
        let state = seen.map(|seen| serde_json::from_slice(&seen.body).unwrap_or_default());
        let view = context.is_view();
        Ok(ContextPart { context: name.to_owned(), view, entries: entries.into(), next, state })
    }
}

/// The parts of the contexts of this node, which are durable.
pub async fn of_this_node(state: &AppState, saga: &SagaQuery) -> Result<Vec<ContextPart>, Problem> {
    let contexts = state.node.contexts().iter();
    let contexts: Vec<Arc<dyn Context>> = contexts
        .filter(|context| context.name().system == system_of(&saga.context))
        .cloned()
        .collect();
    let is_of_order = saga.is_of_order(state);
    let saga = saga.clone();
    let read = move || {
        let parts = contexts.iter().map(|context| saga.read_part(context.as_ref(), is_of_order));
        parts.collect::<Result<Vec<_>, Fault>>()
    };
    let parts = state.list_reads.run(read).await??;
    state.node.wait_durable(state.node.accepted_commit()).await?;
    Ok(parts)
}

/// The events among `events` that a context of this node has parked.
pub async fn parked_here(state: &AppState, events: Vec<ParkedId>) -> Result<Vec<Value>, Problem> {
    let contexts: Vec<Arc<dyn Context>> = state.node.contexts().to_vec();
    let read = move || {
        let mut parked = Vec::new();
        for context in contexts {
            let found = context.parked_among(events.clone())?;
            parked.extend(found.into_iter().map(|event| json!(event)));
        }
        Ok::<_, Fault>(parked)
    };
    Ok(state.list_reads.run(read).await??)
}

/// The events among `events` that a context has parked, of this node or of those at `places`.
pub async fn parked_anywhere(
    state: &AppState,
    events: Vec<ParkedId>,
    places: &[usize],
) -> Result<Vec<Value>, Problem> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let body = json!({ "events": events });
    let request = |place: usize, _: &OtherNode| {
        let body = Some(body.clone());
        let request = NodeRequest::get("/internal/parked");
        places.contains(&place).then_some(NodeRequest { method: Method::POST, body, ..request })
    };
    let elsewhere = state.nodes.ask_nodes::<NodeParked>(request);
    let mut parked = parked_here(state, events).await?;
    for answer in elsewhere.await {
        let report = answer.answer.map(|NodeReport { content, .. }| content.parked);
        parked.extend(report.unwrap_or_default());
    }
    Ok(parked)
}
