//! Requests to contexts of other nodes: any node is a gateway for every path.

use crate::{
    api::Problem,
    http::{
        call::Reply,
        handlers::{body, event_stream},
        state::AppState,
    },
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
    let body = body::read_body(request, payload, &state.settings);
    state.forwarder.forward_request(request, body, to, None).await
}

/// Answers with the events of the remote context at `index`: a page, or a stream as it comes.
pub async fn forward_events(
    request: &HttpRequest,
    payload: web::Payload,
    state: &AppState,
    index: usize,
) -> Reply {
    if !event_stream::is_wanted(request) {
        return to_node(request, payload, state, index).await;
    }
    let to = state.settings.remote_contexts.get(index).ok_or_else(Problem::not_found)?;
    let body = body::read_body(request, payload, &state.settings);
    let permit = event_stream::permit_stream(state)?;
    state.forwarder.forward_request(request, body, to, Some(permit)).await
}
