//! The signals that stop the server, and the one that renews its certificate.

use crate::tls::ServerCertificate;
use std::sync::Arc;
use tokio::signal::unix::SignalKind;

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

/// Reads `certificate` again at each SIGHUP. One that cannot be used changes nothing.
pub async fn renew_on_hangup(certificate: Arc<ServerCertificate>) {
    let Ok(mut hangup) = tokio::signal::unix::signal(SignalKind::hangup()) else {
        return tracing::error!(
            "failed to listen to SIGHUP; restart the server to renew its certificate"
        );
    };
    while let Some(()) = hangup.recv().await {
        match certificate.reload() {
            Ok(()) => tracing::info!("renewed the certificate"),
            Err(error) => {
                tracing::error!(%error, "failed to renew the certificate; the old one is still shown")
            }
        }
    }
}
