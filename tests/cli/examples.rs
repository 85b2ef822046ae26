//! The examples for consumers outside, against the real server and a real broker.

use serde_json::Value;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use support::{
    Server,
    broker::{Broker, drained},
    cluster::Cluster,
    eventually, run,
};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/python").join(name)
}

/// The Python that `scripts/test` has set up for the examples; without it, the machine's.
fn python() -> String {
    std::env::var("EXAMPLES_PYTHON").unwrap_or("python3".into())
}

/// Whether it has what the example of a queue needs. It may lack that on a developer's machine, and in CI it may not.
fn has_pika() -> bool {
    let has = Command::new(python())
        .args(["-c", "import pika"])
        .output()
        .is_ok_and(|run| run.status.success());
    assert!(
        has || std::env::var_os("CI").is_none(),
        "{} has no pika, which scripts/test installs",
        python()
    );
    has
}

/// Ends with the test.
struct Running(Child);
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The events of the rents in what an example has printed: their sequences, in the order that they came.
fn heard(text: &str) -> Vec<u64> {
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let rents = events.filter(|event| event["source"] == "/bookrent/rent");
    let sequence = |event: Value| {
        event["sequence"].as_str().map_or(event["sequence"].as_u64(), |text| text.parse().ok())
    };
    rents.map(|event| sequence(event).unwrap()).collect()
}

#[test]
fn the_replay_prints_every_event_once_and_continues_with_new_ones() {
    let server = Server::start(&[]);
    server.rent_new_books(6);
    let python = python();
    let told = run(Command::new(&python).arg(example("replay.py")).arg(server.url()));
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(heard(&String::from_utf8_lossy(&told.stdout)), (1..=12).collect::<Vec<_>>());
    let out = server.directory().join("out");
    let mut follow = Command::new(&python);
    follow
        .arg(example("replay.py"))
        .args([server.url(), "--follow"])
        .stdout(File::create(&out).unwrap());
    let _follow = Running(follow.spawn().unwrap());
    server.rent_new_books(3);
    eventually("it has told of all", || {
        (heard(&fs::read_to_string(&out).unwrap()).len() >= 18).then_some(())
    });
    assert_eq!(heard(&fs::read_to_string(&out).unwrap()), (1..=18).collect::<Vec<_>>());
}

#[test]
fn of_a_gateway_the_replay_reads_the_log_of_each_context() {
    let cluster = Cluster::of("bookrent", &["book", "rent", "delivery", "view"], "");
    let server = cluster.gateway();
    server.rent_new_books(3);
    let replay = |arguments: &[&str]| {
        run(Command::new(python()).arg(example("replay.py")).arg(server.url()).args(arguments))
    };
    let told = replay(&[]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(heard(&String::from_utf8_lossy(&told.stdout)), (1..=6).collect::<Vec<_>>());
    // What cannot be read is named, and not by a traceback.
    let refused = replay(&["--context", "bookrent.nothing"]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{why}");
    assert!(why.contains("bookrent.rent") && !why.contains("Traceback"), "{why}");
}

#[test]
fn the_consumer_receives_every_event_once_and_in_order_over_restarts_of_it_and_the_broker() {
    if !has_pika() {
        eprintln!("not run: {} has no pika, which scripts/test installs", python());
        return;
    }
    let python = python();
    let mut broker = Broker::start();
    let server = Server::configured(&format!("[amqp]\nurl = '{}'\n", broker.url()));
    // These went by before a queue was bound.
    server.rent_new_books(5);
    drained(&server);
    let kept = server.directory().join("heard.sqlite");
    let listen = |broker: &Broker| {
        let mut listen = Command::new(&python);
        listen.arg(example("listen.py")).args([
            "--amqp",
            &broker.url(),
            "--history",
            server.url(),
            "--heard",
        ]);
        Running(listen.arg(&kept).stdout(Stdio::null()).spawn().unwrap())
    };
    let has_heard = || {
        let told = run(Command::new(&python)
            .arg(example("listen.py"))
            .arg("--show")
            .arg("--heard")
            .arg(&kept));
        heard(&String::from_utf8_lossy(&told.stdout))
    };
    let first = listen(&broker);
    eventually("its queue is there", || {
        server.rent_new_books(1);
        (!has_heard().is_empty()).then_some(())
    });
    drop(first);
    server.rent_new_books(5);
    let second = listen(&broker);
    eventually("it has heard some more", || (has_heard().len() >= 22).then_some(()));
    drop(second);
    broker.kill();
    server.rent_new_books(5);
    broker.restart();
    let _third = listen(&broker);
    eventually("it has heard some more", || (has_heard().len() >= 32).then_some(()));
    // It comes again by itself.
    broker.end();
    server.rent_new_books(5);
    broker.restart();
    let last =
        server.get("/events/bookrent.rent?limit=1000").is(200).body.as_array().unwrap().len();
    eventually("it has heard all", || (has_heard().len() >= last).then_some(()));
    assert_eq!(has_heard(), (1..=last as u64).collect::<Vec<_>>());
}

#[test]
fn the_consumer_prints_the_history_at_once_and_then_what_happens() {
    if !has_pika() {
        eprintln!("not run: {} has no pika, which scripts/test installs", python());
        return;
    }
    let broker = Broker::start();
    let server = Server::configured(&format!("[amqp]\nurl = '{}'\n", broker.url()));
    server.rent_new_books(5);
    drained(&server);
    let out = server.directory().join("out");
    let positions = server.directory().join("heard.sqlite");
    let listen = |bind: &str| {
        let mut listen = Command::new(python());
        listen.arg(example("listen.py")).args(["--amqp", &broker.url(), "--history", server.url()]);
        listen.args(["--bind", bind, "--queue", bind, "--heard"]).arg(&positions);
        Running(listen.stdout(File::create(&out).unwrap()).spawn().unwrap())
    };
    let printed = || heard(&fs::read_to_string(&out).unwrap());
    // No event happens while it starts.
    let all = listen("#");
    eventually("it has printed the history", || (printed().len() >= 10).then_some(()));
    server.rent_new_books(3);
    eventually("it has printed what happened", || (printed().len() >= 16).then_some(()));
    assert_eq!(printed(), (1..=16).collect::<Vec<_>>());
    drop(all);
    // Of what is not asked for it keeps the position alone.
    server.rent_new_books(2);
    drained(&server);
    let _some = listen("bookrent.rent.BookRented");
    eventually("it has printed the rest", || (printed().len() >= 2).then_some(()));
    assert_eq!(printed(), [18, 20]);
}

#[test]
fn the_commander_gets_one_answer_over_outages_and_the_same_one_again() {
    let python = python();
    if !has_pika() {
        eprintln!("not run: {python} has no pika; scripts/test installs it");
        return;
    }
    let mut broker = Broker::start();
    let mut server =
        Server::configured(&format!("[amqp]\nurl = '{}'\ncommands = true\n", broker.url()));
    let takes = |server: &Server| (server.metric("holdfast_commands_up") == 1.0).then_some(());
    eventually("it takes commands", || takes(&server));
    let command = |broker: &Broker, id: &str, rest: &[&str]| {
        let mut command = Command::new(&python);
        command
            .arg(example("command.py"))
            .args(["--amqp", &broker.url(), "--id", id, "--patience", "3", "--tries", "30"])
            .args(rest);
        command
    };
    let told = |command: &mut Command, code: i32, status: &str| {
        let run = run(command);
        let said = String::from_utf8_lossy(&run.stdout);
        let why = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(code), "{said}{why}");
        let (first, body) = said.split_once(' ').unwrap_or_else(|| panic!("{said}{why}"));
        assert_eq!(first, status, "{said}");
        serde_json::from_str::<Value>(body).unwrap()
    };
    let book = server.register_book("title01");
    assert_eq!(book, 1);
    let rent =
        ["bookrent.rent", "POST", "/rents", r#"{"bookId":1,"userId":1,"address":"address1"}"#];
    let cancel = ["bookrent.rent", "PATCH", "/rents/9", r#"{"status":"Cancel"}"#];
    assert_eq!(told(&mut command(&broker, "c2", &cancel), 1, "404")["code"], "not-found");
    // The broker and the server are killed; both come back.
    broker.kill();
    let waiting = command(&broker, "c1", &rent).stdout(Stdio::piped()).spawn().unwrap();
    server.kill();
    broker.restart();
    server.restart();
    let out = waiting.wait_with_output().unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success() && said.starts_with("201 "), "{said}");
    let first: Value = serde_json::from_str(said.split_once(' ').unwrap().1).unwrap();
    assert_eq!((&first["id"], &first["status"]), (&1.into(), &"Rent".into()));
    eventually("it takes commands", || takes(&server));
    assert_eq!(told(&mut command(&broker, "c1", &rent), 0, "201"), first);
    assert_eq!(server.total("rents"), 1);
}
