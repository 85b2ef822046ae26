//! The files of the image, made without an engine: they are enough to run the server, and there is nothing else.

use super::{deploy, instruction, instructions, said};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use support::{Server, binary, holdfast, run};
use tempfile::TempDir;

fn files_below(directory: &Path, into: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files_below(&entry.path(), into);
        } else {
            into.insert(entry.path());
        }
    }
}

#[test]
fn the_image_has_the_server_its_libraries_and_authorities_and_nothing_else() {
    let root = TempDir::new().unwrap();
    let made = run(Command::new(deploy("make-rootfs")).arg(binary()).arg(root.path()));
    assert!(made.status.success(), "{}", said(&made));
    let mut files = BTreeSet::new();
    files_below(root.path(), &mut files);
    let inside = |file: &PathBuf| Path::new("/").join(file.strip_prefix(root.path()).unwrap());
    let files: BTreeSet<_> = files.iter().map(inside).collect();

    let linked = run(Command::new("ldd").arg(binary()));
    let linked = String::from_utf8(linked.stdout).unwrap();
    let libraries = linked.lines().filter_map(|line| {
        line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from)
    });
    let rest = [
        "/etc/group",
        "/etc/passwd",
        "/etc/ssl/certs/ca-certificates.crt",
        "/usr/local/bin/holdfast",
        "/usr/share/doc/holdfast/LICENSE-APACHE",
        "/usr/share/doc/holdfast/LICENSE-MIT",
    ];
    assert_eq!(files, libraries.chain(rest.map(PathBuf::from)).collect());
    let authorities = fs::read_to_string(root.path().join("etc/ssl/certs/ca-certificates.crt"));
    assert!(authorities.unwrap().contains("BEGIN CERTIFICATE"));

    let user = instruction("USER");
    let users = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    assert!(users.contains(&format!(":{user}:")), "{user} is not in {users}");
    let last = instructions().into_iter().rfind(|(word, _)| word == "FROM").unwrap().1;
    assert_eq!(last, "scratch");
    assert!(root.path().join(instruction("VOLUME").trim_start_matches('/')).is_dir());

    // Where this user may change its root, the server runs with these files alone.
    let started = Command::new("chroot")
        .arg(root.path())
        .args(["/usr/local/bin/holdfast", "--version"])
        .output()
        .unwrap();
    let refused = said(&started).contains("Operation not permitted");
    assert!(refused || started.status.success(), "{}", said(&started));
}

#[test]
fn a_probe_says_whether_a_server_is_ready() {
    let server = Server::start(&[]);
    let probe = |url: &str| run(holdfast().args(["probe", url]));
    let ready = probe(&format!("{}/readyz", server.url()));
    assert!(ready.status.success(), "{}", said(&ready));
    assert_eq!(String::from_utf8_lossy(&ready.stdout), "ok\n");
    let missing = probe(&format!("{}/no-such-path", server.url()));
    assert_eq!(missing.status.code(), Some(1));
    assert!(said(&missing).contains("404"), "{}", said(&missing));
    assert_eq!(probe("http://127.0.0.1:1/readyz").status.code(), Some(1));
    for wrong in ["readyz", "https://127.0.0.1:8088/readyz"] {
        assert_eq!(probe(wrong).status.code(), Some(2), "{wrong}");
    }
}
