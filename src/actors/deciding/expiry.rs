//! The sweeping of what has expired, which goes by the machine's time.

use super::work::Work;
use crate::{
    actors::{
        clock::machine_seconds,
        records::{AnswerPage, IdempotencyRow},
    },
    domain::Aggregate,
    store::{
        Scan, StoreError,
        keys::{Space, behind},
    },
};
use std::time::{Duration, Instant};

/// Answers and idempotency rows are kept for a day.
pub const KEPT_SECONDS: u64 = 24 * 60 * 60;
const SWEEP_EVERY: Duration = Duration::from_secs(60);
const SWEEP_ROWS: usize = 256;

/// Where the broom stands: it goes through both key spaces, some rows at a time.
#[derive(Clone)]
pub struct Sweep {
    at: Instant,
    cursors: [Vec<u8>; 2],
}

impl Default for Sweep {
    fn default() -> Self {
        let cursors = [vec![Space::Answer as u8], vec![Space::Idempotency as u8]];
        Self { at: Instant::now() + SWEEP_EVERY, cursors }
    }
}

impl Sweep {
    pub fn due_in(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }
}

impl<A: Aggregate> Work<'_, A> {
    /// Takes away what has expired, some rows at a time.
    pub(super) fn sweep(&mut self) -> Result<(), StoreError> {
        if !self.logic.sweep.due_in().is_zero() {
            return Ok(());
        }
        let mut sweep = Sweep { at: Instant::now() + SWEEP_EVERY, ..self.logic.sweep.clone() };
        let expired = machine_seconds().saturating_sub(KEPT_SECONDS);
        for (cursor, space) in sweep.cursors.iter_mut().zip([Space::Answer, Space::Idempotency]) {
            let scan = Scan { from: cursor.clone(), to: behind(&[space as u8]), backwards: false, limit: SWEEP_ROWS };
            let rows = self.logic.tree.scan(&scan)?;
            for (key, _) in &rows {
                let old = match space {
                    Space::Answer => {
                        let page: Option<AnswerPage> = self.desk.get(space, key)?;
                        page.is_some_and(|page| page.values().all(|(_, at)| *at < expired))
                    }
                    _ => {
                        let row: Option<IdempotencyRow> = self.desk.get(space, key)?;
                        row.is_some_and(|row| row.at < expired)
                    }
                };
                if old {
                    self.desk.remove(key.clone());
                }
            }
            *cursor = match rows.last() {
                Some((last, _)) if rows.len() == SWEEP_ROWS => {
                    sweep.at = Instant::now() + Duration::from_millis(100);
                    [last.as_slice(), &[0]].concat()
                }
                _ => vec![space as u8],
            };
        }
        self.swept = Some(sweep);
        Ok(())
    }
}
