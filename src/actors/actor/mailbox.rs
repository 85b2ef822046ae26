//! The way to the actor of a context, whichever instance runs at the moment.

use crate::{
    actors::port::{health::Phase, status::ContextStatus},
    sync,
};
use actix::{Message, Recipient};
use std::sync::{Arc, Mutex, RwLock, atomic::Ordering::Relaxed};
use tokio::sync::oneshot;

/// Puts a message into the actor's buffer.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Deliver<M: Send + 'static>(pub M);

/// Stops or starts the context, and notifies the sender when that is done.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SetRunning(pub bool, pub oneshot::Sender<()>);

/// The address of a running actor.
pub struct ActorAddress<M: Send + 'static> {
    pub messages: Recipient<Deliver<M>>,
    pub control: Recipient<SetRunning>,
}

/// The way to the actor of a context, which takes messages of type `M`.
pub struct Mailbox<M: Send + 'static> {
    address: RwLock<Option<ActorAddress<M>>>,
    /// Messages that came before the first actor: contexts start one after the other, and the first ones ask the later
    /// ones at once.
    early: Mutex<Vec<M>>,
    pub shared: Arc<ContextStatus>,
}

impl<M: Send + 'static> Mailbox<M> {
    pub fn new(shared: Arc<ContextStatus>) -> Arc<Self> {
        Arc::new(Self { address: RwLock::new(None), early: Mutex::new(Vec::new()), shared })
    }
    /// From now on messages go to the actor at `address`.
    pub fn attach(&self, address: ActorAddress<M>) {
        let mut early = sync::lock(&self.early);
        early.drain(..).for_each(|mail| address.messages.do_send(Deliver(mail)));
        *sync::write(&self.address) = Some(address);
    }
    /// The actor is gone, and another one will come.
    pub fn detach(&self) {
        *sync::write(&self.address) = None;
    }
    /// Sends a message. If there will be no actor, it is dropped, and its sender sees that.
    pub fn post(&self, mail: M) {
        let Some(mail) = self.deliver(mail) else { return };
        let mut early = sync::lock(&self.early);
        // An actor may have been attached meanwhile; none can be while this is locked.
        let Some(mail) = self.deliver(mail) else { return };
        if self.shared.phase() == Phase::Starting {
            self.shared.mailbox.fetch_add(1, Relaxed);
            early.push(mail);
        }
    }
    /// Delivers `mail`, or returns it if there is no actor.
    fn deliver(&self, mail: M) -> Option<M> {
        let Some(address) = &*sync::read(&self.address) else {
            return Some(mail);
        };
        self.shared.mailbox.fetch_add(1, Relaxed);
        address.messages.do_send(Deliver(mail));
        None
    }
    pub fn was_attached(&self) -> bool {
        sync::read(&self.address).is_some()
    }
    pub fn is_connected(&self) -> bool {
        sync::read(&self.address).as_ref().is_some_and(|address| address.messages.connected())
    }
    /// Stops or starts the context. If there is no actor, the sender sees that.
    pub fn set_running(&self, command: SetRunning) {
        if let Some(address) = &*sync::read(&self.address) {
            address.control.do_send(command);
        }
    }
}
