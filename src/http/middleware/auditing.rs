//! Writes down who did what: each administrative action, and each write of staff, admins and operators.

use crate::{
    actors::Fault,
    api::Problem,
    audit::{AuditEntry, OpenEntry},
    http::{call::Reply, state::AppState},
    identity::{DEVELOPMENT, Principal, Role},
};
use actix_web::{HttpRequest, http::header};

/// So many characters of a path are kept.
const LONGEST_PATH: usize = 200;

/// A line that waits for the outcome of its action.
pub struct Auditing<'a> {
    state: &'a AppState,
    open: OpenEntry,
}

/// Writes down that `request` begins, if it is one that is audited. Where that fails, nothing may be done for it: an action
/// without its line would be what an audit is there to prevent.
pub async fn begin<'a>(
    principal: Option<&Principal>,
    request: &HttpRequest,
    state: &'a AppState,
) -> Result<Option<Auditing<'a>>, Problem> {
    let Some(log) = &state.settings.audit else { return Ok(None) };
    if request.method().is_safe() {
        return Ok(None);
    }
    let is_administration = request.path().starts_with("/admin/");
    let developer = Principal {
        issuer: DEVELOPMENT.into(),
        subject: DEVELOPMENT.into(),
        ..Principal::default()
    };
    let who = match principal {
        Some(principal) => principal,
        // Without credentials only development is let in; elsewhere strangers would fill the audit.
        None if is_administration && state.settings.development => &developer,
        None => return Ok(None),
    };
    // What is written without credentials in development is no one's.
    let is_developer = who.issuer == DEVELOPMENT && who.subject == DEVELOPMENT;
    let runs_it = !is_developer
        && [Role::Staff, Role::Admin, Role::Operator].iter().any(|role| who.roles.has(*role));
    if !is_administration && !runs_it {
        return Ok(None);
    }
    // An operator can act on a full disk; what staff writes would be refused there, and must not fill it with lines.
    if !is_administration && !log.has_room() {
        return Err(Fault::DiskFull.into());
    }
    let path: String = request.path().chars().take(LONGEST_PATH).collect();
    let entry = AuditEntry::new(who, log.now(), request.method().as_str(), &path);
    let open = log.begin(entry).await.map_err(Fault::from)?;
    Ok(Some(Auditing { state, open }))
}

impl Auditing<'_> {
    /// Writes down how it ended. Where that fails the line says that the outcome is not known, and the answer stays: what it
    /// reports was done.
    pub async fn finish(self, reply: &Reply) {
        let Self { state, open } = self;
        let Some(log) = &state.settings.audit else { return };
        let (status, problem, made) = match reply {
            Ok(response) => {
                let location = response.headers().get(header::LOCATION);
                let location = location.and_then(|location| location.to_str().ok());
                (response.status().as_u16(), None, location.map(path_of))
            }
            Err(problem) => (problem.status(), Some(problem.code().to_string()), None),
        };
        if let Err(error) = log.finish(open, status, problem, made).await {
            tracing::warn!(%error, "failed to audit an outcome");
        }
    }
}

/// The path of a URL.
fn path_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(rest);
    path.chars().take(LONGEST_PATH).collect()
}
