//! Listening on loopback and serving WebSocket and HTTP on one port, with connections that can be cut at any moment.
//! Carries bytes to the RPC methods, or turns them away when a test wants it so; knows nothing of the chain.

use std::future::{Future, ready};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::future::Either;
use jsonrpsee::core::id_providers::RandomStringIdProvider;
use jsonrpsee::core::middleware::{Batch, Notification, RpcServiceBuilder, RpcServiceT};
use jsonrpsee::server::{BatchRequestConfig, Server, ServerConfig, serve_with_graceful_shutdown, stop_channel};
use jsonrpsee::types::Request;
use jsonrpsee::{MethodResponse, Methods};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::faults::HandshakeRefusal;
use super::service::Service;

/// Requests and responses of a node with default settings.
const LARGEST_MESSAGE: u32 = 15 * 1024 * 1024;
const MOST_CONNECTIONS: u32 = 512;
const LENGTH_OF_SUBSCRIPTION_IDS: usize = 16;

/// The connections that are open.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Mutex<CancellationToken>,
}

impl Connections {
    /// Cuts every open connection without a goodbye. New ones are welcome.
    pub(crate) fn cut(&self) {
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        open.cancel();
    }

    fn join(&self) -> CancellationToken {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Binds a port of the loopback interface; 0 takes any that is free.
pub(crate) async fn listen(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves until `stop`, then cuts what is still open.
pub(crate) async fn serve(listener: TcpListener, methods: Methods, service: Arc<Service>, stop: CancellationToken) {
    let (stop_handle, _server_handle) = stop_channel();
    let config = ServerConfig::builder()
        .max_request_body_size(LARGEST_MESSAGE)
        .max_response_body_size(LARGEST_MESSAGE)
        .max_connections(MOST_CONNECTIONS)
        .set_batch_request_config(BatchRequestConfig::Unlimited)
        .set_id_provider(RandomStringIdProvider::new(LENGTH_OF_SUBSCRIPTION_IDS))
        .build();
    let limited = Arc::clone(&service);
    let middleware = RpcServiceBuilder::new().layer_fn(move |inner| Limited { inner, service: Arc::clone(&limited) });
    let builder = Server::builder().set_config(config).set_rpc_middleware(middleware).to_service_builder();
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => {
                // Out of file descriptors, or gone before it was accepted: the next one may fare better.
                let Ok((stream, _)) = accepted else {
                    tokio::task::yield_now().await;
                    continue;
                };
                stream
            }
        };
        // Small messages go out at once; without this option they only go out later, not wrong.
        let _ = stream.set_nodelay(true);
        if let Some(refusal) = service.faults.refuse_handshake() {
            tokio::spawn(turn_away(stream, refusal));
            continue;
        }
        let cut = service.connections.join();
        let rpc = builder.clone().build(methods.clone(), stop_handle.clone());
        tokio::spawn(async move {
            let stream = Severable {
                stream,
                cut_reading: Box::pin(cut.clone().cancelled_owned()),
                cut_writing: Box::pin(cut.clone().cancelled_owned()),
            };
            if let Err(error) = serve_with_graceful_shutdown(stream, rpc, cut.cancelled_owned()).await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    service.connections.cut();
}

/// Answers one request with a refusal. Whoever goes before the end needs no answer.
async fn turn_away(mut stream: TcpStream, refusal: HandshakeRefusal) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let status = refusal.status;
    let pause = refusal.retry_after.map(|pause| format!("retry-after: {pause}\r\n")).unwrap_or_default();
    let answer = format!("HTTP/1.1 {status} Refused\r\n{pause}content-length: 0\r\nconnection: close\r\n\r\n");
    let _gone = stream.write_all(answer.as_bytes()).await;
}

/// Refuses the calls that a test wants refused; a batch is no way around it, because nobody here sends one.
#[derive(Clone)]
struct Limited<Inner> {
    inner: Inner,
    service: Arc<Service>,
}

impl<Inner> RpcServiceT for Limited<Inner>
where
    Inner: RpcServiceT<MethodResponse = MethodResponse>,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = Inner::NotificationResponse;
    type BatchResponse = Inner::BatchResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        match self.service.faults.refuse_call(request.method_name()) {
            Some(error) => Either::Left(ready(MethodResponse::error(request.id(), error))),
            None => Either::Right(self.inner.call(request)),
        }
    }

    fn batch<'a>(&self, requests: Batch<'a>) -> impl Future<Output = Self::BatchResponse> + Send + 'a {
        self.inner.batch(requests)
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = Self::NotificationResponse> + Send + 'a {
        self.inner.notification(notification)
    }
}

/// A stream that breaks when it is told to, even in the middle of a message.
struct Severable {
    stream: TcpStream,
    // Reader and writer may be different tasks, and a future wakes only the last one that polled it.
    cut_reading: Cut,
    cut_writing: Cut,
}

type Cut = Pin<Box<WaitForCancellationFutureOwned>>;

fn unbroken(cut: &mut Cut, context: &mut Context<'_>) -> io::Result<()> {
    match cut.as_mut().poll(context) {
        Poll::Ready(()) => Err(io::ErrorKind::ConnectionReset.into()),
        Poll::Pending => Ok(()),
    }
}

impl AsyncRead for Severable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        unbroken(&mut self.cut_reading, context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Severable {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        unbroken(&mut self.cut_writing, context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        unbroken(&mut self.cut_writing, context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
