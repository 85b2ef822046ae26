//! Writes down who did what: each administrative action, and each write of staff, admins and operators.

use crate::{
    actors::Fault,
    api::Problem,
    audit::{ActionOutcome, AuditEntry, OpenEntry, is_audited},
    http::{call::Reply, middleware::form, response::OwnerOfThing, state::AppState},
    identity::Principal,
};
use actix_web::{HttpRequest, http::header};

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
    // What a page asks of the server is written down when it does.
    if request.method().is_safe() || form::is_page(request) {
        return Ok(None);
    }
    let is_administration = request.path().starts_with("/admin/");
    let developer = Principal::development();
    let who = match principal {
        Some(principal) if is_audited(principal) => principal,
        None if is_administration && state.settings.development => &developer,
        // What others are refused would be there for them to fill the audit with.
        _ => return Ok(None),
    };
    // An operator can act on a full disk; what staff writes would be refused there, and must not fill it with lines.
    if !is_administration && !log.has_room() {
        return Err(Fault::DiskFull.into());
    }
    let entry = AuditEntry::new(who, log.now(), request.method().as_str(), request.path());
    let open = log.begin(entry).await.map_err(Fault::from)?;
    Ok(Some(Auditing { state, open }))
}

impl Auditing<'_> {
    /// Writes down how it ended. Where that fails the line says that the outcome is not known, and the answer stays: what it
    /// reports was done.
    pub async fn finish(self, reply: &Reply) {
        let Self { state, open } = self;
        let Some(log) = &state.settings.audit else { return };
        let outcome = match reply {
            Ok(response) => {
                let location = response.headers().get(header::LOCATION);
                let location = location.and_then(|location| location.to_str().ok());
                let extensions = response.extensions();
                let owner = extensions.get::<OwnerOfThing>().map(|OwnerOfThing(owner)| &**owner);
                ActionOutcome::done(response.status().as_u16(), location, owner)
            }
            Err(problem) => ActionOutcome::refused(problem.status(), problem.code()),
        };
        if let Err(error) = log.finish(open, outcome).await {
            tracing::warn!(%error, "failed to audit an outcome");
        }
    }
}
