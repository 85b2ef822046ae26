//! When everything has come to rest.

use super::{Life, Mirror, World};
use holdfast::actors::{Node, Phase};

impl World {
    /// What is still to be done, if anything is.
    pub fn is_busy(&self) -> Option<String> {
        if self.lives.iter().any(|life| life.disk.durable() < life.disk.accepted()) {
            return Some("not all is durable".to_owned());
        }
        self.is_under_way()
    }

    /// When nothing is under way, sums come out even, also in the middle of a schedule.
    pub(super) fn adds_up(&mut self) {
        let is_whole = |life: &Life| !life.disk.was_damaged();
        if self.lives.iter().all(is_whole)
            && self.is_under_way().is_none()
            && let Err(what) = self.mirrors.ledger.holds_at_rest()
        {
            self.wrong(what);
        }
    }

    /// What has not come to its end.
    fn is_under_way(&self) -> Option<String> {
        if let Some(flow) = self.lives.iter().find_map(|life| self.flows(life)) {
            return Some(flow);
        }
        let now = self.now();
        let waits = |mirror: &dyn Mirror| {
            mirror.waits(now).map(|what| format!("{}: {what}", mirror.name()))
        };
        if let Some(waits) = self.each().find_map(waits) {
            return Some(waits);
        }
        self.contexts().iter().find_map(|context| {
            let health = context.health();
            let is_quiet = health.state == Phase::Running
                && (health.mailbox, health.waiting, health.backlog, health.parked) == (0, 0, 0, 0);
            (!is_quiet).then(|| format!("{health:?}"))
        })
    }

    /// What has not yet come from one node to the other.
    fn flows(&self, life: &Life) -> Option<String> {
        let pending = life.node.outbox_health().into_iter().find(|outbox| outbox.pending > 0);
        let lags = life.node.replica_health().into_iter().find(|replica| {
            let source = self.context(replica.context).event_log();
            source.is_some_and(|log| *log.latest().borrow() > replica.last_sequence)
        });
        let pending = pending.map(|outbox| format!("{outbox:?}"));
        pending.or(lags.map(|replica| format!("{replica:?}")))
    }
}
