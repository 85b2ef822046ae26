//! `doctor` names each fault that is prepared, and finds nothing in a sound server.

use crate::commands::said;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use support::{Server, holdfast};
use tempfile::TempDir;

/// What is found, as `about: what`.
fn findings(config: &Path, data: &Path, further: &[&str]) -> Vec<String> {
    let mut command = holdfast();
    command.args(["doctor", "--json", "--config"]).arg(config).arg("--data").arg(data);
    command.args(["--system", "bookrent"]).args(further);
    let done = support::run(&mut command);
    let text = String::from_utf8(done.stdout).unwrap();
    let report: Value = serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&done.stderr)));
    let found: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            assert!(finding["remedy"].as_str().unwrap().len() > 10, "{finding}");
            format!("{}: {}", finding["about"].as_str().unwrap(), finding["what"].as_str().unwrap())
        })
        .collect();
    assert_eq!(done.status.code(), Some(i32::from(!found.is_empty())), "{text}");
    found
}

/// One fault is found, and it alone.
#[track_caller]
fn names(found: &[String], about: &str, words: &[&str]) {
    let about: BTreeSet<_> = [about].into();
    let found_about: BTreeSet<_> = found.iter().map(|it| it.split(": ").next().unwrap()).collect();
    assert_eq!(found_about, about, "{found:#?}");
    for word in words {
        assert!(found.iter().any(|it| it.contains(word)), "`{word}` in {found:#?}");
    }
}

/// A directory with a configuration, and the data of a server that has stopped.
struct Stopped {
    keep: TempDir,
    listen: String,
}

impl Stopped {
    fn new() -> Self {
        let keep = TempDir::new().unwrap();
        let mut server = Server::inside(keep, &[], "127.0.0.1:0", "bookrent", "", &[]);
        server.register_book("title01");
        server.terminate();
        let keep = TempDir::new().unwrap();
        fs::rename(server.data(), keep.path().join("data")).unwrap();
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        Self { keep, listen }
    }

    fn data(&self) -> PathBuf {
        self.keep.path().join("data")
    }

    /// What is found with this configuration.
    fn examine(&self, toml: &str) -> Vec<String> {
        let config = self.keep.path().join("holdfast.toml");
        fs::write(&config, toml).unwrap();
        findings(&config, &self.data(), &["--listen", &self.listen])
    }
}

#[test]
fn each_fault_of_a_stopped_server_is_named_and_nothing_else() {
    let stopped = Stopped::new();
    let none: [String; 0] = [];
    assert_eq!(stopped.examine(""), none);
    let data = stopped.data();
    // 1: a key that is misspelt.
    names(&stopped.examine("[store]\ncach_mb = 1\n"), "configuration", &["cach_mb", "cache_mb"]);
    // 2: others may read the data.
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    names(&stopped.examine(""), "permissions", &["other users"]);
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    // 3: the port is taken.
    let taken = TcpListener::bind(&stopped.listen).unwrap();
    names(&stopped.examine(""), "ports", &[&stopped.listen, "http.listen"]);
    drop(taken);
    // 4: the disk is nearly full.
    names(&stopped.examine("[store]\nreserve_mb = 1048576\n"), "disk", &["reserve_mb"]);
    // 5: the clock was set back.
    let watermark = File::options().write(true).open(data.join("watermark")).unwrap();
    let now = SystemTime::now();
    watermark.set_modified(now + Duration::from_secs(7_200)).unwrap();
    names(&stopped.examine(""), "clock", &["set back"]);
    watermark.set_modified(now).unwrap();
    // 6: the authorities that are trusted cannot be read.
    names(&stopped.examine("[tls]\nca_file = \"/none/ca.pem\"\n"), "configuration", &["ca_file"]);
    // 7: no broker.
    names(&stopped.examine("[amqp]\nurl = \"amqp://127.0.0.1:1\"\n"), "broker", &["node 1"]);
    // 8: no provider.
    let issuer = "[auth]\nmode = \"token\"\n[[auth.issuers]]\nurl = \"http://127.0.0.1:1\"\naudience = \"a\"\n";
    names(&stopped.examine(issuer), "provider", &["http://127.0.0.1:1"]);
    // 9: no peer.
    let peer = "[node]\ncontexts = [\"bookrent.book\"]\ncredential = \"0123456789abcdef\"\n[peers]\nbookrent.rent = \"http://127.0.0.1:1\"\nbookrent.delivery = \"http://127.0.0.1:1\"\n";
    names(&stopped.examine(peer), "peers", &["http://127.0.0.1:1"]);
    // 10: no backup where there should be.
    let backups = stopped.keep.path().join("backups");
    fs::create_dir(&backups).unwrap();
    let schedule = format!("[backup]\ndirectory = \"{}\"\nevery = \"24h\"\n", backups.display());
    names(&stopped.examine(&schedule), "backup", &["no backup"]);
    let mut backup = holdfast();
    backup.arg("backup").arg(backups.join("a.backup")).arg("--data").arg(&data);
    assert!(said(&mut backup).0);
    assert_eq!(stopped.examine(&schedule), none);
    // 11: a secret key that others can read.
    fs::write(data.join("identity.key"), [0; 32]).unwrap();
    fs::set_permissions(data.join("identity.key"), fs::Permissions::from_mode(0o644)).unwrap();
    names(&stopped.examine(""), "permissions", &["identity.key"]);
    fs::remove_file(data.join("identity.key")).unwrap();
    // 12: a process holds the directory and does not answer.
    let lock = File::open(data.join("lock")).unwrap();
    lock.lock().unwrap();
    names(&stopped.examine(""), "server", &["does not answer"]);
    drop(lock);
    // 13: an old format. 14: something is missing.
    let written = fs::read(data.join("watermark")).unwrap();
    let mut old = [b"hfw1", &written[4..28]].concat();
    old.extend_from_slice(&crc32c(&old).to_le_bytes());
    fs::write(data.join("watermark"), &old).unwrap();
    names(&stopped.examine(""), "format", &["earlier version"]);
    fs::write(data.join("watermark"), &written[..20]).unwrap();
    names(&stopped.examine(""), "data directory", &["watermark"]);
    fs::write(data.join("watermark"), &written).unwrap();
    assert_eq!(stopped.examine(""), none);
}

/// The checksum of the store's files.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0x82f6_3b78 & (sum & 1).wrapping_neg());
        }
    }
    !sum
}

#[test]
fn each_fault_of_a_running_server_is_named_and_nothing_else() {
    let server = Server::start(&[]);
    let config = server.directory().join("holdfast.toml");
    let address = server.address().to_owned();
    let examine = || findings(&config, &server.data(), &["--listen", &address]);
    assert!(examine().is_empty(), "{:#?}", examine());
    let text =
        said(holdfast().args(["doctor", "--data"]).arg(server.data()).args(["--listen", &address]));
    assert!(text.0 && text.1.contains("nothing is wrong"), "{text:?}");
    server.stop("bookrent.delivery");
    names(&examine(), "contexts", &["bookrent.delivery is stopped"]);
    server.start_again("bookrent.delivery");
    // A message that cannot be processed is not made here: one that is answered by another server is.
    let mut wrong = holdfast();
    wrong.args(["doctor", "--json", "--url", "http://127.0.0.1:1", "--data"]).arg(server.data());
    let (done, text) = said(&mut wrong);
    assert!(!done && text.contains("does not answer"), "{text}");
    assert!(examine().is_empty(), "{:#?}", examine());
}

#[test]
fn a_directory_that_is_not_there_yet_is_said_and_is_no_fault() {
    let keep = TempDir::new().unwrap();
    let none = keep.path().join("none");
    let mut doctor = holdfast();
    doctor.args(["doctor", "--system", "bookrent", "--listen", "127.0.0.1:0", "--data"]).arg(&none);
    let (done, text) = said(&mut doctor);
    assert!(done && text.contains("nothing is wrong"), "{text}");
    let note = format!("there is no directory {} yet", none.display());
    assert!(text.contains(&note) && !none.exists(), "{text}");
}

#[test]
fn a_server_that_cannot_list_its_backups_is_not_a_matter_of_credentials() {
    let keep = TempDir::new().unwrap();
    let backups = keep.path().join("backups");
    fs::create_dir(&backups).unwrap();
    let toml = format!("[backup]\ndirectory = \"{}\"\n", backups.display());
    let server = Server::inside(keep, &[], "127.0.0.1:0", "bookrent", &toml, &[]);
    fs::remove_dir(&backups).unwrap();
    fs::write(&backups, "").unwrap();
    let config = server.directory().join("holdfast.toml");
    let found = findings(&config, &server.data(), &["--listen", server.address()]);
    names(&found, "server", &["backup-failed"]);
}
