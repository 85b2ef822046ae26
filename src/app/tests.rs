//! What the server prints at its start, and how a taken port is reported.

use super::{banner::write_banner, listening::bind_listeners};
use crate::config::{Config, Flags, Settings};
use std::net::SocketAddr;

fn settings_at(listen: &str, compat: &str) -> Settings {
    let environment = [("HOLDFAST_COMPAT__PORTS", "true"), ("HOLDFAST_COMPAT__FIRST_PORT", compat)];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let compat = environment.into_iter().filter(|_| !compat.is_empty());
    let flags =
        Flags { listen: Some(listen.into()), systems: vec!["bookrent".into()], ..Flags::default() };
    Config::load(None, compat, flags).unwrap().settings
}

#[test]
fn a_taken_port_is_named_with_the_way_out() {
    let taken = bind_listeners(&settings_at("127.0.0.1:0", "")).unwrap();
    assert_ne!(taken.address.port(), 0);
    let address = taken.address.to_string();
    let why = bind_listeners(&settings_at(&address, "")).unwrap_err().to_string();
    assert!(why.contains(&address) && why.contains("--listen"), "{why}");
    let why = bind_listeners(&settings_at("127.0.0.1:0", &taken.address.port().to_string()))
        .unwrap_err()
        .to_string();
    for word in [address.as_str(), "bookrent.book", "compat.first_port"] {
        assert!(why.contains(word), "{word} is missing in {why}");
    }
}

#[test]
fn the_banner_says_where_and_how_open() {
    let config = Config::load(None, [], Flags::default()).unwrap();
    let banner = write_banner(&config, SocketAddr::from(([127, 0, 0, 1], 8088)));
    for word in ["http://127.0.0.1:8088/docs/", "loopback only", "./holdfast-data", "bookrent"] {
        assert!(banner.contains(word), "{word} is missing in\n{banner}");
    }
    assert!(!banner.contains("Ports"));
}

#[test]
fn the_banner_says_who_vouches_for_callers() {
    let banner = |issuers: &str| {
        let variables = [("HOLDFAST_AUTH__MODE", "token"), ("HOLDFAST_AUTH__ISSUERS", issuers)];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Config::load(None, variables, Flags::default()).unwrap();
        write_banner(&config, SocketAddr::from(([127, 0, 0, 1], 8088)))
    };
    let one = banner("[{ url = 'https://id.example', audience = 'a' }]");
    assert!(one.contains("tokens of https://id.example") && !one.contains("DEVELOPMENT"), "{one}");
    let none = banner("[]");
    assert!(none.contains("API keys alone") && !none.contains("DEVELOPMENT"), "{none}");
}

#[test]
fn the_banner_names_the_ports_of_the_contexts() {
    let mut config = Config::load(None, [], Flags::default()).unwrap();
    config.settings = settings_at("127.0.0.1:0", "9001");
    let banner = write_banner(&config, SocketAddr::from(([127, 0, 0, 1], 8088)));
    assert!(banner.contains("Ports     bookrent.book :9001  bookrent.rent :9002"), "{banner}");
}
