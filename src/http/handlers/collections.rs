//! Collections and their items, for any context.

use crate::{
    actors::{Context, Fault},
    api::{self, Answer, Collection, PathTarget, Problem, Request, media, splice},
    http::{
        AppState, Host,
        handlers::{body, list},
    },
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web,
};
use std::sync::Arc;

/// The methods that are offered at `place`.
fn allow(context: &dyn Context, place: &PathTarget<'_>) -> String {
    let reads: &[_] =
        if matches!(place, PathTarget::Item(Some(_), _)) { &[] } else { &["GET", "HEAD"] };
    [reads, &api::methods(context, place), &["OPTIONS"]].concat().join(", ")
}

/// Answers a request to a collection or to what is in it.
pub async fn answer(
    request: &HttpRequest,
    payload: web::Payload,
    front: &AppState,
    (context, within): (&Arc<dyn Context>, &Collection<Host>),
    collection: &str,
    rest: &str,
) -> Result<HttpResponse, Problem> {
    let place = api::place(context.as_ref(), rest).ok_or_else(Problem::not_found)?;
    match *request.method() {
        Method::GET | Method::HEAD => match place {
            PathTarget::Collection => {
                return list::answer(request, front, context, collection).await;
            }
            PathTarget::Item(None, number) => {
                return one(request, front, context, collection, number).await;
            }
            PathTarget::Item(Some(_), _) => {}
        },
        Method::OPTIONS => {
            let allow = allow(context.as_ref(), &place);
            let mut response = HttpResponse::NoContent();
            if allow.contains("PATCH") {
                response.insert_header((
                    "Accept-Patch",
                    "application/json, application/merge-patch+json",
                ));
            }
            return Ok(response.insert_header((header::ALLOW, allow)).finish());
        }
        _ => {}
    }
    let method = request.method().as_str();
    let door = api::door(context.as_ref(), &place, method)
        .ok_or_else(|| Problem::method(&allow(context.as_ref(), &place)))?;
    let base = base(request, front);
    let wanted =
        Request { method, headers: request, base: &base, path: &within.path, collection, rest };
    let body = body::bytes(request, payload, front);
    Ok(response(
        api::command(&wanted, context.as_ref(), door, front.settings.json_depth, body).await?,
    ))
}

/// An answer as HTTP has it.
pub fn response(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in answer.headers {
        response.insert_header(header);
    }
    match answer.content {
        Some((media, body)) => response.content_type(media).body(body),
        None => response.finish(),
    }
}

/// A problem as HTTP has it.
pub fn refusal(problem: Problem, request: &HttpRequest) -> HttpResponse {
    let mut response = response(problem.answer(request.path(), request));
    response
        .headers_mut()
        .insert(header::VARY, header::HeaderValue::from_static("Accept-Language"));
    response
}

/// A fault that was judged from accepted state waits until that state is durable.
pub async fn told(front: &AppState, fault: Fault) -> Problem {
    if matches!(
        fault,
        Fault::Refused(_)
            | Fault::RefusedBefore(_)
            | Fault::VersionMismatch { .. }
            | Fault::KeyReused
    ) {
        let commit = front.node.accepted();
        if !front.node.is_durable(commit)
            && let Err(worse) = front.node.durable(commit).await
        {
            return worse.into();
        }
    }
    fault.into()
}

async fn one(
    request: &HttpRequest,
    front: &AppState,
    context: &Arc<dyn Context>,
    collection: &str,
    number: u64,
) -> Result<HttpResponse, Problem> {
    let seen = match context.read(number) {
        Ok(seen) => seen,
        Err(fault) => return Err(told(front, fault).await),
    };
    if !front.node.is_durable(seen.commit) {
        front.node.durable(seen.commit).await?;
    }
    let tag = format!("\"{}\"", seen.version);
    let fresh = body::text(request, "if-none-match").is_some_and(|given| {
        given
            .split(',')
            .map(str::trim)
            .any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
    });
    let mut response = if fresh { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, tag)).insert_header((header::CACHE_CONTROL, "no-cache"));
    if fresh {
        return Ok(response.finish());
    }
    let mut out = Vec::with_capacity(seen.body.len() + 256);
    splice(&mut out, &seen.body, number, &base(request, front), collection, context.name().item);
    Ok(response.content_type(media(request)).body(out))
}

/// Scheme and host as the client wrote them, or as a trusted proxy says that it did.
pub fn base(request: &HttpRequest, front: &AppState) -> String {
    let proxies = &front.settings.trusted_proxies;
    if !proxies.is_empty() && request.peer_addr().is_some_and(|peer| proxies.contains(&peer.ip())) {
        // actix reads `Forwarded`, and `X-Forwarded-Proto` and `-Host` where that is missing.
        let info = request.connection_info();
        return api::base(if info.scheme() == "https" { "https" } else { "http" }, info.host());
    }
    api::base("http", body::text(request, "host").unwrap_or_default())
}
