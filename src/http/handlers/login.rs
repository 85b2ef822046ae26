//! Browsers sign in and out here. Where no login is configured, there is nothing.

use crate::{
    actors::Fault,
    api::{Problem, header_text},
    credentials::{CookieNames, Login, LoginAnswer, LoginError, SessionError, Sessions},
    http::{
        call::{Call, Reply},
        handlers::{accept::prefers_html, problems::problem_page},
        middleware::caller,
        response::json_response,
        state::AppState,
    },
    identity::Role,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE},
    web::Query,
};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use strum::IntoEnumIterator;

/// How long a browser keeps the cookie of a login that is under way, in seconds.
const LOGIN_SECONDS: u32 = 10 * 60;
/// How long it keeps that of a session; the server ends the session before or then.
const SESSION_SECONDS: u32 = 8 * 60 * 60;

fn sessions_of(state: &AppState) -> Result<&Sessions, Problem> {
    state.settings.sessions.as_ref().ok_or_else(Problem::not_found)
}

fn login_of(state: &AppState) -> Result<&Arc<Login>, Problem> {
    state.settings.login.as_ref().ok_or_else(Problem::not_found)
}

/// Where the provider sends the browser back to.
fn callback_url(call: &Call<'_>) -> String {
    format!("{}/callback", call.state.base_url(call.request))
}

fn cookies_of(request: &HttpRequest) -> &str {
    header_text(request, "cookie").unwrap_or_default()
}

/// A cookie that scripts do not see and other sites' pages do not send with commands, for so many seconds.
fn cookie(names: CookieNames, name: &str, value: &str, seconds: u32) -> String {
    let secure = if names.is_secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

fn redirect(to: &str, cookies: &[String]) -> HttpResponse {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((LOCATION, to)).insert_header((CACHE_CONTROL, "no-store"));
    for cookie in cookies {
        response.append_header((SET_COOKIE, cookie.as_str()));
    }
    response.finish()
}

/// `GET /login?to=/path`: sends the browser to the provider.
pub async fn begin_login(call: Call<'_>) -> Reply {
    let request = call.request;
    show_failure(request, call.state, send_to_provider(call).await)
}

async fn send_to_provider(call: Call<'_>) -> Reply {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Wanted {
        to: String,
    }
    let login = login_of(call.state)?;
    let wanted = Query::<Wanted>::from_query(call.request.query_string());
    let to = wanted.map(|wanted| wanted.into_inner().to).unwrap_or_default();
    let begun = login.begin(&to, &callback_url(&call)).await.map_err(problem_of)?;
    let names = login.names();
    Ok(redirect(&begun.url, &[cookie(names, names.login, &begun.cookie, LOGIN_SECONDS)]))
}

/// `GET /callback`: the provider has sent the browser back.
pub async fn finish_login(call: Call<'_>) -> Reply {
    let request = call.request;
    show_failure(request, call.state, begin_session(call).await)
}

async fn begin_session(call: Call<'_>) -> Reply {
    let login = login_of(call.state)?;
    let answer = Query::<LoginAnswer>::from_query(call.request.query_string());
    let answer = answer.map_err(|_| problem_of(LoginError::Unknown))?.into_inner();
    let cookies = cookies_of(call.request);
    let signed_in = login.finish(&answer, cookies, &callback_url(&call)).await;
    let signed_in = signed_in.map_err(problem_of)?;
    tracing::info!(subject = signed_in.principal.subject, "signed in");
    let to = format!("{}{}", call.state.path_prefix(call.request), signed_in.to);
    let names = login.names();
    let session = cookie(names, names.session, signed_in.session.reveal(), SESSION_SECONDS);
    Ok(redirect(&to, &[session, cookie(names, names.login, "", 0)]))
}

/// `POST /logout`: ends the session, at all nodes.
pub async fn sign_out(call: Call<'_>) -> Reply {
    let sessions = sessions_of(call.state)?;
    sessions.sign_out(cookies_of(call.request)).await.map_err(problem_of_session)?;
    let mut response = HttpResponse::NoContent();
    let names = sessions.names();
    response.append_header((SET_COOKIE, cookie(names, names.session, "", 0)));
    Ok(response.finish())
}

/// `GET /session`: who has signed in, and what pages send with commands.
pub async fn show_session(call: Call<'_>) -> Reply {
    let sessions = sessions_of(call.state)?;
    let Some(principal) = caller::principal_of(call.request) else {
        return Err(not_signed_in());
    };
    let by_cookie = caller::is_by_cookie(call.request, call.state);
    let session = sessions.shown_in(cookies_of(call.request)).filter(|_| by_cookie);
    let roles: Vec<Role> = Role::iter().filter(|role| principal.roles.has(*role)).collect();
    let mut response = json_response(&json!({
        "issuer": principal.issuer,
        "subject": principal.subject,
        "roles": roles,
        "customer": principal.customer,
        "grade": principal.grade,
        "formToken": session.map(|session| session.form_token()),
    }));
    let no_store = actix_web::http::header::HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}

/// The reply as a browser shows it: why no one has signed in is a page for people, in their language.
fn show_failure(request: &HttpRequest, state: &AppState, reply: Reply) -> Reply {
    let accept = header_text(request, "accept").unwrap_or_default();
    match reply {
        Err(problem) if prefers_html(accept) => {
            let again = format!("{}/login", state.path_prefix(request));
            Ok(problem_page(problem, request, &again))
        }
        reply => reply,
    }
}

/// The problem of a browser without a session.
fn not_signed_in() -> Problem {
    Problem::new(
        "invalid-token",
        "no one has signed in here, or the session has ended: go to `/login`",
        "로그인하지 않았거나 세션이 끝났습니다. `/login`에서 로그인해 주세요",
    )
    .with_parameter("www-authenticate", "Bearer".to_owned())
}

fn retry_later(what: String) -> Problem {
    let ko = "지금은 로그인하거나 로그아웃할 수 없습니다";
    Problem::new("retry-later", what, ko).with_parameter("retry-after", "1".to_owned())
}

fn login_refused(what: String) -> Problem {
    Problem::new("login-failed", what, "로그인 제공자가 로그인을 확인해 주지 않았습니다")
}

/// The problem of a session that does not begin, or is not known to have ended.
pub fn problem_of_session(error: SessionError) -> Problem {
    match error {
        SessionError::Store(error) => Fault::from(error).into(),
        error @ (SessionError::TooMany | SessionError::Away) => retry_later(error.to_string()),
        error @ SessionError::Refused => login_refused(error.to_string()),
        // Two random ids do not meet.
        SessionError::NoRandomness(_) | SessionError::Taken => Problem::crashed(),
    }
}

/// The problem of a login that does not lead to a session.
pub fn problem_of(error: LoginError) -> Problem {
    match error {
        LoginError::Unavailable(what) => retry_later(what.to_owned()),
        LoginError::Session(error) => problem_of_session(error),
        LoginError::NoRandomness(_) => Problem::crashed(),
        LoginError::Unknown => Problem::new(
            "login-failed",
            error.to_string(),
            "이 브라우저에서 진행 중인 로그인이 없거나 10분이 지났습니다",
        ),
        LoginError::Refused | LoginError::Invalid(_) => login_refused(error.to_string()),
    }
}
