//! Which headers of a request, and of its answer, go from one node to the other.

use crate::credentials::NodeRequest;

/// Headers that concern one connection only (RFC 9110, 7.6.1), and those that are set anew for the next hop.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
];

/// Which origins may read an answer is decided by this node, so those headers are not forwarded.
pub fn is_forwarded(name: &str) -> bool {
    !HOP_BY_HOP.contains(&name)
        && !name.starts_with("access-control-")
        && !matches!(name, "origin" | "via" | NodeRequest::CLIENT | NodeRequest::TOKEN)
}

/// Whether a proxy describes by this header how it was asked. A node that trusts this one would believe it of any client.
pub fn is_of_proxy(name: &str) -> bool {
    name == "forwarded" || name.starts_with("x-forwarded-")
}

/// The headers that a `Connection` keeps to itself, in lower case.
pub fn named_by_connection<'a>(values: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let text = values.map(|value| String::from_utf8_lossy(value).to_ascii_lowercase());
    let names = text
        .flat_map(|text| text.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>());
    names.filter(|name| !name.is_empty()).collect()
}

/// What an answer varies by beside the headers of other origins, by which this node lets it vary itself.
pub fn varies_apart_from_origin(vary: &str) -> String {
    let others = vary.split(',').map(str::trim).filter(|name| {
        let name = name.to_ascii_lowercase();
        name != "origin" && !name.starts_with("access-control-request-")
    });
    others.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_one_hop_is_not_forwarded() {
        let values = [&b"Keep-Alive, X-Secret"[..], b"close,", b""];
        assert_eq!(named_by_connection(values.into_iter()), ["keep-alive", "x-secret", "close"]);
        assert!(is_of_proxy("forwarded") && is_of_proxy("x-forwarded-host"));
        assert!(!is_of_proxy("x-correlation-id") && !is_of_proxy("forwarder"));
    }

    #[test]
    fn an_answer_varies_by_origin_once() {
        let vary = "Accept-Language, Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
        assert_eq!(varies_apart_from_origin(vary), "Accept-Language");
        assert_eq!(varies_apart_from_origin("origin"), "");
        assert_eq!(varies_apart_from_origin("*"), "*");
    }
}
