//! `GET /admin/nodes`: this node and the others, and what they host.

use crate::{
    actors::Phase,
    domain::Timestamp,
    http::{
        call::{Call, Reply},
        nodes::{NodeRequest, OtherNode},
        response::json_response,
        state::AppState,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A context of a node.
#[derive(Debug, Serialize, Deserialize)]
struct HostedContext {
    context: String,
    view: bool,
    state: String,
}

/// What a node says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct NodeDescription {
    state: String,
    version: String,
    /// When its process began, by its machine's clock.
    since: Timestamp,
    contexts: Vec<HostedContext>,
}

/// This node.
pub fn describe_this_node(state: &AppState) -> NodeDescription {
    let node = state.node.as_ref();
    let contexts = node.contexts().iter();
    let starts = contexts.clone().any(|context| context.phase() == Phase::Starting);
    let condition = if state.is_draining() {
        "draining"
    } else if node.is_ready() {
        "ready"
    } else if starts && node.store_works() {
        "starting"
    } else {
        "unready"
    };
    let contexts = contexts.map(|context| HostedContext {
        context: context.name().context.to_owned(),
        view: context.is_view(),
        state: json!(context.phase()).as_str().unwrap_or_default().to_owned(),
    });
    NodeDescription {
        state: condition.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        since: state.settings.since,
        contexts: contexts.collect(),
    }
}

/// A row of the list.
fn show_node(name: &str, url: Option<&str>, description: &NodeDescription) -> Value {
    let mut shown = json!(description);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("node".into(), name.into());
        fields.insert("url".into(), url.into());
        fields.insert("error".into(), Value::Null);
    }
    shown
}

/// `GET /admin/nodes`
pub async fn list_nodes(call: Call<'_>) -> Reply {
    let state = call.state;
    let mut nodes = vec![show_node(&state.settings.node_name, None, &describe_this_node(state))];
    let request = |_, _: &OtherNode| Some(NodeRequest::get("/internal/node"));
    for answer in state.nodes.ask_nodes::<NodeDescription>(request).await {
        // What is known of one that does not answer.
        let known = state.nodes.show_nodes([answer.place]);
        let mut known = known.get(0).cloned().unwrap_or_default();
        let url = known.get("url").and_then(Value::as_str).map(str::to_owned);
        match answer.answer {
            Ok(report) => nodes.push(show_node(&report.node, url.as_deref(), &report.content)),
            Err(_) => {
                if let Some(contexts) = known.get_mut("contexts") {
                    let named = contexts.as_array().into_iter().flatten();
                    *contexts = named.map(|name| json!({ "context": name })).collect();
                }
                if let Some(fields) = known.as_object_mut() {
                    fields.insert("version".into(), Value::Null);
                    fields.insert("since".into(), Value::Null);
                }
                nodes.push(known);
            }
        }
    }
    Ok(json_response(&json!({ "nodes": nodes })))
}
