//! Bodies up to a limit: what a server sends is never trusted to end.
//! Knows nothing of what the bytes mean.

use reqwest::Response;

use super::RequestError;

/// Why a body cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is larger than the limit.
    #[error("more than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// It broke off, or nothing more came in time.
    #[error("the answer broke off")]
    BrokeOff(#[source] RequestError),
}

/// Reads the body, at most `limit` bytes of it.
pub async fn read_at_most(mut response: Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    // The announced length saves copying; it is not believed beyond the limit.
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if announced > limit {
        return Err(BodyError::TooLarge { limit });
    }
    let mut body = Vec::with_capacity(announced.min(1 << 20));
    while let Some(piece) = response.chunk().await.map_err(|error| BodyError::BrokeOff(error.into()))? {
        if body.len() + piece.len() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    async fn read(answer: &'static [u8], limit: usize) -> Result<Vec<u8>, BodyError> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut head = [0; 4_096];
            let _request = std::io::Read::read(&mut stream, &mut head).expect("a request");
            stream.write_all(answer).expect("written");
        });
        let client = crate::http::client().build().expect("a client");
        read_at_most(client.get(url).send().await.expect("a head"), limit).await
    }

    #[tokio::test]
    async fn a_body_ends_at_its_limit() {
        const CHUNKED: &[u8] =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
        assert_eq!(read(CHUNKED, 6).await.expect("it fits"), b"abcdef");
        assert!(matches!(read(CHUNKED, 5).await, Err(BodyError::TooLarge { limit: 5 })));
        let announced = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n";
        assert!(matches!(read(announced, 5).await, Err(BodyError::TooLarge { .. })));
        let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab";
        assert!(matches!(read(cut, 5).await, Err(BodyError::BrokeOff(_))));
    }
}
