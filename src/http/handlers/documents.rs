//! The API documents, and the pages that show them: Swagger UI, from the binary itself.

use super::swagger_ui;
use crate::{
    api::Problem,
    http::{
        call::{Call, Reply},
        document::Document,
    },
};
use actix_web::{HttpResponse, http::header};

/// The media type of the documents.
pub const JSON: &str = "application/json";

/// `/openapi.json`
pub async fn show_openapi(call: Call<'_>) -> Reply {
    let document = &call.state.openapi;
    let prefix = call.state.path_prefix(call.request);
    if prefix.is_empty() || call.state.settings.public_url.is_some() {
        return Ok(document.answer_request(call.request));
    }
    // The paths are relative to the address of the server, which the proxy has under a path of its own.
    let text = String::from_utf8_lossy(document.plain_bytes());
    let text =
        text.replacen(r#""servers":[{"url":"/""#, &format!(r#""servers":[{{"url":"{prefix}""#), 1);
    Ok(Document::new(JSON, text).answer_request(call.request))
}

/// `/asyncapi.json`
pub async fn show_asyncapi(call: Call<'_>) -> Reply {
    Ok(call.state.asyncapi.answer_request(call.request))
}

/// `/schemas/{type}.json`: the schema of an event's data.
pub async fn show_schema(call: Call<'_>) -> Reply {
    let schemas = &call.state.settings.documents.schemas;
    let schema = schemas.get(call.path_parameter("type")).ok_or_else(Problem::not_found)?;
    Ok(Document::new(JSON, schema.clone()).answer_request(call.request))
}

/// `/docs`: leads to the pages, whose links are relative.
pub async fn redirect_to_page(call: Call<'_>) -> Reply {
    let to = format!("{}/docs/", call.state.path_prefix(call.request));
    Ok(HttpResponse::PermanentRedirect().insert_header((header::LOCATION, to)).finish())
}

/// `/docs/…`: a file of the pages.
pub async fn show_page(call: Call<'_>) -> Reply {
    let file = swagger_ui::read_file(call.path_parameter("file")).map_err(|error| {
        tracing::error!(%error, "failed to serve the API pages");
        Problem::crashed()
    })?;
    Ok(file.ok_or_else(Problem::not_found)?.answer_request(call.request))
}
