//! The certificate authorities that this machine trusts, read once.
//! Slim containers have none: http still works there, and https can say what is missing.

use std::error::Error;
use std::sync::LazyLock;

use reqwest::Certificate;
use rustls::RootCertStore;

use super::fault::{ConnectionFault, connection_fault};

static AUTHORITIES: LazyLock<Vec<Certificate>> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "cannot read some certificate authorities");
    }
    // A store may hold certificates that the TLS library cannot read; the others are none the worse for it.
    let mut store = RootCertStore::empty();
    let readable = found.certs.into_iter().filter(|certificate| store.add(certificate.clone()).is_ok());
    readable.filter_map(|certificate| Certificate::from_der(&certificate).ok()).collect()
});

pub(super) fn of_this_machine() -> Vec<Certificate> {
    AUTHORITIES.clone()
}

/// Whether this machine trusts nobody.
pub(super) fn are_missing() -> bool {
    AUTHORITIES.is_empty()
}

/// What to do when a request failed because this machine trusts no certificate authority at all; `None` when that was
/// not the reason.
pub fn missing_authorities(error: &(dyn Error + 'static)) -> Option<&'static str> {
    connection_fault(error).filter(|fault| *fault == ConnectionFault::NoAuthorities)?.hint()
}
