//! The certificate authorities that this machine trusts, read once.
//! Slim containers have none: http still works there, and https can say what is missing.

use std::error::Error;
use std::sync::{Arc, LazyLock};

use reqwest::Certificate;
use rustls::{ClientConfig, RootCertStore};

use super::fault::{ConnectionFault, connection_fault};

static AUTHORITIES: LazyLock<Authorities> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "cannot read some certificate authorities");
    }
    // A store may hold certificates that the TLS library cannot read; the others are none the worse for it.
    let mut store = RootCertStore::empty();
    let readable = found.certs.into_iter().filter(|certificate| store.add(certificate.clone()).is_ok());
    let certificates = readable.filter_map(|certificate| Certificate::from_der(&certificate).ok()).collect();
    Authorities { certificates, store: Arc::new(store) }
});

/// The same authorities in the two forms they are asked for.
struct Authorities {
    certificates: Vec<Certificate>,
    store: Arc<RootCertStore>,
}

pub(super) fn of_this_machine() -> Vec<Certificate> {
    AUTHORITIES.certificates.clone()
}

/// TLS with the authorities of this machine, for connections that are not HTTP.
pub fn tls() -> ClientConfig {
    super::choose_provider();
    ClientConfig::builder().with_root_certificates(Arc::clone(&AUTHORITIES.store)).with_no_client_auth()
}

/// Whether this machine trusts nobody.
pub(super) fn are_missing() -> bool {
    AUTHORITIES.store.is_empty()
}

/// What to do when a request failed because this machine trusts no certificate authority at all; `None` when that was
/// not the reason.
pub fn missing_authorities(error: &(dyn Error + 'static)) -> Option<&'static str> {
    connection_fault(error).filter(|fault| *fault == ConnectionFault::NoAuthorities).map(|fault| fault.hint())
}
