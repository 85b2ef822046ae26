//! What a disk does to rows: some cannot be read, some are missing.

use super::{
    mirror::{Listed, Mirror},
    world::World,
};
use holdfast::{
    actors::{Context, FARTHEST, Node, Phase},
    store::{Commit, keys::Space},
};
use std::{sync::Arc, time::Duration};
use support::chance::Chance;

impl World {
    /// Whether a row of the log of that context is missing.
    pub fn has_gap(&self, context: &str) -> bool {
        self.lives[self.cluster.hosts[context]].disk.has_gap(context)
    }

    /// A row of a context becomes damaged, or what was damaged in logs is whole again.
    pub fn damage(&mut self, context: &Arc<dyn Context>, chance: &mut Chance) {
        let name = context.name().context;
        let disk = self.lives[self.cluster.hosts[name]].disk.clone();
        match chance.between(0, 4) {
            0 => disk.mend_logs(),
            1 => {
                let list = || Listed::of(context.as_ref()).ok();
                let Some(before) = list() else { return };
                let Some(Some(seen)) = disk.without_a_row(name, chance, list) else { return };
                if let Some(lost) = before.numbers().difference(&seen.numbers()).next() {
                    self.wrong(format!("a list of {name} leaves {lost} out without a word"));
                }
            }
            _ => match disk.damage(name, chance) {
                // What it has in memory is of no use then: it starts anew.
                Some(Space::Question) => {
                    let context = context.clone();
                    drop(actix_rt::spawn(async move {
                        let _ = context.stop().await;
                        let _ = context.start().await;
                    }));
                }
                // All of it is read again.
                Some(Space::Log) => {
                    for context in self.contexts() {
                        drop(actix_rt::spawn(context.rebuild_view()));
                    }
                }
                _ => {}
            },
        }
    }

    /// Operators mend what is damaged, and start its node anew.
    pub fn mend(&mut self) {
        for node in 0..self.nodes() {
            if self.disk(node).mend() {
                let all: Commit = self.disk(node).accepted();
                self.die(node, all);
            }
        }
    }

    /// A context does not fail for a row that cannot be read.
    pub fn stays_up(&mut self) {
        let failed = |context: &Arc<dyn Context>| {
            context.phase() == Phase::Failed && context.health().restarts <= RESTARTS
        };
        if let Some(context) = self.contexts().iter().find(|context| failed(context)) {
            self.wrong(format!("{} has failed: {:?}", context.name(), context.health().damage));
        }
    }

    /// An operator mistypes by how much time is to be advanced.
    pub fn mistype(&mut self) {
        let by = FARTHEST + Duration::from_secs(1);
        let is_taken = self.lives.iter().any(|life| life.node.advance_clock(by).is_ok());
        if is_taken {
            self.wrong(format!("time was advanced by {by:?}"));
        }
    }
}

/// A context that crashes more often than this may have given up.
const RESTARTS: u64 = 17;
