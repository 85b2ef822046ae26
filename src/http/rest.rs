//! Collections and their items, for any context.

use super::{Front, Host, input};
use crate::{
    actors::{Context, Fault, ListQuery, Seen},
    inbound::{self, Answer, Collection, Place, Problem, Request, media, splice},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web,
};
use std::{io::Write, sync::Arc};

/// The methods that are offered at `place`.
fn allow(context: &dyn Context, place: &Place<'_>) -> String {
    let reads: &[_] = if matches!(place, Place::Item(Some(_), _)) { &[] } else { &["GET", "HEAD"] };
    [reads, &inbound::methods(context, place), &["OPTIONS"]].concat().join(", ")
}

/// Answers a request to a collection or to what is in it.
pub async fn answer(
    request: &HttpRequest,
    payload: web::Payload,
    front: &Front,
    (context, within): (&Arc<dyn Context>, &Collection<Host>),
    collection: &str,
    rest: &str,
) -> Result<HttpResponse, Problem> {
    let place = inbound::place(context.as_ref(), rest).ok_or_else(Problem::not_found)?;
    match *request.method() {
        Method::GET | Method::HEAD => match place {
            Place::Collection => return list(request, front, context, collection).await,
            Place::Item(None, number) => return one(request, front, context, collection, number).await,
            Place::Item(Some(_), _) => {}
        },
        Method::OPTIONS => {
            let allow = allow(context.as_ref(), &place);
            let mut response = HttpResponse::NoContent();
            if allow.contains("PATCH") {
                response.insert_header(("Accept-Patch", "application/json, application/merge-patch+json"));
            }
            return Ok(response.insert_header((header::ALLOW, allow)).finish());
        }
        _ => {}
    }
    let method = request.method().as_str();
    let door = inbound::door(context.as_ref(), &place, method)
        .ok_or_else(|| Problem::method(&allow(context.as_ref(), &place)))?;
    let base = base(request, front);
    let wanted = Request { method, headers: request, base: &base, path: &within.path, collection, rest };
    let body = input::bytes(request, payload, front);
    Ok(response(inbound::command(&wanted, context.as_ref(), door, front.settings.json_depth, body).await?))
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
    response.headers_mut().insert(header::VARY, header::HeaderValue::from_static("Accept-Language"));
    response
}

/// A fault that was judged from accepted state waits until that state is durable.
async fn told(front: &Front, fault: Fault) -> Problem {
    if matches!(fault, Fault::Refused(_) | Fault::RefusedBefore(_) | Fault::VersionMismatch { .. } | Fault::KeyReused) {
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
    front: &Front,
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
    let fresh = input::text(request, "if-none-match").is_some_and(|given| {
        given.split(',').map(str::trim).any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
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

async fn list(
    request: &HttpRequest,
    front: &Front,
    context: &Arc<dyn Context>,
    collection: &str,
) -> Result<HttpResponse, Problem> {
    let raw = request.query_string();
    let pairs = web::Query::<Vec<(String, String)>>::from_query(raw)
        .map_err(|_| Problem::new("bad-request", "the query cannot be read", "쿼리를 읽을 수 없습니다"))?;
    let mut query = ListQuery { size: 20, ..ListQuery::default() };
    let mut paged = false;
    for (name, value) in pairs.into_inner() {
        let bad = || {
            Problem::new(
                "bad-page",
                "`page` is a number from 0 and `size` one from 1",
                "`page`는 0 이상, `size`는 1 이상의 숫자여야 합니다",
            )
        };
        match name.as_str() {
            "page" => (query.page, paged) = (value.parse().map_err(|_| bad())?, true),
            "size" => {
                let size = value.parse::<u64>().ok().filter(|size| *size > 0).ok_or_else(bad)?;
                (query.size, paged) = (size.min(100), true);
            }
            "sort" => {
                let (field, direction) = value.split_once(',').unwrap_or((&value, "asc"));
                query.sort = Some((field.to_owned(), direction.eq_ignore_ascii_case("desc")));
            }
            field if context.filters().contains(&field) => query.filters.push((name, value)),
            _ => {}
        }
    }
    let page = match context.list(&query) {
        Ok(page) => page,
        Err(fault) => return Err(told(front, fault).await),
    };
    if !front.node.is_durable(page.commit) {
        front.node.durable(page.commit).await?;
    }
    let (base, name) = (base(request, front), context.name());
    let mut out = Vec::with_capacity(256 + page.items.iter().map(|seen| seen.body.len() + 256).sum::<usize>());
    let _ = write!(out, "{{\"_embedded\":{{\"{}\":[", name.collection);
    for (place, Seen { number, body, .. }) in page.items.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        splice(&mut out, body, *number, &base, collection, name.item);
    }
    out.extend_from_slice(b"]},\"_links\":");
    let pages = page.total.div_ceil(query.size);
    let own = if raw.is_empty() { String::new() } else { format!("?{raw}") };
    let mut links = serde_json::Map::new();
    let mut link = |rel: &str, query: &str| {
        links.insert(rel.into(), serde_json::json!({ "href": format!("{base}{collection}{query}") }));
    };
    link("self", &own);
    if paged || pages > 1 {
        let kept: String = raw
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with("page=") && !pair.starts_with("size="))
            .map(|pair| format!("&{pair}"))
            .collect();
        let mut to = |rel: &str, number: u64| link(rel, &format!("?page={number}&size={}{kept}", query.size));
        let last = pages.saturating_sub(1);
        to("first", 0);
        if query.page > 0 {
            to("prev", (query.page - 1).min(last));
        }
        if query.page < last {
            to("next", query.page + 1);
        }
        to("last", last);
    }
    let links = serde_json::Value::Object(links);
    let (size, total, number) = (query.size, page.total, query.page);
    let _ = write!(
        out,
        "{links},\"page\":{{\"size\":{size},\"totalElements\":{total},\"totalPages\":{pages},\"number\":{number}}}}}"
    );
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-cache")).content_type(media(request)).body(out))
}

/// Scheme and host as the client wrote them, or as a trusted proxy says that it did.
pub fn base(request: &HttpRequest, front: &Front) -> String {
    let proxies = &front.settings.trusted_proxies;
    if !proxies.is_empty() && request.peer_addr().is_some_and(|peer| proxies.contains(&peer.ip())) {
        // actix reads `Forwarded`, and `X-Forwarded-Proto` and `-Host` where that is missing.
        let info = request.connection_info();
        return inbound::base(if info.scheme() == "https" { "https" } else { "http" }, info.host());
    }
    inbound::base("http", input::text(request, "host").unwrap_or_default())
}
