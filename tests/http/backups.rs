//! Backups of a running server: what was acknowledged before one is in it, and the server goes on from it elsewhere.
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    ops::Deref,
    path::Path,
    process::{Command, Output},
    sync::Mutex,
    thread,
};
use support::{Answer, Client, Server, eventually, holdfast, run};
use tempfile::TempDir;

fn output(command: &mut Command) -> (bool, String) {
    let Output { status, stdout, stderr } = run(command);
    (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

#[track_caller]
fn succeeds(command: &mut Command) -> String {
    let (done, said) = output(command);
    assert!(done, "{said}");
    said
}

/// Registers books until the server is gone, and notes each that was acknowledged.
fn register(client: &Client, acknowledged: &Mutex<BTreeSet<u64>>) {
    let body = json!({ "title": "title".repeat(40), "status": true });
    while let Ok(answer) = client.attempt("POST", "/books", |request| request.json(&body)) {
        if answer.status == 201 {
            acknowledged.lock().unwrap().insert(answer.id());
        }
    }
}

/// Lets the threads that write to a server end, whatever happens to the test.
struct KillOnPanic<'a>(&'a mut Server);

impl Deref for KillOnPanic<'_> {
    type Target = Server;
    fn deref(&self) -> &Server {
        self.0
    }
}

impl Drop for KillOnPanic<'_> {
    fn drop(&mut self) {
        self.0.kill();
    }
}

/// Where the page after this one is.
fn next(page: &Answer) -> String {
    page.header("link").strip_prefix('<').unwrap().split('>').next().unwrap().to_owned()
}

fn numbers(server: &Client) -> BTreeSet<u64> {
    server.all("books").iter().map(|book| book["id"].as_u64().unwrap()).collect()
}

/// Makes a backup of a running server.
fn back_up(server: &Server, file: &Path, further: &[&str]) {
    let mut command = holdfast();
    command.args(["backup", "--url", server.url()]).arg(file).args(further);
    succeeds(&mut command);
}

#[test]
fn a_server_killed_under_load_goes_on_elsewhere_from_a_backup_and_an_increment() {
    let keep = TempDir::new().unwrap();
    let whole = keep.path().join("whole.backup");
    let increment = keep.path().join("increment.backup");
    let mut server = Server::start(&[]);
    let acknowledged = Mutex::new(BTreeSet::new());
    let count = || acknowledged.lock().unwrap().len();
    let more = |than: usize| eventually("books are registered", || (count() > than).then_some(()));
    let clients: Vec<_> = (0..3).map(|_| server.apart()).collect();
    let (before, cursor) = thread::scope(|scope| {
        let server = KillOnPanic(&mut server);
        for client in &clients {
            scope.spawn(|| register(client, &acknowledged));
        }
        more(150);
        back_up(&server, &whole, &[]);
        more(count() + 150);
        let before = acknowledged.lock().unwrap().clone();
        back_up(&server, &increment, &["--since", &whole.display().to_string()]);
        more(count() + 150);
        let page = server.get(&format!("/events/bookrent.book?from={}", count())).is(200);
        server.0.kill();
        (before, next(&page))
    });
    let data = TempDir::new().unwrap();
    let said = succeeds(holdfast().arg("verify").args([&whole, &increment]));
    assert!(said.contains("it can be restored"), "{said}");
    let mut restoring = holdfast();
    restoring.arg("restore").args([&whole, &increment]).arg(data.path().join("data"));
    succeeds(&mut restoring);
    let mut checking = holdfast();
    checking.args(["check-store", "--data"]).arg(data.path().join("data"));
    assert!(succeeds(&mut checking).contains("no damage found"));

    let restored = Server::inside(data, &[], "127.0.0.1:0", "bookrent", "", &[]);
    let found = numbers(&restored);
    let missing: Vec<_> = before.difference(&found).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // It is a prefix of what the other had, and its events have a past of their own from there on.
    assert!(found.len() < count(), "{} of {}", found.len(), count());
    let next = restored.register_book("title01");
    assert_eq!(next, found.len() as u64 + 1);
    restored.rent(next, 1).has("status", "Rent");
    while restored.total("books") <= count() as u64 {
        restored.register_book("title02");
    }
    restored.get(&cursor).refuses(409, "history-changed");
}

#[test]
fn backups_are_made_in_a_directory_and_the_newest_are_kept() {
    let keep = TempDir::new().unwrap();
    let directory = keep.path().join("backups");
    let shown = directory.display();
    let toml = format!("[backup]\ndirectory = \"{shown}\"\nevery = \"24h\"\nkeep = 2\n");
    let mut server = Server::configured(&toml);
    let listed = |server: &Server| {
        let answer = server.get("/admin/backups").is(200).body;
        answer["backups"].as_array().unwrap().clone()
    };
    eventually("the first is made by itself", || (listed(&server).len() == 1).then_some(()));
    server.register_book("title01");
    let made: Vec<Value> = (0..2)
        .map(|_| server.call("POST", "/admin/backups/make", |request| request).is(200).body)
        .collect();
    assert_eq!(listed(&server), made);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
    assert!(made[1]["commit"].as_u64() > Some(0), "{made:?}");
    let metrics = server.get("/metrics").is(200).text;
    for line in ["holdfast_backup_failed 0", "holdfast_backups_total{outcome=\"made\"} 3"] {
        assert!(metrics.contains(line), "{line}");
    }
    assert!(metrics.contains("\nholdfast_backup_age_seconds "), "{metrics}");
    // What was made before the start counts: it is not time for another one.
    server.terminate();
    server.restart();
    assert_eq!(listed(&server), made);
    let newest = directory.join(made[1]["file"].as_str().unwrap());
    assert!(succeeds(holdfast().arg("verify").arg(&newest)).contains("it can be restored"));
    let audit = server.get("/admin/audit").is(200).text;
    assert!(audit.contains("/admin/backups/make"), "{audit}");
    // One that cannot be made is said, and counted.
    fs::remove_dir_all(&directory).unwrap();
    fs::write(&directory, "a file").unwrap();
    server.call("POST", "/admin/backups/make", |request| request).refuses(500, "backup-failed");
    assert!(server.get("/metrics").is(200).text.contains("holdfast_backup_failed 1"));
}

#[test]
fn what_cannot_be_backed_up_verified_or_restored_is_refused_and_changes_nothing() {
    let keep = TempDir::new().unwrap();
    let at = |name: &str| keep.path().join(name);
    let mut server = Server::start(&[]);
    server.register_book("title01");
    let refuses = |command: &mut Command, words: &[&str]| {
        let (done, said) = output(command);
        assert!(!done, "{said}");
        for word in words {
            assert!(said.contains(word), "`{word}` in {said}");
        }
    };
    let data = server.data();
    let offline = |file: &str| {
        let mut command = holdfast();
        command.arg("backup").arg(at(file)).arg("--data").arg(&data);
        command
    };
    refuses(&mut offline("a.backup"), &["in use", "--url"]);
    server
        .call("POST", "/admin/backups/make", |request| request)
        .refuses(409, "no-backup-directory");
    let mut several = holdfast();
    several.args(["backup", "--url", server.url(), "--url", "http://127.0.0.1:1"]);
    refuses(several.arg(at("a.backup")), &["common point", "contexts stop"]);
    let send = |query: &str| {
        let path = format!("/admin/backups/send?{query}");
        server.call("POST", &path, |request| request)
    };
    send("since=999999999").refuses(422, "unknown-commit");
    send("since=x").refuses(400, "bad-request");
    send("base=00").refuses(400, "bad-request");
    send("other=1").refuses(400, "bad-filter");
    server.terminate();
    succeeds(&mut offline("a.backup"));
    assert!(!at("a.backup.part").exists());
    refuses(&mut offline("a.backup"), &["is there already"]);
    let bytes = fs::read(at("a.backup")).unwrap();
    let mut damaged = bytes.clone();
    damaged[bytes.len() / 2] ^= 1;
    fs::write(at("b.backup"), &damaged).unwrap();
    fs::write(at("c.backup"), &bytes[..bytes.len() - 1]).unwrap();
    for file in ["b.backup", "c.backup"] {
        refuses(holdfast().arg("verify").arg(at(file)), &["damaged at byte", file]);
        let mut command = holdfast();
        refuses(command.arg("restore").arg(at(file)).arg(at("data")), &["damaged at byte"]);
        assert!(!at("data").exists());
    }
    let mut command = holdfast();
    command.arg("restore").arg(at("a.backup")).arg(server.data());
    refuses(&mut command, &["is not empty"]);
    refuses(
        holdfast().args(["backup", "--data"]).arg(at("none")).arg(at("d.backup")),
        &["no store"],
    );
    assert!(!at("none").exists());
}
