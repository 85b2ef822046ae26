//! What a context does in its turns; the actor runs it.

use super::mailbox::Mailbox;
use crate::{
    actors::port::{changes::Change, fault::Fault},
    store::{Batch, Commit, StoreError},
};
use std::{collections::VecDeque, sync::Arc, time::Duration};

/// What a context does in its turns.
pub trait Behavior: Sized + 'static {
    /// The messages it handles.
    type Mail: Send + 'static;
    /// What is done once a turn is accepted.
    type Effect: 'static;
    /// How an accepted turn changes the cache.
    type CacheUpdate: 'static;

    /// Loads its cache from the store, under a new epoch.
    fn reload_state(&mut self, mailbox: &Arc<Mailbox<Self::Mail>>) -> Result<(), StoreError>;
    /// The next batch to write before the context answers any request, if there is one. Called again
    /// after each accepted batch and after each reload.
    fn prepare_batch(&mut self) -> Result<Option<Batch>, StoreError>;
    /// Decides a turn. May be called again with the same messages, so it changes nothing.
    fn decide(&mut self, mails: &[Option<Self::Mail>]) -> Result<TurnOutput<Self>, StoreError>;
    /// The turn was accepted as this commit.
    fn apply_cache(&mut self, memory: Self::CacheUpdate, commit: Commit);
    /// The turn was accepted: what it recorded for these messages stays recorded, also if anything happens
    /// next.
    fn on_accepted(_effects: &VecDeque<Self::Effect>, _mails: &[Option<Self::Mail>]) {}
    /// Runs one effect.
    fn run_effect(
        &mut self,
        commit: Commit,
        effect: Self::Effect,
        mails: &mut [Option<Self::Mail>],
    );
    /// Answers a message that will not be handled.
    fn reject_mail(&mut self, mail: Self::Mail, why: &Fault);
    /// Drops those who wait for something to be settled: the context stops.
    fn drop_waiting(&mut self);
    /// Whether a client sent it: clients are refused when the store is busy; everything else waits.
    fn is_from_outside(mail: &Self::Mail) -> bool;
    /// When the next turn is due without a message.
    fn next_wake(&self) -> Option<Duration>;
    /// The message that starts it.
    fn wake_mail() -> Self::Mail;
}

/// The result of a turn.
pub struct TurnOutput<L: Behavior> {
    /// What it writes; may be empty.
    pub batch: Batch,
    /// The highest commit that it read: answers of a turn that writes nothing wait for this one.
    pub read_commit: Commit,
    /// Which things it changes.
    pub changes: Vec<Change>,
    /// How it changes the cache.
    pub cache: L::CacheUpdate,
    /// Its effects, in order.
    pub effects: VecDeque<L::Effect>,
}
