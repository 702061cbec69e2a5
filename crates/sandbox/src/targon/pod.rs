//! A deployed pod's own address: a port on loopback that answers the health path, or passes everything on.
//! When it is healthy, and what it passes on to, the world says.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::fault::{Call, Fault};
use super::reply::Problem;

/// The most that is read of a request before it is answered.
const LARGEST_HEAD: usize = 16 << 10;

/// What a client may take to send its request.
const HEAD_LIMIT: Duration = Duration::from_secs(10);

/// Opens the pod's port; it closes when the pod ends. Returns its address.
pub(super) async fn listen(
    shared: &Arc<Shared>,
    uid: &str,
    name: &str,
    end: CancellationToken,
) -> Result<String, Problem> {
    let refused = |error: io::Error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("no port for the pod: {error}"), "INTERNAL")
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let pod = Pod { shared: Arc::clone(shared), uid: uid.to_owned(), name: name.to_owned(), end: end.clone() };
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = end.cancelled() => break,
                accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                    tokio::spawn(pod.clone().serve_until_end(stream));
                },
            }
        }
    });
    Ok(format!("http://{address}"))
}

#[derive(Clone)]
struct Pod {
    shared: Arc<Shared>,
    uid: String,
    name: String,
    end: CancellationToken,
}

impl Pod {
    async fn serve_until_end(self, stream: TcpStream) {
        let end = self.end.clone();
        tokio::select! {
            () = end.cancelled() => {}
            outcome = self.serve(stream) => if let Err(error) = outcome {
                tracing::debug!(%error, "a connection to a pod ended badly");
            },
        }
    }

    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        if self.shared.faults.has(&Fault::Hold { call: Call::Health }) {
            tokio::select! {
                () = self.shared.gate.wait() => {}
                () = hung_up(&stream) => return Ok(()),
            }
        }
        let (healthy, backend) = {
            let world = self.shared.world();
            let healthy = world.find(&self.uid).is_ok_and(|workload| workload.is_healthy(&world.delays()));
            (healthy, world.backend(&self.name))
        };
        if let Some(backend) = backend.filter(|_| healthy) {
            let mut backend = TcpStream::connect(backend).await?;
            tokio::io::copy_bidirectional(&mut stream, &mut backend).await?;
            return Ok(());
        }
        let path = tokio::time::timeout(HEAD_LIMIT, read_path(&mut stream)).await??;
        let (status, body) = match (path.as_str(), healthy) {
            ("/health", true) => ("200 OK", r#"{"status":"ok"}"#),
            (_, false) => ("503 Service Unavailable", r#"{"status":"starting"}"#),
            (_, true) => ("404 Not Found", r#"{"error":"this pod has nothing behind it"}"#),
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }
}

/// Resolves when the client has closed its side, without taking anything from what it has sent.
async fn hung_up(stream: &TcpStream) {
    while stream.ready(Interest::READABLE).await.is_ok_and(|ready| !ready.is_read_closed()) {
        // What was sent and not read makes the stream ready at once, so this asks now and then.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The path of the one request that is answered on a connection.
async fn read_path(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() >= LARGEST_HEAD || stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.split(' ').nth(1).unwrap_or_default();
    Ok(target.split('?').next().unwrap_or_default().to_owned())
}
