//! What clients were told, and must be able to rely on.

use super::{mirror::Mirror, nodes::Reply, world::World};
use holdfast::actors::{CommandFault, Fault, Outcome};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::time::Instant;

#[derive(Default)]
pub struct Promises {
    /// When each request of a client was made.
    entered: Vec<Instant>,
    /// Requests that have had an effect, and those whose clients know that they never will.
    begun: BTreeSet<u64>,
    refused: BTreeSet<u64>,
    /// What clients know to have happened: of each thing the version, and the digest of its events up to there.
    acknowledged: BTreeMap<(usize, u64), (u64, u64)>,
    /// What clients know to have been made by which request, and the other way round.
    made: BTreeMap<u64, (usize, u64)>,
    made_by: BTreeMap<(usize, u64), u64>,
    /// For whom clients know to have made something.
    pub made_for: BTreeMap<(usize, u64), Arc<str>>,
}

impl Promises {
    /// A client makes a request now; gives its number.
    pub fn enter(&mut self) -> u64 {
        self.entered.push(Instant::now());
        self.entered.len() as u64 - 1
    }
}

/// Whether clients may take it that nothing is recorded, and nothing will be.
fn has_no_effect(failed: &CommandFault, asks_later: bool) -> bool {
    match failed.fault {
        Fault::Away(_) | Fault::DiskFull | Fault::Crashed => true,
        // An order that has come to nothing says so; what is no order, and asks, does not.
        Fault::Busy { .. } => failed.order.is_none() && !asks_later,
        _ => false,
    }
}

impl World {
    /// What commands have recorded was neither refused, nor begun while it could not end.
    pub fn check_begun(&mut self) -> Result<(), String> {
        let begun = std::mem::take(&mut *self.mirrors.begun.borrow_mut());
        for one in begun {
            let what = format!("{} #{} has begun", one.name, one.number);
            self.promises.begun.insert(one.request);
            if self.promises.refused.contains(&one.request) {
                return Err(format!("{what}, and its client was told that nothing is recorded"));
            }
            let Some(from) = self.promises.entered.get(one.request as usize) else { continue };
            let host = |context| self.cluster.hosts.get(context);
            let is_shut = |asked: &&holdfast::domain::Name| {
                host(asked.context) == host(one.name.context)
                    && self.breakers.is_shut(asked.context, *from)
            };
            if let Some(asked) = one.chain.iter().find(is_shut) {
                return Err(format!("{what}, while {asked} could not be asked"));
            }
        }
        Ok(())
    }

    pub(super) fn hear(&mut self, reply: Reply) {
        let Reply { context, request, is_unstorable, key, owner, answer } = reply;
        let mirror = &self.mirrors.all[context];
        let name = mirror.name();
        let (is_order, asks) = mirror.asks_for_orders();
        if let Err(failed) = &answer
            && has_no_effect(failed, asks && !is_order)
        {
            self.promises.refused.insert(request);
            if self.promises.begun.contains(&request) {
                self.wrong(format!("{name} has begun request {request}, and says {failed}"));
            }
        }
        match answer.map_err(|failed| failed.fault) {
            Ok(outcome) => {
                let Outcome { number, version, settled, .. } = outcome;
                self.say(format_args!("{name} answers #{number} {version} {settled}"));
                let key = key.filter(|_| settled);
                if let (Some(_), Some(owner)) = (key, owner) {
                    self.promises.made_for.insert((context, number), owner);
                }
                self.acknowledge((context, number), version, key);
            }
            Err(Fault::BadBody(bad)) => self.wrong(format!("{name} takes no such body: {bad:?}")),
            Err(fault @ Fault::Store(_)) if !is_unstorable => {
                self.wrong(format!("{name} cannot do request {request}: {fault}"));
            }
            Err(fault) => self.say(format_args!("{name} refuses: {fault}")),
        }
    }

    fn acknowledge(&mut self, thing: (usize, u64), version: u64, key: Option<u64>) {
        let mirror = &self.mirrors.all[thing.0];
        let name = mirror.name();
        if self.has_gap(name.context) {
            return;
        }
        let Some(history) = mirror.history(thing.1, version) else {
            return self.wrong(format!(
                "{name} #{} is acknowledged as of version {version}, and its log lacks that",
                thing.1
            ));
        };
        let known = self.promises.acknowledged.entry(thing).or_default();
        *known = (*known).max((version, history));
        let Some(key) = key else { return };
        let made = *self.promises.made.entry(key).or_insert(thing);
        let by = *self.promises.made_by.entry(thing).or_insert(key);
        if (made, by) != (thing, key) {
            self.wrong(format!(
                "request {key} made {name} #{}, as request {by} did, or {made:?} before",
                thing.1
            ));
        }
    }

    /// What clients were told stands.
    pub fn acknowledged_stands(&mut self) {
        let gone = |((context, number), (version, history)): (&(usize, u64), &(u64, u64))| {
            let mirror = &self.mirrors.all[*context];
            let stands = mirror.history(*number, *version) == Some(*history);
            (!stands).then(|| {
                let name = mirror.name();
                format!("{name} #{number} was acknowledged as of version {version}, and is gone")
            })
        };
        if let Some(what) = self.promises.acknowledged.iter().find_map(gone) {
            self.wrong(what);
        }
    }
}
