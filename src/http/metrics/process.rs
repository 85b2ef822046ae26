//! What the operating system knows of this process, under the names that every Prometheus client uses.

use crate::limits;
use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The parts of a second in `/proc`, on every Linux.
const TICKS: f64 = 100.0;
/// A page of memory, wherever this server is measured.
const PAGE: u64 = 4096;

/// The process at one scrape. What cannot be read is `None`.
#[derive(Debug, Clone, Default)]
pub struct ProcessStats {
    pub cpu_seconds: Option<f64>,
    pub resident_bytes: Option<u64>,
    pub virtual_bytes: Option<u64>,
    pub threads: Option<u64>,
    pub open_files: Option<u64>,
    pub most_open_files: u64,
    pub started: Option<f64>,
}

impl ProcessStats {
    pub fn read_now() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
        // The descriptor that reads the directory is one of them.
        let files = fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64);
        Self {
            open_files: files.map(|count| count.saturating_sub(1)),
            most_open_files: limits::open_files(),
            ..Self::parse_stat(&stat, &uptime, SystemTime::now())
        }
    }

    fn parse_stat(stat: &str, uptime: &str, now: SystemTime) -> Self {
        // The name of the program comes before, in parentheses, and may have spaces.
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        // `man 5 proc` counts from 1; the state, the first here, is its third.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let seconds = |ticks: u64| ticks as f64 / TICKS;
        let up: Option<f64> = uptime.split(' ').next().and_then(|seconds| seconds.parse().ok());
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64();
        let started = field(22).zip(up).map(|(ticks, up)| since_epoch - up + seconds(ticks));
        Self {
            cpu_seconds: field(14).zip(field(15)).map(|(user, system)| seconds(user + system)),
            resident_bytes: field(24).map(|pages| pages * PAGE),
            virtual_bytes: field(23),
            threads: field(20),
            started,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_read_whatever_the_program_is_called() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 21 0 6000 1000000 256 18446744073709551615";
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        let stats = ProcessStats::parse_stat(stat, "100.25 90.0", now);
        assert_eq!(stats.cpu_seconds, Some(2.0));
        assert_eq!(
            (stats.resident_bytes, stats.virtual_bytes),
            (Some(256 * 4096), Some(1_000_000))
        );
        assert_eq!((stats.threads, stats.started), (Some(21), Some(959.75)));
        assert_eq!(ProcessStats::parse_stat("", "", now).cpu_seconds, None);
    }

    #[test]
    fn this_process_is_described() {
        let stats = ProcessStats::read_now();
        assert!(
            stats.threads >= Some(1)
                && stats.open_files >= Some(1)
                && stats.resident_bytes > Some(0)
        );
        assert!(
            stats.started
                < Some(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64())
        );
    }
}
