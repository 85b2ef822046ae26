//! A disk that fills up under load: nothing is acknowledged that did not fit, the server says that it is not ready and
//! ends, and with more room it goes on with all that it had acknowledged.
//!
//! The disk is a small file system in memory, seen by the server alone. Where none can be mounted this is skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use serde_json::json;
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};
use support::{Client, Server, eventually};
use tempfile::TempDir;

const CLIENTS: u64 = 6;
/// Long enough for the disk to be full soon, and short enough for a record.
const ADDRESS: usize = 1_500;

/// A file system of its own. It is gone with the process that holds it.
struct Disk {
    holder: Child,
    /// How to run something where it can be seen.
    enter: Vec<String>,
    directory: TempDir,
}

impl Disk {
    /// One of so many MiB, if this machine allows it: to root, or to a user who is root in a namespace of their own.
    fn of(size: u64) -> Option<Self> {
        let ways = [
            (&["--mount"][..], &["--mount"][..]),
            (&["--mount", "--map-root-user"], &["--mount", "--user", "--preserve-credentials"]),
        ];
        ways.into_iter().find_map(|(unshare, enter)| {
            let directory = TempDir::new().unwrap();
            let mount = format!(
                "mount -t tmpfs -o size={size}m tmpfs '{}' && echo mounted && exec cat",
                directory.path().display()
            );
            let mut command = Command::new("unshare");
            command.args(unshare).args(["sh", "-c", &mount]);
            // It lives for as long as this process keeps its stdin open.
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            let mut holder = command.spawn().ok()?;
            let mut said = String::new();
            BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
            let pid = holder.id().to_string();
            let enter = ["nsenter", "--target", &pid].iter().chain(enter).map(ToString::to_string).collect();
            let disk = Self { holder, enter, directory };
            (said.trim() == "mounted").then_some(disk)
        })
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Makes it as large as this. The device is named, or `mount` would repeat options that are not for every user.
    fn resize(&self, size: u64) {
        let mut mount = Command::new(&self.enter[0]);
        mount
            .args(&self.enter[1..])
            .args(["mount", "-t", "tmpfs", "-o", &format!("remount,size={size}m"), "tmpfs"])
            .arg(self.directory.path());
        assert!(mount.status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// What somebody was told: their books and rents.
#[derive(Default)]
struct Told {
    books: Vec<(u64, String)>,
    rents: Vec<(u64, u64)>,
}

/// Registers books and rents them for as long as there is somebody who answers.
fn work(client: &Client, name: u64, acknowledged: &AtomicU64) -> Told {
    let mut told = Told::default();
    for n in 0.. {
        let title = format!("{name}-{n}");
        let post = |path: &str, body| client.attempt("POST", path, |request| request.json(&body));
        let Ok(book) = post("/books", json!({"title": title})) else { break };
        if book.status != 201 {
            book.problem(503);
            continue;
        }
        told.books.push((book.id(), title));
        let Ok(rent) = post("/rents", json!({"bookId": book.id(), "userId": name, "address": "x".repeat(ADDRESS)}))
        else {
            break;
        };
        if rent.status != 201 {
            rent.problem(503);
            continue;
        }
        assert_eq!(rent["status"], "Rent", "{}", rent.text);
        told.rents.push((rent.id(), book.id()));
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    told
}

#[test]
fn on_a_full_disk_nothing_is_acknowledged_and_with_more_room_nothing_is_lost() {
    let Some(disk) = Disk::of(24) else {
        eprintln!("skipped: a full disk: nothing can be mounted here");
        return;
    };
    // It goes on answering for a while when it has to stop, so that its not being ready can be seen.
    let mut server = Server::through(disk.enter.clone(), &disk.data(), "[http]\ndrain_delay_ms = 3000\n");
    let acknowledged = AtomicU64::new(0);
    let told: Vec<_> = thread::scope(|scope| {
        let clients = (0..CLIENTS).map(|name| {
            let (client, acknowledged) = ((*server).apart(), &acknowledged);
            scope.spawn(move || work(&client, name, acknowledged))
        });
        let clients: Vec<_> = clients.collect();
        support::within(support::DEADLINE * 4, "the disk is full", || {
            (server.get("/readyz").status == 503).then_some(())
        });
        let ready = server.get("/readyz?verbose");
        assert!(ready.text.contains("[-]store failed"), "{}", ready.text);
        server.post("/books", json!({"title": "one more"})).problem(503);
        assert_eq!(server.wait().code(), Some(1));
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let said = server.said();
    assert!(said.contains("nothing more was acknowledged") && !said.contains("panicked"), "{said}");
    let rents = acknowledged.load(Ordering::Relaxed);
    eprintln!("{rents} rents were acknowledged before the disk was full");
    assert!(rents > 100, "{rents}");

    disk.resize(256);
    server.restart();
    for (book, title) in told.iter().flat_map(|told| &told.books) {
        server.get(&format!("/books/{book}")).is(200).has("title", title.as_str());
    }
    for (rent, book) in told.iter().flat_map(|told| &told.rents) {
        server.get(&format!("/rents/{rent}")).is(200).has("bookId", *book).has("status", "Rent");
        server.shows(&format!("/views/{rent}"), json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));
    }
    eventually("nothing is open any more", || (server.metric("holdfast_listener_backlog") == 0.0).then_some(()));
    let book = server.register_book("there is room again");
    server.rent(book, 1).has("status", "Rent");
}
