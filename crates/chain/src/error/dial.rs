//! Why no WebSocket came about, in the words that every service of this tool has for it, and what to do about it.
//! Reads errors only; who connects, and how often, is decided elsewhere.

use std::io;

use gen404_outside::http::{ConnectionFault, connection_fault, missing_authorities};
use gen404_outside::text::excerpt;

use super::SHOWN;

type Cause = dyn std::error::Error + 'static;

/// The name of a node's host leads to no address.
#[derive(Debug, thiserror::Error)]
#[error("no address for the name")]
pub(crate) struct UnknownName(#[source] pub(crate) io::Error);

fn fault(error: &Cause) -> Option<ConnectionFault> {
    match error.downcast_ref::<UnknownName>() {
        Some(UnknownName(source)) => Some(ConnectionFault::UnknownHost { reason: excerpt(&source.to_string(), SHOWN) }),
        None => connection_fault(error),
    }
}

/// What went wrong.
pub(super) fn words(error: &Cause) -> String {
    if let Some(fault) = fault(error) {
        return excerpt(&fault.to_string(), SHOWN);
    }
    match error.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => "nothing listens there (connection refused)".to_owned(),
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => {
            "it closed the connection before it said anything".to_owned()
        }
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
            "this machine has no way to it".to_owned()
        }
        Some(io::ErrorKind::TimedOut) => "it does not answer".to_owned(),
        _ => excerpt(&innermost(error).to_string(), SHOWN),
    }
}

/// What to do about it, where that is not the same for every failure.
pub(super) fn hint(error: &Cause) -> Option<&'static str> {
    Some(match fault(error)? {
        ConnectionFault::UnknownHost { .. } => {
            "is the host spelled right, and is this machine online? --subtensor.endpoint names another node"
        }
        ConnectionFault::Certificate(_) => {
            "name a node with a good certificate with --subtensor.endpoint; if an authority of your own has signed this one, \
             name its bundle in SSL_CERT_FILE"
        }
        ConnectionFault::Tls(_) => "does this port speak TLS at all? ws:// in --subtensor.endpoint may be right",
        _ => return missing_authorities(error),
    })
}

/// The last cause of an error says most; what wraps it repeats it or names library types.
fn innermost(error: &Cause) -> &Cause {
    std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(error: impl std::error::Error + 'static) -> String {
        words(&error)
    }

    #[test]
    fn a_failed_connection_is_told_in_words_of_our_own() {
        let unknown = UnknownName(io::Error::other("failed to lookup address information: Name or service not known"));
        assert!(hint(&unknown).is_some_and(|hint| hint.contains("spelled right")));
        assert!(said(unknown).starts_with("its host name cannot be resolved (failed to lookup"));
        for (code, words) in [(111, "nothing listens there"), (104, "it closed the connection"), (101, "no way to it")]
        {
            let text = said(io::Error::from_raw_os_error(code));
            assert!(text.contains(words) && !text.contains("os error"), "{text}");
        }
        // A stranger's words stay, but harmless ones.
        assert_eq!(said(io::Error::other("odd\u{1b}[2J things")), "odd things");
    }
}
