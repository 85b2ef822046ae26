//! The API documents, and the pages that show them: Swagger UI, from the binary itself.

use crate::{
    api::Problem,
    http::call::{Call, Reply},
};
use actix_web::{HttpResponse, http::header, web::Bytes};
use std::{borrow::Cow, sync::Arc};
use utoipa_swagger_ui::{Config, Url};

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
    // Without this Swagger UI sends the document to a validator on the Internet.
    let config = Config::new([Url::new("Holdfast", "/openapi.json")]).validator_url("none");
    let file = utoipa_swagger_ui::serve(call.param("file"), Arc::new(config)).map_err(|error| {
        tracing::error!(%error, "failed to serve the API pages");
        Problem::crashed()
    })?;
    let file = file.ok_or_else(Problem::not_found)?;
    let mut response = HttpResponse::Ok();
    if file.gzpipped {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    // The bytes in the binary are not copied for each reader.
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    Ok(response.content_type(file.content_type).body(bytes))
}

fn json(document: Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document)
}
