//! The way to a server: TCP, TLS, and what it says before it becomes a WebSocket.
//! Carries bytes and remembers the first of them; what they mean is read elsewhere.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::TransportError;
use crate::error::UnknownName;

/// Longest head of an answer that is remembered.
const LONGEST_HEAD: usize = 16 << 10;

/// A two-way stream of bytes.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<Stream: AsyncRead + AsyncWrite + Send + Unpin> Wire for Stream {}

/// Connects to the server of a `ws://` or `wss://` address.
pub(super) async fn reach(url: &Url) -> Result<Box<dyn Wire>, TransportError> {
    let port = url.port_or_known_default().ok_or("the address has no port")?;
    let (stream, name) = match url.host().ok_or("the address has no host")? {
        Host::Domain(host) => {
            let addresses: Vec<_> = lookup_host((host, port)).await.map_err(UnknownName)?.collect();
            (TcpStream::connect(&*addresses).await?, ServerName::try_from(host.to_owned())?)
        }
        Host::Ipv4(host) => (TcpStream::connect((host, port)).await?, IpAddr::V4(host).into()),
        Host::Ipv6(host) => (TcpStream::connect((host, port)).await?, IpAddr::V6(host).into()),
    };
    // Without it small messages only go out later, not wrong.
    let _as_it_is = stream.set_nodelay(true);
    if url.scheme() == "ws" {
        return Ok(Box::new(stream));
    }
    let connector = TlsConnector::from(Arc::new(gen404_outside::http::tls()));
    Ok(Box::new(connector.connect(name, stream).await?))
}

/// The head of the server's answer, as far as it has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Head(Arc<Mutex<Vec<u8>>>);

impl Head {
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether there is more to remember.
    fn hear(&self, bytes: &[u8]) -> bool {
        let mut head = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = LONGEST_HEAD - head.len().min(LONGEST_HEAD);
        head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            head.truncate(end);
            return false;
        }
        head.len() < LONGEST_HEAD
    }
}

/// A stream whose first answer can be read again.
pub(super) struct Overheard<Stream> {
    stream: Stream,
    head: Head,
    listening: bool,
}

impl<Stream> Overheard<Stream> {
    pub(super) fn new(stream: Stream, head: Head) -> Self {
        Self { stream, head, listening: true }
    }
}

impl<Stream: Wire> AsyncRead for Overheard<Stream> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if self.listening {
            self.listening = self.head.hear(&buffer.filled()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<Stream: Wire> AsyncWrite for Overheard<Stream> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_where_it_ends_and_is_never_endless() {
        let head = Head::default();
        assert!(head.hear(b"HTTP/1.1 429 x\r\n"));
        assert!(head.hear(b"a: b\r\n\r"));
        assert!(!head.hear(b"\nbody"));
        assert_eq!(head.bytes(), b"HTTP/1.1 429 x\r\na: b");
        let endless = Head::default();
        while endless.hear(&[b'x'; 999]) {}
        assert_eq!(endless.bytes().len(), LONGEST_HEAD);
    }
}
