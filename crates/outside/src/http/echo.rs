//! A server of the tests that says back what it was asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

/// Answers one request with its own head.
pub(super) fn once() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("a byte") == 1 {
            head.push(byte[0]);
        }
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", head.len())
            .expect("written");
        stream.write_all(&head).expect("written");
    });
    address
}
