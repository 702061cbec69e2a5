//! `wss://`: a certificate that the system trusts is accepted, any other is refused. The authority in `tests/data/tls`
//! signed only the key beside it, for 127.0.0.1; its own key was thrown away.

use std::process::Command;
use std::sync::Arc;

use gen404_chain::Chain;
use gen404_outside::explain::{Blame, Explain};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use crate::support::{fast, options, start};

const URL: &str = "CHAIN_TEST_TLS_URL";

/// Serves TLS in front of a plain endpoint.
async fn behind_tls(plain: &str) -> String {
    let target = plain.trim_start_matches("ws://").to_owned();
    let certificate = include_bytes!("../data/tls/certificate.der").to_vec().into();
    let key = PrivatePkcs8KeyDer::from(include_bytes!("../data/tls/key.der").to_vec()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks them")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("the key fits the certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("wss://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, target) = (acceptor.clone(), target.clone());
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(stream).await else { return };
                let Ok(mut node) = TcpStream::connect(target).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut client, &mut node).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let sandbox = start(fast(&[])).await;
    let url = behind_tls(&sandbox.url()).await;
    let error = Chain::connect(options(&url), &()).await.expect_err("nobody knows the authority");
    assert_eq!(error.blame(), Blame::Service);
    // A machine that trusts nobody says something else of it.
    assert!(error.to_string().contains("its certificate ") && !error.to_string().contains("UnknownIssuer"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("SSL_CERT_FILE")), "{error} {:?}", error.hint());
}

#[tokio::test]
async fn a_port_that_speaks_no_tls_is_told() {
    let sandbox = start(fast(&[])).await;
    let url = sandbox.url().replace("ws://", "wss://");
    let error = Chain::connect(options(&url), &()).await.expect_err("plain");
    assert!(error.to_string().contains("TLS failed"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("ws://")), "{:?}", error.hint());
}

#[tokio::test]
async fn an_authority_the_system_trusts_is_accepted() {
    passes("tls::client", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tls/authority.pem")).await;
}

#[tokio::test]
async fn a_machine_without_authorities_is_told_what_to_install() {
    passes("tls::client_without_authorities", "/dev/null").await;
}

/// What the system trusts is read from the environment, so that the client is a process of its own.
async fn passes(client: &'static str, authorities: &'static str) {
    let sandbox = start(fast(&[])).await;
    let url = behind_tls(&sandbox.url()).await;
    let ended = tokio::task::spawn_blocking(move || {
        Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", client, "--ignored"])
            .env("SSL_CERT_FILE", authorities)
            .env_remove("SSL_CERT_DIR")
            .env(URL, url)
            .output()
    });
    let output = ended.await.expect("no panic").expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "the client process of the other test, which runs it"]
async fn client_without_authorities() {
    let url = std::env::var(URL).expect("the other test sets it");
    let error = Chain::connect(options(&url), &()).await.expect_err("nobody is trusted");
    assert_eq!(error.blame(), Blame::Service);
    assert!(error.hint().is_some_and(|hint| hint.contains("ca-certificates")), "{error} {:?}", error.hint());
}

#[tokio::test]
#[ignore = "the client process of the other test, which runs it"]
async fn client() {
    let url = std::env::var(URL).expect("the other test sets it");
    Chain::connect(options(&url), &()).await.expect("the certificate is trusted");
    let elsewhere = url.replace("127.0.0.1", "localhost");
    let error = Chain::connect(options(&elsewhere), &()).await.expect_err("not for this name");
    assert!(error.to_string().contains("its certificate is for another host"), "{error}");
}
