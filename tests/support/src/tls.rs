//! Certificates of an authority of the test process, which its clients trust.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { issuer: Issuer::new(params, key), pem }
});

fn own_names() -> Vec<String> {
    ["localhost", "127.0.0.1", "0.0.0.0"].map(String::from).to_vec()
}

/// The certificate of the authority.
pub fn authority() -> &'static str {
    &AUTHORITY.pem
}

/// Where a certificate and its key are.
pub struct CertificateFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
    /// The certificate of the authority.
    pub ca: PathBuf,
}

impl CertificateFiles {
    /// A certificate for loopback, in `directory`.
    pub fn in_directory(directory: &Path) -> Self {
        let file = |name: &str| directory.join(name);
        let files = Self { cert: file("cert.pem"), key: file("key.pem"), ca: file("ca.pem") };
        fs::write(&files.ca, authority()).unwrap();
        files.renew();
        files
    }

    /// Replaces the certificate and its key by others.
    pub fn renew(&self) {
        self.certify(CertificateParams::new(own_names()).unwrap());
    }

    /// Replaces the certificate by one that ends after `days`.
    pub fn renew_for_days(&self, days: u64) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let mut params = CertificateParams::new(own_names()).unwrap();
        params.not_after = date_time_ymd(1970, 1, 1) + now + Duration::from_secs(days * 86_400);
        self.certify(params);
    }

    fn certify(&self, params: CertificateParams) {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &AUTHORITY.issuer).unwrap();
        fs::write(&self.cert, certificate.pem()).unwrap();
        fs::write(&self.key, key.serialize_pem()).unwrap();
    }

    /// Replaces the certificate by one that another authority vouches for.
    pub fn forge(&self) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        fs::write(&self.cert, params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(&self.key, key.serialize_pem()).unwrap();
    }

    /// Replaces the certificate by one for another host.
    pub fn misname(&self) {
        self.certify(CertificateParams::new(vec!["elsewhere.example".to_owned()]).unwrap());
    }

    /// The section of a configuration that makes a server trust the authority.
    pub fn trust_section(&self) -> String {
        format!("[tls]\nca_file = {:?}\n", self.ca)
    }

    /// The section of a configuration that makes a server show the certificate.
    pub fn http_section(&self) -> String {
        format!("[http.tls]\ncert = {:?}\nkey = {:?}\n", self.cert, self.key)
    }
}

/// The certificate of an authority that vouches for nothing here.
pub fn stranger() -> String {
    let key = KeyPair::generate().unwrap();
    CertificateParams::new(Vec::<String>::new()).unwrap().self_signed(&key).unwrap().pem()
}
