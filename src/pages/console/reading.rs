//! Reads what the administration answers, and sends what an operator wants.

use super::texts;
use crate::pages::{
    backend::BackendRequest,
    context::{PageContext, PageError, Refused},
    language::Language,
    show::Badge,
    values,
};
use serde_json::Value;

/// A member as text: numbers as they are, nothing for null.
pub fn text(of: &Value, name: &str) -> String {
    match of.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A member as a number.
pub fn number(of: &Value, name: &str) -> u64 {
    of.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// The items of a list.
pub fn items<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// A time as people read it.
pub fn time(page: &PageContext<'_>, of: &Value, name: &str) -> String {
    let text = text(of, name);
    if text.is_empty() { text } else { values::time(&text, &page.site.zone, page.language()) }
}

/// What people call a context, and its name.
pub fn context_title(page: &PageContext<'_>, name: &str) -> String {
    let t = page.language();
    for system in &page.site.systems {
        let shelf = system.contexts.iter().find(|shelf| shelf.name.context == name);
        if let Some(shelf) = shelf {
            return system.noun(shelf, t);
        }
    }
    name.to_owned()
}

/// The state of something, with its colour.
pub fn state_badge(t: Language, state: &str) -> Badge {
    let tone = match state {
        "running" | "ready" | "done" | "reached" | "UP" | "closed" => "free",
        "waiting" | "starting" | "degraded" | "draining" | "halfOpen" | "UNKNOWN" => "waiting",
        "stuck" | "failed" | "stopped" | "unready" | "unreachable" | "DOWN" | "open"
        | "OUT_OF_SERVICE" => "taken",
        _ => "ended",
    };
    Badge { text: texts::state(t, state), tone }
}

/// Sends what an operator wants to the administration.
///
/// # Errors
/// [`PageError::Refused`]: the problem that it answers with.
pub async fn send(
    page: &PageContext<'_>,
    method: &'static str,
    path: String,
    body: Option<&Value>,
) -> Result<Value, PageError> {
    let body = body.map(ToString::to_string);
    let mut request = BackendRequest { method, path, body, ..BackendRequest::default() };
    if request.body.is_some() {
        request = request.with_header("content-type", "application/json");
    }
    let reply = page.backend.send(request).await;
    if !reply.is_success() {
        return Err(PageError::Refused(Refused::of_reply(&reply)));
    }
    Ok(serde_json::from_slice(&reply.body).unwrap_or_default())
}
