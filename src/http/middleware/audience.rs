//! Whether a caller belongs to a route's audience.

use crate::{
    api::{self, Problem, header_text},
    credentials::same_bytes,
    http::{
        middleware::{caller, cors},
        state::AppState,
    },
    identity::{Access, Audience},
};
use actix_web::HttpRequest;

/// Refuses a request to a fixed route whose sender is not of the `audience`.
pub fn check_audience(
    audience: Audience,
    request: &HttpRequest,
    state: &AppState,
) -> Result<(), Problem> {
    if audience == Audience::Public {
        return Ok(());
    }
    let caller = caller::find_caller(request, state);
    api::check_audience(audience, caller.as_deref())?;
    let Audience::Administration(access) = audience else { return Ok(()) };
    // Beyond loopback, open authentication opens no administration.
    if access == Access::Development || caller::principal_of(request).is_none() {
        state.check_development()?;
    }
    cors::same_origin(request, state)
}

/// Whether the sender shows the credential of nodes.
pub fn shows_credential(request: &HttpRequest, state: &AppState) -> bool {
    let shown =
        header_text(request, "authorization").and_then(|value| value.strip_prefix("Bearer "));
    let expected = state.settings.node_credential.as_deref();
    shown
        .zip(expected)
        .is_some_and(|(shown, expected)| same_bytes(shown.as_bytes(), expected.as_bytes()))
}
