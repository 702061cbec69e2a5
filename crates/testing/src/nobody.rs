//! An address of this machine where nobody answers, for as long as the value lives.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// Holds a port without listening on it: connections are refused, and no other program can take the port meanwhile, as
/// it could if the port were merely free.
#[derive(Debug)]
pub struct Nobody {
    _held: TcpSocket,
    address: SocketAddr,
}

impl Nobody {
    /// Takes a port.
    ///
    /// # Panics
    ///
    /// When the machine has none.
    pub fn here() -> Self {
        let held = TcpSocket::new_v4().expect("a socket");
        held.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let address = held.local_addr().expect("a bound socket has an address");
        Self { _held: held, address }
    }

    /// Where nobody answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn connections_are_refused_and_the_port_is_taken() {
        let nobody = Nobody::here();
        let refused = TcpStream::connect(nobody.address()).expect_err("nobody listens");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let taken = TcpListener::bind(nobody.address()).expect_err("the port is held");
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
    }
}
