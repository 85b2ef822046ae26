//! Who sends a request.

use crate::{
    api::{Problem, header_text},
    http::{middleware::node_caller, state::AppState},
    identity::{Credentials, Principal, Unidentified},
};
use actix_web::{HttpMessage, HttpRequest, http::header};
use std::sync::{Arc, LazyLock};

/// Who sends requests that show nothing while authentication is open.
static DEVELOPER: LazyLock<Arc<Principal>> = LazyLock::new(|| Arc::new(Principal::development()));

/// Finds out who sends `request`, by its credentials, and keeps it with the request: see [`principal_of`].
pub async fn identify(
    request: &HttpRequest,
    state: &AppState,
) -> Result<Option<Arc<Principal>>, Problem> {
    // Another reader could take the other one.
    if request.headers().get_all(header::AUTHORIZATION).nth(1).is_some() {
        return Err(Unidentified::Invalid("they are given twice").into());
    }
    let credentials = shown_by(request);
    let found = state.settings.identifiers.identify(credentials).await?;
    // Credentials of an unknown kind are not passed over for none.
    let is_unknown = found.is_none() && shows_authorization(request);
    let is_unknown = is_unknown && is_judged_here(credentials, state);
    if is_unknown && !node_caller::is_node(request, state) {
        return Err(unknown_kind());
    }
    if let Some(principal) = &found {
        request.extensions_mut().insert(Arc::clone(principal));
    }
    Ok(found)
}

/// What `request` shows of its sender.
fn shown_by(request: &HttpRequest) -> Credentials<'_> {
    let shows_authorization = shows_authorization(request);
    Credentials {
        authorization: header_text(request, "authorization"),
        // Who shows other credentials is judged by those.
        cookie: header_text(request, "cookie").filter(|_| !shows_authorization),
        acting_as: acting_as(request),
        is_glance: false,
    }
}

fn shows_authorization(request: &HttpRequest) -> bool {
    request.headers().contains_key(header::AUTHORIZATION)
}

fn unknown_kind() -> Problem {
    Unidentified::Invalid("they are of no kind that is known here").into()
}

/// Whether credentials that no way knows are refused. While authentication is open, those of other schemes than `Bearer` may be
/// for a proxy that has judged them.
fn is_judged_here(credentials: Credentials<'_>, state: &AppState) -> bool {
    let scheme = credentials.authorization.map(|value| value.split(' ').next().unwrap_or_default());
    !state.settings.open || scheme.is_none_or(|scheme| scheme.eq_ignore_ascii_case("bearer"))
}

/// What a request has shown of its sender, to find out again who that is.
pub struct ShownCredentials {
    shows_authorization: bool,
    authorization: Option<String>,
    cookie: Option<String>,
    acting_as: Option<String>,
}

impl ShownCredentials {
    /// Those of `request`.
    pub fn of_request(request: &HttpRequest) -> Self {
        let Credentials { authorization, cookie, acting_as, .. } = shown_by(request);
        Self {
            shows_authorization: shows_authorization(request),
            authorization: authorization.map(str::to_owned),
            cookie: cookie.map(str::to_owned),
            acting_as: acting_as.map(str::to_owned),
        }
    }

    /// Whom they show now, or the developer while authentication is open.
    pub async fn find_caller(&self, state: &AppState) -> Result<Option<Arc<Principal>>, Problem> {
        let credentials = Credentials {
            authorization: self.authorization.as_deref(),
            cookie: self.cookie.as_deref(),
            acting_as: self.acting_as.as_deref(),
            is_glance: true,
        };
        let found = state.settings.identifiers.identify(credentials).await?;
        let is_unknown = found.is_none() && self.shows_authorization;
        if is_unknown && is_judged_here(credentials, state) {
            return Err(unknown_kind());
        }
        Ok(found.or_else(|| developer(state)))
    }
}

/// The header that names whom to act as. What is no text, and what is there twice, names no one.
fn acting_as(request: &HttpRequest) -> Option<&str> {
    let mut given = request.headers().get_all("x-holdfast-as");
    let first = given.next()?;
    let only = given.next().is_none().then_some(first.as_bytes());
    only.and_then(|only| std::str::from_utf8(only).ok()).or(Some(""))
}

/// Who sends `request`, if that was found out.
pub fn principal_of(request: &HttpRequest) -> Option<Arc<Principal>> {
    request.extensions().get::<Arc<Principal>>().cloned()
}

/// Whether the sender of `request` was found out by the cookie of a session: where authentication is not open, there is no other
/// way without `Authorization`.
pub fn is_by_cookie(request: &HttpRequest, state: &AppState) -> bool {
    !state.settings.open && !shows_authorization(request) && principal_of(request).is_some()
}

/// Whom `request` counts as: another node, the one that its credentials show, or a developer while authentication is open.
pub fn find_caller(request: &HttpRequest, state: &AppState) -> Option<Arc<Principal>> {
    if let Some(principal) = principal_of(request) {
        return Some(principal);
    }
    node_caller::node_of(request, state).or_else(|| developer(state))
}

/// Whom a request without credentials counts as.
pub fn developer(state: &AppState) -> Option<Arc<Principal>> {
    state.settings.open.then(|| Arc::clone(&DEVELOPER))
}
