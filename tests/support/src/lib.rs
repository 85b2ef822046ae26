//! What the black-box tests share: the real server as a process of its own, and a client that speaks to it over HTTP.
//!
//! Nothing here knows the server's code. What follows by policy is waited for by looking again ([`eventually`]), never
//! by sleeping for a time that ought to be enough.

mod answer;
mod at_once;
pub mod bodies;
pub mod broker;
pub mod caller;
pub mod causes;
pub mod chance;
mod client;
pub mod cluster;
pub mod database;
mod example;
pub mod gbike;
pub mod hosts;
pub mod issuer;
pub mod listener;
mod process;
pub mod queue;
mod quiet;
pub mod raw;
pub mod relay;
mod selection;
mod steady;
pub mod tls;
pub mod transcript;

pub use answer::Answer;
pub use at_once::at_once;
pub use client::Client;
pub use example::SeventhSystem;
pub use quiet::{Alone, alone};
pub use selection::selected_systems;
pub use steady::Steady;

use process::Process;
use std::{
    fs,
    io::Read,
    net::TcpStream,
    ops::Deref,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU16, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long anything may take that follows by policy.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// How long a process may take to come up or to end; a loaded machine is slow.
const PROCESS_DEADLINE: Duration = Duration::from_secs(60);

/// Looks again and again until there is something to see.
#[track_caller]
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(DEADLINE, what, look)
}

/// The same, for what takes its time.
#[track_caller]
pub fn within<T>(deadline: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begun.elapsed() < deadline, "after {deadline:?} it is still not so that {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The `holdfast` binary. Cargo names it to the tests that it runs; it lies beside the directory of a test that is run by
/// hand.
pub fn binary() -> PathBuf {
    let beside = || {
        let test = std::env::current_exe().unwrap();
        test.parent().unwrap().with_file_name("holdfast")
    };
    std::env::var_os("CARGO_BIN_EXE_holdfast").map_or_else(beside, PathBuf::from)
}

/// The `holdfast` command, untouched by whatever `HOLDFAST_*` variables the tests themselves run under.
pub fn holdfast() -> Command {
    through(&[])
}

/// The same, run by another program.
fn through(launcher: &[String]) -> Command {
    let program = [launcher, &[binary().display().to_string()]].concat();
    let mut command = Command::new(&program[0]);
    command.args(&program[1..]);
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HOLDFAST_"))
    {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// The first of `count` ports in a row, at most twenty, that are free; from below those that the kernel hands out by
/// itself.
pub fn free_ports(count: u16) -> u16 {
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let own = || 12_000 + u16::try_from(std::process::id() % 1_000).unwrap() * 20;
    loop {
        let first = NEXT.get_or_init(|| own().into()).fetch_add(20, Ordering::Relaxed);
        // No process listens there. To listen there to find out would leave a process that is just being started with a copy
        // of the socket, and the port taken until it runs.
        if (first..first + count).all(|port| TcpStream::connect(("127.0.0.1", port)).is_err()) {
            return first;
        }
    }
}

/// Runs a command that is to end by itself.
#[track_caller]
pub fn run(command: &mut Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdout = gather(child.stdout.take().unwrap());
    let stderr = gather(child.stderr.take().unwrap());
    let status = wait(&mut child).unwrap_or_else(|| {
        let _ = child.kill();
        panic!("`{command:?}` does not end")
    });
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn gather(mut from: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

fn wait(child: &mut Child) -> Option<ExitStatus> {
    let begun = Instant::now();
    while begun.elapsed() < PROCESS_DEADLINE {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(10));
    }
    None
}

/// A running server on a data directory of its own. Dropped, it is killed; its output is shown when a test fails.
pub struct Server {
    client: Client,
    process: Process,
    launcher: Vec<String>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    directory: TempDir,
    _beside: quiet::Beside,
}

impl Deref for Server {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Server {
    /// BookRent alone, with further arguments.
    pub fn start(arguments: &[&str]) -> Self {
        Self::of("bookrent", "", arguments)
    }

    /// The same, configured by the text of a file.
    pub fn configured(toml: &str) -> Self {
        Self::of("bookrent", toml, &[])
    }

    /// One system alone, configured by the text of a file, with further arguments.
    pub fn of(system: &str, toml: &str, further: &[&str]) -> Self {
        Self::at("127.0.0.1:0", system, toml, further)
    }

    /// The same, on an address that others know beforehand.
    pub fn at(listen: &str, system: &str, toml: &str, further: &[&str]) -> Self {
        Self::among(&[], listen, system, toml, further)
    }

    /// The same, with these environment variables.
    pub fn among(
        environment: &[(&str, &str)],
        listen: &str,
        system: &str,
        toml: &str,
        further: &[&str],
    ) -> Self {
        let directory = TempDir::new().unwrap();
        Self::inside(directory, environment, listen, system, toml, further)
    }

    /// The same, on what the directory `data` in `directory` has.
    pub fn inside(
        directory: TempDir,
        environment: &[(&str, &str)],
        listen: &str,
        system: &str,
        toml: &str,
        further: &[&str],
    ) -> Self {
        let mut arguments: Vec<String> =
            ["--system", system, "--listen", listen].map(Into::into).into();
        arguments.extend(["--data".into(), directory.path().join("data").display().to_string()]);
        arguments.extend(further.iter().map(ToString::to_string));
        let environment =
            environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Self::launch(Vec::new(), environment, directory, arguments, toml)
    }

    /// BookRent alone, started by another program that runs what follows its arguments, on data somewhere else.
    pub fn through(launcher: Vec<String>, data: &Path, toml: &str) -> Self {
        let data = data.display().to_string();
        let arguments = ["--system", "bookrent", "--listen", "127.0.0.1:0", "--data", &data]
            .map(Into::into)
            .into();
        Self::launch(launcher, Vec::new(), TempDir::new().unwrap(), arguments, toml)
    }

    /// All systems, on what the directory `data` in `directory` has.
    pub fn over(environment: &[(&str, &str)], directory: TempDir) -> Self {
        let data = directory.path().join("data").display().to_string();
        let arguments = ["--listen", "127.0.0.1:0", "--data", &data].map(Into::into).into();
        let environment =
            environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Self::launch(Vec::new(), environment, directory, arguments, "")
    }

    /// All systems, configured by the text of a file, with further arguments.
    pub fn of_all(toml: &str, further: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        let data = directory.path().join("data").display().to_string();
        let mut arguments: Vec<String> =
            ["--listen", "127.0.0.1:0", "--data", &data].map(Into::into).into();
        arguments.extend(further.iter().map(ToString::to_string));
        Self::launch(Vec::new(), Vec::new(), directory, arguments, toml)
    }

    fn launch(
        launcher: Vec<String>,
        environment: Vec<(String, String)>,
        directory: TempDir,
        mut arguments: Vec<String>,
        toml: &str,
    ) -> Self {
        let beside = quiet::Beside::others();
        let config = directory.path().join("holdfast.toml");
        fs::write(&config, toml).unwrap();
        arguments.splice(..0, ["serve".into(), "--config".into(), config.display().to_string()]);
        let (process, url) = Process::start(&launcher, &arguments, &environment);
        let client = Client::new(url);
        Self { client, process, launcher, arguments, environment, directory, _beside: beside }
    }

    /// Where it keeps its data.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A directory for the test itself, which goes with the server.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// Where it answers probes, `127.0.0.1:PORT`, if it does so apart.
    #[track_caller]
    pub fn probes(&self) -> &str {
        self.process.probes.as_deref().expect("it has a listener for probes")
    }

    /// Who operates it, if it has a port for them.
    #[track_caller]
    pub fn operator(&self) -> Client {
        Client::new(self.process.operations.clone().expect("it has a port for operators"))
    }

    /// The arguments that it was started with.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same data, on another port. It must have ended.
    pub fn restart(&mut self) {
        let (process, url) = Process::start(&self.launcher, &self.arguments, &self.environment);
        (self.process, self.client) = (process, Client::new(url));
    }

    /// The same, where it will not be ready: on a full disk.
    pub fn restart_unready(&mut self) {
        let (process, url) = Process::launch(&self.launcher, &self.arguments, &self.environment);
        (self.process, self.client) = (process, Client::new(url));
    }

    /// Another process takes over from it, on the same data and the same address. Waits until this one has ended.
    #[track_caller]
    pub fn hand_over(&mut self) -> ExitStatus {
        let arguments = [&self.arguments[..], &["--take-over".to_owned()]].concat();
        let (process, url) = Process::start(&self.launcher, &arguments, &self.environment);
        let mut before = std::mem::replace(&mut self.process, process);
        self.client = Client::new(url);
        wait(&mut before.child).expect("the server that handed over does not end")
    }

    /// From the next start on, `flag` has another value.
    pub fn set_argument(&mut self, flag: &str, value: &str) {
        let place =
            self.arguments.iter().position(|argument| argument == flag).expect("it is there");
        self.arguments[place + 1] = value.into();
    }

    /// From the next start on, it has these arguments too.
    pub fn add_arguments(&mut self, further: &[&str]) {
        self.arguments.extend(further.iter().map(ToString::to_string));
    }

    /// Freezes it (`true`): it still accepts, and answers no request. Or lets it go on.
    pub fn freeze(&self, frozen: bool) {
        self.signal(if frozen { "STOP" } else { "CONT" });
    }

    /// Asks it to stop, as an operator would; does not wait.
    pub fn ask_to_stop(&self) {
        self.signal("TERM");
    }

    /// Sends it a signal, such as `HUP`.
    pub fn signal(&self, name: &str) {
        // The shell's own `kill` is there on every machine, and the tests need no unsafe code for it.
        let kill = format!("kill -{name} {}", self.process.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.process.child.try_wait().unwrap().is_some()
    }

    /// Waits until it has ended.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        wait(&mut self.process.child).expect("the server does not end")
    }

    /// Asks it to stop and waits until it has.
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        self.ask_to_stop();
        self.wait()
    }

    /// What it has printed on stdout so far.
    pub fn printed(&self) -> String {
        self.process.stdout.lock().unwrap().clone()
    }

    /// What it has printed on stderr so far.
    pub fn said(&self) -> String {
        self.process.stderr.lock().unwrap().clone()
    }
}
