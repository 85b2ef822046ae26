//! Collections and their items, for any context.

use super::{Collection, Front, input, problem::Problem};
use crate::actors::{Context, DoorInfo, Fault, ListQuery, Order, Seen, Verb};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web,
};
use std::{io::Write, sync::Arc};

/// Where in a collection a path leads.
enum Place<'a> {
    Collection,
    Item(Option<&'a str>, u64),
}

fn place<'a>(context: &dyn Context, rest: &'a str) -> Option<Place<'a>> {
    let number = |text: &str| text.parse::<u64>().ok().filter(|n| *n > 0 && text.bytes().all(|b| b.is_ascii_digit()));
    let Some(rest) = rest.strip_prefix('/').filter(|rest| !rest.is_empty()) else { return Some(Place::Collection) };
    match rest.split_once('/') {
        None => Some(Place::Item(None, number(rest)?)),
        Some((word, rest)) if context.doors().iter().any(|door| door.word == Some(word)) => {
            Some(Place::Item(Some(word), number(rest)?))
        }
        Some(_) => None,
    }
}

fn door_at(door: &DoorInfo, place: &Place<'_>) -> bool {
    match place {
        Place::Collection => door.verb == Verb::Post && door.word.is_none(),
        Place::Item(None, _) => door.verb != Verb::Post && door.word.is_none(),
        Place::Item(word, _) => door.word == *word,
    }
}

fn verb(method: &Method) -> Option<Verb> {
    match *method {
        Method::POST => Some(Verb::Post),
        Method::PATCH => Some(Verb::Patch),
        Method::DELETE => Some(Verb::Delete),
        _ => None,
    }
}

fn allow(context: &dyn Context, place: &Place<'_>) -> String {
    let mut allow = if matches!(place, Place::Item(Some(_), _)) { String::new() } else { "GET, HEAD, ".to_owned() };
    for (verb, name) in [(Verb::Post, "POST, "), (Verb::Patch, "PATCH, "), (Verb::Delete, "DELETE, ")] {
        if context.doors().iter().any(|door| door.verb == verb && door_at(door, place)) {
            allow.push_str(name);
        }
    }
    allow + "OPTIONS"
}

/// Answers a request to a collection or to what is in it.
pub async fn answer(
    request: &HttpRequest,
    payload: web::Payload,
    front: &Front,
    (context, within): (&Arc<dyn Context>, &Collection),
    collection: &str,
    rest: &str,
) -> Result<HttpResponse, Problem> {
    let place = place(context.as_ref(), rest).ok_or_else(Problem::not_found)?;
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
    let wanted = verb(request.method());
    let door = context.doors().iter().enumerate().find(|(_, d)| Some(d.verb) == wanted && door_at(d, &place));
    let Some((place_of_door, door)) = door else {
        return Err(Problem::method(&allow(context.as_ref(), &place)));
    };
    let mut order = Order { door: place_of_door, ..Order::default() };
    if let Place::Item(_, number) = place {
        order.number = Some(number);
    }
    let mut body = Vec::new();
    if door.body.is_some() {
        match door.verb {
            Verb::Patch => {
                input::media_type(request, &["application/json", "application/merge-patch+json"], "accept-patch")?
            }
            _ => input::media_type(request, &["application/json"], "accept-post")?,
        }
        body = input::bytes(request, payload, front).await?;
        order.body = input::json(&body, front.settings.json_depth)?;
    }
    (order.if_match, order.must_exist) = input::if_match(request)?;
    order.idempotency = match request.headers().contains_key("idempotency-key") {
        true => input::idempotency(request, &format!("{}{rest}", within.path), &body)?,
        false => None,
    };
    order.client_correlation = input::kept(request, "x-correlation-id");
    order.traceparent = input::kept(request, "traceparent");
    let outcome = match context.enter(order).await {
        Ok(outcome) => outcome,
        // A refusal has waited for what it was judged by, as an outcome has.
        Err(fault) => return Err(fault.into()),
    };
    let base = base(request, front);
    let status = match (outcome.settled, door.verb) {
        (false, _) => StatusCode::ACCEPTED,
        (true, Verb::Post) if door.word.is_none() => StatusCode::CREATED,
        (true, Verb::Delete) => StatusCode::NO_CONTENT,
        (true, _) => StatusCode::OK,
    };
    let mut response = HttpResponse::build(status);
    if matches!(status, StatusCode::CREATED | StatusCode::ACCEPTED) {
        response.insert_header((header::LOCATION, format!("{base}{collection}/{}", outcome.number)));
    }
    if !outcome.settled {
        response.insert_header((header::RETRY_AFTER, "1"));
    }
    if outcome.replayed {
        response.insert_header(("Idempotent-Replayed", "true"));
    }
    response.insert_header((header::ETAG, format!("\"{}\"", outcome.version)));
    if status == StatusCode::NO_CONTENT {
        return Ok(response.finish());
    }
    let mut out = Vec::with_capacity(outcome.body.len() + 256);
    splice(&mut out, &outcome.body, outcome.number, &base, collection, context.name().item);
    Ok(response.content_type(media(request)).body(out))
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

/// Writes the JSON object `body` with its number and links, without reading it.
fn splice(out: &mut Vec<u8>, body: &[u8], number: u64, base: &str, collection: &str, item: &str) {
    let open = body.strip_suffix(b"}").unwrap_or(b"{");
    out.extend_from_slice(open);
    if open.len() > 1 {
        out.push(b',');
    }
    let _ = write!(
        out,
        "\"id\":{number},\"_links\":{{\"self\":{{\"href\":\"{base}{collection}/{number}\"}},\
         \"{item}\":{{\"href\":\"{base}{collection}/{number}\"}}}}}}"
    );
}

/// Scheme and host as the client wrote them, or as a trusted proxy says that it did. A host that is none would break
/// out of the JSON that it is put into.
pub fn base(request: &HttpRequest, front: &Front) -> String {
    let proxies = &front.settings.trusted_proxies;
    if !proxies.is_empty() && request.peer_addr().is_some_and(|peer| proxies.contains(&peer.ip())) {
        // actix reads `Forwarded`, and `X-Forwarded-Proto` and `-Host` where that is missing.
        let info = request.connection_info();
        let scheme = if info.scheme() == "https" { "https://" } else { "http://" };
        return format!("{scheme}{}", plain(info.host()));
    }
    let host = plain(input::text(request, "host").unwrap_or_default());
    ["http://", host].concat()
}

fn plain(host: &str) -> &str {
    let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b));
    if plain && !host.is_empty() { host } else { "localhost" }
}

/// HAL, or plain JSON for who likes that better.
fn media(request: &HttpRequest) -> &'static str {
    let (mut hal, mut json) = (0.0_f32, 0.0_f32);
    for range in input::text(request, "accept").unwrap_or("*/*").split(',') {
        let mut parts = range.split(';');
        let name = parts.next().unwrap_or_default().trim();
        let q = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        match name {
            "application/json" => json = q,
            "application/hal+json" | "application/*" | "*/*" => hal = hal.max(q),
            _ => {}
        }
    }
    if json > hal { "application/json" } else { "application/hal+json" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_and_links_are_spliced_into_any_object() {
        for (body, first) in [("{}", None), (r#"{"a":"}"}"#, Some("}"))] {
            let mut out = Vec::new();
            splice(&mut out, body.as_bytes(), 7, "http://h", "/s/rents", "rent");
            let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!((value["a"].as_str(), value["id"].as_u64()), (first, Some(7)));
            assert_eq!(value["_links"]["rent"]["href"], "http://h/s/rents/7");
        }
    }
}
