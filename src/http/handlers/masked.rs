//! Answers of administration, as far as the caller may see them.

use crate::{
    http::{call::Call, middleware::caller, response::json_response},
    identity::sees_personal,
};
use actix_web::HttpResponse;
use serde_json::Value;

/// `shown`, about a `context` or about many, as a JSON response of administration: those who are no admins get it without personal values.
pub fn masked_response(call: &Call<'_>, context: Option<&str>, mut shown: Value) -> HttpResponse {
    let caller = caller::find_caller(call.request, call.state);
    if !sees_personal(caller.as_deref()) {
        call.state.personal.mask(context, &mut shown);
    }
    json_response(&shown)
}
