//! The processes that are measured: the server, and a bare actix-web echo as the ceiling in the same run.

use std::{
    fs,
    io::{self, BufRead, BufReader, Error},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A process that has printed where it listens.
pub struct Running {
    /// `127.0.0.1:PORT`
    pub address: String,
    child: Child,
}

impl Running {
    /// Starts a server and waits until it has printed where it listens.
    ///
    /// # Errors
    /// When it ends before.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| Error::other("no stdout"))?;
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let address =
            lines.find_map(|line| line.strip_prefix("listening on http://").map(ToOwned::to_owned));
        let Some(address) = address else {
            let _ = child.kill();
            return Err(Error::other("the server ended without saying where it listens"));
        };
        thread::spawn(move || lines.for_each(drop));
        Ok(Self { address: address.trim().trim_end_matches('/').to_owned(), child })
    }

    /// This program again, as the echo; it must hand `echo-server` on to [`serve_echo`].
    ///
    /// # Errors
    /// When it does not start.
    pub fn echo() -> io::Result<Self> {
        Self::start(Command::new(std::env::current_exe()?).arg("echo-server"))
    }

    /// Resident memory in MiB.
    pub fn resident(&self) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
    }

    /// Processor time so far.
    pub fn processor(&self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let ticks: u64 =
            fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
        // The kernel counts in hundredths of a second for every program, whatever its own clock does.
        Some(Duration::from_millis(ticks * 10))
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn end(mut self) -> io::Result<()> {
        Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a measured server keeps its data, and what it runs.
pub struct Holdfast {
    binary: PathBuf,
    directory: TempDir,
}

impl Holdfast {
    /// A fresh data directory for `binary`.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn new(binary: PathBuf) -> io::Result<Self> {
        let directory = TempDir::new()?;
        // One worker, as the echo has: the ratio compares what a request costs.
        fs::write(directory.path().join("load.toml"), "[http]\nworkers = 1\n")?;
        Ok(Self { binary, directory })
    }

    /// Starts it and waits until it is ready; returns how long that took.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(&self) -> io::Result<(Running, Duration)> {
        let begun = Instant::now();
        let running = Running::start(
            Command::new(&self.binary)
                .args(["serve", "--system", "bookrent", "--listen", "127.0.0.1:0", "--config"])
                .arg(self.directory.path().join("load.toml"))
                .arg("--data")
                .arg(self.data())
                .env("RUST_LOG", "warn"),
        )?;
        while fetch(&running.address, "/readyz")?.0 != 200 {
            thread::sleep(Duration::from_millis(5));
        }
        Ok((running, begun.elapsed()))
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// What it takes on disk, in MiB.
    pub fn on_disk(&self) -> f64 {
        fn size(path: &Path) -> u64 {
            fs::read_dir(path).into_iter().flatten().flatten().fold(0, |sum, entry| {
                match entry.metadata() {
                    Ok(about) if about.is_dir() => sum + size(&entry.path()),
                    Ok(about) => sum + about.len(),
                    Err(_) => sum,
                }
            })
        }
        size(&self.data()) as f64 / (1 << 20) as f64
    }
}

/// One GET over a connection of its own: status and body.
///
/// # Errors
/// When the server is not there.
pub fn fetch(address: &str, path: &str) -> io::Result<(u16, String)> {
    use std::io::{Read, Write};
    let mut socket = std::net::TcpStream::connect(address)?;
    write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut heard = Vec::new();
    socket.read_to_end(&mut heard)?;
    let heard = String::from_utf8_lossy(&heard);
    let status = heard.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
    Ok((status, heard.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()))
}

/// The sum of a metric over its labels.
pub fn metric(address: &str, name: &str) -> Option<f64> {
    let (_, text) = fetch(address, "/metrics").ok()?;
    let of_name =
        |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let values: Vec<f64> = text
        .lines()
        .filter(of_name)
        .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
        .collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

/// Serves the echo: JSON in, the same JSON out, one worker, no logic.
///
/// # Errors
/// When no port can be had.
pub fn serve_echo() -> io::Result<()> {
    use actix_web::{App, HttpServer, web};
    actix_web::rt::System::new().block_on(async {
        let echo = || async |body: web::Json<serde_json::Value>| body;
        let server = HttpServer::new(move || App::new().route("/echo", web::post().to(echo())))
            .workers(1)
            .bind(("127.0.0.1", 0))?;
        if let Some(address) = server.addrs().first() {
            println!("listening on http://{address}");
        }
        server.run().await
    })
}
