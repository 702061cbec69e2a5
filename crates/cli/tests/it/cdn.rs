//! A CDN on loopback that answers as it is told and remembers what it was asked.

use std::sync::{Arc, Mutex};

use gen404_testing::scratch_tls;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What every request is answered with.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// This status and nothing else.
    Status(u16),
    /// A redirect to this address.
    Redirect(String),
    /// Nothing, for ever.
    Silence,
}

/// A running server; it ends with the test's runtime.
pub(crate) struct Cdn {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Cdn {
    pub(crate) async fn answering(answer: Answer) -> Self {
        Self::start(answer, None).await
    }

    pub(crate) async fn with_tls(answer: Answer) -> Self {
        Self::start(answer, Some(TlsAcceptor::from(scratch_tls()))).await
    }

    async fn start(answer: Answer, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let log = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, tls, log) = (answer.clone(), tls.clone(), log.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &answer, &log).await,
                        Some(tls) => {
                            // A client that does not like the certificate leaves here.
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &answer, &log).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, requests }
    }

    /// Its address, with a path.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/files", self.port)
    }

    /// First lines of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("nobody panicked").clone()
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, answer: &Answer, log: &Mutex<Vec<String>>) {
    let mut stream = BufReader::new(stream);
    let mut first = String::new();
    let mut line = String::new();
    while stream.read_line(&mut line).await.is_ok_and(|read| read > 2) {
        if first.is_empty() {
            line.trim_end().clone_into(&mut first);
        }
        line.clear();
    }
    log.lock().expect("nobody panicked").push(first);
    let head = match answer {
        Answer::Status(status) => format!("HTTP/1.1 {status} Said\r\n"),
        Answer::Redirect(to) => format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\n"),
        Answer::Silence => return std::future::pending().await,
    };
    let reply = format!("{head}content-length: 0\r\nconnection: close\r\n\r\n");
    // The client may have left.
    let _left = stream.write_all(reply.as_bytes()).await;
    let _left = stream.shutdown().await;
}
