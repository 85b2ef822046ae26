//! A server is replaced by another process, and no client notices: the listening sockets stay open, the running process answers
//! what has begun, and what comes meanwhile waits.
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::{
        fd::OwnedFd,
        unix::net::{UnixDatagram, UnixStream},
    },
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};
use support::{Client, Server, Steady, binary, eventually, free_ports, holdfast, run};
use tempfile::TempDir;

/// How often a server is replaced.
const ROLLS: u64 = 10;
/// How many books are created between two replacements.
const BETWEEN: u64 = 20;

/// Each of `books`, and no other, is there once.
#[track_caller]
fn all_are_there(client: &Client, books: &[u64]) {
    let unique: BTreeSet<_> = books.iter().collect();
    assert_eq!(unique.len(), books.len(), "no number was given twice");
    assert_eq!(client.total("books"), books.len() as u64);
    let last = books.last().unwrap();
    client.get(&format!("/books/{last}")).is(200);
}

#[test]
fn a_server_that_hands_over_again_and_again_fails_no_request() {
    let mut server = Server::configured("[http]\nprobes = \"127.0.0.1:0\"\n");
    let address = server.address().to_owned();
    let probes = server.probes().to_owned();
    let steady = Steady::begin(&address, 6);
    for _ in 0..ROLLS {
        let before = steady.created();
        eventually("there is load", || (steady.created() > before + BETWEEN).then_some(()));
        assert_eq!(server.hand_over().code(), Some(0));
        assert_eq!((server.address(), server.probes()), (address.as_str(), probes.as_str()));
    }
    all_are_there(&server, &steady.finish());
    assert!(!server.said().contains("panicked"), "{}", server.said());
}

#[test]
fn a_connection_that_is_idle_and_a_request_that_waits_outlive_their_process() {
    let mut server = Server::configured("[guard.\"bookrent.book\"]\ntimeout_ms = 20000\n");
    server.register_book("title01");
    // One that keeps its connection, and does not say a word meanwhile.
    let idle = server.apart();
    idle.get("/books/1").is(200);
    server.delay("bookrent.book", 1500, 1500);
    thread::scope(|scope| {
        let client = server.apart();
        let rent = scope.spawn(move || client.rent(1, 1));
        server.shows("/rents/1", json!({"status": "Requested"}));
        assert_eq!(server.hand_over().code(), Some(0));
        assert_eq!(rent.join().unwrap()["status"], "Rent");
    });
    idle.get("/rents/1").is(200).has("status", "Rent");
    assert_eq!(server.terminate().code(), Some(0));
    // There is no one to take over from, so it starts as ever.
    server.add_arguments(&["--take-over"]);
    server.restart();
    server.get("/rents/1").is(200).has("status", "Rent");
}

#[test]
fn where_the_next_process_fails_the_running_one_goes_on() {
    let mut server = Server::start(&[]);
    let address = server.address().to_owned();
    let steady = Steady::begin(&address, 4);
    let take_over = |further: &[&str]| {
        let mut next = holdfast();
        next.args(server.arguments()).arg("--take-over").args(further);
        run(&mut next).status
    };
    // It finds its settings wrong before it asks.
    assert_eq!(take_over(&["--system", "no-such-system"]).code(), Some(78));
    assert_eq!(take_over(&["--clock", "yesterday"]).code(), Some(2));
    server.get("/readyz").is(200);
    let created = steady.created();
    eventually("it serves", || (steady.created() > created + BETWEEN).then_some(()));
    // It ends after the store has been closed for it, before it serves: the sockets that it got are gone with it.
    let mut next = UnixStream::connect(server.data().join("hand-over")).unwrap();
    next.write_all(b"holdfast take-over 1\nready\n").unwrap();
    let mut lines = BufReader::new(next).lines().map_while(Result::ok);
    assert_eq!(lines.next().unwrap(), "sockets main");
    assert!(lines.any(|line| line == "closed"));
    drop(lines);
    let created = steady.created();
    eventually("it serves again", || (steady.created() > created + BETWEEN).then_some(()));
    assert!(server.said().contains("serving on"), "{}", server.said());
    assert!(!server.has_ended());
    assert_eq!(server.hand_over().code(), Some(0));
    all_are_there(&server, &steady.finish());
}

/// What a manager of services does: it has the socket, and tells each process where it is.
struct Manager {
    socket: TcpListener,
    directory: TempDir,
    notes: UnixDatagram,
    child: Option<Child>,
}

impl Manager {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let notes = UnixDatagram::bind(directory.path().join("notify")).unwrap();
        notes.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { socket: TcpListener::bind("127.0.0.1:0").unwrap(), directory, notes, child: None }
    }

    fn address(&self) -> String {
        self.socket.local_addr().unwrap().to_string()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn start(&mut self) {
        let passed = "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\"";
        let mut start = Command::new("sh");
        start.args(["-c", passed, "sh"]).arg(binary()).arg("serve").arg("--data");
        start.arg(self.path("data")).args(["--system", "bookrent", "--listen", &self.address()]);
        start.env("NOTIFY_SOCKET", self.path("notify"));
        start.stdin(Stdio::from(OwnedFd::from(self.socket.try_clone().unwrap())));
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        self.child = Some(start.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        assert_eq!(self.note(), "READY=1");
    }

    fn note(&self) -> String {
        let mut note = [0; 256];
        let length = self.notes.recv(&mut note).unwrap_or_else(|why| {
            panic!("no note: {why}\n{}", fs::read_to_string(self.path("log")).unwrap())
        });
        String::from_utf8_lossy(&note[..length]).into_owned()
    }

    fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        let kill = format!("kill -TERM {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        assert_eq!(self.note(), "STOPPING=1");
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn restarted_by_a_manager_that_keeps_the_socket_it_fails_no_request() {
    let mut manager = Manager::new();
    manager.start();
    let steady = Steady::begin(&manager.address(), 6);
    for _ in 0..ROLLS {
        let before = steady.created();
        eventually("there is load", || (steady.created() > before + BETWEEN).then_some(()));
        manager.stop();
        manager.start();
    }
    let client = Client::new(format!("http://{}", manager.address()));
    all_are_there(&client, &steady.finish());
    manager.stop();
}

fn activated(address: &str, further: &[&str], data: &Path) -> Child {
    let mut start = Command::new("systemd-socket-activate");
    start.args(further).arg("--listen").arg(address).arg(binary()).arg("serve").arg("--data");
    start.arg(data).args(["--system", "bookrent", "--listen", address]);
    start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn systemd_passes_it_the_socket_at_the_first_connection() {
    let directory = TempDir::new().unwrap();
    let address = format!("127.0.0.1:{}", free_ports(1));
    let mut child = activated(&address, &[], directory.path());
    let client = Client::new(format!("http://{address}"));
    let answer = eventually("it is started by a connection", || client.try_get("/readyz").ok());
    answer.is(200);
    client.register_book("title01");
    child.kill().unwrap();
    child.wait().unwrap();
}
