//! One connection to the broker, kept up. After any error it is a fresh one: what a broken connection still knows is not
//! worth asking for.

use crate::actors;
use futures_util::{StreamExt, future::BoxFuture};
use lapin::{Connection, ConnectionProperties, Event, uri::AMQPUri};
use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, watch};

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
/// A connection that lasted so long was a good one: the pauses begin anew.
const GOOD: Duration = Duration::from_secs(5);

/// How the broker is reached.
#[derive(Clone)]
pub struct LinkSettings {
    /// The addresses of its nodes, tried in turn.
    pub urls: Vec<String>,
    /// What the connection is called on the broker's pages.
    pub name: String,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How often both sides say that they are there, in seconds.
    pub heartbeat: u16,
}

/// A connection that stands.
#[derive(Clone)]
pub struct Live {
    /// The connection itself.
    pub connection: Arc<Connection>,
    /// Which one it is, counted from the start.
    pub generation: u64,
}

/// How the link is doing.
#[derive(Clone, Default)]
pub struct LinkState {
    live: Option<Live>,
    /// Why the broker takes nothing, while it takes nothing.
    pub blocked: Option<String>,
    /// Why there is no connection.
    pub error: Option<String>,
    /// Whether it has been tried to connect.
    tried: bool,
}

impl LinkState {
    /// Whether there is a connection.
    pub fn is_up(&self) -> bool {
        self.live.is_some()
    }
    /// Whether it is still the connection of this generation.
    pub fn is_same(&self, generation: u64) -> bool {
        self.live.as_ref().is_some_and(|live| live.generation == generation)
    }
    /// Whether it is of use now, in a word, and why not; `trouble` is what somebody has with it while it stands.
    pub fn told(&self, trouble: Option<String>) -> (bool, &'static str, Option<String>) {
        match (self.is_up(), &self.blocked) {
            (false, _) => (false, "away", self.error.clone()),
            (true, Some(why)) => (false, "blocked", Some(why.clone())),
            (true, None) => (trouble.is_none(), "connected", trouble),
        }
    }
}

/// One connection, kept up.
pub struct ManagedConnection {
    settings: LinkSettings,
    state: watch::Sender<LinkState>,
    broken: mpsc::UnboundedSender<(u64, String)>,
    reconnects: AtomicU64,
}

impl ManagedConnection {
    /// A link, and what keeps it up for as long as it is polled.
    pub fn new(settings: LinkSettings) -> (Arc<Self>, BoxFuture<'static, ()>) {
        let (broken, heard) = mpsc::unbounded_channel();
        let state = watch::Sender::new(LinkState {
            error: Some("not connected yet".into()),
            ..LinkState::default()
        });
        let link = Arc::new(Self { settings, state, broken, reconnects: AtomicU64::new(0) });
        let running = Box::pin(link.clone().run(heard));
        (link, running)
    }

    /// How it is doing, now and from now on.
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.state.subscribe()
    }

    /// How often it had to connect anew.
    pub fn reconnects(&self) -> u64 {
        self.reconnects.load(Relaxed)
    }

    /// A connection that takes something, as soon as there is one.
    pub async fn up(&self) -> Live {
        self.wait_for(|state| state.blocked.is_none()).await
    }

    /// A connection, whether or not it takes anything now, as soon as there is one.
    pub async fn live(&self) -> Live {
        self.wait_for(|_| true).await
    }

    async fn wait_for(&self, fits: impl Fn(&LinkState) -> bool) -> Live {
        let mut state = self.state.subscribe();
        loop {
            let ready = state.wait_for(|state| state.is_up() && fits(state)).await;
            if let Ok(LinkState { live: Some(live), .. }) = ready.as_deref() {
                return live.clone();
            }
        }
    }

    /// The first connection; `None`: the first try has failed.
    pub async fn first(&self) -> Option<Live> {
        let mut state = self.state.subscribe();
        let tried = state.wait_for(|state| state.tried).await;
        tried.ok().and_then(|state| state.live.clone())
    }

    /// The next connection behind the one of this generation.
    pub async fn next(&self, generation: u64) -> Live {
        self.wait_for(|state| !state.is_same(generation)).await
    }

    /// Resolves when the connection of this generation is no more.
    pub async fn lost(&self, generation: u64) {
        let _ = self.state.subscribe().wait_for(|state| !state.is_same(generation)).await;
    }

    /// Somebody could not go on with this connection: there will be another one.
    pub fn broken(&self, generation: u64, why: &str) {
        let _ = self.broken.send((generation, why.to_owned()));
    }

    /// Waits for `work` as long as the connection stands and something moves; but a broker that has said that it takes
    /// nothing is waited for: what it has of us, it may still take.
    ///
    /// # Errors
    /// Why there is no use in waiting any longer.
    pub async fn while_it_moves<T>(
        &self,
        live: &Live,
        moves: &AtomicUsize,
        timeout: Duration,
        work: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, String> {
        let (mut work, mut state) = (pin!(work), self.state());
        let mut before = (0, false);
        loop {
            let gone = state.wait_for(|state| !state.is_same(live.generation));
            tokio::select! {
                done = &mut work => return done.map_err(|why| why.to_string()),
                _ = gone => return Err("the connection was lost".into()),
                () = tokio::time::sleep(timeout) => {}
            }
            let now = (moves.load(Relaxed), state.borrow().blocked.is_some());
            if !now.1 && now == before {
                return Err(format!("no confirm within {timeout:?}"));
            }
            before = now;
        }
    }

    async fn run(self: Arc<Self>, mut heard: mpsc::UnboundedReceiver<(u64, String)>) {
        let (mut failures, mut generation) = (0_u32, 0);
        loop {
            let place = usize::try_from(failures).unwrap_or_default();
            let Some(url) = self.settings.urls.get(place % self.settings.urls.len().max(1)) else {
                return;
            };
            let why = match self.connect(url).await {
                Ok(connection) => {
                    if generation > 0 {
                        self.reconnects.fetch_add(1, Relaxed);
                    }
                    generation += 1;
                    let (name, reconnects) = (&self.settings.name, self.reconnects());
                    tracing::info!(broker = %address(url), name, reconnects, "connected to the broker");
                    let began = Instant::now();
                    let why = self.keep(Arc::new(connection), generation, &mut heard).await;
                    if began.elapsed() >= GOOD {
                        failures = 0;
                    }
                    why
                }
                Err(why) => why,
            };
            failures = failures.saturating_add(1);
            if failures.is_power_of_two() {
                let name = &self.settings.name;
                tracing::warn!(broker = %address(url), name, failures, why, "the broker is away; everything waits for it");
            }
            self.state.send_replace(LinkState {
                error: Some(why),
                tried: true,
                ..LinkState::default()
            });
            tokio::time::sleep(pause(failures)).await;
        }
    }

    async fn connect(&self, url: &str) -> Result<Connection, String> {
        let mut uri: AMQPUri = url.parse()?;
        uri.query.heartbeat.get_or_insert(self.settings.heartbeat);
        let named = ConnectionProperties::default()
            .with_connection_name(self.settings.name.as_str().into());
        let connecting = Connection::connect_uri(uri, named);
        match tokio::time::timeout(self.settings.connect_timeout, connecting).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(why)) => Err(why.to_string()),
            Err(_) => Err(format!("no connection within {:?}", self.settings.connect_timeout)),
        }
    }

    /// Lends `connection` to everybody until something is wrong with it, and says what.
    async fn keep(
        &self,
        connection: Arc<Connection>,
        generation: u64,
        heard: &mut mpsc::UnboundedReceiver<(u64, String)>,
    ) -> String {
        let mut events = connection.events_listener();
        let live = Live { connection: connection.clone(), generation };
        self.state.send_replace(LinkState {
            live: Some(live),
            tried: true,
            ..LinkState::default()
        });
        let why = loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(Event::ConnectionBlocked(why)) => {
                        tracing::warn!(why, "the broker takes nothing for now; everything waits for it");
                        self.state.send_modify(|state| state.blocked = Some(why));
                    }
                    Some(Event::ConnectionUnblocked) => {
                        tracing::info!("the broker takes something again");
                        self.state.send_modify(|state| state.blocked = None);
                    }
                    // What is wrong with one channel is told to whoever uses it.
                    Some(Event::Error(why)) if !connection.status().connected() => break why.to_string(),
                    Some(_) => {}
                    None => break "the connection has ended".into(),
                },
                Some((of, why)) = heard.recv() => if of == generation { break why },
            }
        };
        // Nobody waits for a broken connection to end.
        tokio::spawn(async move {
            let _ =
                tokio::time::timeout(LONGEST, connection.close(320, "a fresh one follows".into()))
                    .await;
        });
        why
    }
}

/// Longer each time, and never the same for two nodes.
pub(super) fn pause(failures: u32) -> Duration {
    actors::pause(failures.into(), SHORTEST, LONGEST)
}

/// The address without what is nobody's business.
fn address(url: &str) -> &str {
    let behind = url.rsplit_once('@').map_or(url, |(_, behind)| behind);
    behind.strip_prefix("amqp://").unwrap_or(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        assert_eq!(address("amqp://user:secret@host:5672/%2f"), "host:5672/%2f");
        assert_eq!(address("amqp://host:5672"), "host:5672");
    }
}
