//! A context that only listens: events become rows.
//!
//! A rebuild writes the next generation of the table beside the shown one, from the first event on; when it has caught
//! up, it is the one that is shown, and the old one is cleared away. Readers see a full table at any time.

use crate::{
    actors::{
        actor::{
            behavior::{Behavior, TurnOutput},
            status::{ContextStatus, Mailbox},
        },
        erased::AnyState,
        port::{fault::Fault, health::ParkedId},
        subscription::{
            parking,
            source::Recipient,
            subscriptions::{Delivery, Listener, Progress, Subscriptions},
        },
        tables::{
            rebuild,
            records::{Counters, Envelope, ParkedRow, Versioned},
            transaction::{Transaction, Tree, counters_key},
        },
    },
    domain::Refusal,
    store::{
        Batch, Commit, Epoch, Scan, StoreError,
        keys::{KeyBuf, Space, prefix_end},
    },
};
use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::Ordering::{Relaxed, SeqCst},
    },
    time::Duration,
};
use tokio::sync::oneshot;

/// At most so many old rows are cleared away a turn.
const CLEARED: usize = 512;
/// Stands among the positions of a table that is to be built while what was set aside for the old one is cleared away.
/// No source is called so.
const CLEARING: &str = "";

fn is_clearing(meta: &Counters) -> bool {
    meta.building.as_ref().is_some_and(|(_, positions)| positions.contains_key(CLEARING))
}

/// What an event does to a row.
pub type Change = Box<dyn FnOnce(&mut dyn AnyState) + Send>;

/// Mail for a view.
pub enum Mail {
    /// Events of a source.
    Delivery(Delivery<Change>),
    /// It is time to look at shelves and logs.
    Wake,
    /// Build the table anew.
    Rebuild(oneshot::Sender<Result<(), Fault>>),
    /// Somebody deals with a parked event by hand.
    Unpark { parked: ParkedId, redrive: bool, done: oneshot::Sender<Result<(), Fault>> },
}

/// The logic of a view.
pub struct Projecting {
    pub tree: Tree,
    pub shared: Arc<ContextStatus>,
    pub ears: Subscriptions<Change>,
    epoch: Epoch,
    meta: Counters,
    /// The commit that wrote it.
    meta_commit: Commit,
    more: bool,
    /// How far the rows of older generations have been cleared away; what is gone costs whoever walks over it.
    cleared: [Vec<u8>; 3],
}

/// Where rows of older generations begin, and what was set aside for them.
fn uncleared() -> [Vec<u8>; 3] {
    [vec![Space::State as u8], vec![Space::Index as u8], vec![Space::Parked as u8]]
}

/// Which generation of a table is shown.
pub fn generation(tree: &Tree) -> Result<u32, StoreError> {
    Ok(tree.counters()?.0.generation)
}

/// What follows a turn that stands.
pub struct Told {
    mail: usize,
    answer: Result<(), Fault>,
}

/// What memory becomes.
pub struct CacheUpdate {
    meta: Counters,
    hearing: Progress,
    reshelve: bool,
    cleared: [Vec<u8>; 3],
}

impl Projecting {
    pub fn new(tree: Tree, shared: Arc<ContextStatus>, ears: Subscriptions<Change>) -> Self {
        Self {
            tree,
            shared,
            ears,
            epoch: Epoch(0),
            meta: Counters::default(),
            meta_commit: 0,
            more: true,
            cleared: uncleared(),
        }
    }

    fn publish_health(&self) {
        self.shared.generation.store(self.meta.generation, SeqCst);
        self.shared.parked.store(self.ears.parked(), Relaxed);
        self.shared.last_sequence.store(self.meta.last_sequence, Relaxed);
    }
}

impl Behavior for Projecting {
    type Mail = Mail;
    type Effect = Told;
    type CacheUpdate = CacheUpdate;

    fn reload(&mut self, _: &Arc<Mailbox<Self>>) -> Result<(), StoreError> {
        self.epoch = self.tree.store.activate(self.tree.id)?;
        (self.meta, self.meta_commit) = rebuild::load(&self.tree)?;
        self.shared.generation.store(self.meta.generation, SeqCst);
        if rebuild::is_due(&self.meta, &self.tree) {
            return Ok(());
        }
        self.ears.reload(&self.tree)?;
        self.more = true;
        self.cleared = uncleared();
        self.publish_health();
        Ok(())
    }

    fn prepare(&mut self) -> Result<Option<Batch>, StoreError> {
        if !rebuild::is_due(&self.meta, &self.tree) {
            return Ok(None);
        }
        let at = (&self.meta, self.meta_commit);
        let (batch, after) =
            rebuild::page(&self.tree, self.epoch, at, self.shared.retention.seconds())?;
        self.shared.rebuilt.store(after.rebuild.map_or(0, |rebuild| rebuild.rows), Relaxed);
        Ok(Some(batch))
    }

    fn decide(&mut self, mails: &[Option<Mail>]) -> Result<TurnOutput<Self>, StoreError> {
        let mut work = Turn::new(self);
        let rebuild = |mail: &Option<Mail>| matches!(mail, Some(Mail::Rebuild(_)));
        let begins = self.meta.building.is_none() && mails.iter().any(rebuild);
        let clearing = is_clearing(&self.meta);
        if clearing {
            work.clear_parked()?;
        }
        for (place, mail) in mails.iter().enumerate() {
            match mail {
                // The turn that begins a rebuild does nothing else, so that the old table is left as it is.
                Some(Mail::Delivery(_) | Mail::Wake) if begins || clearing => {}
                Some(Mail::Unpark { .. }) if clearing => {
                    let answer = Err(Refusal::absent("parked event").into());
                    work.told.push_back(Told { mail: place, answer });
                }
                Some(Mail::Unpark { .. }) if begins => {
                    work.told.push_back(Told { mail: place, answer: Ok(()) })
                }
                Some(Mail::Delivery(heard)) => work.logic.ears.apply_delivery(&mut work, heard)?,
                Some(Mail::Wake) => {
                    work.logic.ears.retry_parked(&mut work, None)?;
                    work.logic.ears.catch_up_all(&mut work)?;
                    work.clear_away()?;
                }
                Some(Mail::Rebuild(_)) => work.rebuild(place)?,
                Some(Mail::Unpark { parked, redrive, .. }) => {
                    let found = match redrive {
                        true => work
                            .logic
                            .ears
                            .retry_parked(&mut work, Some((&parked.source, parked.aggregate)))?,
                        false => work.logic.ears.drop_parked(&mut work, parked)?,
                    };
                    let answer =
                        if found { Ok(()) } else { Err(Refusal::absent("parked event").into()) };
                    work.told.push_back(Told { mail: place, answer });
                }
                None => {}
            }
        }
        work.finish()
    }

    fn apply_cache(&mut self, memory: CacheUpdate, commit: Commit) {
        if memory.meta != self.meta {
            self.meta_commit = commit;
        }
        self.more = memory.hearing.more || memory.reshelve;
        // A generation that was shown until now is cleared away from its beginning.
        self.cleared = if memory.meta.generation == self.meta.generation {
            memory.cleared
        } else {
            uncleared()
        };
        let reshelve = memory.reshelve || is_clearing(&self.meta);
        self.meta = memory.meta;
        match reshelve {
            true => self.ears.clear_parked(),
            false => self.ears.apply_progress(&memory.hearing),
        }
        self.publish_health();
    }

    fn run_effect(&mut self, commit: Commit, told: Told, mails: &mut [Option<Mail>]) {
        match mails.get_mut(told.mail).and_then(Option::take) {
            Some(Mail::Rebuild(done) | Mail::Unpark { done, .. }) => {
                self.shared.reply(commit, done, told.answer, false)
            }
            Some(Mail::Delivery(_) | Mail::Wake) | None => {}
        }
    }

    fn reject(&mut self, mail: Mail, why: &Fault) {
        match mail {
            Mail::Rebuild(done) | Mail::Unpark { done, .. } => drop(done.send(Err(why.clone()))),
            Mail::Delivery(_) | Mail::Wake => self.more = true,
        }
    }

    fn drop_waiting(&mut self) {}

    fn is_from_outside(_: &Mail) -> bool {
        false
    }

    fn next_wake(&self) -> Option<Duration> {
        match self.more {
            true => Some(Duration::ZERO),
            false => {
                let building = self.meta.building.as_ref().map(|(_, positions)| positions);
                self.ears.next_wake(building.unwrap_or(&self.meta.positions))
            }
        }
    }

    fn wake_mail() -> Mail {
        Mail::Wake
    }
}

struct Turn<'a> {
    logic: &'a Projecting,
    desk: Transaction<'a>,
    meta: Counters,
    hearing: Progress,
    told: VecDeque<Told>,
    reshelve: bool,
    more: bool,
    cleared: [Vec<u8>; 3],
}

impl<'a> Turn<'a> {
    fn new(logic: &'a Projecting) -> Self {
        // While a table is being built, only that one listens; the shown one stands still.
        let (generation, positions) = match &logic.meta.building {
            Some((generation, positions)) => (*generation, positions),
            None => (logic.meta.generation, &logic.meta.positions),
        };
        let (desk, hearing) = (
            Transaction::new(&logic.tree, generation, logic.meta.highest),
            Progress::from(positions),
        );
        let meta = logic.meta.clone();
        let cleared = logic.cleared.clone();
        Self {
            logic,
            desk,
            meta,
            hearing,
            told: VecDeque::new(),
            reshelve: false,
            more: false,
            cleared,
        }
    }

    /// Begins the next generation. What is set aside belongs to the old one and will be met again.
    fn rebuild(&mut self, place: usize) -> Result<(), StoreError> {
        if self.meta.building.is_none() {
            let clearing = BTreeMap::from([(CLEARING.to_owned(), 1)]);
            self.meta.building = Some((self.meta.generation.saturating_add(1), clearing));
            self.cleared = uncleared();
            self.reshelve = true;
        }
        self.told.push_back(Told { mail: place, answer: Ok(()) });
        Ok(())
    }

    /// Clears away what was set aside for the table that is shown until now, some rows at a time. Only then does the new
    /// one listen.
    fn clear_parked(&mut self) -> Result<(), StoreError> {
        let (from, to) = (self.cleared[2].clone(), prefix_end(&[Space::Parked as u8]));
        let rows = self.logic.tree.scan(&Scan { from, to, backwards: false, limit: CLEARED })?;
        if let Some((last, _)) = rows.last() {
            self.cleared[2] = [last.as_slice(), &[0]].concat();
        }
        if rows.len() < CLEARED {
            self.hearing.positions.remove(CLEARING);
        }
        rows.into_iter().for_each(|(key, _)| self.desk.remove(key));
        self.hearing.more = true;
        Ok(())
    }

    /// Clears away what is left of older generations, some rows at a time.
    fn clear_away(&mut self) -> Result<(), StoreError> {
        if self.meta.building.is_some() || self.meta.generation == 0 {
            return Ok(());
        }
        let current = u64::from(self.meta.generation);
        for (space, from) in [Space::State, Space::Index].into_iter().zip(&mut self.cleared) {
            let to = KeyBuf::new(space).number(current).build();
            let rows = self.logic.tree.scan(&Scan {
                from: from.clone(),
                to,
                backwards: false,
                limit: CLEARED,
            })?;
            if let Some((last, _)) = rows.last() {
                *from = [last.as_slice(), &[0]].concat();
            }
            rows.iter().for_each(|(key, _)| self.desk.remove(key.clone()));
            self.more |= rows.len() == CLEARED;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<TurnOutput<Projecting>, StoreError> {
        if self.reshelve {
            // What was set aside is cleared away first.
            self.hearing = Progress::from(
                self.meta.building.as_ref().map_or(&self.meta.positions, |(_, at)| at),
            );
            self.hearing.more = true;
        } else if let Some((generation, positions)) = &mut self.meta.building {
            positions.clone_from(&self.hearing.positions);
            if !self.hearing.more && self.logic.ears.backlog(&self.hearing.positions) == 0 {
                (self.meta.generation, self.meta.positions) =
                    (*generation, self.hearing.positions.clone());
                self.meta.building = None;
                self.hearing.more = true;
            }
        } else {
            self.meta.positions.clone_from(&self.hearing.positions);
        }
        self.hearing.more |= self.more;
        // Of all generations together: a row that is looked for in vain costs little.
        self.meta.highest = self.desk.highest();
        self.desk.expect(counters_key(), self.logic.meta_commit);
        if self.meta != self.logic.meta {
            self.desk.put_counters(&self.meta)?;
        }
        let judged = self.desk.read_commit.0;
        let (reshelve, cleared) = (self.reshelve, self.cleared);
        let memory = CacheUpdate { meta: self.meta, hearing: self.hearing, reshelve, cleared };
        Ok(TurnOutput {
            batch: self.desk.into_batch(self.logic.epoch)?,
            read_commit: judged,
            cache: memory,
            effects: self.told,
        })
    }
}

impl Listener<Change> for Turn<'_> {
    fn progress(&mut self) -> &mut Progress {
        &mut self.hearing
    }

    fn apply(
        &mut self,
        _: &'static str,
        _: &Envelope,
        whose: Recipient,
        change: Change,
    ) -> Result<Result<(), String>, StoreError> {
        let Recipient::Number(number) = whose else {
            return Ok(Err("a view has no numbers of its own".to_owned()));
        };
        let kept = match self.desk.load(number) {
            Ok(sheet) => &sheet.now,
            Err(StoreError::Damaged(what)) => {
                self.report_damage(&what);
                return Ok(Err(format!("{what}; a rebuild of this view mends it")));
            }
            Err(error) => return Err(error),
        };
        let (version, mut row) = (kept.version, kept.state.copy());
        let folded = catch_unwind(AssertUnwindSafe(move || {
            change(row.as_mut());
            row
        }));
        match folded {
            Ok(row) => match row.encode(version + 1, None) {
                Ok(record) => self
                    .desk
                    .set(number, Versioned { version: version + 1, saga: None, state: row }, record)
                    .map(Ok),
                Err(StoreError::Invalid(why)) => Ok(Err(why)),
                Err(error) => Err(error),
            },
            Err(_) => {
                self.logic.shared.crashes.fetch_add(1, Relaxed);
                Ok(Err("the fold panicked".to_owned()))
            }
        }
    }

    fn report_damage(&mut self, what: &str) {
        self.logic.shared.report_damage(what);
    }

    fn park(&mut self, key: Vec<u8>, row: Option<ParkedRow>) -> Result<(), StoreError> {
        self.desk.park(key, row.as_ref())
    }

    fn parked(&self, source: &str, aggregate: u64, limit: usize) -> Result<Vec<u64>, StoreError> {
        parking::first_parked(&self.logic.tree, source, aggregate, limit)
    }
}
