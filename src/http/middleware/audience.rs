//! Whether a caller belongs to a route's audience.

use crate::{
    api::{Problem, header_text},
    credentials::same_bytes,
    http::{middleware::cors, routes::Audience, state::AppState},
};
use actix_web::HttpRequest;

/// Refuses a request whose sender is not of the `audience`.
pub fn check_audience(
    audience: Audience,
    request: &HttpRequest,
    state: &AppState,
) -> Result<(), Problem> {
    match audience {
        Audience::Public => Ok(()),
        Audience::Operator => {
            state.check_development()?;
            cors::same_origin(request, state)
        }
        // Anyone else must not learn that there is something here.
        Audience::Node => {
            shows_credential(request, state).then_some(()).ok_or_else(Problem::not_found)
        }
    }
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
