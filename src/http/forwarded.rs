//! The address of the server as its clients see it, behind a proxy that is trusted.

use crate::{
    api::{self, header_text},
    domain::number,
    http::state::AppState,
};
use actix_web::HttpRequest;
use std::net::SocketAddr;

impl AppState {
    /// What precedes paths in links: the public URL; without one, scheme, host and prefix as the client wrote them, or as
    /// a trusted proxy reports them.
    pub fn base_url(&self, request: &HttpRequest) -> String {
        if let Some(url) = &self.settings.public_url {
            return url.clone();
        }
        if !self.is_from_proxy(request) {
            let scheme = if self.settings.certificate.is_some() { "https" } else { "http" };
            return api::base_url(scheme, header_text(request, "host").unwrap_or_default());
        }
        // actix reads `Forwarded`, and `X-Forwarded-Proto` and `-Host` where that is missing.
        let info = request.connection_info();
        let scheme = if info.scheme() == "https" { "https" } else { "http" };
        let port = header_text(request, "x-forwarded-port")
            .filter(|_| header_text(request, "forwarded").is_none());
        let host = with_port(info.host(), scheme, port.and_then(first_of));
        api::base_url(scheme, &host) + &self.path_prefix(request)
    }

    /// The path that precedes the server's own, without a slash at its end: that of the public URL, or the one that a
    /// trusted proxy has taken off.
    pub fn path_prefix(&self, request: &HttpRequest) -> String {
        if let Some(url) = &self.settings.public_url {
            return path_of(url);
        }
        let given =
            header_text(request, "x-forwarded-prefix").filter(|_| self.is_from_proxy(request));
        given.map(join_prefixes).unwrap_or_default()
    }

    /// Whether a trusted proxy has passed `request` on.
    pub fn is_from_proxy(&self, request: &HttpRequest) -> bool {
        let proxies = &self.settings.trusted_proxies;
        let is_proxy = |peer: SocketAddr| proxies.contains(&peer.ip());
        !proxies.is_empty() && request.peer_addr().is_some_and(is_proxy)
    }
}

/// The path of a URL in its normal form, without a slash at its end.
fn path_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default();
    path.trim_end_matches('/').to_owned()
}

/// The first of several values: that of the proxy next to the client.
fn first_of(list: &str) -> Option<u16> {
    let port = number::parse_number(list.split(',').next()?.trim()).ok()?;
    u16::try_from(port).ok().filter(|port| *port > 0)
}

/// `host` with this port in place of its own. That which its scheme implies is left out.
fn with_port(host: &str, scheme: &str, port: Option<u16>) -> String {
    let Some(port) = port else { return host.to_owned() };
    // The colons within the brackets of an IPv6 address separate no port.
    let bare = match host.rsplit_once(':') {
        Some((bare, _)) if !host.ends_with(']') => bare,
        _ => host,
    };
    let is_implied = port == if scheme == "https" { 443 } else { 80 };
    if is_implied { bare.to_owned() } else { format!("{bare}:{port}") }
}

/// The prefixes of all proxies in one. One that is no plain path counts as none: a link must not lead to another host.
fn join_prefixes(list: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let parts: Vec<&str> = list.split(',').map(|part| part.trim().trim_end_matches('/')).collect();
    let is_path = |part: &&str| part.starts_with('/') && part.bytes().all(is_plain);
    let all = parts.concat();
    let leads_up = |segment: &str| matches!(segment, "." | "..");
    let is_prefix =
        parts.iter().all(is_path) && !all.contains("//") && !all.split('/').any(leads_up);
    if is_prefix { all } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_the_proxy_replaces_that_of_the_host() {
        for (host, scheme, port, shown) in [
            ("shop.example", "https", None, "shop.example"),
            ("shop.example:8088", "http", None, "shop.example:8088"),
            ("shop.example", "https", Some(8443), "shop.example:8443"),
            ("shop.example:8088", "https", Some(443), "shop.example"),
            ("shop.example", "http", Some(443), "shop.example:443"),
            ("[::1]", "http", Some(80), "[::1]"),
            ("[::1]:8088", "http", Some(9000), "[::1]:9000"),
        ] {
            assert_eq!(with_port(host, scheme, port), shown, "{host} {port:?}");
        }
        assert_eq!(
            (first_of("8443, 8088"), first_of("x"), first_of("70000")),
            (Some(8443), None, None)
        );
        assert_eq!((first_of("0"), first_of("+8443")), (None, None));
    }

    #[test]
    fn a_prefix_is_a_path_of_this_host() {
        assert_eq!(
            (join_prefixes("/rentals/"), join_prefixes("/a, /b/")),
            ("/rentals".into(), "/a/b".into())
        );
        assert_eq!(path_of("https://shop.example/rentals/"), "/rentals");
        assert_eq!(path_of("https://shop.example:8443"), "");
        assert_eq!(path_of("https://shop.example/%EB%8C%80%EC%97%AC/a"), "/%EB%8C%80%EC%97%AC/a");
        let dots = ["/..", "/../x", "/a/../b", "/a/.", "/a, /.."];
        let others = ["", "/", "rentals", "//evil.example", "/a\"b", "/a b", "/a,b", "/%2e"];
        assert_eq!(join_prefixes("/a..b/.c"), "/a..b/.c");
        for wrong in others.into_iter().chain(dots) {
            assert_eq!(join_prefixes(wrong), "", "{wrong}");
        }
    }
}
