//! Commands that forms send: from the fields of a form to a request of the server, and from its answer to the next page.

use super::{
    backend::{BackendReply, BackendRequest},
    context::{PageContext, Refused},
    form::{read_body, read_changes},
    shape::Shape,
    site::Shelf,
};
use crate::actors::Verb;
use serde_json::{Value, json};

/// The request that the form of a command means for a thing that is so `now`; `None` where there is no such command.
pub fn request_of(
    page: &PageContext<'_>,
    shelf: &Shelf,
    (number, now): (&str, &Value),
    does: &str,
) -> Option<BackendRequest> {
    let path = shelf.path();
    let item = format!("{path}/{number}");
    let patch = |body: Value| BackendRequest {
        method: "PATCH",
        path: item.clone(),
        body: Some(body.to_string()),
        ..BackendRequest::default()
    };
    let by_word = shelf.routes().iter().find(|route| route.word == Some(does));
    if by_word.is_some() {
        let path = format!("{path}/{does}/{number}");
        return Some(BackendRequest { method: "PATCH", path, ..BackendRequest::default() });
    }
    match does {
        "withdraw" | "cancel" => Some(BackendRequest {
            method: "DELETE",
            path: item.clone(),
            ..BackendRequest::default()
        }),
        "restore" => Some(patch(json!({ "withdrawn": false }))),
        "correct" => Some(patch(read_changes(page, &form_shape(shelf, false)?, now))),
        "change" => Some(patch(read_body(page, &form_shape(shelf, true)?))),
        _ => {
            let is_choice =
                shelf.routes().iter().filter(|route| route.verb == Verb::Patch).any(|route| {
                    let shapes = route.bodies.iter().map(|body| Shape::of_body(*body));
                    shapes.into_iter().any(|shape| shape.has_choice("status", does))
                });
            is_choice.then(|| patch(json!({ "status": does })))
        }
    }
}

/// Whether the form that corrects a thing has it as it is `now`.
pub fn is_unchanged(page: &PageContext<'_>, shelf: &Shelf, now: &Value) -> bool {
    let nothing = json!({});
    form_shape(shelf, false).is_some_and(|shape| {
        read_body(page, &shape) != nothing && read_changes(page, &shape, now) == nothing
    })
}

/// The fields of the body with which something is changed (some of them needed), or corrected (none is).
pub fn form_shape(shelf: &Shelf, is_change: bool) -> Option<Shape> {
    let patches = shelf.routes().iter().filter(|route| route.verb == Verb::Patch);
    let mut shapes = patches.flat_map(|route| &route.bodies).map(|body| Shape::of_body(*body));
    shapes.find(|shape| {
        let needs_some = shape.fields.iter().any(|field| field.is_required);
        let is_single = shape.fields.len() == 1 && shape.is_choice_alone();
        let is_withdrawal = shape.find("withdrawn").is_some();
        needs_some == is_change && !is_single && !is_withdrawal
    })
}

/// Sends the command, under the form's key and for the version that it was made for.
pub async fn send(page: &PageContext<'_>, mut request: BackendRequest) -> BackendReply {
    for (header, field) in [("idempotency-key", "_key"), ("if-match", "_tag")] {
        if let Some(value) = page.request.field(field).filter(|value| !value.is_empty()) {
            request = request.with_header(header, value);
        }
    }
    if let Some(customer) = page.request.field("_customer").filter(|name| !name.trim().is_empty()) {
        request = request.with_header("x-holdfast-customer", customer.trim());
    }
    page.backend.send(request).await
}

/// What a page says of a refusal.
pub fn explain(page: &PageContext<'_>, refused: &Refused) -> String {
    let t = page.language();
    match refused.status {
        412 => t.changed_meanwhile().to_owned(),
        _ if !refused.errors.is_empty() => t.check_fields().to_owned(),
        _ if refused.detail.is_empty() => t.went_wrong().to_owned(),
        _ => refused.detail.clone(),
    }
}

/// The key of the form that is shown after this refusal. Where it is not known what became of the command, it stays.
pub fn next_key(page: &PageContext<'_>, refused: &Refused) -> String {
    let sent = page.request.field("_key").filter(|_| refused.status >= 500);
    sent.map_or_else(super::form::new_key, str::to_owned)
}
