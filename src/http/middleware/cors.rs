//! Which origins' scripts may call, and what the others are answered.

use crate::{
    api::Problem,
    http::{response::problem_response, state::AppState},
};
use actix_cors::Cors;
use actix_web::{
    Error, HttpRequest,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{RequestHead, ServiceResponse},
    http::{StatusCode, header},
};

/// The headers of answers that scripts may read. The list is fixed, because collecting those of each answer takes a
/// measurable time.
const EXPOSED: [&str; 13] = [
    "etag",
    "link",
    "location",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "holdfast-outcome",
    "idempotent-replayed",
    "x-correlation-id",
    "allow",
    "accept-patch",
    "accept-post",
    "content-language",
];

/// The headers that let scripts of `origins` read answers; `None`: of any origin, administration excepted. Browsers are never
/// asked to send what they keep for the server: scripts show credentials that they have themselves.
pub fn allow_origins(origins: Option<&[String]>) -> Cors {
    let cors =
        Cors::default().allow_any_method().allow_any_header().expose_headers(EXPOSED).max_age(600);
    match origins {
        None => cors.allowed_origin_fn(|_, head| !is_admin(head)),
        Some(origins) => origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin)),
    }
}

fn is_admin(head: &RequestHead) -> bool {
    head.uri.path().starts_with("/admin")
}

/// Refuses what a page of another origin asks through a user's browser, even if the page could not read the answer:
/// administration is open to everyone who can reach it.
pub fn same_origin(request: &HttpRequest, state: &AppState) -> Result<(), Problem> {
    let text = |name: header::HeaderName| {
        request.headers().get(name).map(|value| value.to_str().unwrap_or("?"))
    };
    let Some(origin) = text(header::ORIGIN) else { return Ok(()) };
    let own = origin.split_once("://").map(|(_, authority)| authority) == text(header::HOST);
    let listed = state.settings.cors_origins.iter().flatten().any(|known| known == origin);
    if own || listed {
        return Ok(());
    }
    Err(Problem::new(
        "origin-refused",
        format!("pages of {origin} may not do this"),
        format!("{origin}의 페이지에는 허용되지 않습니다"),
    ))
}

/// Turns a refused preflight into a problem like any other error.
pub fn as_problem<B: MessageBody + 'static>(
    answer: Result<ServiceResponse<B>, Error>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let answer = answer?;
    // What a handler has answered has this header; a preflight that was refused before it has not.
    let is_own = answer.headers().contains_key(header::X_CONTENT_TYPE_OPTIONS);
    if answer.status() != StatusCode::BAD_REQUEST || is_own {
        return Ok(answer.map_into_left_body());
    }
    let (request, _) = answer.into_parts();
    let problem = Problem::new(
        "origin-refused",
        "scripts of this origin may not make this request",
        "이 출처의 스크립트에는 허용되지 않는 요청입니다",
    );
    let response = problem_response(problem, &request);
    Ok(ServiceResponse::new(request, response).map_into_right_body())
}
