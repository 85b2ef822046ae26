//! Which pages' scripts may call, and what the others are told.

use crate::{
    api::Problem,
    http::{AppState, handlers::collections},
};
use actix_cors::Cors;
use actix_web::{
    Error, HttpRequest,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{RequestHead, ServiceResponse},
    http::{StatusCode, header},
};

/// What scripts may read of an answer's headers. A fixed list: looking up those of each answer was measurable.
const EXPOSED: [&str; 6] =
    ["etag", "location", "retry-after", "idempotent-replayed", "x-correlation-id", "accept-patch"];

/// The headers that let scripts of `origins` read answers; `None`: of any origin, the administration excepted.
pub fn cors(origins: Option<&[String]>) -> Cors {
    let cors =
        Cors::default().allow_any_method().allow_any_header().expose_headers(EXPOSED).max_age(600);
    match origins {
        None => cors.allowed_origin_fn(|_, head| !is_admin(head)).supports_credentials(),
        Some(origins) => origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin)),
    }
}

fn is_admin(head: &RequestHead) -> bool {
    head.uri.path().starts_with("/admin")
}

/// A page of another origin may not operate this server through somebody's browser, whether or not it could read the
/// answer: the administration is open to whoever can reach it.
pub fn own_origin(request: &HttpRequest, front: &AppState) -> Result<(), Problem> {
    let text = |name: header::HeaderName| {
        request.headers().get(name).map(|value| value.to_str().unwrap_or("?"))
    };
    let Some(origin) = text(header::ORIGIN) else { return Ok(()) };
    let own = origin.split_once("://").map(|(_, authority)| authority) == text(header::HOST);
    let listed = front
        .settings
        .cors_origins
        .as_ref()
        .is_some_and(|origins| origins.iter().any(|known| known == origin));
    match own || listed {
        true => Ok(()),
        false => Err(Problem::new(
            "origin-refused",
            format!("pages of {origin} may not do this"),
            format!("{origin}의 페이지에는 허용되지 않습니다"),
        )),
    }
}

/// A refused preflight is a problem like any other error.
pub fn as_problem<B: MessageBody + 'static>(
    answer: Result<ServiceResponse<B>, Error>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let answer = answer?;
    let refused = answer.status() == StatusCode::BAD_REQUEST
        && answer
            .headers()
            .get(header::CONTENT_TYPE)
            .is_none_or(|kind| kind != "application/problem+json");
    if !refused {
        return Ok(answer.map_into_left_body());
    }
    let (request, _) = answer.into_parts();
    let (en, ko) = (
        "scripts of this origin may not call here in this way",
        "이 출처의 스크립트에는 허용되지 않습니다",
    );
    let response = collections::refusal(Problem::new("origin-refused", en, ko), &request);
    Ok(ServiceResponse::new(request, response).map_into_right_body())
}
