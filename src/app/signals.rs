//! The signals that stop the server, and the one that renews its certificate.

use crate::tls::ServerCertificate;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind};

/// Resolves at SIGTERM or SIGINT. A second one ends the process at once.
pub async fn stop_signal() {
    let signal = |kind| tokio::signal::unix::signal(kind).ok();
    let terminate = signal(SignalKind::terminate());
    let interrupt = signal(SignalKind::interrupt());
    let (Some(mut terminate), Some(mut interrupt)) = (terminate, interrupt) else {
        tracing::error!(
            "failed to listen to signals; kill the process to stop it, nothing acknowledged is lost"
        );
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping; a second signal stops at once");
    actix_rt::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::warn!(reason = "second signal", "server stopped at once");
        std::process::exit(1);
    });
}

/// The signals on which the certificate is read again. From now on they do not end the process, whether there is a certificate
/// or not.
pub fn hangups() -> Option<Signal> {
    let hangups = tokio::signal::unix::signal(SignalKind::hangup());
    let failed = "failed to listen to SIGHUP; restart the server to renew its certificate";
    hangups.inspect_err(|error| tracing::error!(%error, "{failed}")).ok()
}

/// Reads `certificate` again at each of `hangups`. One that cannot be used changes nothing.
pub async fn renew_on_hangup(hangups: Option<Signal>, certificate: Option<Arc<ServerCertificate>>) {
    let Some(mut hangups) = hangups else { return };
    while let Some(()) = hangups.recv().await {
        match certificate.as_ref().map(|certificate| certificate.reload()) {
            None => tracing::info!("no certificate to renew"),
            Some(Ok(())) => tracing::info!("renewed the certificate"),
            Some(Err(error)) => {
                tracing::error!(%error, "failed to renew the certificate; the old one is still shown")
            }
        }
    }
}
