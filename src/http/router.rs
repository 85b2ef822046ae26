//! From a request to its handler, and from the answer to the log and the metrics.

use crate::{
    api::{Problem, RouteMatch},
    http::{
        call::{Call, ProbeRequest, Reply},
        document,
        handlers::{collections, forward, query},
        middleware::{audience, auditing, caller, form, host, page_headers, rate, traced},
        response::problem_response,
        route::{Handler, Route},
        routes, standby,
        state::{AppState, Host, Port},
    },
    identity::Audience,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{ConnectionType, header},
    web,
};
use futures_util::FutureExt;
use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

/// A longer correlation id of a client is neither echoed nor logged.
const MAX_CORRELATION_ID: usize = 256;

/// For a year from now on, browsers are to use TLS (RFC 6797).
const ALWAYS_ENCRYPTED: header::HeaderValue = header::HeaderValue::from_static("max-age=31536000");

/// The label of requests that no route matched.
const OTHER: &str = "{other}";

/// Answers every request.
pub async fn dispatch_request(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> HttpResponse {
    let began = Instant::now();
    let port = Port::of_request(&request);
    let collection = state.paths.find_context(request.path());
    let collection = collection.filter(|(collection, ..)| port.serves_host(collection.place));
    let label = route_label(&request, collection.as_ref());
    let span = traced::begin_span(&request, &label, collection.is_some());
    let answer =
        AssertUnwindSafe(answer_request(&request, payload, &state, collection)).catch_unwind();
    let answer = answer.await.unwrap_or_else(|_| Err(Problem::crashed()));
    let code = answer.as_ref().err().map(|problem| problem.code().clone());
    let mut response = answer.unwrap_or_else(|problem| problem_response(problem, &request));
    page_headers::restrict_page(request.path(), &mut response);
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    // On loopback it would bind all other servers of the machine too.
    if state.settings.certificate.is_some() && !state.settings.hosts.is_loopback {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, ALWAYS_ENCRYPTED);
    }
    let correlation = request.headers().get("x-correlation-id");
    if let Some(correlation) = correlation.filter(|value| value.len() <= MAX_CORRELATION_ID) {
        headers.insert(header::HeaderName::from_static("x-correlation-id"), correlation.clone());
    }
    // The dispatcher below takes the connection of a client that offers another protocol for an upgraded one, and
    // reads no further request from it.
    if state.is_draining() || request.head().upgrade() {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    rate::show_allowance(&request, &mut response);
    let status = response.status().as_u16();
    let took = began.elapsed();
    traced::end_span(span, status);
    state.requests.count_answer(request.method(), &label, status, code, took);
    if status >= 500 && status != 503 {
        log_request::<true>(&request, &label, status, took);
    } else if tracing::enabled!(target: "holdfast::access", tracing::Level::INFO) {
        log_request::<false>(&request, &label, status, took);
    }
    response
}

/// The template that the request is counted under.
fn route_label(request: &HttpRequest, collection: Option<&RouteMatch<'_, Host>>) -> Arc<str> {
    match collection {
        Some((collection, _, "")) => collection.path.clone(),
        Some((collection, _, _)) => collection.item.clone(),
        None => {
            routes::find_route(request.path()).map_or(OTHER, |(matched, _)| matched.path).into()
        }
    }
}

/// Writes one line for an answered request.
fn log_request<const FAILED: bool>(
    request: &HttpRequest,
    route: &str,
    status: u16,
    took: Duration,
) {
    let text = |name: &str| {
        let value = crate::api::header_text(request, name);
        value.filter(|value| value.len() <= MAX_CORRELATION_ID).unwrap_or_default()
    };
    let method = request.method().as_str();
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let trace = text("traceparent").split('-').nth(1).unwrap_or_default();
    let correlation = text("x-correlation-id");
    if FAILED {
        tracing::warn!(target: "holdfast::access", method, route, status, micros, correlation, trace, "request answered");
    } else {
        tracing::info!(target: "holdfast::access", method, route, status, micros, correlation, trace, "request answered");
    }
}

async fn answer_request(
    request: &HttpRequest,
    payload: web::Payload,
    state: &AppState,
    collection: Option<RouteMatch<'_, Host>>,
) -> Reply {
    let uri = request.uri().path_and_query().map_or(0, |uri| uri.as_str().len());
    if uri > state.settings.uri_limit {
        return Err(Problem::long_uri(state.settings.uri_limit));
    }
    if let Some(standby) = &state.settings.standby
        && !standby::answers_itself(request)
    {
        return standby::forward(request, payload, state, standby).await;
    }
    host::check(request, state)?;
    let identified = caller::identify(request, state).await;
    // A flood of wrong credentials counts as one without any.
    let principal = identified.as_ref().ok().cloned().flatten();
    rate::check_rate(principal.as_deref(), request, state)?;
    if let Err(problem) = identified
        && !(collection.is_none() && passes_over(request))
    {
        return Err(problem);
    }
    form::check(request, state)?;
    let auditing = auditing::begin(principal.as_deref(), request, state).await?;
    let reply = answer_identified(request, payload, state, collection).await;
    if let Some(auditing) = auditing {
        auditing.finish(&reply).await;
    }
    reply
}

/// Whether credentials that are not valid are passed over at a fixed route: where it is for everyone; and where it is for nodes,
/// because others must not learn that there is something.
fn passes_over(request: &HttpRequest) -> bool {
    let path = request.path();
    let route = routes::find_route(path).and_then(|(_, mut routes)| routes.next());
    let audience = match route {
        Some(route) => route.audience_of(request.query_string()),
        None => routes::audience_of_unknown(path),
    };
    matches!(audience, Audience::Public | Audience::Node)
}

/// Answers a request whose sender has been identified.
async fn answer_identified(
    request: &HttpRequest,
    payload: web::Payload,
    state: &AppState,
    collection: Option<RouteMatch<'_, Host>>,
) -> Reply {
    if let Some((collection, written, rest)) = collection {
        let index = match collection.place {
            Host::Local(index) => index,
            Host::Remote(index) => {
                return forward::to_context(request, payload, state, index, rest).await;
            }
        };
        let context = state.node.contexts().get(index).ok_or_else(Problem::not_found)?;
        let within = (context, collection);
        return collections::answer_request(request, payload, state, within, written, rest).await;
    }
    answer_fixed(request, payload, state).await
}

/// Where the path may have been meant to lead.
fn unknown_path(path: &str, state: &AppState) -> Problem {
    match state.paths.with_system(path) {
        paths if paths.is_empty() => Problem::not_found(),
        paths => Problem::needs_system(&paths),
    }
}

/// Answers by the table of fixed routes.
async fn answer_fixed(request: &HttpRequest, payload: web::Payload, state: &AppState) -> Reply {
    let Some((matched, here)) = routes::find_route(request.path()) else {
        audience::check_audience(routes::audience_of_unknown(request.path()), request, state)?;
        return Err(unknown_path(request.path(), state));
    };
    let here: Vec<&Route> = here.collect();
    if let Some(route) = here.first() {
        audience::check_audience(route.audience_of(request.query_string()), request, state)?;
    }
    let method = request.method().as_str();
    let Some(route) = here.iter().find(|route| route.methods.contains(&method)) else {
        let methods: Vec<_> = here.iter().flat_map(|route| route.methods).copied().collect();
        return Err(Problem::method_not_allowed(&methods.join(", ")));
    };
    if let Some(known) = route.query {
        query::check_names(request.query_string(), known)?;
    }
    match route.handler {
        Handler::Request(handler) => {
            handler(Call { request, payload, state, params: matched.params }).await
        }
        Handler::Probe(report) => {
            let accept = crate::api::header_text(request, "accept").unwrap_or_default();
            let caller = caller::find_caller(request, state);
            // Details are for operators.
            let has_details = state.serves(Audience::Metrics, Port::of_request(request));
            let caller = caller.as_deref().filter(|_| has_details);
            let query = request.query_string();
            let report = report(state, &ProbeRequest { query, accept, caller });
            let mut response = HttpResponse::build(report.status);
            response.content_type(report.media_type);
            Ok(document::compressed_answer(request, response, report.body))
        }
    }
}
