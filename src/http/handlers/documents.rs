//! The API documents, and the pages that show them: Swagger UI, from the binary itself.

use super::swagger_ui;
use crate::{
    api::Problem,
    http::call::{Call, Reply},
};
use actix_web::{HttpResponse, http::header, web::Bytes};

/// `/openapi.json`
pub async fn openapi(call: Call<'_>) -> Reply {
    Ok(json(call.state.openapi.clone()))
}

/// `/asyncapi.json`
pub async fn asyncapi(call: Call<'_>) -> Reply {
    Ok(json(call.state.asyncapi.clone()))
}

/// `/schemas/{type}.json`: the schema of an event's data.
pub async fn schema(call: Call<'_>) -> Reply {
    let schemas = &call.state.settings.documents.schemas;
    let schema = schemas.get(call.param("type")).ok_or_else(Problem::not_found)?;
    Ok(json(Bytes::from(schema.clone())))
}

/// `/docs`: leads to the pages, whose links are relative.
pub async fn redirect(_: Call<'_>) -> Reply {
    Ok(HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish())
}

/// `/docs/…`: a file of the pages.
pub async fn page(call: Call<'_>) -> Reply {
    let file = swagger_ui::file(call.param("file")).map_err(|error| {
        tracing::error!(%error, "failed to serve the API pages");
        Problem::crashed()
    })?;
    let (content_type, bytes) = file.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().content_type(content_type).body(bytes))
}

fn json(document: Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document)
}
