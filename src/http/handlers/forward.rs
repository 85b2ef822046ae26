//! Requests to contexts of other nodes: any node is a gateway for every path.

use crate::{
    api::Problem,
    http::{call::Reply, handlers::body, state::AppState},
};
use actix_web::{HttpRequest, web};

/// Answers with what the node of the remote context at `index` answers.
pub async fn to_node(
    request: &HttpRequest,
    payload: web::Payload,
    state: &AppState,
    index: usize,
) -> Reply {
    let to = state.settings.remote_contexts.get(index).ok_or_else(Problem::not_found)?;
    let body = body::read(request, payload, &state.settings);
    state.forwarder.forward(request, body, to).await
}
