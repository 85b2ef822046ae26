//! A node of which others only hear events: no context asks it.

use futures_util::{FutureExt, future::BoxFuture};
use holdfast::actors::{
    EventId, Past, PeerClient, PeerQuestion, PeerReply, RecordedEvent, Silence,
};
use std::{future::ready, sync::Arc, time::Duration};

/// What such a node has to tell.
pub trait EventSource: Send + Sync + 'static {
    /// The events of `context` from a sequence on, after the last one that is known.
    fn fetch_events(
        &self,
        context: &'static str,
        from: u64,
        after: Option<EventId>,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, Silence>>;
}

/// The way to it.
pub struct OnlyEvents<S>(pub Arc<S>);

impl<S: EventSource> PeerClient for OnlyEvents<S> {
    fn reaches_context(&self, _: &str) -> bool {
        true
    }
    fn send_question(
        &self,
        _: &'static str,
        _: PeerQuestion,
        _: Duration,
    ) -> BoxFuture<'static, Result<PeerReply, Silence>> {
        ready(Err(Silence::Away("no context asks".into()))).boxed()
    }
    fn fetch_past(&self, _: &str) -> BoxFuture<'static, Result<Past, String>> {
        ready(Err("no context asks".into())).boxed()
    }
    fn fetch_events(
        &self,
        context: &'static str,
        from: u64,
        after: Option<EventId>,
        _: Duration,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, Silence>> {
        self.0.fetch_events(context, from, after)
    }
}
