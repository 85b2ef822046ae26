//! No secret, telephone or address comes out: a server at the most talkative level has a word of its own in each of them, meets
//! every kind of trouble, and is searched for these words afterwards.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, net::TcpListener, path::Path};
use support::{
    Server,
    broker::Broker,
    caller::{Caller, Command, takes_commands},
    eventually, holdfast,
};
use tempfile::TempDir;

const PASSWORD: &str = "canary-password-41";
const WRONG_PASSWORD: &str = "canary-password-of-no-one";
const CREDENTIAL: &str = "canary-credential-of-all-nodes";
const EVENT_KEY: &str = "canary-key-of-events-with-thirty-two-characters";
const SIGNING_KEY: &str = "canary-key-of-the-webhook";
const ALERT_KEY: &str = "canary-key-of-the-pager";
const COLLECTOR: &str = "canary-authorization-of-the-collector";
const TELEPHONE: &str = "010-4141-9393";
const ADDRESS: &str = "canary-street-41";
const IN_QUERY: &str = "canary-in-a-query";

/// Where the settings are that are secret.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Source {
    Environment,
    File,
    SecretFiles,
}

/// The settings that are secret, with their values.
fn secrets(broker: &Broker) -> [(&'static str, &'static str, String); 6] {
    // The first of the two is refused by the broker.
    let urls = [WRONG_PASSWORD, PASSWORD].map(|word| broker.url_of("canary", word)).join(",");
    let signing = format!("whsec_{}", BASE64_STANDARD.encode(SIGNING_KEY));
    [
        ("amqp", "url", urls),
        ("events", "key", EVENT_KEY.into()),
        ("node", "credential", CREDENTIAL.into()),
        ("messages", "secret", signing),
        ("alerts", "secret", format!("whsec_{}", BASE64_STANDARD.encode(ALERT_KEY))),
        ("traces", "authorization", format!("Bearer {COLLECTOR}")),
    ]
}

/// What may not come out of a server, nor of a check of its configuration.
fn words() -> Vec<String> {
    let [signing, alerting] = [SIGNING_KEY, ALERT_KEY].map(|key| BASE64_STANDARD.encode(key));
    let keys = [EVENT_KEY, SIGNING_KEY, &signing, ALERT_KEY, &alerting];
    let plain = [&[PASSWORD, WRONG_PASSWORD, CREDENTIAL, COLLECTOR], &keys[..]].concat();
    plain.into_iter().map(str::to_owned).collect()
}

#[track_caller]
fn has_none(words: &[String], place: &str, text: &str) {
    for word in words {
        let line = text.lines().find(|line| line.contains(word.as_str()));
        assert!(line.is_none(), "`{word}` is in {place}: {}", line.unwrap_or_default());
        // As the bytes of a buffer are shown.
        let bytes = format!("{:?}", word.as_bytes());
        let bytes = bytes.trim_matches(['[', ']']);
        assert!(!text.contains(bytes), "the bytes of `{word}` are in {place}");
    }
}

/// The configuration, and the variables beside it.
fn configure(
    source: Source,
    broker: &Broker,
    dir: &Path,
    peer: &str,
) -> (String, Vec<(String, String)>) {
    let mut variables = vec![("RUST_LOG".to_owned(), "trace".to_owned())];
    let mut sections = BTreeMap::<&str, String>::new();
    let mut put = |section: &'static str, line: String| {
        sections.entry(section).or_default().push_str(&line);
    };
    for (section, key, value) in secrets(broker) {
        match source {
            Source::Environment => {
                let name = format!("HOLDFAST_{section}__{key}").to_uppercase();
                variables.push((name, value));
            }
            Source::File => put(section, format!("{key} = \"{value}\"\n")),
            Source::SecretFiles => {
                let path = dir.join(format!("{section}-{key}"));
                fs::write(&path, value).unwrap();
                put(section, format!("{key}_file = {path:?}\n"));
            }
        }
    }
    put("amqp", "commands = true\nusers = [\"canary=staff\"]\n".into());
    put("messages", format!("gateway = \"webhook\"\nurl = \"http://{peer}/sms\"\n"));
    put("alerts", format!("url = \"http://{peer}/alerts\"\n"));
    put("traces", format!("url = \"http://{peer}\"\n"));
    put("auth", format!("keys_from = \"http://{peer}\"\n"));
    put("peers", format!("\"ebook.dashboard\" = \"http://{peer}\"\n"));
    let sections = sections.iter().map(|(section, lines)| format!("[{section}]\n{lines}"));
    (sections.collect(), variables)
}

/// The text of an answer with its headers.
fn shown(answer: &support::Answer) -> String {
    format!("{:?}\n{}", answer.headers, answer.text)
}

fn runs_without_a_word(source: Source) {
    let broker = Broker::start();
    broker.ctl(&["add_user", "canary", PASSWORD]);
    broker.ctl(&["set_permissions", "-p", "/", "canary", ".*", ".*", ".*"]);
    let dir = TempDir::new().unwrap();
    // No one listens there.
    let peer = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (toml, variables) = configure(source, &broker, dir.path(), &peer);
    let environment: Vec<_> =
        variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let contexts = "ebook.book,ebook.rent,ebook.payment,ebook.notification";
    let listed = holdfast().args(["contexts", "ebook"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let contexts: Vec<_> = contexts.split(',').filter(|name| listed.contains(name)).collect();
    let further = ["--contexts", &contexts.join(",")];
    let mut server = Server::among(&environment, "127.0.0.1:0", "ebook", &toml, &further);
    takes_commands(&server);
    let mut words = words();
    let mut answers = Vec::new();

    // Keys and tokens, right ones and wrong ones.
    let made = server.post("/admin/keys", json!({ "name": "till", "roles": ["staff"] })).is(201);
    let key = made.body["key"].as_str().unwrap().to_owned();
    let forged = format!("{}{}", &key[..key.len() - 1], if key.ends_with('A') { 'E' } else { 'A' });
    // One that another node would have to know.
    let elsewhere =
        format!("hf_{}_{}", "a".repeat(12), "canaryofanotherkey".repeat(3).split_at(43).0);
    let mut command = holdfast();
    let token = command.args(["token", "--as", "staff/kim", "--data"]).arg(server.data());
    let token = String::from_utf8(token.output().unwrap().stdout).unwrap().trim().to_owned();
    assert!(token.starts_with("hfdev_"));
    let altered = format!("{}canary", &token[..token.len() - 6]);
    for bearer in [&key, &forged, &elsewhere, &token, &altered, &CREDENTIAL.to_owned()] {
        words.push(bearer.clone());
        words.push(bearer[bearer.len() - 20..].to_owned());
        for path in ["/books", "/dashboards", "/internal/contexts", "/internal/asks/ebook.payment"]
        {
            answers.push(server.call("GET", path, |request| request.bearer_auth(bearer)));
        }
        let book = json!({ "bookName": "title01", "rentalFee": 3000 });
        answers
            .push(server.call("POST", "/books", |request| request.bearer_auth(bearer).json(&book)));
    }
    // An order whose text message finds no receiver, and bodies that are refused.
    let book =
        server.post("/books", json!({ "bookName": "title01", "rentalFee": 3000 })).is(201).id();
    let rent = json!({ "userId": 7, "bookId": book, "rentalFee": 3000, "phone": TELEPHONE });
    server.post("/rents", rent.clone()).is(201);
    for wrong in [
        json!({ "userId": 7, "bookId": book, "rentalFee": "x", "phone": TELEPHONE, "address": ADDRESS }),
        json!({ "userId": {}, "phone": [TELEPHONE] }),
        json!([ADDRESS]),
    ] {
        server.post("/rents", wrong).problem(400);
    }
    server.get(&format!("/rents?phone={TELEPHONE}&token={IN_QUERY}"));
    server.get(&format!("/nothing/{IN_QUERY}?token={IN_QUERY}")).problem(404);
    server.call("GET", "/books", |request| {
        request.header("cookie", IN_QUERY).header("x-api-key", IN_QUERY)
    });

    // The same over the broker, with and without a way back, and a broker that goes away.
    let mut caller = Caller::connect(&broker.url_of("canary", PASSWORD), "replies");
    let order = || Command::new("ebook.rent", "POST", "/rents", &rent);
    caller.call(order().header("authorization", &format!("Bearer {key}")));
    caller.call(order().header("authorization", &format!("Bearer {forged}"))).is(401);
    caller.call(order().header("authorization", &format!("Basic {IN_QUERY}"))).is(401);
    let mut garbled = order();
    garbled.body = format!("{{\"phone\": \"{TELEPHONE}\", ").into_bytes();
    caller.call(garbled.clone()).is(400);
    caller.send(&garbled.id("m1"));
    eventually("it is laid aside", || caller.take_dead("holdfast.commands.dead"));
    eventually("the receiver is missed", || {
        let health = server.get("/actuator/health").text;
        health.contains("messages").then_some(())
    });
    drop(caller);
    let mut broker = broker;
    broker.end();
    eventually("it is seen", || (server.metric("holdfast_commands_up") == 0.0).then_some(()));

    // What operators look at.
    for path in [
        "/actuator/health",
        "/readyz?verbose",
        "/metrics",
        "/admin/contexts",
        "/admin/parked",
        "/admin/audit",
        "/admin/keys",
        "/openapi.json",
        "/asyncapi.json",
        "/",
        "/docs/",
    ] {
        answers.push(server.get(path));
    }
    for answer in &answers {
        has_none(&words, "an answer", &shown(answer));
    }
    for json in [false, true] {
        let config = dir.path().join("holdfast.toml");
        fs::write(&config, &toml).unwrap();
        let mut check = holdfast();
        check.args(["check-config", "--system", "ebook", "--contexts", &contexts.join(",")]);
        check.arg("--config").arg(&config).envs(environment.iter().copied());
        let output = if json { check.arg("--json") } else { &mut check }.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for text in [output.stdout, output.stderr] {
            has_none(&words, "check-config", &String::from_utf8(text).unwrap());
        }
    }
    assert!(server.terminate().success());
    words.extend([TELEPHONE, ADDRESS, IN_QUERY].map(str::to_owned));
    let said = server.said();
    assert!(said.contains("\"TRACE\"") || said.contains("\"DEBUG\""), "it was talkative");
    has_none(&words, "the log", &said);
    has_none(&words, "stdout", &server.printed());
}

#[test]
fn no_secret_from_the_environment_comes_out() {
    runs_without_a_word(Source::Environment);
}

#[test]
fn no_secret_from_the_configuration_comes_out() {
    runs_without_a_word(Source::File);
}

#[test]
fn no_secret_from_a_file_of_its_own_comes_out() {
    runs_without_a_word(Source::SecretFiles);
}

#[test]
fn a_configuration_that_is_refused_shows_no_secret() {
    let dir = TempDir::new().unwrap();
    let config = dir.path().join("holdfast.toml");
    let too_short = "canary-key-short";
    for (toml, word) in [
        (format!("amqp.url = 'amqp://user:{PASSWORD}@[broker'"), PASSWORD),
        (format!("amqp.url = 'http://user:{PASSWORD}@broker'"), PASSWORD),
        (format!("amqp.url = ['{PASSWORD}', 5]"), PASSWORD),
        (format!("store.url = 'postgres://user:{PASSWORD}@[database/holdfast'"), PASSWORD),
        (format!("store.url = 'http://user:{PASSWORD}@database'"), PASSWORD),
        (format!("events.key = '{too_short}'"), too_short),
        (format!("events.key = {{ a = '{EVENT_KEY}' }}"), EVENT_KEY),
        (format!("node.credential = ' {CREDENTIAL}'"), CREDENTIAL),
        (format!("node.credential = ['{CREDENTIAL}']"), CREDENTIAL),
        (format!("messages.secret = '{SIGNING_KEY}!'"), SIGNING_KEY),
        (format!("node.credential = '{CREDENTIAL}"), CREDENTIAL),
        (format!("node.credental = '{CREDENTIAL}'"), CREDENTIAL),
    ] {
        fs::write(&config, &toml).unwrap();
        let output = holdfast().arg("check-config").arg("--config").arg(&config).output().unwrap();
        assert_eq!(output.status.code(), Some(78), "{toml}");
        for text in [output.stdout, output.stderr] {
            has_none(&[word.to_owned()], &toml, &String::from_utf8(text).unwrap());
        }
    }
    let variables: [(&str, Value); 3] = [
        ("HOLDFAST_AMQP__URL", json!(format!("http://user:{PASSWORD}@broker"))),
        ("HOLDFAST_EVENTS__KEY", json!(too_short)),
        ("HOLDFAST_NODE__CREDENTIAL", json!(format!("{CREDENTIAL}\n"))),
    ];
    for (name, value) in variables {
        let value = value.as_str().unwrap();
        let output = holdfast().arg("check-config").env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(78), "{name}");
        let said = String::from_utf8(output.stderr).unwrap();
        has_none(&[value.trim().to_owned(), PASSWORD.to_owned()], name, &said);
    }
}

#[test]
fn every_secret_setting_is_among_those_that_are_searched_for() {
    let all = holdfast::config::all_settings().iter().filter(|setting| setting.is_secret);
    let all: Vec<_> = all.map(|setting| setting.key.as_str()).collect();
    let broker = Broker::absent();
    let mut searched: Vec<_> =
        secrets(&broker).iter().map(|(section, key, _)| format!("{section}.{key}")).collect();
    // The test of logins searches for this one, which open authentication does not take.
    searched.push("auth.login.client_secret".to_owned());
    // What is said of a database is tested with databases; of a URL that is refused, here.
    searched.push("store.url".to_owned());
    assert!(all.iter().all(|key| searched.iter().any(|known| known == key)), "{all:?}");
    assert_eq!(all.len(), searched.len());
}
