//! API keys, for admins: listed, made and revoked while the server runs.

use crate::{
    actors::Fault,
    api::{self, Problem},
    credentials::{ApiKey, BadKey, KeyId, KeyStore, KeyStoreError, NewKey, parse_role},
    domain::lenient::{self, BadBody},
    http::{
        call::{Call, Reply},
        handlers::body,
        response::json_response,
        state::AppState,
    },
};
use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, LOCATION},
};
use serde_json::{Value, json};
use std::sync::Arc;

fn keys_of(state: &AppState) -> Result<&Arc<KeyStore>, Problem> {
    state.settings.keys.as_ref().ok_or_else(Problem::not_found)
}

fn show_key(key: &ApiKey) -> Value {
    let mut shown = json!(key.about);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("id".into(), json!(key.id));
        fields.insert("made".into(), json!(key.made));
        fields.insert("revoked".into(), json!(key.revoked));
    }
    shown
}

fn unknown_key() -> Problem {
    let en = "there is no key with this id";
    Problem::new("not-found", en, "이 id의 키가 없습니다")
}

fn problem_of(error: KeyStoreError) -> Problem {
    match error {
        KeyStoreError::Unknown => unknown_key(),
        KeyStoreError::Store(error) => Fault::from(error).into(),
        KeyStoreError::NoRandomness(_) => Problem::crashed(),
        KeyStoreError::TooMany => {
            Problem::new("bad-request", error.to_string(), "보관할 수 있는 키가 너무 많습니다")
        }
        KeyStoreError::Bad(bad) => bad_key(bad),
    }
}

fn bad_key(bad: BadKey) -> Problem {
    let (pointer, code) = match &bad {
        BadKey::Name => ("/name", "bad-text"),
        BadKey::Roles | BadKey::UnknownRole(_) => ("/roles", "bad-body"),
        BadKey::NoCustomer | BadKey::NotOfCustomer | BadKey::CustomerName => {
            ("/customer", "bad-body")
        }
        BadKey::Scope | BadKey::UnknownScope { .. } => ("/scopes", "bad-body"),
        BadKey::Rate => ("/rate", "out-of-range"),
        BadKey::Expired => ("/expires", "out-of-range"),
    };
    let wrong = BadBody::new(pointer, bad.to_string(), "이런 키는 만들 수 없습니다");
    Problem::bad_body(BadBody { code, ..wrong })
}

/// `GET /admin/keys`
pub async fn list_keys(call: Call<'_>) -> Reply {
    let keys: Vec<Value> = keys_of(call.state)?.list().iter().map(show_key).collect();
    Ok(json_response(&json!({ "keys": keys })))
}

/// `POST /admin/keys`: the answer alone has the secret.
pub async fn add_key(call: Call<'_>) -> Reply {
    let Call { request, payload, state, .. } = call;
    api::check_content(request, &["application/json"], "accept-post")?;
    let keys = keys_of(state)?;
    let bytes = body::read_body(request, payload, &state.settings).await?;
    let value = api::parse_json(&bytes, state.settings.json_depth)?;
    let roles = value.get("roles").and_then(Value::as_array);
    for role in roles.into_iter().flatten().filter_map(Value::as_str) {
        parse_role(role).map_err(bad_key)?;
    }
    let about: NewKey = lenient::read_value(value).map_err(Problem::bad_body)?;
    about.check(keys.now()).map_err(bad_key)?;
    about.check_scopes(&state.settings.scopes).map_err(bad_key)?;
    let text = keys.add(about).await.map_err(problem_of)?;
    let location = format!("{}/admin/keys/{}", state.base_url(request), text.id);
    let made = json!({ "id": text.id, "key": text.reveal() });
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, location)).insert_header((CACHE_CONTROL, "no-store"));
    Ok(response.content_type("application/json").body(made.to_string()))
}

/// `DELETE /admin/keys/{id}`: once it is answered the key opens nothing.
pub async fn revoke_key(call: Call<'_>) -> Reply {
    let id = KeyId::parse(call.path_parameter("id")).ok_or_else(unknown_key)?;
    let revoked = keys_of(call.state)?.revoke(&id).await;
    Ok(json_response(&show_key(&revoked.map_err(problem_of)?)))
}
