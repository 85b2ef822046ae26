//! One connection to the broker, kept up. After any error it is a fresh one: what a broken connection still knows is not
//! worth asking for.

use crate::actors::Machine;
use futures_util::{StreamExt, future::BoxFuture};
use lapin::{
    AsyncTcpStream, Connection, ConnectionProperties, Event,
    runtime::default_runtime,
    tcp::RustlsConnector,
    uri::{AMQPScheme, AMQPUri},
};
use rustls::ClientConfig;
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

const MIN_DELAY: Duration = Duration::from_millis(100);
const MAX_DELAY: Duration = Duration::from_secs(5);
/// A connection that lasted so long was a good one: the pauses begin anew.
const STABLE_AFTER: Duration = Duration::from_secs(5);

/// How the broker is reached.
#[derive(Clone)]
pub struct ConnectionSettings {
    /// The addresses of its nodes, tried in turn.
    pub urls: Vec<String>,
    /// What the connection is called on the broker's pages.
    pub name: String,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How often both sides say that they are there, in seconds.
    pub heartbeat: u16,
    /// What connections to `amqps://` addresses are opened with.
    pub tls: Arc<ClientConfig>,
}

impl ConnectionSettings {
    /// Connects to one node of the broker.
    ///
    /// # Errors
    /// Why that failed, in words.
    pub async fn connect(&self, url: &str) -> Result<Connection, String> {
        let mut uri: AMQPUri = url.parse()?;
        uri.query.heartbeat.get_or_insert(self.heartbeat);
        let named = ConnectionProperties::default().with_connection_name(self.name.as_str().into());
        let connector = RustlsConnector::from(Arc::clone(&self.tls));
        let runtime = default_runtime().map_err(|why| why.to_string())?;
        let connecting = Connection::connector(
            uri,
            runtime,
            async move |uri, runtime| {
                let address =
                    runtime.to_socket_addrs((uri.authority.host.clone(), uri.authority.port));
                let stream = AsyncTcpStream::connect(&runtime, address).await?;
                match uri.scheme {
                    AMQPScheme::AMQP => Ok(stream),
                    AMQPScheme::AMQPS => {
                        Ok(stream.into_rustls(&connector, &uri.authority.host).await?)
                    }
                }
            },
            named,
        );
        match tokio::time::timeout(self.connect_timeout, connecting).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(why)) => Err(why.to_string()),
            Err(_) => Err(format!("no connection within {:?}", self.connect_timeout)),
        }
    }
}

/// A connection that is up.
#[derive(Clone)]
pub struct LiveConnection {
    /// The connection itself.
    pub connection: Arc<Connection>,
    /// Which one it is, counted from the start.
    pub generation: u64,
}

/// How the connection is doing.
#[derive(Clone, Default)]
pub struct ConnectionState {
    live: Option<LiveConnection>,
    /// Why the broker takes nothing, while it takes nothing.
    pub blocked: Option<String>,
    /// Why there is no connection.
    pub error: Option<String>,
    /// Whether it has been tried to connect.
    tried: bool,
}

impl ConnectionState {
    /// Whether there is a connection.
    pub fn is_up(&self) -> bool {
        self.live.is_some()
    }
    /// Whether it is still the connection of this generation.
    pub fn is_generation(&self, generation: u64) -> bool {
        self.live.as_ref().is_some_and(|live| live.generation == generation)
    }
    /// Whether it can be used now, and why not; `trouble` is an error that a user of it has while it is open.
    pub fn describe_state(&self, trouble: Option<String>) -> (bool, &'static str, Option<String>) {
        match (self.is_up(), &self.blocked) {
            (false, _) => (false, "away", self.error.clone()),
            (true, Some(why)) => (false, "blocked", Some(why.clone())),
            (true, None) => (trouble.is_none(), "connected", trouble),
        }
    }
}

/// Whether `url` is an address that can be connected to.
///
/// # Errors
/// What is wrong with it, without its password.
pub fn check_url(url: &str) -> Result<(), &'static str> {
    let uri = url.parse::<AMQPUri>();
    uri.map(drop).map_err(|_| "is not the URL of a broker: it begins with `amqp://` or `amqps://`")
}

/// One connection, kept up.
pub struct ManagedConnection {
    settings: ConnectionSettings,
    state: watch::Sender<ConnectionState>,
    broken: mpsc::UnboundedSender<(u64, String)>,
    reconnects: AtomicU64,
}

impl ManagedConnection {
    /// A connection, and what keeps it up for as long as it is polled.
    pub fn new(settings: ConnectionSettings) -> (Arc<Self>, BoxFuture<'static, ()>) {
        let (broken, breaks) = mpsc::unbounded_channel();
        let state = watch::Sender::new(ConnectionState {
            error: Some("not connected yet".into()),
            ..ConnectionState::default()
        });
        let reconnects = AtomicU64::new(0);
        let connection = Arc::new(Self { settings, state, broken, reconnects });
        let running = Box::pin(connection.clone().run(breaks));
        (connection, running)
    }

    /// How it is doing, now and from now on.
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.state.subscribe()
    }

    /// How often it had to connect anew.
    pub fn reconnects(&self) -> u64 {
        self.reconnects.load(Relaxed)
    }

    /// A connection that takes something, as soon as there is one.
    pub async fn wait_unblocked(&self) -> LiveConnection {
        self.wait_for(|state| state.blocked.is_none()).await
    }

    /// A connection, whether or not it takes anything now, as soon as there is one.
    pub async fn wait_connected(&self) -> LiveConnection {
        self.wait_for(|_| true).await
    }

    async fn wait_for(&self, fits: impl Fn(&ConnectionState) -> bool) -> LiveConnection {
        let mut state = self.state.subscribe();
        loop {
            let ready = state.wait_for(|state| state.is_up() && fits(state)).await;
            if let Ok(ConnectionState { live: Some(live), .. }) = ready.as_deref() {
                return live.clone();
            }
        }
    }

    /// The first connection; `None`: the first try has failed.
    pub async fn first_attempt(&self) -> Option<LiveConnection> {
        let mut state = self.state.subscribe();
        let tried = state.wait_for(|state| state.tried).await;
        tried.ok().and_then(|state| state.live.clone())
    }

    /// The next connection after the one of this generation.
    pub async fn wait_next(&self, generation: u64) -> LiveConnection {
        self.wait_for(|state| !state.is_generation(generation)).await
    }

    /// Resolves when the connection of this generation is no more.
    pub async fn wait_lost(&self, generation: u64) {
        let _ = self.state.subscribe().wait_for(|state| !state.is_generation(generation)).await;
    }

    /// Reports that this connection does not work any more: there will be another one.
    pub fn report_broken(&self, generation: u64, why: &str) {
        let _ = self.broken.send((generation, why.to_owned()));
    }

    /// Waits for `work` as long as the connection is up and something moves; but a broker that has announced that it takes
    /// nothing is waited for: what it has of us, it may still take.
    ///
    /// # Errors
    /// Why there is no use in waiting any longer.
    pub async fn with_progress_timeout<T>(
        &self,
        live: &LiveConnection,
        moves: &AtomicUsize,
        timeout: Duration,
        work: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, String> {
        let mut work = pin!(work);
        let mut state = self.state();
        let mut before = (0, false);
        loop {
            let gone = state.wait_for(|state| !state.is_generation(live.generation));
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

    async fn run(self: Arc<Self>, mut breaks: mpsc::UnboundedReceiver<(u64, String)>) {
        let mut failures = 0_u32;
        let mut generation = 0;
        loop {
            let place = usize::try_from(failures).unwrap_or_default();
            let Some(url) = self.settings.urls.get(place % self.settings.urls.len().max(1)) else {
                return;
            };
            let why = match self.settings.connect(url).await {
                Ok(connection) => {
                    if generation > 0 {
                        self.reconnects.fetch_add(1, Relaxed);
                    }
                    generation += 1;
                    let name = &self.settings.name;
                    let reconnects = self.reconnects();
                    tracing::info!(broker = %redacted_address(url), name, reconnects, "connected to the broker");
                    let began = Instant::now();
                    let why =
                        self.hold_connection(Arc::new(connection), generation, &mut breaks).await;
                    if began.elapsed() >= STABLE_AFTER {
                        failures = 0;
                    }
                    why
                }
                Err(why) => why,
            };
            failures = failures.saturating_add(1);
            if failures.is_power_of_two() {
                let name = &self.settings.name;
                tracing::warn!(broker = %redacted_address(url), name, failures, why, "failed to connect to the broker; retrying");
            }
            self.state.send_replace(ConnectionState {
                error: Some(why),
                tried: true,
                ..ConnectionState::default()
            });
            tokio::time::sleep(retry_delay(failures)).await;
        }
    }

    /// Lends `connection` to all users until it fails, and returns why.
    async fn hold_connection(
        &self,
        connection: Arc<Connection>,
        generation: u64,
        breaks: &mut mpsc::UnboundedReceiver<(u64, String)>,
    ) -> String {
        let mut events = connection.events_listener();
        let live = LiveConnection { connection: connection.clone(), generation };
        self.state.send_replace(ConnectionState {
            live: Some(live),
            tried: true,
            ..ConnectionState::default()
        });
        let why = loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(Event::ConnectionBlocked(why)) => {
                        tracing::warn!(why, "the broker blocks publishing; events wait");
                        self.state.send_modify(|state| state.blocked = Some(why));
                    }
                    Some(Event::ConnectionUnblocked) => {
                        tracing::info!("the broker takes events again");
                        self.state.send_modify(|state| state.blocked = None);
                    }
                    // An error of one channel is reported to the user of it.
                    Some(Event::Error(why)) if !connection.status().connected() => break why.to_string(),
                    Some(_) => {}
                    None => break "the connection has ended".into(),
                },
                Some((of, why)) = breaks.recv() => if of == generation { break why },
            }
        };
        // No one waits for a broken connection to end.
        tokio::spawn(async move {
            let _ = tokio::time::timeout(
                MAX_DELAY,
                connection.close(320, "a fresh one follows".into()),
            )
            .await;
        });
        why
    }
}

/// Longer each time, and never the same for two nodes.
pub(crate) fn retry_delay(failures: u32) -> Duration {
    Machine::default().random_backoff(failures.into(), MIN_DELAY, MAX_DELAY)
}

/// The address without its secrets.
fn redacted_address(url: &str) -> &str {
    let behind = url.rsplit_once('@').map_or(url, |(_, behind)| behind);
    ["amqp://", "amqps://"].iter().find_map(|scheme| behind.strip_prefix(scheme)).unwrap_or(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        assert_eq!(redacted_address("amqp://user:secret@host:5672/%2f"), "host:5672/%2f");
        assert_eq!(redacted_address("amqp://host:5672"), "host:5672");
    }
}
