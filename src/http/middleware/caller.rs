//! Who sends a request.

use crate::{
    api::{Problem, header_text},
    http::state::AppState,
    identity::{Credentials, Principal, Role},
};
use actix_web::{HttpMessage, HttpRequest};
use std::sync::Arc;

/// Finds out who sends `request`, by its credentials, and keeps it with the request: see [`principal_of`].
pub async fn identify(
    request: &HttpRequest,
    state: &AppState,
) -> Result<Option<Arc<Principal>>, Problem> {
    let credentials = Credentials {
        authorization: header_text(request, "authorization"),
        cookie: header_text(request, "cookie"),
        acting_as: header_text(request, "x-holdfast-as"),
    };
    let found = state.settings.identifiers.identify(credentials).await?;
    if let Some(principal) = &found {
        request.extensions_mut().insert(Arc::clone(principal));
    }
    Ok(found)
}

/// Who sends `request`, if that was found out.
pub fn principal_of(request: &HttpRequest) -> Option<Arc<Principal>> {
    request.extensions().get::<Arc<Principal>>().cloned()
}

/// Refuses what admins alone may do. In development everyone is one who shows no credentials.
pub fn require_admin(request: &HttpRequest, state: &AppState) -> Result<(), Problem> {
    let is_admin = match principal_of(request) {
        Some(principal) => principal.roles.has(Role::Admin),
        None => state.settings.development,
    };
    if is_admin {
        return Ok(());
    }
    let challenge = "Bearer error=\"insufficient_scope\"".to_owned();
    Err(Problem::new("insufficient-scope", "admins alone may do this", "관리자만 할 수 있습니다")
        .with_parameter("www-authenticate", challenge))
}
