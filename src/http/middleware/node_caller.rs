//! Which node sends a request.

use crate::{
    api::{Problem, header_text},
    credentials::NodeRequest,
    http::state::AppState,
    identity::Principal,
};
use actix_web::{HttpMessage, HttpRequest};
use std::sync::Arc;

/// What was found out about the sender of a request.
struct FoundNode(Option<Arc<Principal>>);

/// The node that sends `request` on its own behalf, if it is one.
pub fn node_of(request: &HttpRequest, state: &AppState) -> Option<Arc<Principal>> {
    if request.headers().contains_key(NodeRequest::CLIENT) {
        None
    } else {
        sender_of(request, state)
    }
}

/// Whether a node passes `request` on for a client, whose requests it counts itself.
pub fn is_passed_on(request: &HttpRequest, state: &AppState) -> bool {
    request.headers().contains_key(NodeRequest::CLIENT) && sender_of(request, state).is_some()
}

/// The node whose token is in `request`. It is found out once for each request.
fn sender_of(request: &HttpRequest, state: &AppState) -> Option<Arc<Principal>> {
    if let Some(FoundNode(found)) = request.extensions().get::<FoundNode>() {
        return found.clone();
    }
    let found = state.settings.nodes.identify(NodeRequest {
        method: request.method().as_str(),
        path: request.path(),
        authorization: header_text(request, "authorization"),
        token: header_text(request, NodeRequest::TOKEN),
    });
    request.extensions_mut().insert(FoundNode(found.clone()));
    found
}

/// Whether a node sends `request`.
pub fn is_node(request: &HttpRequest, state: &AppState) -> bool {
    node_of(request, state).is_some()
}

/// A node does not host what it would have to, for what it wants.
pub fn not_hosted_there(node: &Principal, wants: &str) -> Problem {
    let name = &node.subject;
    Problem::new(
        "insufficient-scope",
        format!("node `{name}` may not {wants}: no context in its line of `node.keys` does so"),
        format!("`{name}` 노드에는 이 권한이 없습니다. `node.keys`에 적힌 컨텍스트를 확인하세요"),
    )
}
