//! Collections and their items, for any context.

use crate::{
    actors::Context,
    api::{self, Collection, PathTarget, Problem, Request, media, splice, text},
    http::{
        call::Reply,
        handlers::{body, list},
        response::response,
        state::{AppState, Host},
    },
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web,
};
use std::sync::Arc;

/// The headers that a command is judged by.
const JUDGED_BY: [&str; 4] = ["content-type", "content-encoding", "if-match", "idempotency-key"];

/// The methods that are offered at `target`.
fn allow(context: &dyn Context, target: &PathTarget<'_>) -> String {
    let is_verb = matches!(target, PathTarget::Item(Some(_), _));
    let reads: &[_] = if is_verb { &[] } else { &["GET", "HEAD"] };
    [reads, &api::methods(context, target), &["OPTIONS"]].concat().join(", ")
}

/// Answers a request to a collection or to an item.
pub async fn answer(
    request: &HttpRequest,
    payload: web::Payload,
    state: &AppState,
    (context, within): (&Arc<dyn Context>, &Collection<Host>),
    collection: &str,
    rest: &str,
) -> Reply {
    let target = api::target(context.as_ref(), rest)?;
    target.check_number(context.as_ref())?;
    match *request.method() {
        Method::GET | Method::HEAD => match target {
            PathTarget::Collection => {
                return list::answer(request, state, context, collection).await;
            }
            PathTarget::Item(None, number) => {
                return item(request, state, context, collection, number).await;
            }
            PathTarget::Item(Some(_), _) => {}
        },
        Method::OPTIONS => return Ok(options(&allow(context.as_ref(), &target))),
        _ => {}
    }
    let method = request.method().as_str();
    let route = api::find_command(context.as_ref(), &target, method)
        .ok_or_else(|| Problem::method(&allow(context.as_ref(), &target)))?;
    check_headers(request)?;
    let base = state.base(request);
    let command =
        Request { method, headers: request, base: &base, path: &within.path, collection, rest };
    let body = body::read(request, payload, &state.settings);
    let depth = state.settings.json_depth;
    let answer = api::command(&command, context.as_ref(), route, depth, body).await?;
    Ok(response(answer))
}

/// Refuses a header that a command is judged by and that is given twice: another reader could take the other one.
fn check_headers(request: &HttpRequest) -> Result<(), Problem> {
    let is_repeated = |name: &&&str| request.headers().get_all(**name).nth(1).is_some();
    let Some(name) = JUDGED_BY.iter().find(is_repeated) else { return Ok(()) };
    let en = format!("the header `{name}` is given twice");
    let ko = format!("`{name}` 헤더가 두 번 있습니다");
    Err(Problem::new("bad-request", en, ko))
}

fn options(allow: &str) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    if allow.contains("PATCH") {
        let accepted = "application/json, application/merge-patch+json";
        response.insert_header(("Accept-Patch", accepted));
    }
    response.insert_header((header::ALLOW, allow)).finish()
}

/// Answers with one item, or with 304 if the client has this version.
async fn item(
    request: &HttpRequest,
    state: &AppState,
    context: &Arc<dyn Context>,
    collection: &str,
    number: u64,
) -> Reply {
    let seen = match context.read(number) {
        Ok(seen) => seen,
        Err(fault) => return Err(state.durable_problem(fault).await),
    };
    if !state.node.is_durable(seen.commit) {
        state.node.durable(seen.commit).await?;
    }
    let tag = format!("\"{}\"", seen.version);
    let is_current = text(request, "if-none-match").is_some_and(|given| {
        let mut given = given.split(',').map(str::trim);
        given.any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
    });
    let mut response = if is_current { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, tag)).insert_header((header::CACHE_CONTROL, "no-cache"));
    if is_current {
        return Ok(response.finish());
    }
    let mut out = Vec::with_capacity(seen.body.len() + 256);
    splice(&mut out, &seen.body, number, &state.base(request), collection, context.name().item);
    Ok(response.content_type(media(request)).body(out))
}
