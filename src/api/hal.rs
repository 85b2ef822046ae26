//! The representation of items: HAL.

use super::headers::{Headers, header_text};
use std::io::Write;

/// Writes the JSON object `body` with number and links, without parsing it.
pub fn splice_fields(
    out: &mut Vec<u8>,
    body: &[u8],
    number: u64,
    base: &str,
    collection: &str,
    item: &str,
) {
    let open = body.strip_suffix(b"}").unwrap_or(b"{");
    out.extend_from_slice(open);
    if open.len() > 1 {
        out.push(b',');
    }
    let _ = write!(
        out,
        "\"id\":{number},\"_links\":{{\"self\":{{\"href\":\"{base}{collection}/{number}\"}},\
         \"{item}\":{{\"href\":\"{base}{collection}/{number}\"}}}}}}"
    );
}

/// What precedes paths in links to `host`. Anything but a host could break out of the JSON that it is put into.
pub fn base_url(scheme: &str, host: &str) -> String {
    let is_plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b));
    [scheme, "://", if is_plain && !host.is_empty() { host } else { "localhost" }].concat()
}

/// The media type of the answer: HAL, or plain JSON if the client prefers that.
pub fn media_type(headers: &dyn Headers) -> &'static str {
    let mut hal = 0.0_f32;
    let mut json = 0.0_f32;
    for range in header_text(headers, "accept").unwrap_or("*/*").split(',') {
        let mut parts = range.split(';');
        let name = parts.next().unwrap_or_default().trim();
        let q = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        match name {
            "application/json" => json = q,
            "application/hal+json" | "application/*" | "*/*" => hal = hal.max(q),
            _ => {}
        }
    }
    if json > hal { "application/json" } else { "application/hal+json" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_and_links_are_spliced_into_any_object() {
        for (body, first) in [("{}", None), (r#"{"a":"}"}"#, Some("}"))] {
            let mut out = Vec::new();
            splice_fields(&mut out, body.as_bytes(), 7, "http://h", "/s/rents", "rent");
            let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!((value["a"].as_str(), value["id"].as_u64()), (first, Some(7)));
            assert_eq!(value["_links"]["rent"]["href"], "http://h/s/rents/7");
        }
    }
}
