//! Which names requests may be for. While authentication is open, a page of the internet must not reach this server through a
//! user's browser under a name of its own that leads here (DNS rebinding), nor a stranger through a proxy on this machine.

use crate::{
    api::Problem,
    http::{host_list::HostList, middleware::node_caller, route::Handler, routes, state::AppState},
};
use actix_web::{HttpRequest, http::header};
use std::net::IpAddr;

/// What a proxy adds to the requests that it passes on.
const OF_PROXIES: [&str; 4] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];

/// Refuses a request that is not for this server, or that has come through a proxy that is not configured.
pub fn check(request: &HttpRequest, state: &AppState) -> Result<(), Problem> {
    let HostList { names, is_loopback } = &state.settings.hosts;
    let proxy = OF_PROXIES.iter().find(|name| request.headers().contains_key(**name));
    // Where callers authenticate, it does not matter who has passed a request on.
    let is_open = state.settings.open && *is_loopback;
    let proxy = proxy.filter(|_| is_open && !state.is_from_proxy(request));
    if let Some(name) = proxy {
        return Err(unknown_proxy(name));
    }
    let Some(names) = names else { return Ok(()) };
    let authority = request.uri().authority().map(|authority| authority.as_str());
    // HTTP/1.0 needs none, and no browser leaves it out. One that is no text names no host of ours.
    let header = request.headers().get(header::HOST).map(|host| host.to_str().unwrap_or_default());
    let Some(host) = authority.or(header) else { return Ok(()) };
    let name = name_of(host);
    let is_listed = names.iter().any(|known| known.eq_ignore_ascii_case(name));
    // An orchestrator asks a server that listens for others how it is doing, by its address.
    let is_answered = if *is_loopback { is_loopback_name(name) } else { is_probe(request) };
    // Other nodes call this one by the name that they know it by, and show what no page of a browser has.
    if is_listed || is_answered || node_caller::is_node(request, state) {
        return Ok(());
    }
    Err(misdirected(name))
}

/// Whether `request` asks how the server is doing.
fn is_probe(request: &HttpRequest) -> bool {
    let route = routes::find_route(request.path()).and_then(|(_, mut routes)| routes.next());
    route.is_some_and(|route| matches!(route.handler, Handler::Probe(_)))
}

/// The host without its port, and without a dot at its end.
fn name_of(host: &str) -> &str {
    let name = match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') =>
        {
            name
        }
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name)
}

fn is_loopback_name(name: &str) -> bool {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let is_local = |name: &str| name == "localhost" || name.ends_with(".localhost");
    bare.parse::<IpAddr>()
        .map_or_else(|_| is_local(&name.to_ascii_lowercase()), |ip| ip.to_canonical().is_loopback())
}

fn misdirected(name: &str) -> Problem {
    // What a client sends is repeated as far as it can be a name.
    let name: String = name.chars().filter(|letter| letter.is_ascii_graphic()).take(64).collect();
    Problem::new(
        "misdirected",
        format!("this server does not answer for `{name}`; operators: see `auth.hosts`"),
        format!("이 서버는 `{name}`에 대해 응답하지 않습니다. 운영자: `auth.hosts`를 확인하세요"),
    )
}

fn unknown_proxy(header: &str) -> Problem {
    Problem::new(
        "proxy-unknown",
        format!(
            "a proxy has passed this request on (`{header}`), and everyone may do everything here; operators: name the proxy in \
             `http.trusted_proxies` if it lets in the right people only"
        ),
        format!(
            "프록시를 거친 요청입니다(`{header}`). 이 서버에는 인증이 없습니다. 운영자: 허용할 프록시를 `http.trusted_proxies`에 \
             추가하세요"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_a_name_and_perhaps_a_port() {
        for (host, name) in [
            ("localhost:8088", "localhost"),
            ("shop.example", "shop.example"),
            ("shop.example.:443", "shop.example"),
            ("[::1]:8088", "[::1]"),
            ("[::1]", "[::1]"),
            ("127.0.0.1:8088", "127.0.0.1"),
        ] {
            assert_eq!(name_of(host), name, "{host}");
        }
    }

    #[test]
    fn loopback_has_many_names() {
        for name in [
            "localhost",
            "LOCALHOST",
            "rent.localhost",
            "127.0.0.1",
            "127.8.8.8",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback_name(name), "{name}");
        }
        for name in [
            "localhost.evil.example",
            "evil.example",
            "127.0.0.1.evil.example",
            "192.0.2.1",
            "[::]",
            "",
            "0.0.0.0",
        ] {
            assert!(!is_loopback_name(name), "{name}");
        }
    }
}
