//! What a configuration is, and how its mistakes are reported.

mod every_setting;
mod refused;

use super::*;
use std::{io::Write, path::Path};

fn load_config(
    file: &str,
    environment: &[(&str, &str)],
    flags: Flags,
) -> Result<Config, ConfigProblem> {
    let mut on_disk = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    on_disk.write_all(file.as_bytes()).unwrap();
    let environment =
        environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Config::load(Some(on_disk.path()), environment, flags)
}
fn load_problem(file: &str, environment: &[(&str, &str)]) -> String {
    load_config(file, environment, Flags::default()).unwrap_err().to_string()
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let config = Config::load(None, [], Flags::default()).unwrap();
    assert_eq!(config.settings, Settings::default());
    assert_eq!(config.origin_of("http.listen"), Origin::Default);
}

#[test]
fn flags_go_over_environment_over_file_over_defaults() {
    let file = "[http]\nlisten = '127.0.0.1:1'\nbody_limit = 1000\njson_depth = 8";
    let environment =
        [("HOLDFAST_HTTP__LISTEN", "127.0.0.1:2"), ("HOLDFAST_HTTP__BODY_LIMIT", "2000")];
    let flags = Flags { listen: Some("127.0.0.1:3".into()), ..Flags::default() };
    let config = load_config(file, &environment, flags).unwrap();
    let http = &config.settings.http;
    assert_eq!((http.listen.port(), http.body_limit, http.json_depth), (3, 2000, 8));
    assert_eq!(http.body_timeout_ms, 5000);
    assert_eq!(config.origin_of("http.listen"), Origin::Flag("listen"));
    assert_eq!(
        config.origin_of("http.body_limit"),
        Origin::Environment("HOLDFAST_HTTP__BODY_LIMIT".into())
    );
    assert!(matches!(config.origin_of("http.json_depth"), Origin::File { line: 4, .. }));
}

#[test]
fn an_unknown_key_is_named_with_those_that_are_known() {
    let why = load_problem("[http]\nlistn = 'x'", &[]);
    assert!(why.contains("listn") && why.contains("listen") && why.contains("workers"), "{why}");
    let why = load_problem("", &[("HOLDFAST_HTP__LISTEN", "127.0.0.1:1")]);
    assert!(why.contains("htp") && why.contains("http"), "{why}");
    assert!(
        load_config("", &[("HOLDFAST_LOG_FORMAT", "json"), ("HOME", "/")], Flags::default())
            .is_ok()
    );
}

#[test]
fn values_out_of_range_name_key_origin_and_what_is_allowed() {
    let why = load_problem("[guard.\"bookrent.book\"]\nbreaker_failure_percent = 101", &[]);
    assert!(
        why.contains("guard.bookrent.book.breaker_failure_percent") && why.contains("100"),
        "{why}"
    );
    assert!(why.contains(".toml"), "{why}");
    let why = load_problem("", &[("HOLDFAST_HTTP__LISTEN", "nowhere")]);
    assert!(why.contains("http.listen"), "{why}");
    let why = load_problem("", &[("HOLDFAST_HTTP__BODY_LIMIT", "0")]);
    assert!(why.contains("HOLDFAST_HTTP__BODY_LIMIT"), "{why}");
}

#[test]
fn a_guard_is_for_a_context_that_exists() {
    let why = load_problem("[guard.\"bookrent.bok\"]\ntries = 2", &[]);
    assert!(why.contains("bookrent.bok") && why.contains("bookrent.book"), "{why}");
    let config =
        load_config("", &[("HOLDFAST_GUARD__BOOKRENT__BOOK__TRIES", "2")], Flags::default())
            .unwrap();
    assert_eq!(config.settings.guard_of("bookrent.book").tries, Some(2));
}

#[test]
fn systems_are_a_list_of_those_to_run_or_tables_of_their_settings() {
    let config = load_config("systems = ['bookrent']", &[], Flags::default()).unwrap();
    assert_eq!(config.settings.systems.enabled, ["bookrent"]);
    let config = load_config("[systems.movie]\nname = 'x'", &[], Flags::default()).unwrap();
    assert_eq!(config.settings.systems.settings["movie"]["name"], "x");
    let config = load_config("", &[("HOLDFAST_SYSTEMS", "bookrent")], Flags::default()).unwrap();
    assert_eq!(config.settings.systems.enabled, ["bookrent"]);
    load_config("[systems.bookrent]", &[], Flags::default()).unwrap();
    let why = load_problem("[systems.bookrent]\nname = 'x'", &[]);
    assert!(
        why.contains("systems.bookrent.name (file") && why.contains("has no settings"),
        "{why}"
    );
    let why = load_problem("systems = ['boookrent']", &[]);
    assert!(why.contains("boookrent") && why.contains("bookrent"), "{why}");
}

#[test]
fn lists_and_numbers_of_systems_may_come_from_the_environment() {
    let environment = [
        ("HOLDFAST_NODE__ACCEPT_HISTORY", "bookrent.rent, bookrent.book"),
        ("HOLDFAST_SYSTEMS__MOVIE__SEATS_PER_BOOKING", "3"),
    ];
    let settings = load_config("", &environment, Flags::default()).unwrap().settings;
    assert_eq!(settings.node.accept_history, ["bookrent.rent", "bookrent.book"]);
    assert_eq!(settings.systems.settings["movie"]["seats_per_booking"], 3);
}

#[test]
fn listening_openly_beyond_loopback_is_refused_with_the_setting_to_add() {
    let why = load_problem("[http]\nlisten = '0.0.0.0:8088'", &[]);
    assert!(why.contains("auth.allow_open_beyond_loopback = true"), "{why}");
    let file = "[http]\nlisten = '0.0.0.0:8088'\n[auth]\nallow_open_beyond_loopback = true";
    assert!(load_config(file, &[], Flags::default()).is_ok());
}

#[test]
fn ports_of_contexts_are_moved_together_and_are_for_one_system() {
    let file = "systems = ['bookrent']\n[compat]\nports = true\nfirst_port = 9000";
    let ports = load_config(file, &[], Flags::default()).unwrap().settings.compat_ports();
    assert_eq!(ports.first(), Some(&("bookrent.book", 9000)));
    assert_eq!(ports.last(), Some(&("bookrent.view", 9003)));
    let one = format!(
        "{file}\n[node]\ncontexts = ['bookrent.rent']\ncredential = '0123456789abcdef'\n[peers.bookrent]\nbook = \
         'http://book:8088'"
    );
    let ports = load_config(&one, &[], Flags::default()).unwrap().settings.compat_ports();
    assert_eq!(ports, [("bookrent.rent", 9001)], "those of other nodes are on theirs");
    assert!(load_problem("[compat]\nports = true", &[]).contains("one system at a time"));
    let why = load_problem(&format!("http.listen = '127.0.0.1:9001'\n{file}"), &[]);
    assert!(why.contains("http.listen") && why.contains("bookrent.rent"), "{why}");
    let why = load_problem("compat.first_port = 65535", &[]);
    assert!(why.contains("compat.first_port") && why.contains("65000"), "{why}");
    assert_eq!(
        load_config("systems = ['bookrent']", &[], Flags::default())
            .unwrap()
            .settings
            .compat_ports(),
        []
    );
}

#[test]
fn a_file_that_is_missing_or_not_toml_is_named() {
    let missing = Config::load(Some(Path::new("/nowhere/holdfast.toml")), [], Flags::default());
    assert!(missing.unwrap_err().to_string().contains("/nowhere/holdfast.toml"));
    assert!(load_problem("[http", &[]).contains(".toml"));
}

#[test]
fn the_effective_values_are_listed_with_their_origin() {
    let lines =
        load_config("[store]\ndir = '/data'", &[], Flags::default()).unwrap().list_settings();
    let dir = lines.iter().find(|line| line.key == "store.dir").unwrap();
    assert_eq!(dir.value, "/data");
    assert!(matches!(dir.origin, Origin::File { line: 2, .. }));
    let zone = lines.iter().find(|line| line.key == "systems.movie.zone").unwrap();
    assert_eq!((&zone.value, &zone.origin), (&"UTC+9".into(), &Origin::Default));
    let lines = load_config("systems = ['gbike']", &[], Flags::default()).unwrap().list_settings();
    assert!(lines.iter().any(|line| line.key == "systems.gbike.fee_per_minute"));
    assert!(!lines.iter().any(|line| line.key.starts_with("systems.movie")), "it does not run");
}

#[test]
fn all_that_is_wrong_is_named_with_its_place_in_words_of_our_own() {
    let file = "[systems.gbike]\nfee_per_minut = 150\n[systems.ticketing]\ndiscount_rate = 250\nzone = 'Mars/Phobos'\n\
                [http]\nworkers = 'many'\n[guard]\nbookrent = 5\n[store]\ncache_mb = 1.5\n[node]\nmax_hops = []";
    let environment = [
        ("HOLDFAST_SYSTEMS__MOVIE__TICKET_PRICE", "-1"),
        ("HOLDFAST_SYSTEMS__TICKETING__DISCOUNT_DAYS", "Monday,Funday"),
        ("HOLDFAST_PORT", "9000"),
        ("HOLDFAST_NODE__CREDENTIALS", "0123456789abcdef"),
    ];
    let why = load_problem(file, &environment);
    for (line, words) in [
        (
            ".toml:2)",
            &["systems.gbike.fee_per_minut", "did you mean `systems.gbike.fee_per_minute`?"][..],
        ),
        (".toml:4)", &["systems.ticketing.discount_rate", "a whole number from 0 to 100", "`250`"]),
        (".toml:7)", &["http.workers", "a whole number from 1 to 1024", "`many`"]),
        (".toml:9)", &["guard.bookrent", "a table of settings", "`5`"]),
        (".toml:11)", &["store.cache_mb", "a whole number from 1", "`1.5`"]),
        (".toml:13)", &["node.max_hops", "the list []"]),
        (
            "(environment HOLDFAST_SYSTEMS__MOVIE__TICKET_PRICE)",
            &["systems.movie.ticket_price", "`-1`"],
        ),
        (
            "(environment HOLDFAST_SYSTEMS__TICKETING__DISCOUNT_DAYS)",
            &["`Wednesday`", "`Monday,Funday`"],
        ),
        ("(environment HOLDFAST_PORT)", &["port", "unknown key"]),
        (
            "(environment HOLDFAST_NODE__CREDENTIALS)",
            &["`node.credential`, `HOLDFAST_NODE__CREDENTIAL`"],
        ),
    ] {
        let line =
            why.lines().find(|said| said.contains(line)).unwrap_or_else(|| panic!("{line}: {why}"));
        assert!(words.iter().all(|word| line.contains(word)), "{line}");
    }
    // What has the right shape is read by its type after that.
    let why = load_problem("[systems.ticketing]\nzone = 'Mars/Phobos'", &[]);
    assert!(why.contains("toml:2)") && why.contains("a time zone such as `Asia/Seoul`"), "{why}");
    let why = load_problem("http.listen = '127.0.0.1'", &[]);
    assert!(why.contains("toml:1)") && why.contains("an address such as"), "{why}");
    let why = load_problem("", &[("HOLDFAST_HTTP__TRUSTED_PROXIES", "10.0.0.1, proxy")]);
    assert!(why.contains("HTTP__TRUSTED_PROXIES)") && why.contains("IP addresses"), "{why}");
}

#[test]
fn no_error_shows_a_secret() {
    let secret = "amqp://user:hunter2@[broker";
    for (variable, value) in [
        ("HOLDFAST_AMQP__URL", secret),
        ("HOLDFAST_MESSAGES__SECRET", "hunter2!"),
        ("HOLDFAST_NODE__CREDENTIAL", "hunter2"),
    ] {
        let why = load_problem("", &[(variable, value)]);
        assert!(why.contains(variable) && !why.contains("hunter2"), "{why}");
    }
    let why = load_problem("[node]\ncredential = ['hunter2']", &[]);
    assert!(why.contains("node.credential") && !why.contains("hunter2"), "{why}");
    let why = load_problem("amqp.url = 'http://user:hunter2@broker'", &[]);
    assert!(
        why.contains("not the URL of a broker")
            && why.contains("amqp://")
            && !why.contains("hunter2"),
        "{why}"
    );
}

#[test]
fn secrets_in_files_are_read_and_a_file_that_is_missing_is_an_error() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"amqp://broker/\n").unwrap();
    let path = file.path().display().to_string();
    let config = load_config("", &[("HOLDFAST_AMQP__URL_FILE", &path)], Flags::default()).unwrap();
    assert_eq!(config.settings.amqp.url.reveal(), ["amqp://broker/"]);
    assert_eq!(config.origin_of("amqp.url"), Origin::Environment("HOLDFAST_AMQP__URL_FILE".into()));
    for key in ["amqp.url", "node.credential", "messages.secret"] {
        let missing = format!("{} = '/nowhere/secret'", format_args!("{key}_file"));
        let why = load_problem(&missing, &[]);
        assert!(why.contains(&format!("{key}_file")) && why.contains("/nowhere/secret"), "{why}");
    }
}

#[test]
fn the_variables_of_kubernetes_services_do_no_harm() {
    let links = [
        ("HOLDFAST_PORT", "tcp://10.0.0.7:8088"),
        ("HOLDFAST_PORT_8088_TCP", "tcp://10.0.0.7:8088"),
        ("HOLDFAST_PORT_8088_TCP_PORT", "8088"),
        ("HOLDFAST_SERVICE_HOST", "10.0.0.7"),
        ("HOLDFAST_SERVICE_PORT_HTTP", "8088"),
        ("HOLDFAST_BOOK_SERVICE_PORT", "8088"),
    ];
    assert_eq!(load_config("", &links, Flags::default()).unwrap().settings, Settings::default());
}

#[test]
fn what_is_asked_or_listened_to_is_here_or_at_a_peer() {
    let hosting = |contexts: &str, peers: &str| {
        let file = format!(
            "node.contexts = {contexts}\nnode.credential = '0123456789abcdef'\namqp.url = 'amqp://broker'\n[peers]\n{peers}"
        );
        load_config(&file, &[], Flags::default()).map(drop).map_err(|problem| problem.to_string())
    };
    let why = hosting("['bookrent.rent']", "").unwrap_err();
    assert!(why.starts_with("peers.bookrent.book (default): bookrent.rent asks"), "{why}");
    assert!(!why.contains("broker alone"), "an ask never goes over the broker: {why}");
    let why = hosting("['bookrent.book']", "").unwrap_err();
    assert!(why.contains("peers.bookrent.delivery") && why.contains("listens to"), "{why}");
    assert!(why.contains("The broker alone is not enough"), "{why}");
    let why = hosting("['bookrent.view']", "'bookrent.rent' = 'http://rent:8088'").unwrap_err();
    assert!(
        why.contains("peers.bookrent.delivery") && !why.contains("peers.bookrent.rent"),
        "{why}"
    );
    hosting("['bookrent.rent']", "'bookrent.book' = 'http://book:8088'").unwrap();
    hosting("['none']", "").unwrap();
    // What does not run needs nothing.
    let file = "systems = ['gbike']\nnode.contexts = ['bookrent.rent']";
    load_config(file, &[], Flags::default()).unwrap();
    hosting("['bookrent.rent']", "'bookrent.book' = 'https://book:8443'").unwrap();
    let why = hosting("['bookrent.rent']", "'bookrent.book' = 'ftp://book:8088'").unwrap_err();
    assert!(why.contains("peers.bookrent.book") && why.contains("neither `http://`"), "{why}");
    let why = hosting("['bookrent.rent']", "'bookrent.bok' = 'http://book:8088'").unwrap_err();
    assert!(why.contains("did you mean `peers.bookrent.book`?"), "{why}");
}

#[test]
fn a_webhook_that_could_not_work_is_refused() {
    let webhook = |url: &str, secret: &str| {
        let file = format!("[messages]\ngateway = 'webhook'\nurl = '{url}'\nsecret = '{secret}'");
        load_config(&file, &[], Flags::default()).map(drop).map_err(|problem| problem.to_string())
    };
    webhook("http://texts/send", "whsec_c2VjcmV0").unwrap();
    webhook("https://texts/send", "c2VjcmV0").unwrap();
    assert!(webhook("ftp://texts/send", "c2VjcmV0").unwrap_err().contains("neither `http://`"));
    assert!(webhook("http://texts/send", "?").unwrap_err().contains("base64"));
    let why = load_problem("messages.gateway = 'webhook'", &[]);
    assert!(why.contains("messages.url") && why.contains("messages.secret"), "{why}");
}
