//! What the server prints at its start, and how a taken port is reported.

use super::{banner::write_banner, listening, listening::Listening, passed_sockets::PassedSockets};
use crate::{
    app::Failure,
    config::{Config, Flags, Settings},
};
use std::net::{SocketAddr, TcpListener};

fn settings_at(listen: &str, compat: &str) -> Settings {
    let environment = [("HOLDFAST_COMPAT__PORTS", "true"), ("HOLDFAST_COMPAT__FIRST_PORT", compat)];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let compat = environment.into_iter().filter(|_| !compat.is_empty());
    let flags =
        Flags { listen: Some(listen.into()), systems: vec!["bookrent".into()], ..Flags::default() };
    Config::load(None, compat, flags).unwrap().settings
}

fn bind_listeners(settings: &Settings) -> Result<Listening, Failure> {
    listening::bind_listeners(settings, PassedSockets::default())
}

#[test]
fn a_socket_that_was_passed_is_taken_where_the_settings_have_its_address() {
    let socket = || TcpListener::bind("127.0.0.1:0").unwrap();
    let main = socket();
    let address = main.local_addr().unwrap().to_string();
    let bind = |listen: &str, sockets| {
        listening::bind_listeners(&settings_at(listen, ""), PassedSockets::from(sockets))
    };
    let bound = bind(&address, vec![main.try_clone().unwrap()]).unwrap();
    assert_eq!(bound.address.to_string(), address);
    assert!(bound.are_shared);

    // A wider address than that of the settings would open the server to more than they allow.
    let wide = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = wide.local_addr().unwrap().port();
    for (listen, sockets) in [
        (format!("127.0.0.1:{port}"), vec![wide.try_clone().unwrap()]),
        (address.clone(), vec![main, socket()]),
    ] {
        let why = bind(&listen, sockets).unwrap_err();
        assert_eq!(why.code(), 78, "{why}");
        assert!(why.to_string().contains("none of the settings"), "{why}");
    }
    let loopback = socket();
    let port = loopback.local_addr().unwrap().port();
    let settings = Config::load(
        None,
        [("HOLDFAST_AUTH__ALLOW_OPEN_BEYOND_LOOPBACK".to_owned(), "true".to_owned())],
        Flags { listen: Some(format!("0.0.0.0:{port}")), ..Flags::default() },
    );
    let narrower =
        listening::bind_listeners(&settings.unwrap().settings, vec![loopback].into()).unwrap();
    assert_eq!(narrower.address.to_string(), format!("127.0.0.1:{port}"));
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
    let banner = write_banner(&config, SocketAddr::from(([127, 0, 0, 1], 8088)), None);
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
        write_banner(&config, SocketAddr::from(([127, 0, 0, 1], 8088)), None)
    };
    let one = banner("[{ url = 'https://id.example', audience = 'a' }]");
    assert!(one.contains("tokens of https://id.example") && !one.contains("DEVELOPMENT"), "{one}");
    // What it says to try needs a key there, and how to make one.
    for words in ["http -A bearer -a KEY POST :8088/bookrent/books", "holdfast key add"] {
        assert!(one.contains(words), "{words} is missing in\n{one}");
    }
    let none = banner("[]");
    assert!(none.contains("API keys alone") && !none.contains("DEVELOPMENT"), "{none}");
}

#[test]
fn the_banner_says_where_operators_find_metrics() {
    let config = Config::load(None, [], Flags::default()).unwrap();
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let banner = |ops| write_banner(&config, at(8088), ops);
    assert!(banner(None).contains("Metrics   http://127.0.0.1:8088/metrics"));
    let apart = banner(Some(at(9090)));
    assert!(apart.contains("Metrics   http://127.0.0.1:9090/metrics"), "{apart}");
    assert!(!apart.contains(":8088/metrics"), "{apart}");
}

#[test]
fn the_banner_names_the_ports_of_the_contexts() {
    let mut config = Config::load(None, [], Flags::default()).unwrap();
    config.settings = settings_at("127.0.0.1:0", "9001");
    let banner = write_banner(&config, SocketAddr::from(([127, 0, 0, 1], 8088)), None);
    assert!(banner.contains("Ports     bookrent.book :9001  bookrent.rent :9002"), "{banner}");
}
