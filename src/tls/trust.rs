//! Whom this server trusts when it connects to others.

use super::{HTTP_1_1, choose_provider};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{path::Path, sync::Arc};

/// The authorities whose certificates are trusted, and what connections to others are opened with. By default it trusts no
/// one, which is enough to connect without TLS.
#[derive(Debug, Clone)]
pub struct Trust(Arc<ClientConfig>);

impl Default for Trust {
    fn default() -> Self {
        Self::from(RootCertStore::empty())
    }
}

impl From<RootCertStore> for Trust {
    fn from(roots: RootCertStore) -> Self {
        choose_provider();
        let config = ClientConfig::builder().with_root_certificates(roots);
        Self(Arc::new(config.with_no_client_auth()))
    }
}

impl Trust {
    /// Trusts the authorities of the system, and those in the PEM file `ca_file`.
    ///
    /// # Errors
    /// Why the file cannot be used. A system that has no authorities is no error: there may be none to be trusted but those of
    /// the file.
    pub fn load(ca_file: Option<&Path>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        for why in &system.errors {
            tracing::warn!(error = %why, "failed to read an authority of the system");
        }
        // Some of a system's old authorities are malformed, and trusted by no one.
        let _ = roots.add_parsable_certificates(system.certs);
        if let Some(path) = ca_file {
            add_file(path, &mut roots).map_err(|why| format!("{}: {why}", path.display()))?;
        }
        Ok(Self::from(roots))
    }

    /// What TLS connections are opened with.
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }

    /// A client of other servers over HTTP/1.1. It follows no redirect: where requests go is configured, and nowhere else.
    pub fn http_client(&self) -> reqwest::ClientBuilder {
        let mut config = ClientConfig::clone(&self.0);
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
    }
}

fn add_file(path: &Path, roots: &mut RootCertStore) -> Result<(), String> {
    let before = roots.len();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|why| why.to_string())? {
        let certificate = certificate.map_err(|why| why.to_string())?;
        roots.add(certificate).map_err(|why| why.to_string())?;
    }
    if roots.len() == before { Err("contains no certificate in PEM".to_owned()) } else { Ok(()) }
}
