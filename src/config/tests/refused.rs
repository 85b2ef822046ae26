//! Configuration that has the right form and could never work, or that is not what it seems.

use super::{
    super::{SettingKind, all_settings, variable_name},
    *,
};
use serde_json::json;

/// What a variable alone leads to.
fn with(key: &str, value: &str) -> Result<Config, String> {
    let environment = [(variable_name(key), value.to_owned())];
    Config::load(None, environment, Flags::default()).map_err(|problem| problem.to_string())
}

#[track_caller]
fn refused(key: &str, value: &str) -> String {
    let why = with(key, value).map(drop).unwrap_err();
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
            with(key, "").unwrap();
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
    let config = with("systems.movie.name", "\u{1100}\u{1161}").unwrap();
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
fn a_breaker_has_room_for_the_tries_that_it_needs() {
    let why = refused("guard.bookrent.book.breaker_minimum", "101");
    assert!(why.contains("breaker_window") && why.contains("at most 100"), "{why}");
    with("guard.bookrent.book.breaker_minimum", "100").unwrap();
    let guard = with("guard.bookrent.book.breaker_window", "5").unwrap();
    let guard = guard.settings.guard_of("bookrent.book").apply_to(Default::default());
    assert_eq!((guard.breaker.window, guard.breaker.minimum), (5, 5));
}

#[test]
fn a_credential_fits_a_header() {
    for credential in ["0123456789abcdefß", " 0123456789abcdef", "0123456789abcdef ", "short"] {
        assert!(refused("node.credential", credential).contains("ASCII"), "{credential}");
    }
    with("node.credential", "correct horse battery staple").unwrap();
}

#[test]
fn a_key_of_signatures_is_not_empty() {
    assert!(refused("messages.secret", "whsec_").contains("base64"));
}

#[test]
fn origins_peers_and_exchanges_are_such_as_can_work() {
    refused("http.cors_origins", "https://shop.example,https://shop.example/");
    with("http.cors_origins", "https://shop.example,http://localhost:3000").unwrap();
    with("http.cors_origins", "*").unwrap();
    let why = refused("peers.bookrent.book", "http://book:8088/holdfast");
    assert!(why.contains("more than a host and a port"), "{why}");
    for exchange in ["amq.topic", "holdfast.commands", "holdfast.commands.dead", &"x".repeat(256)] {
        assert!(refused("amqp.exchange", exchange).contains("holdfast.events"), "{exchange}");
    }
}
