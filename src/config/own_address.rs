//! Whether a URL leads to this node itself, as far as that can be known without a connection.

use reqwest::Url;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Whether `url` leads to the listener on `own`.
pub(super) fn leads_to(url: &str, own: SocketAddr) -> bool {
    let Ok(url) = url.parse::<Url>() else { return false };
    if own.port() == 0 || url.port_or_known_default() != Some(own.port()) {
        return false;
    }
    let is_here = |ip: IpAddr| {
        let same = match own.ip() {
            any if any.is_unspecified() => ip.is_loopback() || is_of_this_machine(ip),
            // The unspecified address connects to this machine.
            listened if ip.is_unspecified() => listened.is_loopback(),
            listened => ip == listened,
        };
        same || (ip.is_unspecified() && own.ip().is_unspecified())
    };
    let Some(host) = url.host_str() else { return false };
    if let Ok(ip) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return is_here(ip.to_canonical());
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let listened = own.ip();
    let is_local = name == "localhost" || name.ends_with(".localhost");
    (is_local && (listened.is_loopback() || listened.is_unspecified()))
        || (!listened.is_loopback()
            && host_name().is_some_and(|own| own.eq_ignore_ascii_case(&name)))
}

/// A socket can only be bound to an address that the machine has.
fn is_of_this_machine(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

/// The host name of the machine or the container.
fn host_name() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_address_is_recognized_in_every_notation() {
        let leads = |url: &str, own: &str| leads_to(url, own.parse().unwrap());
        for url in [
            "http://127.0.0.1:8088",
            "http://127.0.0.1:8088/",
            "http://localhost:8088/x",
            "http://LOCALHOST.:8088",
            "http://0.0.0.0:8088",
            "http://2130706433:8088",
            "http://[::ffff:127.0.0.1]:8088",
        ] {
            assert!(leads(url, "127.0.0.1:8088"), "{url}");
            assert!(leads(url, "0.0.0.0:8088"), "{url}");
        }
        assert!(
            leads("http://127.0.0.1", "127.0.0.1:80")
                && leads("https://127.0.0.1", "127.0.0.1:443")
        );
        assert!(
            leads("http://[::1]:8088", "[::]:8088") && leads("http://[::1]:8088", "[::1]:8088")
        );
        let name = host_name().unwrap();
        assert!(leads(&format!("http://{name}:8088"), "0.0.0.0:8088"));
        for (url, own) in [
            ("http://127.0.0.1:8089", "127.0.0.1:8088"),
            ("http://127.0.0.2:8088", "127.0.0.1:8088"),
            ("http://192.0.2.1:8088", "0.0.0.0:8088"),
            ("http://book:8088", "0.0.0.0:8088"),
            ("http://localhost:8088", "192.0.2.1:8088"),
            ("http://127.0.0.1:0", "127.0.0.1:0"),
        ] {
            assert!(!leads(url, own), "{url} is not {own}");
        }
    }
}
