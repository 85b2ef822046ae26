//! Configuration that has the right form and could never work, or that is not what it seems.

use super::{
    super::{SettingKind, all_settings, variable_name},
    *,
};
use serde_json::json;

/// What a variable alone leads to.
fn load_with(key: &str, value: &str) -> Result<Config, String> {
    let environment = [(variable_name(key), value.to_owned())];
    Config::load(None, environment, Flags::default()).map_err(|problem| problem.to_string())
}

#[track_caller]
fn refused(key: &str, value: &str) -> String {
    let why = load_with(key, value).map(drop).unwrap_err();
    assert!(why.contains(&format!("{key} (environment {})", variable_name(key))), "{why}");
    why
}

#[test]
fn no_text_is_blank_or_has_control_characters() {
    let mut texts = 0;
    for setting in all_settings() {
        if !matches!(setting.kind, SettingKind::Text { .. }) {
            continue;
        }
        texts += 1;
        let key = setting.key.as_str();
        refused(key, "a\u{1b}[2Jb");
        refused(key, "a\n");
        if setting.default_value == json!("") {
            load_with(key, "").unwrap();
        } else {
            refused(key, "");
            refused(key, " \t");
        }
    }
    assert!(texts > 10, "{texts}");
    let why = refused("node.name", "a\u{1b}[2Jb");
    assert!(!why.contains('\u{1b}'), "{why:?}");
}

#[test]
fn what_a_system_shows_follows_the_rules_for_texts() {
    let config = load_with("systems.movie.name", "\u{1100}\u{1161}").unwrap();
    assert_eq!(config.settings.systems.settings["movie"]["name"], "가");
    refused("systems.movie.name", "a\u{202e}b");
}

#[test]
fn a_key_is_set_once_in_a_file_in_whichever_spelling() {
    let why =
        load_problem("[guard.\"bookrent.book\"]\ntries = 2\n[guard.bookrent.book]\ntries = 3", &[]);
    assert!(why.contains("guard.bookrent.book.tries (file"), "{why}");
    assert!(why.contains(":4)") && why.contains(":2)"), "{why}");
    let both = [("HOLDFAST_SYSTEMS", "gbike"), ("HOLDFAST_SYSTEMS__ENABLED", "movie")];
    let why = load_problem("", &both);
    assert!(
        why.contains("HOLDFAST_SYSTEMS)") && why.contains("HOLDFAST_SYSTEMS__ENABLED)"),
        "{why}"
    );
    // Another layer goes over it.
    load_config("systems = ['gbike']", &[("HOLDFAST_SYSTEMS", "movie")], Flags::default()).unwrap();
}

#[test]
fn a_breaker_with_a_small_window_needs_no_more_tries_than_that() {
    let breaker = |key: &str, value: &str| {
        let config = load_with(&format!("guard.bookrent.book.{key}"), value).unwrap();
        config.settings.guard_of("bookrent.book").apply_to(Default::default()).breaker
    };
    let small = breaker("breaker_window", "5");
    assert_eq!((small.window, small.minimum), (5, 5));
    // With more it never opens, which has to be said.
    let never = breaker("breaker_minimum", "100000");
    assert_eq!((never.window, never.minimum), (100, 100_000));
}

#[test]
fn a_credential_fits_a_header() {
    for credential in ["0123456789abcdefß", " 0123456789abcdef", "0123456789abcdef ", "short"] {
        assert!(refused("node.credential", credential).contains("ASCII"), "{credential}");
    }
    load_with("node.credential", "correct horse battery staple").unwrap();
}

#[test]
fn a_key_of_signatures_is_not_empty() {
    assert!(refused("messages.secret", "whsec_").contains("base64"));
}

#[test]
fn origins_hosts_peers_and_exchanges_are_such_as_can_work() {
    refused("http.cors_origins", "https://shop.example,https://shop.example/");
    load_with("http.cors_origins", "https://shop.example,http://localhost:3000").unwrap();
    load_with("http.cors_origins", "*").unwrap();
    for hosts in ["https://a.example", "a.example:80", "a.example,*"] {
        assert!(refused("auth.hosts", hosts).contains("`rent.example`"), "{hosts}");
    }
    load_with("auth.hosts", "a.example,10.0.0.7").unwrap();
    let why = refused("peers.bookrent.book", "http://book:8088/holdfast");
    assert!(why.contains("more than a host and a port"), "{why}");
    for exchange in ["amq.topic", "holdfast.commands", "holdfast.commands.dead", &"x".repeat(256)] {
        assert!(refused("amqp.exchange", exchange).contains("holdfast.events"), "{exchange}");
    }
}
