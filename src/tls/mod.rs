//! TLS: what this server shows to its clients, and whom it trusts. One provider of cryptography does all of it.

mod certificate;
mod trust;

pub use certificate::ServerCertificate;
pub use trust::Trust;

/// Lets all of rustls use that provider, before the first configuration is made. Where the process has chosen another one
/// already, that stays.
fn choose_provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// The only version of HTTP that is spoken here, as TLS negotiates it (RFC 7301).
const HTTP_1_1: &[u8] = b"http/1.1";
