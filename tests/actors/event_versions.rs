//! An event grows, and nodes of different versions read each other: each here runs its own version of one context.

use super::{
    bench::{Bench, LayOut, eventually},
    event_source::{EventSource, OnlyEvents},
};
use futures_util::{FutureExt, future::BoxFuture};
use holdfast::{
    actors::{EventId, EventLog, Node, NodeSettings, RecordedEvent, ReplicaHealth, Silence},
    store::MemoryStore,
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

/// A version of the context `post.parcel`, and of the view that listens to it.
macro_rules! version {
    ($version:ident, { $($event:tt)* }, $sent:ident => $to:expr, $note:expr, $new:expr, { $($versions:tt)* }) => {
        mod $version {
            use holdfast::{actors::NodeBuilder, domain::*};
            use schemars::JsonSchema;
            use serde::{Deserialize, Serialize};
            use strum::AsRefStr;

            pub fn lay_out(board: &mut NodeBuilder<'_>) {
                board.aggregate::<Parcel>();
                board.view::<Shelf>();
            }

            #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
            pub struct Parcel(bool);
            #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
            pub struct Shelf {
                to: String,
                note: String,
            }
            #[derive(Debug, Serialize, JsonSchema)]
            pub struct Shown {
                to: String,
                note: String,
            }
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
            pub enum Command {
                Send(Body),
            }
            impl Commands for Command {}
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
            pub struct Body {
                to: String,
                note: String,
            }
            impl holdfast::domain::Body for Body {}
            $($event)*

            impl Entity for Parcel {
                const READS: holdfast::domain::Reads = holdfast::domain::Reads::Public;
                const NAME: Name =
                    Name { system: "post", context: "post.parcel", collection: "parcels", item: "parcel", korean: "소포" };
                type Representation = bool;
                fn represent(&self, _: Id<Self>) -> bool {
                    self.0
                }
                fn lifecycle(&self) -> Lifecycle {
                    if self.0 { Lifecycle::Established } else { Lifecycle::Absent }
                }
            }
            impl Aggregate for Parcel {
                type Command = Command;
                type Event = Event;
                type Settings = ();
                $($versions)*

                fn decide(&self, Command::Send(body): Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
                    let new: fn(u64, Body) -> Event = $new;
                    emit(new(this.id.get(), body))
                }
                fn evolve(&mut self, _: &Event) {
                    self.0 = true;
                }
                fn routes(routes: &mut impl Routes<Self>) {
                    routes.post(Role::Customer, |body: Body| (Target::New, Command::Send(body)));
                }
            }
            impl Entity for Shelf {
                const READS: holdfast::domain::Reads = holdfast::domain::Reads::Public;
                const NAME: Name =
                    Name { system: "post", context: "post.shelf", collection: "shelves", item: "shelf", korean: "선반" };
                type Representation = Shown;
                fn represent(&self, _: Id<Self>) -> Shown {
                    Shown { to: self.to.clone(), note: self.note.clone() }
                }
                fn lifecycle(&self) -> Lifecycle {
                    if self.to.is_empty() { Lifecycle::Absent } else { Lifecycle::Established }
                }
            }
            impl View for Shelf {
                fn folds(folds: &mut impl Folds<Self>) {
                    folds.on::<Parcel>(
                        |Event::Sent { number, .. }| Some(*number),
                        |row, $sent| {
                            row.to = $to;
                            row.note = $note;
                        },
                    );
                }
            }
        }
    };
}

version! { old, {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
    pub enum Event {
        Sent { number: u64, to: String },
    }
}, event => { let Event::Sent { to, .. } = event; to.clone() }, String::new(),
|number, body| Event::Sent { number, to: body.to }, {} }

// A field more, which takes no new version.
version! { grown, {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
    pub enum Event {
        Sent {
            number: u64,
            to: String,
            #[serde(default)]
            note: Option<String>,
        },
    }
}, event => { let Event::Sent { to, .. } = event; to.clone() },
{ let Event::Sent { note, .. } = event; note.clone().unwrap_or_else(|| "none".into()) },
|number, body| Event::Sent { number, to: body.to, note: Some(body.note) }, {} }

// A field of another type, which does.
version! { changed, {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
    pub enum Event {
        Sent { number: u64, to: Vec<String>, note: Option<String> },
    }
    /// Frozen.
    #[derive(Serialize, Deserialize)]
    enum EventV1 {
        Sent {
            number: u64,
            to: String,
            #[serde(default)]
            note: Option<String>,
        },
    }
}, event => { let Event::Sent { to, .. } = event; to.join("+") },
{ let Event::Sent { note, .. } = event; note.clone().unwrap_or_else(|| "none".into()) },
|number, body| Event::Sent { number, to: vec![body.to], note: Some(body.note) }, {
    const EVENT_VERSION: u16 = 2;
    const WRITTEN_VERSION: u16 = 1;
    fn old_event<D: Decoder>(version: u16, record: D) -> Result<Event, Undecodable> {
        match version {
            1 => {
                let EventV1::Sent { number, to, note } = record.read()?;
                Ok(Event::Sent { number, to: vec![to], note })
            }
            version => Err(Undecodable::Version(version)),
        }
    }
    fn older_event(event: &Event, version: u16) -> Option<serde_json::Value> {
        let Event::Sent { number, to, note } = event;
        let old = EventV1::Sent { number: *number, to: to.join("+"), note: note.clone() };
        (version == 1).then(|| serde_json::to_value(old).ok()).flatten()
    }
} }

type Log = Arc<dyn EventLog<RecordedEvent>>;

/// The way to the node that has the parcels, whichever that is now. Events cross it as text.
#[derive(Default)]
struct Source(Mutex<Option<Log>>);

impl Source {
    fn is(&self, bench: &Bench) {
        *self.0.lock().unwrap() = bench.context("post.parcel").event_log();
    }
}

impl EventSource for Source {
    fn fetch_events(
        &self,
        _: &'static str,
        from: u64,
        _: Option<EventId>,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, Silence>> {
        let log = self.0.lock().unwrap().clone();
        async move {
            let log = log.ok_or_else(|| Silence::Away("it is away".into()))?;
            let more = Duration::from_millis(20);
            let mut latest = log.latest();
            let _ = tokio::time::timeout(more, latest.wait_for(|latest| *latest >= from)).await;
            let page = log.read_page(from).map_err(|why| Silence::Away(why.to_string()))?;
            let events: Vec<_> = page.items.into_iter().map(|(_, event)| event).collect();
            let text = serde_json::to_string(&events).unwrap();
            Ok(serde_json::from_str(&text).unwrap())
        }
        .boxed()
    }
}

fn hosting(context: &str) -> NodeSettings {
    NodeSettings { contexts: Some(BTreeSet::from([context.to_owned()])), ..NodeSettings::default() }
}

/// A node with the parcels, in this version, which writes events in that of the release or another.
async fn source(store: MemoryStore, lay_out: LayOut, written: Option<u16>) -> Bench {
    let event_versions: BTreeMap<_, _> =
        written.map(|version| ("post.parcel".to_owned(), version)).into_iter().collect();
    Bench::of(store, NodeSettings { event_versions, ..hosting("post.parcel") }, lay_out)
        .ready()
        .await
}

/// A node with the view, in this version.
async fn listener(store: MemoryStore, lay_out: LayOut, wire: &Arc<Source>) -> Bench {
    let wire = Some(Arc::new(OnlyEvents(wire.clone())) as _);
    let settings = NodeSettings { wire, ..hosting("post.shelf") };
    let bench = Bench::of(store, settings, lay_out).ready().await;
    bench.node.follow_replicas().into_iter().for_each(|follow| drop(actix_rt::spawn(follow)));
    bench
}

async fn send(bench: &Bench, to: &str) -> u64 {
    let body = json!({ "to": to, "note": "fragile" });
    bench.enter("post.parcel", 0, None, body).await.unwrap().number
}

fn replica(listener: &Bench) -> ReplicaHealth {
    listener.node.replica_health().remove(0)
}

/// Waits until the view shows a parcel so.
async fn shows(listener: &Bench, number: u64, to: &str, note: &str) {
    let wanted = json!({ "to": to, "note": note });
    eventually(|| listener.see("post.shelf", number).as_ref() == Some(&wanted)).await;
}

#[actix_rt::test]
async fn nodes_before_and_after_an_additive_field_read_each_other() {
    let wire = Arc::<Source>::default();
    let before = old::lay_out as LayOut;
    let after = grown::lay_out as LayOut;
    let node = source(MemoryStore::new(), before, None).await;
    wire.is(&node);
    let new_listener = listener(MemoryStore::new(), after, &wire).await;
    let old_listener = listener(MemoryStore::new(), before, &wire).await;
    let first = send(&node, "Kim").await;
    shows(&new_listener, first, "Kim", "none").await;
    shows(&old_listener, first, "Kim", "").await;
    // The source is upgraded: its own old rows have the default, and both read what it writes.
    let node = node.crashed(hosting("post.parcel"), after).await;
    wire.is(&node);
    let second = send(&node, "Lee").await;
    shows(&new_listener, second, "Lee", "fragile").await;
    shows(&old_listener, second, "Lee", "").await;
    let fresh = listener(MemoryStore::new(), after, &wire).await;
    shows(&fresh, first, "Kim", "none").await;
    shows(&fresh, second, "Lee", "fragile").await;
    // A replica that was stored before the field is read after it.
    let store = old_listener.store.crash();
    let upgraded = listener(store, after, &wire).await;
    let third = send(&node, "Park").await;
    shows(&upgraded, third, "Park", "fragile").await;
}

#[actix_rt::test]
async fn a_new_version_is_written_when_all_nodes_read_it_and_an_old_node_waits_for_its_upgrade() {
    let wire = Arc::<Source>::default();
    let before = grown::lay_out as LayOut;
    let after = changed::lay_out as LayOut;
    let node = source(MemoryStore::new(), before, None).await;
    wire.is(&node);
    // The listener is upgraded first: it reads the version before.
    let new_listener = listener(MemoryStore::new(), after, &wire).await;
    let old_listener = listener(MemoryStore::new(), before, &wire).await;
    let first = send(&node, "Kim").await;
    shows(&new_listener, first, "Kim", "fragile").await;
    // The source is: it writes the version before, as its release does.
    let node = node.crashed(hosting("post.parcel"), after).await;
    wire.is(&node);
    let second = send(&node, "Lee").await;
    for listener in [&new_listener, &old_listener] {
        shows(listener, second, "Lee", "fragile").await;
    }
    // It is configured to write the new one too early: the old listener reports it, and loses nothing.
    let node = source(node.store.crash(), after, Some(2)).await;
    wire.is(&node);
    let third = send(&node, "Park").await;
    shows(&new_listener, third, "Park", "fragile").await;
    let says = |health: ReplicaHealth| health.error.is_some_and(|why| why.contains("version 2"));
    eventually(|| says(replica(&old_listener))).await;
    assert_eq!(old_listener.see("post.shelf", third), None);
    let upgraded = listener(old_listener.store.crash(), after, &wire).await;
    shows(&upgraded, third, "Park", "fragile").await;
    eventually(|| replica(&upgraded).error.is_none()).await;
}

#[actix_rt::test]
async fn a_version_that_a_release_cannot_write_is_a_wrong_setting() {
    let written = BTreeMap::from([("post.parcel".to_owned(), 3)]);
    let settings = NodeSettings { event_versions: written, ..NodeSettings::default() };
    let store = Arc::new(MemoryStore::new());
    let refused = holdfast::actors::LocalNode::start(store, settings, changed::lay_out);
    let why = refused.err().expect("it does not start").to_string();
    assert!(why.contains("events.write_versions") && why.contains("1 to 2"), "{why}");
}
