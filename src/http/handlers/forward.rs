//! Requests to contexts of other nodes: any node is a gateway for every path.

use crate::{
    api::{self, PathTarget, Problem},
    http::{
        call::Reply,
        handlers::{body, stream},
        middleware::caller,
        state::AppState,
    },
};
use actix_web::{HttpRequest, http::Method, web};

/// Answers with what the node of the remote context at `index` answers to a request for the `rest` of its collection. That node
/// decides who may do what; here it is judged by what the context declares, so that no body is read of a sender who may not.
pub async fn to_context(
    request: &HttpRequest,
    payload: web::Payload,
    state: &AppState,
    index: usize,
    rest: &str,
) -> Reply {
    check_sender(request, state, index, rest)?;
    if *request.method() == Method::GET && stream::is_wanted(request) {
        return stream_of_node(request, payload, state, index).await;
    }
    to_node(request, payload, state, index).await
}

fn check_sender(
    request: &HttpRequest,
    state: &AppState,
    index: usize,
    rest: &str,
) -> Result<(), Problem> {
    let to = state.settings.remote_contexts.get(index).ok_or_else(Problem::not_found)?;
    let mut declared = state.settings.remote_declarations.iter();
    let context = declared
        .find(|context| context.name().context == to.name.context)
        .ok_or_else(Problem::not_found)?
        .as_ref();
    let target = api::find_target(context, rest)?;
    let audience = match *request.method() {
        Method::GET | Method::HEAD if !matches!(target, PathTarget::Item(Some(_), _)) => {
            Some(api::readers_of(context))
        }
        _ => api::find_command(context, &target, request.method().as_str())
            .map(|route| api::writers_of(context, route.info)),
    };
    let caller = caller::find_caller(request, state);
    audience.map_or(Ok(()), |audience| api::check_audience(audience, caller.as_deref()))
}

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
    if !stream::is_wanted(request) {
        return to_node(request, payload, state, index).await;
    }
    stream_of_node(request, payload, state, index).await
}

/// Answers with a stream of the node of the remote context at `index`, as it comes.
async fn stream_of_node(
    request: &HttpRequest,
    payload: web::Payload,
    state: &AppState,
    index: usize,
) -> Reply {
    let to = state.settings.remote_contexts.get(index).ok_or_else(Problem::not_found)?;
    let body = body::read_body(request, payload, &state.settings);
    let permit = stream::take_permit(request, state)?;
    state.forwarder.forward_request(request, body, to, Some(permit)).await
}
