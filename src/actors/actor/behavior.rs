//! What a kind of context does in its turns, behind the actor that takes them.

use super::mailbox::Mailbox;
use crate::{
    actors::port::fault::Fault,
    store::{Batch, Commit, StoreError},
};
use std::{collections::VecDeque, sync::Arc, time::Duration};

/// What a kind of context does in its turns.
pub trait Behavior: Sized + 'static {
    /// What it is sent.
    type Mail: Send + 'static;
    /// What follows once a turn stands.
    type Effect: 'static;
    /// What its memory becomes once a turn stands.
    type CacheUpdate: 'static;

    /// Loads its memory from the store, as a new activation.
    fn reload(&mut self, mailbox: &Arc<Mailbox<Self>>) -> Result<(), StoreError>;
    /// What has to be written before anybody is answered, if something has: called again after each batch that stands,
    /// and after it was loaded anew.
    fn prepare(&mut self) -> Result<Option<Batch>, StoreError>;
    /// Decides what `mails` come to. Changes nothing that a second call would not find again.
    fn decide(&mut self, mails: &[Option<Self::Mail>]) -> Result<TurnOutput<Self>, StoreError>;
    /// The turn stands, as this commit.
    fn apply_cache(&mut self, memory: Self::CacheUpdate, commit: Commit);
    /// The turn stands: whatever happens from now on, what it recorded for these is recorded.
    fn on_accepted(_effects: &VecDeque<Self::Effect>, _mails: &[Option<Self::Mail>]) {}
    /// Acts on one of its effects.
    fn run_effect(
        &mut self,
        commit: Commit,
        effect: Self::Effect,
        mails: &mut [Option<Self::Mail>],
    );
    /// Answers mail that will not be dealt with.
    fn reject(&mut self, mail: Self::Mail, why: &Fault);
    /// Lets go of those who wait for something to be settled: the context stops.
    fn drop_waiting(&mut self);
    /// Mail from clients waits for no room; everything else does.
    fn is_from_outside(mail: &Self::Mail) -> bool;
    /// When the next turn is due by itself.
    fn next_wake(&self) -> Option<Duration>;
    /// The mail that says so.
    fn wake_mail() -> Self::Mail;
}

/// What a turn came to.
pub struct TurnOutput<L: Behavior> {
    /// What it writes; empty: nothing.
    pub batch: Batch,
    /// The highest commit that it was judged by, for what it says without writing.
    pub read_commit: Commit,
    /// What memory becomes.
    pub cache: L::CacheUpdate,
    /// What follows, in order.
    pub effects: VecDeque<L::Effect>,
}
