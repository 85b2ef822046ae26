//! Documents that do not change while the server runs, as they are and compressed.

use crate::api::header_text;
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web::Bytes,
};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, io::Write as _};

/// Less is not worth compressing.
const MIN_COMPRESSED: usize = 1024;

/// A document.
#[derive(Debug, Clone)]
pub struct Document {
    media_type: &'static str,
    plain: Bytes,
    /// `None` where compression gains nothing.
    gzip: Option<Bytes>,
    /// The sum of its bytes, in hexadecimal digits.
    sum: String,
}

impl Document {
    pub fn new(media_type: &'static str, plain: impl Into<Bytes>) -> Self {
        let plain = plain.into();
        let digest = Sha256::digest(&plain);
        let mut sum = String::new();
        for byte in digest.iter().take(12) {
            // Writing to a string cannot fail.
            let _ = write!(sum, "{byte:02x}");
        }
        Self { media_type, gzip: compress_text(&plain, Compression::default()), plain, sum }
    }

    pub fn plain_bytes(&self) -> &Bytes {
        &self.plain
    }

    /// Answers `request` with the document in a coding that the client takes, or with 304 if it has it.
    pub fn answer_request(&self, request: &HttpRequest) -> HttpResponse {
        let gzip = self.gzip.as_ref().filter(|_| accepts_gzip(request));
        let coding = if gzip.is_some() { "-gzip" } else { "" };
        let tag = format!("\"{}{coding}\"", self.sum);
        let is_current = header_text(request, "if-none-match").is_some_and(|given| {
            let mut given = given.split(',').map(str::trim);
            given.any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
        });
        let mut response =
            if is_current { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response
            .insert_header((header::ETAG, tag))
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .insert_header((header::VARY, "Accept-Encoding"));
        if is_current {
            return response.finish();
        }
        response.content_type(self.media_type);
        if gzip.is_some() {
            response.insert_header((header::CONTENT_ENCODING, "gzip"));
        }
        response.body(gzip.unwrap_or(&self.plain).clone())
    }
}

/// `plain` in gzip, if that is smaller.
fn compress_text(plain: &[u8], level: Compression) -> Option<Bytes> {
    if plain.len() < MIN_COMPRESSED {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), level);
    // Writing to memory cannot fail.
    encoder.write_all(plain).ok()?;
    let gzip = encoder.finish().ok()?;
    (gzip.len() < plain.len()).then(|| gzip.into())
}

/// Answers with `body`, which is new each time, compressed if it is large and the client takes that.
pub fn compressed_answer(
    request: &HttpRequest,
    mut response: actix_web::HttpResponseBuilder,
    body: String,
) -> HttpResponse {
    response.insert_header((header::VARY, HeaderValue::from_static("Accept, Accept-Encoding")));
    let gzip = accepts_gzip(request).then(|| compress_text(body.as_bytes(), Compression::fast()));
    match gzip.flatten() {
        Some(gzip) => response.insert_header((header::CONTENT_ENCODING, "gzip")).body(gzip),
        None => response.body(body),
    }
}

fn accepts_gzip(request: &HttpRequest) -> bool {
    header_text(request, "accept-encoding").is_some_and(takes_gzip)
}

/// Whether a client with this `Accept-Encoding` takes gzip.
fn takes_gzip(accept: &str) -> bool {
    let quality = |coding: &str| {
        accept.split(',').find_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            if !parts.next()?.eq_ignore_ascii_case(coding) {
                return None;
            }
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            quality.map_or(Some(1.0), |quality| quality.trim().parse::<f32>().ok())
        })
    };
    let quality = quality("gzip").or_else(|| quality("x-gzip")).or_else(|| quality("*"));
    quality.is_some_and(|quality| quality > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_where_the_client_names_it_and_does_not_refuse_it() {
        for accept in ["gzip", "br, gzip;q=0.5", "deflate, GZIP", "*", "*;q=0.1, br", "x-gzip"] {
            assert!(takes_gzip(accept), "{accept}");
        }
        for accept in ["", "br", "identity", "gzip;q=0", "gzip; q=0, *", "*;q=0", "gzip;q=x"] {
            assert!(!takes_gzip(accept), "{accept}");
        }
    }

    #[test]
    fn what_is_small_stays_as_it_is() {
        assert!(Document::new("text/plain", "a".repeat(MIN_COMPRESSED - 1)).gzip.is_none());
        let large = Document::new("text/plain", "a".repeat(MIN_COMPRESSED));
        assert!(large.gzip.is_some_and(|gzip| gzip.len() < 100));
    }
}
