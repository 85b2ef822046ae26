//! The threads that serve connections, and the listeners that feed them.
//!
//! A connection is counted from the moment that it is accepted, and no longer when its task has ended: so a server that has
//! stopped accepting knows when the last one is answered.

use actix_rt::{Arbiter, net::TcpStream};
use actix_service::{Service, ServiceFactory};
use futures_util::future::poll_fn;
use std::{
    io::{self, ErrorKind},
    net,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinHandle,
};

/// How long accepting rests after an error that concerns no single connection, as when no descriptor is left.
const REST: Duration = Duration::from_millis(500);

/// A connection that has been accepted, and the port where.
struct Accepted {
    port: usize,
    stream: net::TcpStream,
    permit: OwnedSemaphorePermit,
}

/// The threads that serve connections. Dropped, they end, and with them what they serve.
pub struct Workers {
    feed: Arc<Feed>,
    arbiters: Vec<Arbiter>,
    most: u32,
}

/// The way from the listeners to the threads: each gets the next connection in turn.
struct Feed {
    workers: Vec<mpsc::UnboundedSender<Accepted>>,
    turn: AtomicUsize,
    permits: Arc<Semaphore>,
}

/// The tasks that accept connections. Dropped, no more are accepted.
pub struct Acceptors(Vec<JoinHandle<()>>);

impl Workers {
    /// Starts `workers` threads that serve `most` connections at once with the services of `ports`.
    ///
    /// # Errors
    /// A service cannot be made.
    pub async fn start<F, S, N>(workers: usize, most: usize, ports: N) -> io::Result<Self>
    where
        N: Fn() -> Vec<F> + Clone + Send + 'static,
        F: ServiceFactory<TcpStream, Config = (), Service = S> + 'static,
        S: Service<TcpStream> + 'static,
    {
        let most = u32::try_from(most.clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        let mut all = Vec::new();
        let mut arbiters = Vec::new();
        for _ in 0..workers.max(1) {
            let (feed, accepted) = mpsc::unbounded_channel();
            let (ready, started) = oneshot::channel();
            let arbiter = Arbiter::new();
            let ports = ports.clone();
            let serve = async move |services: Vec<F>| {
                let mut made = Vec::new();
                for service in services {
                    // Dropped, `ready` says that a service cannot be made.
                    let Ok(service) = service.new_service(()).await else { return };
                    made.push(service);
                }
                let _ = ready.send(());
                serve_accepted(made, accepted).await;
            };
            arbiter.spawn_fn(move || drop(actix_rt::spawn(async move { serve(ports()).await })));
            arbiters.push(arbiter);
            started.await.map_err(|_| io::Error::other("a worker cannot start"))?;
            all.push(feed);
        }
        let permits = Arc::new(Semaphore::new(most as usize));
        let feed = Arc::new(Feed { workers: all, turn: AtomicUsize::new(0), permits });
        Ok(Self { feed, arbiters, most })
    }

    /// Accepts connections at `listeners`, the ports in their order.
    ///
    /// # Errors
    /// A listener cannot be used.
    pub fn accept_from(&self, listeners: Vec<net::TcpListener>) -> io::Result<Acceptors> {
        let usable = |listener: net::TcpListener| {
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        };
        let listeners: Vec<_> = listeners.into_iter().map(usable).collect::<Result<_, _>>()?;
        let accepting = listeners.into_iter().enumerate().map(|(port, listener)| {
            let feed = Arc::clone(&self.feed);
            actix_rt::spawn(async move { feed.accept_all(port, listener).await })
        });
        Ok(Acceptors(accepting.collect()))
    }

    /// Serves a connection that another process has accepted at `port`. Where there is no room for it, it closes.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn serve_connection(&self, port: usize, stream: net::TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        if let Ok(permit) = Arc::clone(&self.feed.permits).try_acquire_owned() {
            self.feed.pass_on(Accepted { port, stream, permit });
        }
        Ok(())
    }

    /// Resolves when no connection is left.
    pub async fn all_ended(&self) {
        // The semaphore is never closed.
        drop(self.feed.permits.acquire_many(self.most).await);
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for arbiter in &self.arbiters {
            arbiter.stop();
        }
        for arbiter in self.arbiters.drain(..) {
            let _ = arbiter.join();
        }
    }
}

impl Acceptors {
    /// Accepts no more connections. What waits at a listener stays there, for another process that has it too.
    pub async fn stop(mut self) {
        for task in self.0.drain(..) {
            task.abort();
            let _ = task.await;
        }
    }
}

impl Drop for Acceptors {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

impl Feed {
    async fn accept_all(&self, port: usize, listener: TcpListener) {
        loop {
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return };
            match listener.accept().await.and_then(|(stream, _)| stream.into_std()) {
                Ok(stream) => self.pass_on(Accepted { port, stream, permit }),
                Err(error) if concerns_one_connection(error.kind()) => {}
                Err(error) => {
                    tracing::warn!(%error, "failed to accept connections");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    fn pass_on(&self, accepted: Accepted) {
        let turn = self.turn.fetch_add(1, Relaxed) % self.workers.len().max(1);
        if let Some(worker) = self.workers.get(turn) {
            // A worker ends with the server only.
            let _ = worker.send(accepted);
        }
    }
}

/// Whether the client of the connection has caused the error, by leaving.
fn concerns_one_connection(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

async fn serve_accepted<S: Service<TcpStream> + 'static>(
    services: Vec<S>,
    mut accepted: mpsc::UnboundedReceiver<Accepted>,
) {
    while let Some(Accepted { port, stream, permit }) = accepted.recv().await {
        let Some(service) = services.get(port) else { continue };
        if poll_fn(|context| service.poll_ready(context)).await.is_err() {
            tracing::error!("failed to serve a connection: its service has ended");
            continue;
        }
        match TcpStream::from_std(stream) {
            Ok(stream) => {
                let served = service.call(stream);
                actix_rt::spawn(async move {
                    let _ = served.await;
                    drop(permit);
                });
            }
            Err(error) => tracing::warn!(%error, "failed to serve a connection"),
        }
    }
}
