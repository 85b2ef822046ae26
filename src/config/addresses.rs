//! The addresses that a server listens on are different ones.

use super::{
    check::{Invalid, require_setting},
    settings::Settings,
};
use std::net::SocketAddr;

/// Whether who listens on one of these keeps the other from doing so.
fn is_taken_by(address: SocketAddr, other: SocketAddr) -> bool {
    let [one, two] = [address.ip(), other.ip()];
    // The unspecified address of IPv6 takes those of IPv4 too.
    let covers = |all: std::net::IpAddr, one: std::net::IpAddr| {
        all.is_unspecified() && (all.is_ipv6() || one.is_ipv4())
    };
    let same_port = address.port() == other.port() && address.port() != 0;
    same_port && (one == two || covers(one, two) || covers(two, one))
}

impl Settings {
    /// No address is listened on twice: for everything, for probes and for operators.
    pub(super) fn check_addresses(&self) -> Vec<Result<(), Invalid>> {
        let listen = ("http.listen", self.http.listen);
        let contexts = self.compat_ports().into_iter();
        let contexts =
            contexts.map(|(_, port)| ("compat.ports", SocketAddr::new(listen.1.ip(), port)));
        let mut taken: Vec<_> = [listen].into_iter().chain(contexts).collect();
        let further = [("http.probes", self.http.probes), ("ops.listen", self.ops.listen)];
        let mut checks = Vec::new();
        for (key, address) in further {
            let Some(address) = address else { continue };
            let by = taken.iter().find(|(_, other)| is_taken_by(address, *other));
            checks.push(require_setting(by.is_none(), key, || {
                let by = by.map_or("", |(key, _)| key);
                format!("{address} is the address of `{by}`; choose another")
            }));
            taken.push((key, address));
        }
        checks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_all_interfaces_takes_each_of_them() {
        let taken = |one: &str, two: &str| {
            let [one, two] = [one, two].map(|address| address.parse().unwrap());
            assert_eq!(is_taken_by(one, two), is_taken_by(two, one));
            is_taken_by(one, two)
        };
        assert!(taken("127.0.0.1:80", "127.0.0.1:80"));
        assert!(taken("0.0.0.0:80", "127.0.0.1:80") && taken("[::]:80", "127.0.0.1:80"));
        assert!(taken("[::]:80", "[::1]:80"));
        for (one, two) in [
            ("127.0.0.1:80", "127.0.0.1:81"),
            ("127.0.0.1:80", "127.0.0.2:80"),
            ("0.0.0.0:80", "[::1]:80"),
            ("127.0.0.1:0", "127.0.0.1:0"),
        ] {
            assert!(!taken(one, two), "{one} {two}");
        }
    }
}
