//! Collections and their items, for any context.

use crate::{
    actors::Context,
    api::{
        self, ApiRequest, Collection, PathTarget, Problem, ShownItem, header_text, media_type,
        splice_fields,
    },
    http::{
        call::Reply,
        handlers::{body, list, live, stream},
        middleware::{caller, traced},
        response::{into_response, restrict_caching},
        state::{AppState, Host},
    },
    identity::Principal,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web,
};
use std::sync::Arc;

/// The headers that a command is judged by.
const JUDGED_BY: [&str; 5] =
    ["content-type", "content-encoding", "if-match", "idempotency-key", "x-holdfast-customer"];

/// The methods that are offered at `target`.
fn allow_header(context: &dyn Context, target: &PathTarget<'_>) -> String {
    let is_verb = matches!(target, PathTarget::Item(Some(_), _));
    let reads: &[_] = if is_verb { &[] } else { &["GET", "HEAD"] };
    [reads, &api::allowed_methods(context, target), &["OPTIONS"]].concat().join(", ")
}

/// Answers a request to a collection or to an item.
pub async fn answer_request(
    request: &HttpRequest,
    payload: web::Payload,
    state: &AppState,
    (context, within): (&Arc<dyn Context>, &Collection<Host>),
    collection: &str,
    rest: &str,
) -> Reply {
    let target = api::find_target(context.as_ref(), rest)?;
    let caller = caller::find_caller(request, state);
    let is_stream = stream::is_wanted(request);
    match *request.method() {
        Method::GET | Method::HEAD if is_stream && target == PathTarget::Collection => {
            return live::stream_list(request, state, context, collection).await;
        }
        Method::GET | Method::HEAD => match target {
            PathTarget::Collection => {
                let caller = caller.as_deref();
                return list::answer_list(request, state, context, collection, caller).await;
            }
            PathTarget::Item(None, number) if is_stream => {
                return live::stream_item(request, state, context, collection, number).await;
            }
            PathTarget::Item(None, number) => {
                let caller = caller.as_deref();
                return show_item(request, state, context, collection, number, caller).await;
            }
            PathTarget::Item(Some(_), _) => {}
        },
        Method::OPTIONS => return Ok(answer_options(&allow_header(context.as_ref(), &target))),
        _ => {}
    }
    let method = request.method().as_str();
    let route = api::find_command(context.as_ref(), &target, method)
        .ok_or_else(|| Problem::method_not_allowed(&allow_header(context.as_ref(), &target)))?;
    let writers = api::writers_of(context.as_ref(), route.info);
    api::check_audience(writers, caller.as_deref())?;
    if let Some(number) = route.number
        && let Err(fault) = api::check_item(context.as_ref(), writers, caller.as_deref(), number)
    {
        return Err(state.durable_problem(fault).await);
    }
    check_headers(request)?;
    let base = state.base_url(request);
    let command = ApiRequest {
        method,
        headers: request,
        base: &base,
        path: &within.path,
        collection,
        rest,
        traceparent: traced::traceparent(request),
        principal: caller,
    };
    let body = body::read_body(request, payload, &state.settings);
    let depth = state.settings.json_depth;
    let answer = api::run_command(&command, context.as_ref(), route, depth, body).await?;
    Ok(into_response(answer))
}

/// Refuses a header that a command is judged by and that is given twice: another reader could take the other one.
fn check_headers(request: &HttpRequest) -> Result<(), Problem> {
    let is_repeated = |name: &&&str| request.headers().get_all(**name).nth(1).is_some();
    let Some(name) = JUDGED_BY.iter().find(is_repeated) else { return Ok(()) };
    let en = format!("the header `{name}` is given twice");
    let ko = format!("`{name}` 헤더가 두 번 있습니다");
    Err(Problem::new("bad-request", en, ko))
}

fn answer_options(allow: &str) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    if allow.contains("PATCH") {
        let accepted = "application/json, application/merge-patch+json";
        response.insert_header(("Accept-Patch", accepted));
    }
    response.insert_header((header::ALLOW, allow)).finish()
}

/// Answers with one item, or with 304 if the client has this version.
async fn show_item(
    request: &HttpRequest,
    state: &AppState,
    context: &Arc<dyn Context>,
    collection: &str,
    number: u64,
    caller: Option<&Principal>,
) -> Reply {
    let readers = api::readers_of(context.as_ref());
    api::check_audience(readers, caller)?;
    let read = context.read_item(number);
    let seen = match api::check_seen(context.as_ref(), readers, caller, number, read) {
        Ok(seen) => seen,
        Err(fault) => return Err(state.durable_problem(fault).await),
    };
    if !state.node.is_durable(seen.commit) {
        state.node.wait_durable(seen.commit).await?;
    }
    let shown = ShownItem::for_caller(context.reads(), caller, seen);
    let tag = shown.entity_tag();
    if header_text(request, "accept").is_some_and(|accept| accept.contains(api::FORMS)) {
        return show_forms(request, state, context, (collection, number), caller, shown);
    }
    let is_current = header_text(request, "if-none-match").is_some_and(|given| {
        let mut given = given.split(',').map(str::trim);
        given.any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
    });
    let mut response = if is_current { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, tag));
    restrict_caching(&mut response, context.reads(), caller);
    if is_current {
        return Ok(response.finish());
    }
    let body = shown.seen.body;
    let mut out = Vec::with_capacity(body.len() + 256);
    splice_fields(
        &mut out,
        &body,
        number,
        &state.base_url(request),
        collection,
        context.name().item,
    );
    Ok(response.content_type(media_type(request)).body(out))
}

/// Answers with an item and with what the caller may command of it now. What that is may change without a new version.
fn show_forms(
    request: &HttpRequest,
    state: &AppState,
    context: &Arc<dyn Context>,
    (collection, number): (&str, u64),
    caller: Option<&Principal>,
    shown: ShownItem,
) -> Reply {
    let owner = shown.seen.owner.clone();
    let tag = shown.entity_tag();
    let base = state.base_url(request);
    let path = format!("{base}{collection}");
    let at = (number, path.as_str());
    let templates = api::write_templates(context.as_ref(), caller, owner.as_deref(), at)?;
    let mut out = Vec::new();
    let name = context.name().item;
    splice_fields(&mut out, &shown.seen.body, number, &base, collection, name);
    if out.pop().is_some() {
        out.extend_from_slice(format!(",\"_templates\":{templates}}}").as_bytes());
    }
    let mut response = HttpResponse::Ok();
    response.insert_header((header::ETAG, tag));
    restrict_caching(&mut response, context.reads(), caller);
    response.append_header((header::VARY, "Accept"));
    Ok(response.content_type(api::FORMS).body(out))
}
