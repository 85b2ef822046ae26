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

#[test]
fn issuers_are_such_as_can_vouch() {
    let issuer = |more: &str| {
        let issuer = "url = 'https://id.example'\naudience = 'a'\n";
        format!("[auth]\nmode = 'token'\n[[auth.issuers]]\n{issuer}[[auth.issuers]]\n{more}")
    };
    let second = "url = 'https://other.example'\naudience = 'b'\n";
    let settings = load_config(&issuer(second), &[], Flags::default()).unwrap().settings;
    assert_eq!(settings.auth.issuers.len(), 2);
    assert!(settings.connects_by_tls());
    for (more, line, words) in [
        ("audience = 'b'", ":7)", &["auth.issuers[1].url", "required"][..]),
        ("url = 'https://other.example'", ":7)", &["auth.issuers[1].audience", "required"]),
        (
            "audience = 'b'\nurl = 'http://id.example'",
            ":8)",
            &["auth.issuers[1].url", "`https://`"],
        ),
        ("audience = 'b'\nurl = 'https://id.example'", ":8)", &["auth.issuers[0] already"]),
        (
            &format!("{second}roles = ['node=node']"),
            ":9)",
            &["auth.issuers[1].roles", "`node=node`"],
        ),
        (
            &format!("{second}algorithms = []"),
            ":9)",
            &["auth.issuers[1].algorithms", "leave it out"],
        ),
        (&format!("{second}algorithms = ['HS256']"), ":9)", &["`RS256`", "`EdDSA`", "`HS256`"]),
        (&format!("{second}grade_claim = 7.5"), ":9)", &["auth.issuers[1].grade_claim", "`7.5`"]),
        (&format!("{second}audienc = 'b'"), ":9)", &["auth.issuers[1].audienc ", "`audience`?"]),
        ("url = {}", ":7)", &["auth.issuers[1].url", "found a table"]),
    ] {
        let why = load_problem(&issuer(more), &[]);
        let named =
            why.lines().find(|shown| shown.contains(line)).unwrap_or_else(|| panic!("{why}"));
        assert!(words.iter().all(|word| named.contains(word)), "{words:?}: {named}");
    }
    let why = load_problem("[auth.issuers]\nurl = 'https://id.example'", &[]);
    assert!(why.contains("auth.issuers (file") && why.contains("a list of tables"), "{why}");
}

#[test]
fn a_variable_has_the_issuers_as_a_list_and_replaces_those_of_the_file() {
    let file =
        "[auth]\nmode = 'token'\n[[auth.issuers]]\nurl = 'https://id.example'\naudience = 'a'";
    let variable = "HOLDFAST_AUTH__ISSUERS";
    let with = |value: &str| load_config(file, &[(variable, value)], Flags::default());
    let config = with("[{ url = 'https://other.example', audience = 'b' }]").unwrap();
    let [issuer] = config.settings.auth.issuers.as_slice() else { panic!("there is one") };
    assert_eq!(issuer.url, "https://other.example");
    assert_eq!(config.origin_of("auth.issuers[0].url"), Origin::Environment(variable.into()));
    for wrong in ["https://id.example", "[", "{ url = 'https://a' }", "[]\nmore = 1", "[1]"] {
        let why = with(wrong).unwrap_err().to_string();
        assert!(
            why.contains("auth.issuers (environment HOLDFAST_AUTH__ISSUERS)"),
            "{wrong}: {why}"
        );
        assert!(why.contains("a list of tables with `url`, `audience`"), "{why}");
    }
    let why = with("[{ url = 'https://a', audience = 7.5 }]").unwrap_err().to_string();
    assert!(why.contains("auth.issuers[0].audience (environment"), "{why}");
    assert!(with("[]").unwrap().settings.auth.issuers.is_empty());
}

#[test]
fn issuers_are_for_token_mode_and_tokens_pass_no_open_network() {
    let why = load_problem("[[auth.issuers]]\nurl = 'https://id.example'\naudience = 'a'", &[]);
    assert!(why.contains("auth.mode") && why.contains("= \"token\""), "{why}");
    let beyond = "[auth]\nmode = 'token'\n[http]\nlisten = '0.0.0.0:8088'\n";
    assert!(load_problem(beyond, &[]).contains("unencrypted"));
    for private in ["trusted_proxies = ['10.0.0.1']", "public_url = 'https://rent.example'"] {
        load_config(&format!("{beyond}{private}"), &[], Flags::default()).unwrap();
    }
    let public = load_problem(&format!("{beyond}public_url = 'http://rent.example'"), &[]);
    assert!(public.contains("http.listen") && public.contains("unencrypted"), "{public}");
}

#[test]
fn browsers_sign_in_at_an_issuer_by_tls_or_on_loopback() {
    let issuer = "[[auth.issuers]]\nurl = 'https://id.example'\naudience = 'a'\n";
    let with = |login: &str, more: &str| {
        let file = format!("[auth]\nmode = 'token'\n{issuer}[auth.login]\n{login}\n{more}");
        load_config(&file, &[], Flags::default()).map_err(|problem| problem.to_string())
    };
    let settings = with("client_id = 'shop'", "").unwrap().settings;
    let login = settings.auth.login.login(&settings.auth.issuers).unwrap();
    assert_eq!((login.issuer.audience.as_str(), login.scope.as_str()), ("shop", "openid"));
    let why = with("client_secret = 'hunter2'", "").unwrap_err();
    assert!(why.contains("auth.login.client_id") && !why.contains("hunter2"), "{why}");
    let why = with("client_id = 'shop'\nissuer = 'https://other.example'", "").unwrap_err();
    assert!(why.contains("auth.login.issuer (file") && why.contains("none of"), "{why}");
    let why = with("client_id = 'shop'\nscope = 'email'", "").unwrap_err();
    assert!(why.contains("auth.login.scope (file") && why.contains("`openid`"), "{why}");
    let beyond = "[http]\nlisten = '0.0.0.0:8088'\ntrusted_proxies = ['10.0.0.1']\n";
    let why = with("client_id = 'shop'", beyond).unwrap_err();
    assert!(why.contains("auth.login.client_id (file") && why.contains("TLS"), "{why}");
    let public = format!("{beyond}public_url = 'https://rent.example'");
    let settings = with("client_id = 'shop'", &public).unwrap().settings;
    assert!(settings.http.cookie_names().is_secure);
    let why = load_problem("auth.mode = 'token'\nauth.login.client_id = 'shop'", &[]);
    assert!(why.contains("auth.issuers") && why.contains("needs an issuer"), "{why}");
}

#[test]
fn all_that_is_wrong_with_signing_in_is_said_at_once() {
    let why = load_problem(
        "[[auth.issuers]]\nurl = \"https://id.example\"\nroles_claim = \"realm_access.roles\"\n\
         [[auth.issuers]]\nurl = \"nothing\"\ncustomer_claim = \"a.b\"\n",
        &[],
    );
    for words in [
        "auth.mode",
        "auth.issuers[0].audience",
        "auth.issuers[0].roles_claim",
        "`/realm_access/roles`",
        "auth.issuers[1].url",
        "auth.issuers[1].audience",
        "auth.issuers[1].customer_claim",
    ] {
        assert!(why.contains(words), "{words}: {why}");
    }
}

#[test]
fn browsers_sign_in_where_their_session_is_private() {
    let load = |url: &str| {
        let toml = format!(
            "http.public_url = \"{url}\"\n[auth]\nmode = \"token\"\n[[auth.issuers]]\nurl = \"https://id.example\"\n\
             audience = \"shop\"\nroles_claim = \"https://shop.example/roles\"\n[auth.login]\nclient_id = \"shop\"\n"
        );
        load_config(&toml, &[], Flags::default()).map_err(|problem| problem.to_string())
    };
    for private in
        ["https://shop.example", "http://localhost:8088", "http://127.0.0.1", "http://[::1]:8088"]
    {
        load(private).unwrap();
    }
    for plain in ["http://shop.example", "http://192.0.2.1:8088", "http://localhost.example"] {
        let why = load(plain).unwrap_err();
        assert!(why.contains("http.public_url") && why.contains("https://"), "{why}");
    }
}
