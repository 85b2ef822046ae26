//! Where an actor's mail goes, whichever actor that is by now.

use crate::{
    actors::{
        actor::{
            behavior::Behavior,
            context_actor::{ContextActor, Deliver},
        },
        port::{health::Phase, status::ContextStatus},
    },
    sync,
};
use actix::Addr;
use std::sync::{Arc, Mutex, RwLock, atomic::Ordering::Relaxed};

/// Where an actor's mail goes, whichever actor that is by now.
pub struct Mailbox<L: Behavior> {
    address: RwLock<Option<Addr<ContextActor<L>>>>,
    /// What has come before there was anybody: contexts start one after the other, and the first ones have questions for
    /// the later ones at once.
    early: Mutex<Vec<L::Mail>>,
    pub shared: Arc<ContextStatus>,
}

impl<L: Behavior> Mailbox<L> {
    pub fn new(shared: Arc<ContextStatus>) -> Arc<Self> {
        Arc::new(Self { address: RwLock::new(None), early: Mutex::new(Vec::new()), shared })
    }
    pub fn attach(&self, address: Addr<ContextActor<L>>) {
        let mut early = sync::lock(&self.early);
        *sync::write(&self.address) = Some(address.clone());
        early.drain(..).for_each(|mail| address.do_send(Deliver(mail)));
    }
    /// Whoever lived here is gone, and another will come.
    pub fn detach(&self) {
        *sync::write(&self.address) = None;
    }
    /// Posts `mail`. Where nobody will come, it is dropped, and with it the way back to its sender.
    pub fn post(&self, mail: L::Mail) {
        let Some(mail) = self.deliver(mail) else { return };
        let mut early = sync::lock(&self.early);
        // Somebody may have come meanwhile; while this is locked nobody can.
        let Some(mail) = self.deliver(mail) else { return };
        if self.shared.phase() == Phase::Starting {
            self.shared.mailbox.fetch_add(1, Relaxed);
            early.push(mail);
        }
    }
    /// Hands `mail` over, or back where there is nobody.
    fn deliver(&self, mail: L::Mail) -> Option<L::Mail> {
        let Some(address) = &*sync::read(&self.address) else {
            return Some(mail);
        };
        self.shared.mailbox.fetch_add(1, Relaxed);
        address.do_send(Deliver(mail));
        None
    }
    pub fn was_attached(&self) -> bool {
        sync::read(&self.address).is_some()
    }
    pub fn is_connected(&self) -> bool {
        sync::read(&self.address).as_ref().is_some_and(Addr::connected)
    }
}

impl<L: Behavior> Mailbox<L> {
    /// Stops or starts the context. Where there is nobody, the sender sees that.
    pub fn set_running(&self, halt: super::context_actor::SetRunning) {
        if let Some(address) = &*sync::read(&self.address) {
            address.do_send(halt);
        }
    }
}
