//! From an answer of the API to one of HTTP.

use crate::{
    api::{Answer, Problem},
    domain::Reads,
    http::state::AppState,
    identity::Principal,
};
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
    web,
};
use serde_json::Value;
use std::sync::Arc;

/// The customer whose the thing of a response is: for the audit, which sees the response alone.
pub struct OwnerOfThing(pub Arc<str>);

/// `answer` as an HTTP response.
pub fn into_response(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in answer.headers {
        response.insert_header(header);
    }
    let mut response = match answer.content {
        Some((media_type, body)) => response.content_type(media_type).body(body),
        None => response.finish(),
    };
    if let Some(owner) = answer.owner {
        response.extensions_mut().insert(OwnerOfThing(owner));
    }
    response
}

/// Says how what `caller` reads of things that are for `reads` may be kept. What belongs to a customer stays in no cache;
/// where callers see different fields, a cache asks each time, and with the credentials of the caller. While authentication
/// is open, all callers without credentials see the same.
pub fn restrict_caching(
    response: &mut HttpResponseBuilder,
    reads: Reads,
    caller: Option<&Principal>,
) {
    let is_same_for_all = reads == Reads::Public || caller.is_some_and(Principal::is_developer);
    let is_owned = matches!(reads, Reads::Owner | Reads::Staff);
    let kept = if is_owned && !is_same_for_all { "no-store" } else { "no-cache" };
    response.insert_header((header::CACHE_CONTROL, kept));
    if !is_same_for_all {
        response.append_header((header::VARY, "Authorization, Cookie"));
    }
}

/// `problem` as the HTTP response to `request`.
pub fn problem_response(problem: Problem, request: &HttpRequest) -> HttpResponse {
    let state = request.app_data::<web::Data<AppState>>();
    let types = state.map(|state| state.settings.problem_types.clone()).unwrap_or_default();
    let mut response = into_response(problem.into_answer(request.path(), request, &types));
    let language = header::HeaderValue::from_static("Accept-Language");
    response.headers_mut().insert(header::VARY, language);
    response
}

/// `value` as a JSON response.
pub fn json_response(value: &Value) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(value.to_string())
}
