//! The pages that show the document: Swagger UI, from the binary itself.

use crate::api::Problem;
use actix_web::{HttpRequest, HttpResponse, http::Method, http::header, web::Bytes};
use std::{borrow::Cow, sync::Arc};
use utoipa_swagger_ui::{Config, Url};

/// Answers what follows `/docs/`.
///
/// # Errors
/// A [`Problem`] for a method other than reading, or a file that the pages do not have.
pub fn answer(request: &HttpRequest, path: &str) -> Result<HttpResponse, Problem> {
    read_only(request)?;
    // Without this Swagger UI asks a validator on the Internet for its opinion.
    let config = Config::new([Url::new("Holdfast", "/openapi.json")]).validator_url("none");
    let file = utoipa_swagger_ui::serve(path, Arc::new(config)).map_err(|why| {
        tracing::error!(%why, "the API pages cannot be shown");
        Problem::crashed()
    })?;
    let file = file.ok_or_else(Problem::not_found)?;
    let mut response = HttpResponse::Ok();
    if file.gzpipped {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    // What is in the binary is not copied for each reader.
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    Ok(response.content_type(file.content_type).body(bytes))
}

/// Leads from `/docs` to the pages, whose links are relative.
///
/// # Errors
/// A [`Problem`] for a method other than reading.
pub fn redirect(request: &HttpRequest) -> Result<HttpResponse, Problem> {
    read_only(request)?;
    Ok(HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish())
}

/// Answers `/openapi.json` and its like. All readers have the same bytes.
///
/// # Errors
/// A [`Problem`] for a method other than reading.
pub fn document(request: &HttpRequest, document: &Bytes) -> Result<HttpResponse, Problem> {
    read_only(request)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(document.clone()))
}

fn read_only(request: &HttpRequest) -> Result<(), Problem> {
    match *request.method() {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Problem::method("GET, HEAD")),
    }
}
