//! Whether a caller belongs to a route's audience.

use crate::{
    api::{self, Problem},
    http::{
        middleware::{caller, cors},
        state::{AppState, Port},
    },
    identity::{Access, Audience, DEVELOPMENT},
};
use actix_web::HttpRequest;

/// Refuses a request to a fixed route whose sender is not of the `audience`.
pub fn check_audience(
    audience: Audience,
    request: &HttpRequest,
    state: &AppState,
) -> Result<(), Problem> {
    if !state.serves(audience, Port::of_request(request)) {
        return Err(Problem::not_found());
    }
    if audience == Audience::Public {
        return Ok(());
    }
    let caller = caller::find_caller(request, state);
    api::check_audience(audience, caller.as_deref())?;
    let Audience::Administration(access) = audience else { return Ok(()) };
    // Beyond loopback, open authentication opens no administration: neither to those who show nothing, nor to those who only
    // name whom they act as.
    let has_shown = caller::principal_of(request).is_some_and(|shown| shown.issuer != DEVELOPMENT);
    if access == Access::Development || !has_shown {
        state.check_development()?;
    }
    cors::same_origin(request, state)
}
