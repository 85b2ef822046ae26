//! Answers of administration, as far as the caller may see them.

use crate::{
    domain::quoted::MASK,
    http::{call::Call, middleware::caller, response::json_response, state::AppState},
    identity::{Principal, sees_personal},
};
use actix_web::HttpResponse;
use serde_json::Value;

/// `shown`, about a `context` or about many, as a JSON response of administration: those who are no admins get it without personal values.
pub fn masked_response(call: &Call<'_>, context: Option<&str>, mut shown: Value) -> HttpResponse {
    let caller = caller::find_caller(call.request, call.state);
    mask(call.state, caller.as_deref(), context, &mut shown);
    json_response(&shown)
}

/// As [`masked_response`], where the customers whose the sagas are are personal too.
pub fn customerless_response(call: &Call<'_>, mut shown: Value) -> HttpResponse {
    let caller = caller::find_caller(call.request, call.state);
    mask_customers(caller.as_deref(), &mut shown);
    masked_response(call, None, shown)
}

/// Takes the customers out of rows of sagas and of what filters them, unless `caller` may see personal values.
pub fn mask_customers(caller: Option<&Principal>, shown: &mut Value) {
    if sees_personal(caller) {
        return;
    }
    match shown {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "customer" && !value.is_null() {
                    *value = MASK.into();
                }
                mask_customers(caller, value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask_customers(caller, item)),
        _ => {}
    }
}

/// Takes personal values out of `shown`, unless `caller` may see them.
pub fn mask(
    state: &AppState,
    caller: Option<&Principal>,
    context: Option<&str>,
    shown: &mut Value,
) {
    if !sees_personal(caller) {
        state.personal.mask(context, shown);
    }
}
