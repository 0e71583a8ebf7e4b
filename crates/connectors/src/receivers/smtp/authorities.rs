//! Who may vouch for a mail server.

use std::fmt;

use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The CA certificates that count for a mail server, in place of those that the machine trusts:
/// whoever names one wants no other to be able to speak for it.
#[derive(Clone)]
pub struct Authorities(Vec<CertificateDer<'static>>);

impl Authorities {
    /// Reads certificates in PEM form; the error goes on after the name of the file.
    pub fn read(pem: &[u8]) -> Result<Self, String> {
        let broken = "holds a certificate that cannot be read";
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.map_err(|_| broken)?;
        let mut roots = RootCertStore::empty();
        for one in &found {
            roots.add(one.clone()).map_err(|_| broken)?;
        }
        if found.is_empty() {
            let is_pem = String::from_utf8_lossy(pem).contains("-----BEGIN ");
            let why = if is_pem { "holds no certificate" } else { "is not in PEM form" };
            return Err(format!("{why}; it has to have a `-----BEGIN CERTIFICATE-----`"));
        }
        Ok(Self(found))
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.0.len())
    }
}

/// What TLS with a host takes.
pub(super) fn parameters(host: &str, named: Option<&Authorities>) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(Authorities(named)) = named {
        builder = builder.certificate_store(CertificateStore::None);
        for one in named {
            let one = Certificate::from_der(one.to_vec()).map_err(|error| error.to_string())?;
            builder = builder.add_root_certificate(one);
        }
    }
    builder.build().map_err(|error| match named {
        Some(_) => error.to_string(),
        None => format!("no CA of this machine can be used ({error}); name one in `ca_file`"),
    })
}
