//! The command line: what it refuses, in which words, and how it ends.
use serde_json::Value;
use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::fs::{FileExt, PermissionsExt},
    path::Path,
    process::{Command, Output},
};
use support::{Server, chance::Chance, holdfast, run};
use tempfile::TempDir;

const FAILURE: i32 = 1;
const USAGE: i32 = 2;
const CONFIGURATION: i32 = 78;

/// It ended with this exit code and printed all of these words, and no panic's.
#[track_caller]
fn ended(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

/// `holdfast serve` on a directory of the test's own.
fn serve(directory: &Path, further: &[&str]) -> Command {
    let mut command = holdfast();
    command.args(["serve", "--data"]).arg(directory.join("data"));
    if !further.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command.args(further);
    command
}

fn config(directory: &Path, toml: &str) -> String {
    let path = directory.join("holdfast.toml");
    fs::write(&path, toml).unwrap();
    path.display().to_string()
}

#[test]
fn a_taken_port_is_named() {
    let directory = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    ended(&run(&mut serve(directory.path(), &["--listen", &address])), FAILURE, &[&address]);
}

#[test]
fn a_data_directory_has_one_server() {
    let server = Server::start(&[]);
    server.register_book("title01");
    let data = server.data().display().to_string();
    let second = run(holdfast().args(server.arguments()));
    ended(&second, FAILURE, &[&data]);
    server.register_book("title02");
    assert_eq!(server.total("books"), 2);
}

#[test]
fn a_data_directory_that_cannot_be_is_named() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "not a directory").unwrap();
    let data = file.join("data").display().to_string();
    let output = run(holdfast().args(["serve", "--listen", "127.0.0.1:0", "--data", &data]));
    ended(&output, FAILURE, &[&file.display().to_string()]);
}

#[test]
fn a_data_directory_that_is_not_writable_is_named() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    fs::create_dir(&data).unwrap();
    for (path, mode) in [(directory.path(), 0o755), (&data, 0o555)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let mut serve = serve(directory.path(), &[]);
    if File::create(data.join("probe")).is_ok() {
        serve = as_unprivileged_user(&serve, directory.path());
    }
    ended(&run(&mut serve), FAILURE, &[&data.display().to_string(), "writable"]);
    assert!(!data.join("db").exists(), "something was written");
}

/// The same as a user who may not write everywhere, as root may. The program is put where that user finds it.
fn as_unprivileged_user(command: &Command, directory: &Path) -> Command {
    let program = directory.join("holdfast");
    fs::copy(command.get_program(), &program).unwrap();
    let mut as_unprivileged_user = Command::new("setpriv");
    as_unprivileged_user
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(program)
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => as_unprivileged_user.env(name, value),
            None => as_unprivileged_user.env_remove(name),
        };
    }
    as_unprivileged_user
}

#[test]
fn an_unknown_key_of_the_configuration_is_named() {
    let directory = TempDir::new().unwrap();
    let file = config(directory.path(), "[http]\nlistn = \"127.0.0.1:0\"\n");
    for command in ["serve", "check-config"] {
        ended(&run(holdfast().args([command, "--config", &file])), CONFIGURATION, &["listn"]);
    }
    let mut from_environment = serve(directory.path(), &[]);
    ended(
        &run(from_environment.env("HOLDFAST_HTTP__LISTN", "127.0.0.1:0")),
        CONFIGURATION,
        &["listn"],
    );
}

#[test]
fn a_value_of_a_wrong_kind_is_named_by_its_key() {
    let directory = TempDir::new().unwrap();
    for (toml, key) in [
        ("[http]\nworkers = \"many\"\n", "workers"),
        ("[http]\nlisten = \"nowhere\"\n", "listen"),
        ("[store]\ncache_mb = -5\n", "cache_mb"),
    ] {
        let file = config(directory.path(), toml);
        ended(&run(holdfast().args(["check-config", "--config", &file])), CONFIGURATION, &[key]);
    }
    let file = config(directory.path(), "[http\n");
    ended(
        &run(holdfast().args(["check-config", "--config", &file])),
        CONFIGURATION,
        &["holdfast.toml"],
    );
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let output = run(holdfast().args(["check-config", "--config", "/nowhere/holdfast.toml"]));
    ended(&output, CONFIGURATION, &["/nowhere/holdfast.toml"]);
}

/// Both commands say the same of a configuration, and end with 78. Nothing is begun.
#[track_caller]
fn both_refuse(toml: &str, environment: &[(&str, &str)], words: &[&str]) {
    let directory = TempDir::new().unwrap();
    let file = config(directory.path(), toml);
    let check =
        run(holdfast().args(["check-config", "--config", &file]).envs(environment.iter().copied()));
    ended(&check, CONFIGURATION, words);
    assert!(check.stdout.is_empty());
    let data = directory.path().join("data");
    let mut serve = holdfast();
    serve.args(["serve", "--config", &file, "--data"]).arg(&data).envs(environment.iter().copied());
    let serve = run(&mut serve);
    ended(&serve, CONFIGURATION, words);
    assert_eq!(String::from_utf8_lossy(&check.stderr), String::from_utf8_lossy(&serve.stderr));
    assert!(!data.exists(), "something was begun");
}

#[test]
fn a_configuration_is_checked_as_it_is_served() {
    both_refuse(
        "[systems.gbike]\nfee_per_minut = 150",
        &[],
        &["holdfast.toml:2", "`systems.gbike.fee_per_minute`"],
    );
    both_refuse(
        "systems.ticketing.discount_rate = 250",
        &[],
        &["holdfast.toml:1", "`250`", "0 to 100"],
    );
    both_refuse(
        "\n[systems.movie]\nzone = 'Mars/Phobos'",
        &[],
        &["systems.movie.zone", "toml:3", "`Mars/Phobos`", "Asia/Seoul"],
    );
    both_refuse(
        "amqp.url_file = '/nowhere/url'",
        &[],
        &["amqp.url_file", "/nowhere/url", "holdfast.toml:1"],
    );
    both_refuse(
        "",
        &[("HOLDFAST_SYSTEMS__MOVIE__TICKET_PRICE", "dear")],
        &["HOLDFAST_SYSTEMS__MOVIE__TICKET_PRICE", "`dear`"],
    );
    both_refuse("", &[("HOLDFAST_LISTEN", "127.0.0.1:1")], &["HOLDFAST_LISTEN", "unknown key"]);
    both_refuse("", &[("RUST_LOG", "a=b=c")], &["RUST_LOG", "a=b=c"]);
    both_refuse(
        "node.contexts = ['bookrent.rent']",
        &[],
        &["peers.bookrent.book", "bookrent.rent asks", "node.contexts"],
    );
    let webhook = "[messages]\ngateway = 'webhook'\nurl = 'ftp://texts/send'\nsecret = 'c2VjcmV0'";
    both_refuse(
        webhook,
        &[],
        &["messages.url", "holdfast.toml:3", "neither `http://` nor `https://`"],
    );
    both_refuse(
        "http.public_url = 'rent.example'",
        &[],
        &["http.public_url", "`rent.example`", "https://"],
    );
    both_refuse("events.source = '/se oul'", &[], &["events.source", "`/se oul`"]);
    both_refuse(
        "[events.write_versions]\n'bookrent.rent' = 9",
        &[],
        &["events.write_versions.bookrent.rent", "toml:2", "1 to 1"],
    );
}

#[test]
fn settings_of_systems_come_from_the_environment_and_service_links_do_no_harm() {
    let environment = [
        ("HOLDFAST_SYSTEMS__GBIKE__FEE_PER_MINUTE", "7"),
        ("HOLDFAST_PORT", "tcp://10.0.0.7:8088"),
        ("HOLDFAST_PORT_8088_TCP_ADDR", "10.0.0.7"),
        ("HOLDFAST_SERVICE_HOST", "10.0.0.7"),
    ];
    let server = Server::among(&environment, "127.0.0.1:0", "gbike", "", &[]);
    server.get("/readyz").is(200);
    let check = run(holdfast().arg("check-config").envs(environment));
    ended(&check, 0, &[]);
    let lines = String::from_utf8(check.stdout).unwrap();
    let line = lines.lines().find(|line| line.starts_with("systems.gbike.fee_per_minute")).unwrap();
    assert!(
        line.contains("= 7 ") && line.contains("# environment HOLDFAST_SYSTEMS__GBIKE"),
        "{line}"
    );
}

#[test]
fn a_good_configuration_is_good() {
    let directory = TempDir::new().unwrap();
    let file = config(
        directory.path(),
        "[http]\nworkers = 1\n\n[guard.\"bookrent.book\"]\ntimeout_ms = 900\n",
    );
    ended(&run(holdfast().args(["check-config", "--config", &file])), 0, &[]);
}

#[test]
fn it_does_not_listen_to_the_world_with_open_authentication() {
    let directory = TempDir::new().unwrap();
    for address in ["0.0.0.0:0", "[::]:0"] {
        ended(
            &run(&mut serve(directory.path(), &["--listen", address])),
            CONFIGURATION,
            &["auth.allow_open_beyond_loopback"],
        );
    }
}

#[test]
fn unknown_systems_commands_and_flags_are_named() {
    let directory = TempDir::new().unwrap();
    let output = run(&mut serve(directory.path(), &["--system", "bookrant"]));
    ended(&output, CONFIGURATION, &["bookrant", "bookrent"]);
    ended(&run(&mut serve(directory.path(), &["--lissten"])), USAGE, &["--lissten"]);
    ended(&run(holdfast().arg("swerve")), USAGE, &["swerve"]);
    ended(&run(holdfast().args(["board", "bookrant"])), USAGE, &["bookrant", "bookrent"]);
    ended(&run(&mut serve(directory.path(), &["--clock", "yesterday"])), USAGE, &["yesterday"]);
}

#[test]
fn the_api_document_goes_to_stdout() {
    let openapi = run(holdfast().arg("openapi"));
    ended(&openapi, 0, &[]);
    let document: Value = serde_json::from_slice(&openapi.stdout).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/bookrent/rents"]["post"].is_object());
}

#[test]
fn drawings_and_scripts_go_to_stdout() {
    let board = run(holdfast().args(["board", "bookrent"]));
    ended(&board, 0, &[]);
    let board = String::from_utf8(board.stdout).unwrap();
    for word in ["book", "rent", "delivery", "view", "Take", "DeliveryStarted", "Customer"] {
        assert!(board.contains(word), "`{word}` is not in: {board}");
    }
    let version = run(holdfast().arg("--version"));
    assert!(String::from_utf8(version.stdout).unwrap().contains(env!("CARGO_PKG_VERSION")));
    assert!(!run(holdfast().args(["completions", "bash"])).stdout.is_empty());
}

#[test]
fn a_damaged_store_is_refused_in_plain_words() {
    let mut server = Server::start(&[]);
    for n in 0..100 {
        server.register_book(&format!("title{n} {}", "x".repeat(3_400)));
    }
    assert!(server.terminate().success());
    let mut noise = Chance::new(7);
    for entry in fs::read_dir(server.data()).expect("lists").map_while(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with("journal.") {
            let noise: Vec<u8> = (0..100_000).map(|_| noise.number() as u8).collect();
            File::options()
                .write(true)
                .open(entry.path())
                .unwrap()
                .write_all_at(&noise, 50_000)
                .unwrap();
        }
    }

    let output = run(holdfast().args(server.arguments()));
    ended(&output, FAILURE, &[&server.data().display().to_string()]);
    let check = run(holdfast().args(["check-store", "--data"]).arg(server.data()));
    ended(&check, FAILURE, &["the store is damaged"]);
    assert!(
        String::from_utf8_lossy(&check.stdout)
            .contains("the data directory is damaged: the journal is damaged after commit")
    );
}

#[test]
fn a_store_is_checked_without_a_server_and_nothing_in_it_is_changed() {
    let mut server = Server::start(&[]);
    let book = server.register_book("title");
    server.rent(book, 1);
    let taken = run(holdfast().args(["check-store", "--data"]).arg(server.data()));
    ended(&taken, FAILURE, &["is in use by another holdfast"]);
    assert!(server.terminate().success());
    let contents = || -> Vec<(String, Vec<u8>)> {
        let entries = fs::read_dir(server.data())
            .unwrap()
            .map(Result::unwrap)
            .filter(|entry| entry.path().is_file());
        let mut files: Vec<_> = entries
            .map(|entry| {
                (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    };
    let before = contents();
    let output = run(holdfast().args(["check-store", "--json", "--data"]).arg(server.data()));
    ended(&output, 0, &[]);
    let checked: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(checked["problems"], serde_json::json!([]), "{checked:#}");
    assert!(checked["lastCommit"].as_u64() > Some(0), "{checked:#}");
    let trees = checked["trees"].as_array().unwrap();
    let of = |name: &str| trees.iter().find(|tree| tree["name"] == name).unwrap();
    assert!(of("bookrent.rent")["rows"].as_u64() > Some(2), "{checked:#}");
    let text = run(holdfast().args(["check-store", "--data"]).arg(server.data()));
    assert!(String::from_utf8_lossy(&text.stdout).ends_with("no damage found\n"));
    assert!(contents() == before, "something was changed");
    let nowhere = server.data().join("nowhere");
    ended(
        &run(holdfast().args(["check-store", "--data"]).arg(nowhere)),
        FAILURE,
        &["does not exist"],
    );
    let empty = tempfile::tempdir().unwrap();
    ended(
        &run(holdfast().args(["check-store", "--data"]).arg(empty.path())),
        FAILURE,
        &["holds no store"],
    );
    assert_eq!(std::fs::read_dir(&empty).unwrap().count(), 0, "something was made");
}

#[test]
fn too_few_open_files_are_refused_with_a_plain_message() {
    let serve = format!(
        "ulimit -n 32; exec '{}' serve --listen 127.0.0.1:0",
        env!("CARGO_BIN_EXE_holdfast")
    );
    let directory = tempfile::tempdir().unwrap();
    let output = support::run(Command::new("sh").args(["-c", &serve]).current_dir(&directory));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in ["32 files", "at the least", "ulimit -Hn 4096"] {
        assert!(said.contains(word), "{said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0, "nothing was begun");
}
