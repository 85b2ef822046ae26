//! A PostgreSQL server of the test's own: a private directory, a private port, and faults on demand.

use super::{eventually, within};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

const PASSWORD: &str = "secret-of-tests";
const START: Duration = Duration::from_secs(60);

/// Runs the server until its input ends, and removes the directory then, unless it reads that it is to be kept.
const KEEPER: &str = r#"
trap '' INT TERM
directory=$1; shift
"$@" >>"$directory/log" 2>&1 &
pid=$!
echo $pid
told=
read -r told || true
case $told in
    keep) ;;
    *) kill -QUIT $pid 2>/dev/null; wait $pid; rm -rf "$directory" ;;
esac
"#;

/// A server. Dropped, or when the process of the test ends, it is killed, and all that it kept is gone.
pub struct Database {
    directory: PathBuf,
    port: u16,
    settings: Vec<String>,
    keeper: Option<Child>,
    pid: u32,
}

/// Where the programs of the server are.
fn programs() -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let programs = installed.map(|entry| entry.unwrap().path().join("bin"));
    programs
        .filter(|path| path.join("initdb").exists())
        .max()
        .expect("PostgreSQL is not installed: apt-get install postgresql, as scripts/test does")
}

/// A program of the server. It does not run as root.
fn as_owner(program: &str) -> Vec<String> {
    let path = programs().join(program).display().to_string();
    if is_root() {
        let owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"];
        owner.map(Into::into).into_iter().chain([path]).collect()
    } else {
        vec![path]
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim() == "0"
}

fn command(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env("LC_ALL", "C.UTF-8");
    command
}

#[track_caller]
fn succeed(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

impl Database {
    /// The server that the tests of this process share. No test breaks it.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Database> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// A server with nothing in it, and these settings.
    pub fn start(settings: &[&str]) -> Self {
        let directory = tempfile::Builder::new().prefix("holdfast-postgres").tempdir().unwrap();
        let directory = directory.keep();
        fs::write(directory.join("password"), PASSWORD).unwrap();
        if is_root() {
            let owned = directory.display().to_string();
            succeed(Command::new("chown").args(["-R", "postgres:postgres", &owned]));
        }
        let mut init = as_owner("initdb");
        init.extend(
            ["--no-sync", "--auth=scram-sha-256", "--username=postgres", "-E", "UTF8"]
                .map(Into::into),
        );
        init.push("-D".into());
        init.push(directory.join("data").display().to_string());
        init.push(format!("--pwfile={}", directory.join("password").display()));
        succeed(command(&init).current_dir(&directory));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = settings.iter().map(ToString::to_string).collect();
        let mut server = Self { directory, port, settings, keeper: None, pid: 0 };
        server.restart();
        server
    }

    /// Starts it, with what it kept.
    pub fn restart(&mut self) {
        self.launch();
        within(START, "the database takes connections", || self.try_sql("postgres", "select 1"));
    }

    /// The same, without waiting until it takes connections.
    pub fn launch(&mut self) {
        let own = |name: &str| self.directory.join(name).display().to_string();
        let mut words = as_owner("postgres");
        words.extend(["-D".into(), own("data"), "-p".into(), self.port.to_string()]);
        words.extend(["-k".into(), self.directory.display().to_string()]);
        let settings = ["listen_addresses=127.0.0.1", "max_connections=200", "shared_buffers=64MB"];
        let settings = settings.map(ToOwned::to_owned).into_iter().chain(self.settings.clone());
        for setting in settings {
            words.extend(["-c".into(), setting]);
        }
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(&self.directory).args(&words);
        keeper.env("LC_ALL", "C.UTF-8").current_dir(&self.directory);
        let mut keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut pid = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut pid).unwrap();
        self.pid = pid.trim().parse().unwrap();
        self.keeper = Some(keeper);
    }

    /// `kill -9` of all of its processes.
    pub fn kill(&mut self) {
        let pid = self.pid;
        let kill = format!("kill -9 {pid} $(cat /proc/{pid}/task/{pid}/children)");
        let _ = Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status();
        if let Some(mut keeper) = self.keeper.take() {
            keeper.stdin.take().unwrap().write_all(b"keep\n").unwrap();
            keeper.wait().unwrap();
        }
        eventually("its processes are gone", || {
            let taken = Path::new("/proc").join(pid.to_string()).exists();
            (!taken).then_some(())
        });
    }

    /// Freezes all of its processes (`true`), or lets them go on.
    pub fn freeze(&self, frozen: bool) {
        let pid = self.pid;
        let signal = if frozen { "STOP" } else { "CONT" };
        let kill = format!("kill -{signal} {pid} $(cat /proc/{pid}/task/{pid}/children)");
        let _ = Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status();
    }

    /// A database with nothing in it, and its URL.
    pub fn create(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("create database {name}"));
        self.url(&name)
    }

    /// The URL of the database called `name`.
    pub fn url(&self, name: &str) -> String {
        self.url_of("postgres", PASSWORD, name)
    }

    /// The same, for another user.
    pub fn url_of(&self, user: &str, password: &str, name: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{name}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn try_sql(&self, database: &str, statement: &str) -> Option<String> {
        let mut psql = Command::new("psql");
        psql.args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement, &self.url(database)]);
        let output = psql.stdin(Stdio::null()).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }

    /// What a statement prints, in the database called `name`.
    #[track_caller]
    pub fn sql(&self, name: &str, statement: &str) -> String {
        let mut psql = Command::new("psql");
        psql.args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement, &self.url(name)]);
        succeed(&mut psql).trim().to_owned()
    }
}

/// The name of the database in a URL.
pub fn name_in(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

impl Drop for Database {
    fn drop(&mut self) {
        match self.keeper.take() {
            Some(mut keeper) => {
                drop(keeper.stdin.take());
                let _ = keeper.wait();
            }
            None => drop(fs::remove_dir_all(&self.directory)),
        }
    }
}
