//! Every setting of the schema, one by one: taken from the environment and from the file, refused when it is misspelt,
//! and when it is out of its range.

use super::{
    super::{Setting, SettingKind, all_settings, variable_name},
    *,
};
use serde_json::{Value, json};
use std::{collections::HashSet, iter::once, sync::LazyLock};
use support::tls::CertificateFiles;
use tempfile::TempDir;

/// A value of the setting that is not its default.
fn sample_value(setting: &Setting, secret_file: &str) -> Value {
    let default = &setting.default_value;
    let text = |key: &str| match key {
        "http.listen" => "127.0.0.1:9000",
        "http.probes" => "127.0.0.1:9001",
        "ops.listen" => "127.0.0.1:9002",
        "http.public_url" => "https://rent.example",
        "auth.keys_from" => "http://book:8088",
        "node.url" => "http://10.0.0.7:8088",
        "store.url" => "postgres://me@db/holdfast",
        "messages.url" => "http://texts/send",
        "messages.secret" | "alerts.secret" => "c2VjcmV0",
        "alerts.url" => "https://pager.internal/holdfast",
        "traces.url" => "http://127.0.0.1:4318",
        "backup.every" => "30m",
        "pages.brand.colour" => "#336699",
        "pages.brand.logo" => secret_file,
        "amqp.url" => "amqp://broker/",
        "events.source" => "/seoul",
        "node.credential" => "0123456789abcdef",
        "auth.login.issuer" => "https://b.example",
        "auth.login.scope" => "openid shop",
        key if key.ends_with("_file") || key.starts_with("http.tls.") => secret_file,
        key if key.starts_with("peers.") => "http://book:8088",
        key if key.ends_with(".zone") => "Europe/Berlin",
        _ => "words",
    };
    match &setting.kind {
        SettingKind::Integer { least, .. } if default != &json!(least) => json!(least),
        SettingKind::Integer { least, most } => json!((least + 1).min(*most)),
        SettingKind::Boolean => json!(default != &json!(true)),
        SettingKind::Choice(choices) => {
            json!(choices.iter().find(|choice| default != &json!(choice)).unwrap_or(&choices[0]))
        }
        SettingKind::Text { .. } => json!(text(&setting.key)),
        SettingKind::List(of) => match (setting.key.as_str(), of.as_ref()) {
            ("node.contexts", _) => json!(["none"]),
            ("auth.hosts", _) => json!(["a.example", "b.example"]),
            ("http.cors_origins", _) => json!(["https://a.example", "https://b.example"]),
            ("http.trusted_proxies", _) => json!(["10.0.0.1", "::1"]),
            ("events.key", _) => json!(["1".repeat(32), "2".repeat(32)]),
            ("node.keys", _) => json!([
                format!("rent {} bookrent.rent", "A".repeat(43)),
                format!("gateway {}E", "A".repeat(42)),
            ]),
            ("amqp.users", _) => json!(["till=staff", "shop=customer/7"]),
            ("amqp.url", _) => json!(["amqp://one/", "amqp://two/"]),
            (_, SettingKind::Choice(choices)) => json!(choices[..2]),
            (key, _) => panic!("{key} is a list of what?"),
        },
        SettingKind::Tables(_) => json!([{
            "url": "https://id.example", "audience": "a", "algorithms": ["ES256"], "roles_claim": "b", "roles": ["c=staff"],
            "customer_claim": "d", "grade_claim": "e",
        }]),
    }
}

/// A certificate and its key, in a directory.
static CERTIFICATE: LazyLock<(TempDir, CertificateFiles)> = LazyLock::new(|| {
    let directory = TempDir::new().unwrap();
    let files = CertificateFiles::in_directory(directory.path());
    (directory, files)
});

/// The file that a setting names.
fn file_named_by(key: &str) -> String {
    let CertificateFiles { cert, key: private, ca } = &CERTIFICATE.1;
    let file = match key {
        "http.tls.cert" => cert,
        "http.tls.key" => private,
        "tls.ca_file" => ca,
        "pages.brand.logo" => {
            let logo = CERTIFICATE.0.path().join("logo.svg");
            std::fs::write(&logo, "<svg xmlns='http://www.w3.org/2000/svg'/>").unwrap();
            return logo.display().to_string();
        }
        _ => {
            // What is base64, an address, and long enough.
            let words = if key == "messages.secret_file" {
                "c2VjcmV0"
            } else {
                "amqp://0123456789abcdef0123456789abcdef/"
            };
            let file = CERTIFICATE.0.path().join(key);
            std::fs::write(&file, words).unwrap();
            return file.display().to_string();
        }
    };
    file.display().to_string()
}

/// What has to be set as well, where a setting does not go alone.
fn companion_settings(key: &str) -> Vec<(&'static str, String)> {
    let with = |others: &[(&'static str, &str)]| {
        others.iter().map(|(key, value)| (*key, (*value).to_owned())).collect()
    };
    match key {
        "messages.gateway" => {
            with(&[("messages.url", "http://texts/"), ("messages.secret", "c2VjcmV0")])
        }
        "store.url_file" => with(&[("store.url", "postgres://me@db/holdfast")]),
        "alerts.url" => with(&[("alerts.secret", "c2VjcmV0")]),
        "backup.every" => with(&[("backup.directory", "/var/backups/holdfast")]),
        "amqp.commands" => with(&[("amqp.url", "amqp://broker/")]),
        "http.header_limit" => with(&[("http.uri_limit", "256")]),
        "http.tls.cert" => vec![("http.tls.key", file_named_by("http.tls.key"))],
        "http.tls.key" => vec![("http.tls.cert", file_named_by("http.tls.cert"))],
        "compat.ports" => with(&[("systems.enabled", "bookrent")]),
        "auth.issuers" => with(&[("auth.mode", "token")]),
        "auth.keys_from" => with(&[("node.credential", "0123456789abcdef")]),
        key if key.starts_with("auth.login.") => with(&[
            ("auth.mode", "token"),
            ("auth.issuers", ISSUERS),
            ("auth.login.client_id", "shop"),
        ])
        .into_iter()
        .filter(|(other, _)| *other != key)
        .collect(),
        key if key.starts_with("peers.") => with(&[("node.credential", "0123456789abcdef")]),
        _ => Vec::new(),
    }
}

/// Two issuers, as a variable has them.
const ISSUERS: &str = "[{ url = 'https://a.example', audience = 'a' }, { url = 'https://b.example', audience = 'b' }]";

/// The value as TOML has it.
fn toml_text(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(toml_text).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields =
                fields.iter().map(|(name, value)| format!("{name} = {}", toml_text(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}

/// The value as a variable has it.
fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().any(Value::is_object) => toml_text(value),
        Value::Array(items) => items.iter().map(value_text).collect::<Vec<_>>().join(","),
        value => value.to_string(),
    }
}

fn with_variable(key: &str, name: &str, value: &str) -> Result<Config, ConfigProblem> {
    let others =
        companion_settings(key).into_iter().map(|(key, value)| (variable_name(key), value));
    let all = others.chain(once((name.to_owned(), value.to_owned())));
    Config::load(None, all, Flags::default())
}

/// The same from a file, on its last line.
fn with_line(key: &str, name: &str, value: &Value) -> Result<Config, ConfigProblem> {
    let others =
        companion_settings(key).into_iter().map(|(key, value)| format!("{key} = {value:?}\n"));
    let file = others.chain(once(format!("{name} = {}\n", toml_text(value)))).collect::<String>();
    load_config(&file, &[], Flags::default())
}

#[track_caller]
fn check_setting(
    config: Result<Config, ConfigProblem>,
    setting: &Setting,
    value: &Value,
) -> Origin {
    let config = config.unwrap_or_else(|problem| panic!("{}: {problem}", setting.key));
    let line = config.list_settings().into_iter().find(|line| line.key == setting.key);
    let line = line.unwrap_or_else(|| panic!("{} is not shown", setting.key));
    let secret = setting.is_secret && line.value.to_string().contains("(secret)");
    assert!(secret || line.value == *value, "{}: {} is not {value}", setting.key, line.value);
    line.origin
}

#[test]
fn every_setting_is_taken_from_the_environment_and_from_the_file() {
    for setting in all_settings() {
        let key = setting.key.as_str();
        let value = sample_value(setting, &file_named_by(key));
        let name = variable_name(key);
        let origin = check_setting(with_variable(key, &name, &value_text(&value)), setting, &value);
        assert_eq!(origin, Origin::Environment(name), "{key}");
        let last = 1 + companion_settings(key).len();
        let origin = check_setting(with_line(key, key, &value), setting, &value);
        assert!(matches!(origin, Origin::File { line, .. } if line == last), "{key}: {origin}");
        // A file may have everything as text, as a variable has it.
        check_setting(with_line(key, key, &value_text(&value).into()), setting, &value);
    }
}

#[test]
fn every_setting_is_refused_when_it_is_misspelt() {
    for Setting { key, .. } in all_settings() {
        let last = key.chars().next_back().unwrap();
        let misspelt = format!("{key}{last}");
        let why = with_line(key, &misspelt, &json!(1)).unwrap_err().to_string();
        assert!(why.contains(&format!("{misspelt} (file")), "{why}");
        assert!(why.contains(&format!("did you mean `{key}`?")), "{why}");
        let variable_of = variable_name(&misspelt);
        let why = with_variable(key, &variable_of, "1").unwrap_err().to_string();
        assert!(why.contains(&format!("(environment {variable_of})")), "{why}");
        assert!(why.contains(&format!("did you mean `{key}`, `{}`?", variable_name(key))), "{why}");
    }
}

#[test]
fn every_setting_is_refused_out_of_its_range() {
    let mut numbers = 0;
    for setting in all_settings() {
        let key = setting.key.as_str();
        let (allowed, wrong) = match &setting.kind {
            SettingKind::Integer { least, most } => {
                numbers += 1;
                let below = least.checked_sub(1).map(|below| json!(below));
                let above = most.checked_add(1).map(|above| json!(above));
                let wrong = below.into_iter().chain(above);
                (setting.allowed(), wrong.chain([json!("many"), json!([])]).collect())
            }
            SettingKind::Boolean => (setting.allowed(), vec![json!("maybe"), json!([1])]),
            SettingKind::Choice(_) => (setting.allowed(), vec![json!("none of them"), json!([1])]),
            SettingKind::Text { longest } => {
                let long = longest.map(|longest| json!("x".repeat(longest as usize + 1)));
                (setting.allowed(), long.into_iter().chain([json!([])]).collect())
            }
            SettingKind::List(of) if matches!(**of, SettingKind::Choice(_)) => {
                (setting.allowed(), vec![json!(["none of them"])])
            }
            SettingKind::Tables(_) => (setting.allowed(), vec![json!("many"), json!([1])]),
            SettingKind::List(_) => continue,
        };
        for value in wrong {
            let why = with_line(key, key, &value).unwrap_err().to_string();
            assert!(why.starts_with(&format!("{key} (file")), "{why}");
            assert!(why.contains(&allowed), "{why}");
            if !value.is_array() {
                let why = with_variable(key, &variable_name(key), &value_text(&value))
                    .unwrap_err()
                    .to_string();
                assert!(why.contains(&variable_name(key)) && why.contains(&allowed), "{why}");
                assert!(setting.is_secret || why.contains(&value_text(&value)), "{why}");
            }
        }
    }
    assert!(numbers > 50, "{numbers}");
}

#[test]
fn no_two_settings_have_one_variable_and_all_say_what_they_are_for() {
    let mut variables = HashSet::new();
    for setting in all_settings() {
        assert!(variables.insert(variable_name(&setting.key)), "{}", setting.key);
        assert!(!setting.meaning.is_empty(), "{} has no doc comment", setting.key);
    }
}
