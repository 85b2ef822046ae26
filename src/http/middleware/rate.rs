//! How often the sender of a request may send one, and what is left.

use crate::{
    api::{self, Allowance, Problem, RequestCost, Requester},
    http::{middleware::node_caller, state::AppState},
    identity::Principal,
};
use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::{Method, header},
};
use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
};

/// What a list costs that is sorted or filtered.
const SEARCH: NonZeroU32 = NonZeroU32::MIN.saturating_add(2);
/// What a page of events costs.
const EVENTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// The parameters of a list that neither sort nor filter it.
const PAGING: [&str; 4] = ["page", "size", "after", "limit"];

/// Marks a request that was counted with the page that sent it.
pub struct ChargedAlready;

/// Takes what `request` costs from what its sender may do. Other nodes may do what they want, and count the
/// requests that they pass on themselves.
pub fn check_rate(
    principal: Option<&Principal>,
    request: &HttpRequest,
    state: &AppState,
) -> Result<(), Problem> {
    let Some(limits) = &state.settings.rates else { return Ok(()) };
    if request.extensions().contains::<ChargedAlready>() {
        return Ok(());
    }
    if node_caller::is_node(request, state) || node_caller::is_passed_on(request, state) {
        return Ok(());
    }
    let requester = match principal {
        Some(principal) => Requester::Known(principal),
        None => Requester::At(sender_address(request, state)),
    };
    let left = api::check_rate(Some(limits), requester, cost_of(request))?;
    if let Some(allowance) = left {
        request.extensions_mut().insert(allowance);
    }
    Ok(())
}

/// The address of the client: that which the nearest trusted proxy has seen.
pub fn sender_address(request: &HttpRequest, state: &AppState) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    if !state.is_from_proxy(request) {
        return peer;
    }
    // Each proxy adds the address that it was asked from, to the list or in a line of its own, so only the last one is known
    // to be true.
    let lists = request.headers().get_all("x-forwarded-for");
    let list = lists.last().and_then(|list| list.to_str().ok());
    let seen = list.and_then(|list| list.rsplit(',').next());
    seen.and_then(|address| address.trim().parse().ok()).unwrap_or(peer)
}

fn cost_of(request: &HttpRequest) -> RequestCost {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_search = || {
        let parameters = request.query_string().split('&').filter(|given| !given.is_empty());
        let names = parameters.map(|given| given.split('=').next().unwrap_or_default());
        names.into_iter().any(|name| !PAGING.contains(&name))
    };
    let requests = match request.path() {
        path if is_read && (path == "/events" || path.starts_with("/events/")) => EVENTS,
        path if is_read && path.starts_with("/pages/assets/") => NonZeroU32::MIN,
        // A page asks for several lists and things.
        path if is_read && path.starts_with("/pages/") => SEARCH,
        _ if is_read && is_search() => SEARCH,
        _ => NonZeroU32::MIN,
    };
    RequestCost { requests, is_post: *request.method() == Method::POST }
}

/// Says in the `response` to `request` what is left to its sender, if that is limited.
pub fn show_allowance(request: &HttpRequest, response: &mut HttpResponse) {
    let Some(allowance) = request.extensions().get::<Allowance>().copied() else { return };
    for (name, value) in api::allowance_fields(&allowance) {
        if let Ok(value) = header::HeaderValue::from_str(&value) {
            response.headers_mut().insert(header::HeaderName::from_static(name), value);
        }
    }
}
