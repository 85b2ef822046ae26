//! `[backup]`: backups that the server makes by itself.

use super::{
    check::{Invalid, require_setting},
    store::StoreSection,
};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, time::Duration};

/// The shortest time between two of them.
const SHORTEST: Duration = Duration::from_secs(60);
/// The longest.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Backups that the server makes by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Backup {
    /// Directory for backups, best on another disk; none are made without one. It is made if it is not there.
    pub directory: Option<PathBuf>,
    /// How often one is made: `24h`, `30m`, or `PT24H`; only on request, when left out.
    #[schemars(length(min = 1, max = 40))]
    pub every: Option<String>,
    /// How many are kept in the directory; the oldest are removed.
    #[schemars(range(min = 1, max = 100_000))]
    pub keep: u64,
}

impl Default for Backup {
    fn default() -> Self {
        Self { directory: None, every: None, keep: 7 }
    }
}

impl Backup {
    /// How often one is made.
    pub fn interval(&self) -> Option<Duration> {
        parse_interval(self.every.as_deref()?)
    }

    pub(super) fn check(&self, store: &StoreSection) -> Result<(), Invalid> {
        require_setting(
            self.directory.is_none() || store.url.is_none(),
            "backup.directory",
            || {
                "the store is a database (`store.url`), which its own tools back up, such as `pg_dump`: leave this out".into()
            },
        )?;
        let Some(every) = &self.every else { return Ok(()) };
        require_setting(parse_interval(every).is_some(), "backup.every", || {
            format!("`{every}` is no time between a minute and a year, such as `24h` or `PT24H`")
        })?;
        require_setting(self.directory.is_some(), "backup.directory", || {
            "backups are made every so often (`backup.every`) and there is no directory for them: name one".into()
        })
    }
}

fn parse_interval(text: &str) -> Option<Duration> {
    let parsed: SignedDuration = text.parse().ok()?;
    let interval = parsed.unsigned_abs();
    let is_allowed = parsed.is_positive() && (SHORTEST..=LONGEST).contains(&interval);
    is_allowed.then_some(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_between_a_minute_and_a_year() {
        let hours = |hours: u64| Some(Duration::from_secs(hours * 60 * 60));
        for (text, expected) in [
            ("24h", hours(24)),
            ("PT24H", hours(24)),
            ("90m", Some(Duration::from_secs(90 * 60))),
            ("1h 30m", Some(Duration::from_secs(90 * 60))),
            ("59s", None),
            ("-24h", None),
            ("9000h", None),
            ("daily", None),
            ("24", None),
        ] {
            assert_eq!(parse_interval(text), expected, "{text}");
        }
        let every = Some("24h".to_owned());
        let wrong = Backup { every, ..Backup::default() };
        let wrong = wrong.check(&StoreSection::default()).unwrap_err();
        assert_eq!(wrong.key, "backup.directory");
    }
}
