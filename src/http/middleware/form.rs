//! Commands of browsers that have signed in: any page can make a browser send its cookie, and only pages of this server may
//! command with it.

use crate::{
    api::{Problem, header_text},
    credentials::{self, same_bytes},
    http::{forwarder::FromOwnPage, middleware::caller, state::AppState},
};
use actix_web::{HttpMessage, HttpRequest};

/// The header with the token that pages of this server send with commands.
const FORM_TOKEN: &str = "x-form-token";

/// Refuses a command that shows a session and is not of a page of this server.
pub fn check(request: &HttpRequest, state: &AppState) -> Result<(), Problem> {
    // A form of a page has its token in a field; what the page then asks is judged here.
    if request.method().is_safe() || is_page(request) || !caller::is_by_cookie(request, state) {
        return Ok(());
    }
    check_own_page(request, state)?;
    let cookies = header_text(request, "cookie").unwrap_or_default();
    let session = state.settings.sessions.as_ref().and_then(|known| known.shown_in(cookies));
    let expected = session.map(|session| session.form_token()).unwrap_or_default();
    let shown = header_text(request, FORM_TOKEN).unwrap_or_default();
    if !expected.is_empty() && same_bytes(shown.as_bytes(), expected.as_bytes()) {
        request.extensions_mut().insert(FromOwnPage);
        return Ok(());
    }
    Err(Problem::new(
        "form-token-missing",
        "a command with a session needs the header `X-Form-Token` with the `formToken` of `/session`",
        "세션으로 명령하려면 `/session`의 `formToken`을 `X-Form-Token` 헤더로 보내야 합니다",
    ))
}

/// Whether `request` is for a page, which asks the server in its turn.
pub fn is_page(request: &HttpRequest) -> bool {
    request.path().starts_with("/pages/")
}

/// Refuses what no page of this server has sent.
pub fn check_own_page(request: &HttpRequest, state: &AppState) -> Result<(), Problem> {
    if is_of_own_page(request, state) {
        return Ok(());
    }
    Err(Problem::new(
        "origin-refused",
        "pages of other origins may not command with a session of this server",
        "다른 출처의 페이지는 이 서버의 세션으로 명령할 수 없습니다",
    ))
}

/// The value of the cookie `name`, where it is there once.
pub fn find_cookie<'a>(cookies: &'a str, name: &str) -> Option<&'a str> {
    credentials::find_cookie(cookies, name)
}

/// Whether the browser says that a page of this server has sent `request`.
fn is_of_own_page(request: &HttpRequest, state: &AppState) -> bool {
    if let Some(site) = request.headers().get("sec-fetch-site") {
        return site == "same-origin";
    }
    let base = state.base_url(request);
    let is_own = |origin: &str| {
        let rest = base.strip_prefix(origin);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    header_text(request, "origin").is_some_and(|origin| origin.contains("://") && is_own(origin))
}
