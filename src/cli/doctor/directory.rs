//! What can be seen in the data directory, and of the machine: nothing is changed.

use super::finding::Findings;
use crate::{
    app::store_options,
    config::Settings,
    limits,
    store::{DirectoryState, backup::read_head, look_at_directory},
};
use jiff::Timestamp;
use std::{
    fs::{self, File, Metadata},
    io::BufReader,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    time::{Duration, SystemTime},
};

/// What other users may do.
const OTHERS: u32 = 0o007;
const GROUP_AND_OTHERS: u32 = 0o077;
/// How far in the future a file may be: file systems and time servers are not that exact.
const TOLERANCE: Duration = Duration::from_secs(60);
/// Before this no one had this software.
const NOT_BEFORE: u64 = 1_767_225_600;
/// So soon a certificate should be renewed.
const RENEW_WITHIN: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// With fewer open files a server has few connections.
const FEW_FILES: u64 = 1024;

/// Looks at the directory and the machine; gives whether a process uses the directory. Where a database keeps the data, no
/// process does: the directory has no more than what is the node's own.
pub fn look(settings: &Settings, findings: &mut Findings) -> bool {
    let dir = &settings.store.dir;
    look_at_clock(dir, findings);
    look_at_files(findings);
    look_at_certificate(settings, findings);
    look_at_backups(settings, findings);
    let has_database = settings.store.url.is_some();
    let of_store = ["disk", "format"].into_iter().filter(|_| !has_database);
    for about in ["data directory", "permissions"].into_iter().chain(of_store) {
        findings.looked_at(about);
    }
    let metadata = match fs::metadata(dir) {
        Ok(metadata) => metadata,
        // A server makes it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if !has_database {
                findings.note(format!(
                    "there is no directory {} yet: `serve` would begin a new one",
                    dir.display()
                ));
            }
            return false;
        }
        Err(error) => {
            let what = format!("{} cannot be looked at: {error}", dir.display());
            findings.add(
                "data directory",
                what,
                "let the user that runs holdfast in, or name another with `store.dir`",
            );
            return false;
        }
    };
    if !metadata.is_dir() {
        let what = format!("{} is not a directory", dir.display());
        findings.add("data directory", what, "name another one with `store.dir`");
        return false;
    }
    look_at_permissions(dir, &metadata, findings);
    if has_database {
        return false;
    }
    look_at_disk(settings, findings);
    match look_at_directory(dir) {
        Ok(DirectoryState { is_held, losses, format }) => {
            if let Some(format) = format {
                findings.add(
                    "format",
                    format!("{} {format}", dir.display()),
                    "back it up and start this version on it once, which rewrites it; or start the version that wrote it",
                );
            }
            for loss in losses {
                let what = format!("the data directory {loss}");
                findings.add(
                    "data directory",
                    what,
                    "restore a backup into an empty directory; `holdfast check-store` says more",
                );
            }
            is_held
        }
        Err(error) => {
            findings.add(
                "lock",
                error.to_string(),
                "let the user that runs holdfast read and write there",
            );
            false
        }
    }
}

fn look_at_clock(dir: &Path, findings: &mut Findings) {
    findings.looked_at("clock");
    let remedy = "set the machine's clock, and keep it with a time service (`timedatectl`, `chronyc tracking`)";
    let now = SystemTime::now();
    let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    if since_1970.as_secs() < NOT_BEFORE {
        let what =
            format!("the machine's clock shows {}", Timestamp::try_from(now).unwrap_or_default());
        findings.add("clock", what, remedy);
        return;
    }
    // The server has written this file last.
    let written = fs::metadata(dir.join("watermark")).and_then(|written| written.modified());
    if let Ok(ahead) = written.map(|written| written.duration_since(now).unwrap_or_default())
        && ahead > TOLERANCE
    {
        let what = format!(
            "the data was written {} s later than the machine's clock shows now: the clock was set back",
            ahead.as_secs()
        );
        findings.add("clock", what, remedy);
    }
}

fn look_at_files(findings: &mut Findings) {
    findings.looked_at("open files");
    let most = limits::most_open_files();
    if most < FEW_FILES {
        findings.add(
            "open files",
            format!("a process may have {most} files and connections open here"),
            "raise the hard limit: `LimitNOFILE=65536` in the unit, `ulimit -Hn`",
        );
    }
}

fn look_at_permissions(dir: &Path, metadata: &Metadata, findings: &mut Findings) {
    let mode = metadata.permissions().mode();
    if mode & OTHERS != 0 {
        findings.add(
            "permissions",
            format!(
                "other users of the machine may use {}, which has personal data",
                dir.display()
            ),
            format!("chmod 700 {}", dir.display()),
        );
    }
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for entry in entries {
        let Ok(file) = entry.metadata() else { continue };
        let path = entry.path();
        let is_key = path.extension().is_some_and(|extension| extension == "key");
        if is_key && file.permissions().mode() & GROUP_AND_OTHERS != 0 {
            findings.add(
                "permissions",
                format!("other users may read the secret key {}", path.display()),
                format!("chmod 600 {}", path.display()),
            );
        }
        if file.uid() != metadata.uid() {
            findings.add(
                "permissions",
                format!(
                    "{} belongs to user {}, and its directory to user {}: the server may not be able to write it",
                    path.display(),
                    file.uid(),
                    metadata.uid()
                ),
                format!("chown -R {} {}", metadata.uid(), dir.display()),
            );
            return;
        }
    }
}

fn look_at_disk(settings: &Settings, findings: &mut Findings) {
    let dir = &settings.store.dir;
    let Ok(disk) = rustix::fs::statvfs(dir) else { return };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let reserve = store_options(settings).reserve.bytes_of(dir);
    if free < reserve {
        findings.add(
            "disk",
            format!(
                "{} MiB are free, less than the {} MiB that are kept free (`store.reserve_mb`): commands get 503 disk-full",
                free >> 20,
                reserve >> 20
            ),
            "make room on the disk of the data directory; the server goes on by itself",
        );
    }
}

fn look_at_certificate(settings: &Settings, findings: &mut Findings) {
    findings.looked_at("certificate");
    let certificate = match settings.http.tls.certificate() {
        Ok(None) => return,
        Ok(Some(certificate)) => certificate,
        Err(invalid) => {
            let what = format!("{}: {}", invalid.key, invalid.reason);
            findings.add("certificate", what, "put the right files in place");
            return;
        }
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let left = certificate.end().saturating_sub(now.as_secs());
    if left < RENEW_WITHIN.as_secs() {
        let what = match left {
            0 => "the certificate of the server has ended".to_owned(),
            left => format!("the certificate of the server ends in {} hours", left / 3600),
        };
        findings.add(
            "certificate",
            what,
            "renew it, put the files in place, and send SIGHUP (`systemctl reload holdfast`)",
        );
    }
}

/// The backups in the directory of a schedule, as files: a server may be stopped, or on another machine.
fn look_at_backups(settings: &Settings, findings: &mut Findings) {
    let (Some(directory), Some(every)) = (&settings.backup.directory, settings.backup.interval())
    else {
        return;
    };
    findings.looked_at("backup");
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            let what = format!("{} cannot be read: {error}", directory.display());
            findings.add("backup", what, "mount the disk of `backup.directory`, or let the user that runs holdfast write there");
            return;
        }
    };
    let heads = entries.flatten().filter_map(|entry| {
        read_head(BufReader::new(File::open(entry.path()).ok()?))
            .ok()?
            .made
            .parse::<Timestamp>()
            .ok()
    });
    let remedy = "make one with `holdfast backup`, or `POST /admin/backups/make`; the server's log says why it makes none";
    match heads.max() {
        None => {
            let what = format!("there is no backup in {}", directory.display());
            findings.add("backup", what, remedy);
        }
        Some(newest) => {
            let age = Timestamp::now().duration_since(newest).unsigned_abs();
            if age > every * 2 {
                let what = format!(
                    "the newest backup is {} hours old, and one is due every {} s",
                    age.as_secs() / 3600,
                    every.as_secs()
                );
                findings.add("backup", what, remedy);
            }
        }
    }
}
