//! `backup`, `verify` and `restore`.

use super::{
    remote::{Client, Connection},
    sources::Sources,
};
use crate::{
    actors::Machine,
    app::{Failure, print_text, store_options},
    backups::BackupRefusal,
    config::Settings,
    store::{
        DirectoryLoader, Options, SledStore, Store,
        backup::{BackupError, BackupHead, BackupLabel, BackupReport, Base, Loader},
        backup::{restore, verify, write_backup},
    },
};
use clap::Args;
use reqwest::Method;
use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{BufReader, BufWriter, IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often progress is shown.
const SHOW_EVERY: Duration = Duration::from_secs(1);
/// What the name of a backup ends with until it is whole.
const UNFINISHED: &str = ".part";

/// Why there is no backup of several nodes.
const NO_COMMON_POINT: &str = "backups of several nodes that run have no common point: one would know events and answers that \
                               another has not had yet. Stop the contexts of all nodes (`holdfast contexts stop`), back up \
                               each node by itself, and start them again; or back up their directories while they are \
                               stopped";

#[derive(Debug, Args)]
pub(super) struct Backup {
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    connection: Connection,
    /// The file to write, which must not be there yet.
    file: PathBuf,
    /// Write only what has changed since an earlier backup: its file, or its commit.
    #[arg(long, value_name = "FILE|COMMIT")]
    since: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// A backup, and the increments that were made after it, in their order.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// A backup, and the increments that were made after it, in their order.
    #[arg(required = true, num_args = 1..)]
    files: Vec<PathBuf>,
    /// The data directory to make: empty, or not there yet.
    dir: PathBuf,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { sources, connection, file, since, json } = self;
        if connection.names_several() {
            return Err(Failure::Usage(NO_COMMON_POINT.into()));
        }
        if file.exists() {
            return Err(Failure::Failed(format!("{} is there already", file.display())));
        }
        let since = since.map(|since| find_base(&since)).transpose()?;
        let unfinished = PathBuf::from(format!("{}{UNFINISHED}", file.display()));
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let opened = options.open(&unfinished);
        let opened = opened.map_err(|error| of_file(&unfinished, error))?;
        let mut to = Progress::over(BufWriter::new(opened));
        let written = if connection.is_named() {
            receive(&connection.client()?, since, &mut to)
        } else {
            write_offline(&sources.load_config()?.settings, since, &mut to)
        };
        let report = written.and_then(|()| {
            to.finish().map_err(|error| of_file(&unfinished, error))?;
            // What lies on the disk is what counts.
            verify(open_all(std::slice::from_ref(&unfinished))?)
                .map_err(|error| of_file(&unfinished, error))
        });
        let report = report.inspect_err(|_| {
            // It is worth nothing, and the failure is shown.
            let _ = fs::remove_file(&unfinished);
        })?;
        fs::rename(&unfinished, &file).map_err(|error| of_file(&file, error))?;
        sync_parent(&file).map_err(|error| of_file(&file, error))?;
        show(&report, json, &format!("wrote {}", file.display()))
    }
}

impl Verify {
    pub(super) fn run(self) -> Result<(), Failure> {
        let report =
            verify(open_all(&self.files)?).map_err(|error| of_files(&self.files, error))?;
        let what = match &report.since {
            None => "sound: it can be restored".to_owned(),
            Some(base) => format!(
                "sound, and only what was written after commit {}: name the backup that it was made after too, to verify \
                 what it is restored to",
                base.commit
            ),
        };
        show(&report, self.json, &what)
    }
}

impl Restore {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { files, dir, json } = self;
        let open = || {
            let opened = files.iter().map(|file| File::open(file).map(BufReader::new));
            Ok(opened.collect::<Result<Vec<_>, _>>()?)
        };
        // Where one cannot be opened it is named.
        open_all(&files)?;
        let begin = |head: &BackupHead| -> Result<Box<dyn Loader>, BackupError> {
            Ok(Box::new(DirectoryLoader::create(&dir, head.identity()?, head.commit)?))
        };
        let report = restore(open, begin).map_err(|error| of_files(&files, error))?;
        // It is opened as a server would, so that what is said of it is true.
        let store = SledStore::open(&dir, &Options { scrub: None, ..Options::default() });
        store.map_err(Failure::from_error)?.close();
        let what = format!(
            "restored into {}; the server begins a new epoch of each log there, and numbers that were given after commit {} \
             are given again",
            dir.display(),
            report.commit
        );
        show(&report, json, &what)
    }
}

/// After which backup an increment is made: that of a file, or one of this commit.
fn find_base(since: &str) -> Result<Base, Failure> {
    if let Ok(commit) = since.parse() {
        return Ok(Base { commit, sum: None });
    }
    let file = PathBuf::from(since);
    let report = verify(open_all(std::slice::from_ref(&file))?);
    let report = report.map_err(|error| of_file(&file, error))?;
    Ok(Base { commit: report.commit, sum: Some(report.sum) })
}

/// Lets a running server send a backup.
fn receive(client: &Client, since: Option<Base>, to: &mut impl Write) -> Result<(), Failure> {
    let mut path = "/admin/backups/send".to_owned();
    if let Some(base) = since {
        // Writing to a string does not fail.
        let _ = write!(path, "?since={}", base.commit);
        if let Some(sum) = base.sum {
            let _ = write!(path, "&base={sum}");
        }
    }
    actix_rt::System::new().block_on(async {
        let mut answer = client.send(Method::POST, &path, None).await?;
        while let Some(chunk) = answer.chunk().await.map_err(|error| client.unreadable(&error))? {
            to.write_all(&chunk).map_err(Failure::from_error)?;
        }
        Ok(())
    })
}

/// Backs up the data directory of a stopped server.
fn write_offline(
    settings: &Settings,
    since: Option<Base>,
    to: &mut impl Write,
) -> Result<(), Failure> {
    if settings.store.url.is_some() {
        return Err(Failure::from_error(BackupRefusal::NoSnapshots));
    }
    let dir = &settings.store.dir;
    if !dir.join("db").exists() {
        let dir = dir.display();
        return Err(Failure::Failed(format!("the data directory `{dir}` holds no store")));
    }
    let options = Options { scrub: None, ..store_options(settings) };
    let store = SledStore::open(dir, &options).map_err(|error| {
        Failure::Failed(format!("{error}. A server that runs is asked for its backup with --url"))
    })?;
    let label = BackupLabel { made: Machine::default().now().to_string(), since };
    let written = store.snapshot().map_err(BackupError::from);
    let written = written.and_then(|snapshot| write_backup(snapshot.as_ref(), label, to));
    store.close();
    written.map(drop).map_err(Failure::from_error)
}

fn open_all(files: &[PathBuf]) -> Result<Vec<BufReader<File>>, Failure> {
    let open =
        |file: &PathBuf| File::open(file).map(BufReader::new).map_err(|error| of_file(file, error));
    files.iter().map(open).collect()
}

fn of_file(file: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::Failed(format!("{}: {error}", file.display()))
}

fn of_files(files: &[PathBuf], error: impl std::fmt::Display) -> Failure {
    let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    Failure::Failed(format!("{}: {error}", names.join(", ")))
}

fn sync_parent(file: &Path) -> std::io::Result<()> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

fn show(report: &BackupReport, json: bool, what: &str) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string_pretty(report);
        let text = text.map_err(|error| Failure::Internal(error.to_string()))?;
        return print_text(&format!("{text}\n"));
    }
    let BackupReport { store, commit, made, bytes, sum, trees, .. } = report;
    let rows: u64 = trees.iter().map(|tree| tree.rows).sum();
    let count = trees.len();
    print_text(&format!(
        "store {store}, commit {commit}, made {made}\n{count} trees, {rows} rows, {bytes} bytes, sum {sum}\n{what}\n"
    ))
}

/// Shows on a terminal how much has been written.
struct Progress<W> {
    to: W,
    bytes: u64,
    shown: Option<Instant>,
}

impl Progress<BufWriter<File>> {
    fn over(to: BufWriter<File>) -> Self {
        let shown = std::io::stderr().is_terminal().then(Instant::now);
        Self { to, bytes: 0, shown }
    }

    fn finish(&mut self) -> std::io::Result<()> {
        if self.shown.is_some() {
            // If stderr is gone, the file is still written.
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
        self.to.flush()?;
        self.to.get_ref().sync_all()
    }
}

impl<W: Write> Write for Progress<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.bytes += written as u64;
        if let Some(shown) = self.shown.as_mut().filter(|shown| shown.elapsed() >= SHOW_EVERY) {
            *shown = Instant::now();
            let _ = write!(std::io::stderr(), "\r{} MiB", self.bytes >> 20);
        }
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}
