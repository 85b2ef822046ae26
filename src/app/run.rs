//! A process that serves: until a signal stops it, or until another process takes over from it.

use super::{
    banner::announce_server,
    failure::Failure,
    hand_over::{HandOver, Predecessor, Successor},
    listening::{Listening, bind_listeners},
    passed_sockets::PassedSockets,
    server::serve_system,
    service_manager::{READY, STOPPING, notify_service_manager},
    signals::stop_signal,
};
use crate::{
    config::Config,
    http::{Drain, IdleConnections, Listeners},
    store::look_at_directory,
    sync,
};
use futures_util::{
    FutureExt,
    future::{LocalBoxFuture, Shared},
};
use std::{cell::RefCell, net::TcpListener, rc::Rc, sync::Arc};

/// Resolves at the first signal to stop, however often it is waited for.
type Stop = Shared<LocalBoxFuture<'static, ()>>;

/// Runs the server until a signal stops it. `ahead` is how far business time is ahead of the machine's, in microseconds. With
/// `takes_over`, the server that runs on the same data directory hands over to this one.
///
/// # Errors
/// [`Failure`] if it cannot start, or if its store fails.
pub fn run_server(config: &Config, ahead: i64, takes_over: bool) -> Result<(), Failure> {
    let mut passed = PassedSockets::from_service_manager()?;
    let mut predecessor = None;
    if takes_over && let Some((found, sockets)) = Predecessor::find(&config.settings.store.dir)? {
        predecessor = Some(found);
        passed = sockets.into();
    }
    let mut listening = bind_listeners(&config.settings, passed)?;
    if let Some(running) = &mut predecessor {
        tracing::info!("waiting for the running server to hand over");
        listening.listeners.connections = running.wait_closed();
    }
    actix_rt::System::new().block_on(serve_on(config, ahead, listening, predecessor))
}

/// Serves until a signal comes, or another process has taken over; if that one fails, it goes on.
async fn serve_on(
    config: &Config,
    ahead: i64,
    listening: Listening,
    mut predecessor: Option<Predecessor>,
) -> Result<(), Failure> {
    let sockets: Rc<[_]> = listening.named_sockets().map_err(Failure::from_error)?.into();
    let stop: Stop = stop_signal().boxed_local().shared();
    let Listening { listeners, address, probes, ops, are_shared } = listening;
    let mut listeners = listeners;
    loop {
        let again = listeners.duplicate().map_err(Failure::from_error)?;
        let handing_over = Rc::new(HandingOver::default());
        let released = predecessor.take();
        let accepting = || {
            announce_server(config, address, probes, ops)?;
            notify_service_manager(READY);
            if let Some(predecessor) = released {
                predecessor.release();
            }
            handing_over.offer(config);
            Ok(())
        };
        let stopped = Rc::clone(&handing_over).wait(Rc::clone(&sockets), stop.clone(), are_shared);
        serve_system(config, ahead, listeners, accepting, stopped).await?;
        let Some(mut successor) = handing_over.successor.take() else { return Ok(()) };
        let connections = std::mem::take(&mut *sync::lock(&handing_over.idle));
        let dir = &config.settings.store.dir;
        let has_store = || look_at_directory(dir).is_ok_and(|state| state.is_held);
        let completed = tokio::select! {
            completed = successor.complete(&connections, has_store) => completed,
            () = stop.clone() => return Ok(()),
        };
        match completed {
            Ok(()) => {
                tracing::info!(connections = connections.len(), "handed over");
                return Ok(());
            }
            Err(error) => {
                tracing::error!(%error, "the process that was to take over has failed; serving on");
                listeners = Listeners { connections, ..again };
            }
        }
    }
}

/// The end of a server that hands over.
#[derive(Debug, Default)]
struct HandingOver {
    offered: RefCell<Option<HandOver>>,
    successor: RefCell<Option<Successor>>,
    idle: IdleConnections,
}

impl HandingOver {
    /// Lets another process take over from now on.
    fn offer(&self, config: &Config) {
        // Where a database keeps the data, nodes run side by side.
        if config.settings.store.url.is_some() {
            return;
        }
        match HandOver::offer(&config.settings.store.dir) {
            Ok(offered) => drop(self.offered.replace(Some(offered))),
            Err(error) => tracing::warn!(%error, "no process can take over from this one"),
        }
    }

    /// Resolves with how the server is to stop: at a signal, or when another process is ready to take over.
    async fn wait(
        self: Rc<Self>,
        sockets: Rc<[(String, TcpListener)]>,
        stop: Stop,
        are_shared: bool,
    ) -> Drain {
        let offered = self.offered.take();
        let successor = async {
            match &offered {
                Some(offered) => offered.wait_for_successor(&sockets).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop => {
                notify_service_manager(STOPPING);
                if are_shared { Drain::Shared } else { Drain::Announced }
            }
            successor = successor => {
                tracing::info!("handing over to another process");
                self.successor.replace(Some(successor));
                Drain::HandedOver(Arc::clone(&self.idle))
            }
        }
    }
}
