//! Who sends a request.

use crate::{
    api::{Problem, header_text},
    http::state::AppState,
    identity::{Credentials, Principal, Role, Unidentified},
};
use actix_web::{HttpMessage, HttpRequest};
use std::sync::Arc;

/// The challenge to a sender whose credentials are not valid.
const CHALLENGE: &str = "Bearer error=\"invalid_token\"";

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
    let found = state.settings.identifiers.identify(credentials).await.map_err(unidentified)?;
    if let Some(principal) = &found {
        request.extensions_mut().insert(Arc::clone(principal));
    }
    Ok(found)
}

/// Who sends `request`, if that was found out.
pub fn principal_of(request: &HttpRequest) -> Option<Arc<Principal>> {
    request.extensions().get::<Arc<Principal>>().cloned()
}

fn unidentified(why: Unidentified) -> Problem {
    match why {
        Unidentified::Invalid(what) => Problem::new(
            "invalid-token",
            format!("the credentials are not valid: {what}"),
            "인증 정보가 올바르지 않거나 만료되었습니다",
        )
        .with_parameter("www-authenticate", CHALLENGE.to_owned()),
        Unidentified::Unavailable(what) => Problem::new(
            "retry-later",
            format!("the credentials cannot be verified at present: {what}"),
            "지금은 인증 정보를 확인할 수 없습니다",
        )
        .with_parameter("retry-after", "1".to_owned()),
    }
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
