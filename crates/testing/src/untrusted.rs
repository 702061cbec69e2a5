//! An https server of this machine whose certificate no authority has signed.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

/// The certificate: good for `localhost`, and its own authority.
pub fn scratch_certificate() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/scratch.pem")
}

/// What a server needs to show it.
///
/// # Panics
///
/// When the files are gone.
pub fn scratch_tls() -> Arc<ServerConfig> {
    let certificate = CertificateDer::from_pem_file(scratch_certificate()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(scratch_certificate().with_extension("key")).expect("its key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider's versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("the key is the certificate's");
    Arc::new(config)
}

/// Greets with a certificate that nobody trusts; whoever does not mind it gets no answer either.
#[derive(Debug)]
pub struct UntrustedHost {
    address: SocketAddr,
}

impl UntrustedHost {
    /// Starts it; it ends with the process.
    ///
    /// # Panics
    ///
    /// When the machine has no port.
    pub fn here() -> Self {
        let config = scratch_tls();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("a bound listener has an address");
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut greeting = ServerConnection::new(Arc::clone(&config)).expect("a good configuration");
                // A client that does not like the certificate leaves here.
                let _left = greeting.complete_io(&mut stream);
            }
        });
        Self { address }
    }

    /// `https://localhost:…`
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }
}
