//! The certificate of the server, which can be renewed while it runs.

use super::{HTTP_1_1, choose_provider};
use crate::sync;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    fmt::Display,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};
use x509_cert::{Certificate, der::Decode};

/// A certificate and its key, read from two PEM files.
#[derive(Debug)]
pub struct ServerCertificate {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<Current>,
}

/// The certificate that connections get now.
#[derive(Debug)]
struct Current {
    certified: Arc<CertifiedKey>,
    /// When the first of its chain ends, in seconds since 1970.
    end: u64,
}

impl ServerCertificate {
    /// Reads the certificate, with those that lead to its authority, from `cert`, and its private key from `key`.
    ///
    /// # Errors
    /// Which file cannot be used, and why; that they do not belong together, too.
    pub fn load(cert: &Path, key: &Path) -> Result<Arc<Self>, String> {
        let current = RwLock::new(read(cert, key)?);
        Ok(Arc::new(Self { cert: cert.to_owned(), key: key.to_owned(), current }))
    }

    /// Reads both files again; connections from now on get what is in them. On an error all stays as it was.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub fn reload(&self) -> Result<(), String> {
        let renewed = read(&self.cert, &self.key)?;
        *sync::write(&self.current) = renewed;
        Ok(())
    }

    /// When the certificate, or one of those that lead to its authority, ends first, in seconds since 1970.
    pub fn end(&self) -> u64 {
        sync::read(&self.current).end
    }

    /// What connections are accepted with: TLS 1.2 and 1.3, HTTP/1.1 alone.
    pub fn acceptor(self: &Arc<Self>) -> Arc<ServerConfig> {
        choose_provider();
        let config = ServerConfig::builder().with_no_client_auth();
        let mut config = config.with_cert_resolver(Arc::<Self>::clone(self));
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        Arc::new(config)
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&sync::read(&self.current).certified))
    }
}

fn read(cert: &Path, key: &Path) -> Result<Current, String> {
    let unusable = |path: &Path, why: &dyn Display| format!("{}: {why}", path.display());
    let chain = CertificateDer::pem_file_iter(cert).map_err(|why| unusable(cert, &why))?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(|why| unusable(cert, &why))?;
    if chain.is_empty() {
        return Err(unusable(cert, &"contains no certificate in PEM"));
    }
    let ends = chain.iter().map(|der| Certificate::from_der(der));
    let ends = ends.map(|read| read.map(|read| validity_end(&read)));
    let end = ends.collect::<Result<Vec<_>, _>>().map_err(|why| unusable(cert, &why))?;
    let end = end.into_iter().min().unwrap_or_default();
    let private = PrivateKeyDer::from_pem_file(key).map_err(|why| match why {
        pem::Error::NoItemsFound => unusable(key, &"contains no private key in PEM"),
        why => unusable(key, &why),
    })?;
    let certified = CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider());
    let current = certified.map(|certified| Current { certified: Arc::new(certified), end });
    current.map_err(|why| match why {
        rustls::Error::InconsistentKeys(_) => {
            unusable(key, &format!("is not the key of the certificate in {}", cert.display()))
        }
        why => unusable(cert, &why),
    })
}

fn validity_end(certificate: &Certificate) -> u64 {
    certificate.tbs_certificate.validity.not_after.to_unix_duration().as_secs()
}
