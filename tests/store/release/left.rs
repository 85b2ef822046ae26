//! A data directory of a release, and the record of what that release acknowledged.

use reqwest::Method;
use serde_json::Value;
use std::{
    fs,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use support::{Answer, Client, Server, eventually, within};
use tempfile::TempDir;

/// How long after the kill the directory is opened, in seconds.
const LATER: u64 = 60;
/// How long it may take until everything has settled that was under way at the kill.
pub const SETTLED: Duration = Duration::from_secs(120);
const AT_ONCE: usize = 4;

/// What one release has left.
pub struct Left {
    data: PathBuf,
    pub record: Value,
}

/// The present server on a copy of it.
pub struct Opened(Server);

impl Deref for Opened {
    type Target = Server;
    fn deref(&self) -> &Server {
        &self.0
    }
}
impl DerefMut for Opened {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.0
    }
}

impl Left {
    /// What each release has left, the first one first.
    pub fn all() -> Vec<Self> {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let names = fs::read_dir(golden).unwrap().map(|entry| entry.unwrap().path());
        let is_data = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("data-") && name.ends_with(".tar.xz")
        };
        let mut all: Vec<_> = names.filter(is_data).collect();
        all.sort();
        assert!(!all.is_empty(), "there is no release to go on from");
        all.into_iter().map(Self::of).collect()
    }

    fn of(data: PathBuf) -> Self {
        let record = data.display().to_string().replace(".tar.xz", ".json.xz");
        let text = Command::new("xz")
            .args(["-dc", &record])
            .output()
            .expect("xz is there: apt-get install xz-utils");
        assert!(text.status.success(), "{record}");
        Self { data, record: serde_json::from_slice(&text.stdout).unwrap() }
    }

    pub fn list(&self, name: &str) -> Vec<Value> {
        self.record[name].as_array().unwrap().clone()
    }

    /// Opens it a minute after it was left.
    pub fn open(&self) -> Opened {
        let directory = TempDir::new().unwrap();
        let to = directory.path().display().to_string();
        let from = self.data.display().to_string();
        assert!(Command::new("tar").args(["-xJf", &from, "-C", &to]).status().unwrap().success());
        // What was advanced was business time alone, and it went on from there.
        let killed = self.record["killedAt"].as_f64().unwrap() as u64;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let ago = format!("-{}s", now.checked_sub(killed + LATER).expect("it was left before"));
        let library = faketime();
        let environment = [
            ("LD_PRELOAD", library.as_str()),
            ("FAKETIME", &ago),
            // Only what the time is; not how long anything takes, nor how old files are.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("DONT_FAKE_MONOTONIC", "1"),
            ("NO_FAKE_STAT", "1"),
        ];
        Opened(Server::over(&environment, directory))
    }
}

/// The library that gives a program another time.
fn faketime() -> String {
    let places = fs::read_dir("/usr/lib").into_iter().flatten().map(|entry| entry.unwrap().path());
    let found = places
        .map(|place| place.join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists());
    found
        .expect("libfaketime is not installed: apt-get install faketime, as scripts/test does")
        .display()
        .to_string()
}

impl Opened {
    /// Sends a request of the record again, under its key.
    pub fn put(&self, wish: &Value) -> Answer {
        let text = |field: &str| wish[field].as_str().unwrap();
        self.call(text("method"), text("path"), |request| {
            let request = request.header("Idempotency-Key", format!("\"{}\"", text("key")));
            match wish["body"].as_str() {
                Some(body) => {
                    request.header("Content-Type", "application/json").body(body.to_owned())
                }
                None => request,
            }
        })
    }

    /// Everything in a list, filtered or not, page by page.
    pub fn all_of(&self, list: &str) -> Vec<Value> {
        all_of(self, list)
    }

    /// The whole log of a context.
    pub fn events(&self, context: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut path = format!("/events/{context}?from=1&limit=1000");
        loop {
            let page = self.get(&path).is(200);
            let events = page.body.as_array().unwrap();
            if events.is_empty() {
                return all;
            }
            all.extend_from_slice(events);
            let next = page.header("link").split_once('<').unwrap().1.split_once('>').unwrap().0;
            path = next.trim_start_matches(self.url()).to_owned();
        }
    }

    /// Cancels an order, and waits until that is settled.
    #[track_caller]
    pub fn cancels(&self, path: &str) {
        eventually("the cancel is settled", || (self.delete(path).status == 204).then_some(()));
    }

    /// Waits until nothing moves any more in these systems, and every context runs and has nothing set aside.
    #[track_caller]
    pub fn is_quiet(&self, systems: &[&str]) {
        let mut before = Value::Null;
        let concerns = |context: &Value| {
            systems.iter().any(|system| context["context"].as_str().unwrap().starts_with(system))
        };
        let contexts = || {
            let mut all =
                self.get("/admin/contexts").is(200)["contexts"].as_array().unwrap().clone();
            all.retain(concerns);
            all
        };
        let away = |context: &Value| context["state"] != "running" || context["parked"] != 0;
        within(SETTLED, "nothing moves any more", || {
            let now = contexts();
            if let Some(failed) = now.iter().find(|context| context["state"] == "failed") {
                panic!("a context has failed: {failed}");
            }
            let busy = |context: &Value| {
                ["mailbox", "backlog", "waiting"].iter().any(|count| context[*count] != 0)
            };
            let sequences: Value =
                now.iter().map(|context| context["lastSequence"].clone()).collect();
            let quiet =
                !now.iter().any(|context| busy(context) || away(context)) && sequences == before;
            before = sequences;
            quiet.then_some(())
        });
    }
}

/// Whether all that was answered before is answered now; more may be.
pub fn fits(was: &Value, now: &Value) -> bool {
    match (was, now) {
        (Value::Object(was), Value::Object(now)) => {
            was.iter().all(|(field, was)| now.get(field).is_some_and(|now| fits(was, now)))
        }
        _ => was == now,
    }
}

/// Looks at each of these, some at once.
pub fn in_parallel(things: Vec<Value>, look: impl Fn(&Value) + Sync) {
    let share = things.len().div_ceil(AT_ONCE).max(1);
    thread::scope(|scope| {
        for some in things.chunks(share) {
            scope.spawn(|| some.iter().for_each(&look));
        }
    });
}

/// Everything in a list of any system, page by page.
pub fn all_of(client: &Client, list: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for page in 0.. {
        let with = if list.contains('?') { '&' } else { '?' };
        let answer = client.call(
            Method::GET.as_str(),
            &format!("{list}{with}size=100&page={page}"),
            |request| request,
        );
        let answer = answer.is(200);
        let embedded = answer["_embedded"].as_object().unwrap();
        all.extend(embedded.values().flat_map(|things| things.as_array().unwrap().clone()));
        if page + 1 >= answer["page"]["totalPages"].as_u64().unwrap() {
            break;
        }
    }
    all
}
