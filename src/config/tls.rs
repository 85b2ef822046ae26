//! `[http.tls]` and `[tls]`: what this server shows to its clients, and whom it trusts.

use super::check::Invalid;
use crate::tls::{ServerCertificate, Trust};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc};

/// The certificate of the HTTP server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpTls {
    /// PEM file with the certificate of the server and those that lead to its authority. With it `http.listen` and the ports
    /// of `compat.ports` speak HTTPS; SIGHUP reads it again.
    pub cert: Option<PathBuf>,
    /// PEM file with the private key of the certificate.
    pub key: Option<PathBuf>,
}

impl HttpTls {
    /// Reads the certificate, if there is one.
    pub fn certificate(&self) -> Result<Option<Arc<ServerCertificate>>, Invalid> {
        let invalid = |key: &str, reason: String| Invalid { key: key.to_owned(), reason };
        match (&self.cert, &self.key) {
            (None, None) => Ok(None),
            (Some(cert), Some(key)) => {
                let read = ServerCertificate::load(cert, key);
                read.map(Some)
                    .map_err(|why| invalid("http.tls.cert", format!("cannot be used: {why}")))
            }
            (Some(_), None) => Err(invalid("http.tls.key", "required with `http.tls.cert`".into())),
            (None, Some(_)) => Err(invalid("http.tls.cert", "required with `http.tls.key`".into())),
        }
    }
}

/// Whom this server trusts when it connects to others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// PEM file with further authorities whose certificates are trusted when this server connects to others: peers, the webhook,
    /// the broker, OpenID providers.
    #[schemars(extend("x-default" = "those of the system alone"))]
    pub ca_file: Option<PathBuf>,
}

impl Tls {
    /// The authorities that are trusted.
    pub fn trust(&self) -> Result<Trust, Invalid> {
        Trust::load(self.ca_file.as_deref()).map_err(|why| Invalid {
            key: "tls.ca_file".into(),
            reason: format!("cannot be used: {why}"),
        })
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        // Without a file nothing can be wrong, and the authorities of the system take a while to read.
        if self.ca_file.is_some() { self.trust().map(drop) } else { Ok(()) }
    }
}
