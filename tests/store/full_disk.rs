//! A disk that fills up under load: before it is full, new commands are refused and everything can be read; so it is when
//! the last byte is gone, and for a server that is started on it; and with more room it all goes on by itself.
//!
//! The disk is a small file system in memory, seen by the server alone. Where none can be mounted this is skipped.
use serde_json::json;
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
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
            let enter = ["nsenter", "--target", &pid]
                .iter()
                .chain(enter)
                .map(ToString::to_string)
                .collect();
            let disk = Self { holder, enter, directory };
            (said.trim() == "mounted").then_some(disk)
        })
    }

    /// Whether the server keeps a file that it can give up.
    fn is_kept(&self) -> bool {
        let mut test = Command::new(&self.enter[0]);
        test.args(&self.enter[1..]).arg("test").arg("-s").arg(self.data().join("reserve"));
        test.status().unwrap().success()
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Lets another program write as much as there is room for, or take it away again.
    fn fill_up(&self, full: bool) {
        let file = self.directory.path().join("filler");
        let script = if full {
            format!("cat /dev/zero > '{0}' 2> /dev/null; test -s '{0}'", file.display())
        } else {
            format!("rm '{}'", file.display())
        };
        let mut shell = Command::new(&self.enter[0]);
        assert!(
            shell.args(&self.enter[1..]).args(["sh", "-c", &script]).status().unwrap().success()
        );
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

/// What one client was answered: its books and rents.
#[derive(Default)]
struct Answered {
    books: Vec<(u64, String)>,
    rents: Vec<(u64, u64)>,
}

/// Registers books and rents them until it is stopped; returns what came of it.
fn work(client: &Client, name: u64, acknowledged: &AtomicU64, stop: &AtomicBool) -> Answered {
    let mut answered = Answered::default();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let title = format!("{name}-{n}");
        let book = client.post("/books", json!({"title": title}));
        if book.status != 201 {
            book.problem(503);
            continue;
        }
        answered.books.push((book.id(), title));
        let rent = json!({"bookId": book.id(), "userId": name, "address": "x".repeat(ADDRESS)});
        let rent = client.post("/rents", rent);
        if rent.status != 201 {
            rent.problem(503);
            continue;
        }
        assert_eq!(rent["status"], "Rent", "{}", rent.text);
        answered.rents.push((rent.id(), book["id"].as_u64().unwrap()));
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    answered
}

/// It is alive and takes nothing new, and it answers why to every client.
fn is_full(server: &Server) {
    server.get("/livez").is(200);
    let ready = server.get("/readyz?verbose").is(503);
    assert!(
        ready.text.contains("[-]disk full") && ready.text.contains("[+]store ok"),
        "{}",
        ready.text
    );
    let health = server.get("/actuator/health").is(503);
    assert_eq!(health["components"]["store"]["details"]["full"], true, "{}", health.text);
    assert_eq!(server.metric("holdfast_store_full"), 1.0);
    assert!(
        server.metric("holdfast_store_free_bytes")
            < 3.0 * server.metric("holdfast_store_reserve_bytes")
    );
    let refused = server.post("/books", json!({"title": "one more"}));
    refused.refuses(503, "disk-full");
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
    let korean =
        |request: reqwest::blocking::RequestBuilder| request.header("accept-language", "ko");
    let refused = server
        .call("POST", "/books", |request| korean(request.json(&json!({"title": "one more"}))));
    refused.refuses(503, "disk-full");
    assert!(refused["title"].as_str().unwrap().contains("디스크"), "{}", refused.text);
}

/// Everything that was answered can be read.
fn has_all(server: &Server, answered: &[Answered]) {
    for (book, title) in answered.iter().flat_map(|answered| &answered.books) {
        server.get(&format!("/books/{book}")).is(200).has("title", title.as_str());
    }
    for (rent, book) in answered.iter().flat_map(|answered| &answered.rents) {
        server.get(&format!("/rents/{rent}")).is(200).has("bookId", *book).has("status", "Rent");
    }
}

#[test]
fn a_full_disk_is_foreseen_and_everything_goes_on_when_there_is_room() {
    let _alone = support::alone();
    let Some(disk) = Disk::of(64) else {
        eprintln!("skipped: a full disk: nothing can be mounted here");
        return;
    };
    let mut server =
        Server::through(disk.enter.clone(), &disk.data(), "[store]\nunwritten_mb = 4\n");
    let acknowledged = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let answered: Vec<_> = thread::scope(|scope| {
        let clients = (0..CLIENTS).map(|name| {
            let client = (*server).apart();
            let acknowledged = &acknowledged;
            let stop = &stop;
            scope.spawn(move || work(&client, name, acknowledged, stop))
        });
        let clients: Vec<_> = clients.collect();
        support::within(support::DEADLINE * 4, "the disk is full", || {
            (server.get("/readyz").status == 503).then_some(())
        });
        is_full(&server);
        // The last byte goes to another program, while all of them are at it.
        disk.fill_up(true);
        is_full(&server);
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let rents = acknowledged.load(Ordering::Relaxed);
    eprintln!("{rents} rents were acknowledged before the disk was full");
    assert!(rents > 100, "{rents}");
    has_all(&server, &answered);
    assert!(!server.has_ended());

    // An operator kills it, and starts it on the full disk.
    server.kill();
    server.restart_unready();
    has_all(&server, &answered);
    is_full(&server);

    // There is room, and nothing is restarted.
    disk.fill_up(false);
    disk.resize(256);
    eventually("it is ready again", || (server.get("/readyz").status == 200).then_some(()));
    let book = server.register_book("there is room again");
    server.rent(book, 1).has("status", "Rent");
    for (rent, _) in answered.iter().flat_map(|answered| &answered.rents) {
        server.shows(
            &format!("/views/{rent}"),
            json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}),
        );
    }
    eventually("nothing is open any more", || {
        (server.metric("holdfast_listener_backlog") == 0.0).then_some(())
    });
    let said = server.said();
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(server.terminate().code(), Some(0));
    server.restart();
    has_all(&server, &answered);
    server.get(&format!("/books/{book}")).is(200).has("status", false);
    assert!(disk.is_kept(), "what is given up on a full disk is there again");
}
