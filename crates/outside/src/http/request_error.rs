//! A request that got no answer, or not the whole of it, in words for people instead of the HTTP library's.
//! What becomes of the request then is decided by the one who sent it.

use std::error::Error;
use std::fmt;

use super::fault::{ConnectionFault, causes, fault_behind};
use super::proxies;

/// Why a request got no answer, or not the whole of it. It says everything in one sentence, so it names no cause, and it
/// never shows what of the address may let somebody in.
#[derive(Debug)]
pub struct RequestError {
    error: reqwest::Error,
    /// Boxed, because errors are moved about a lot.
    fault: Option<Box<ConnectionFault>>,
}

impl RequestError {
    /// What kept the two machines from talking, where that is known.
    pub fn fault(&self) -> Option<&ConnectionFault> {
        self.fault.as_deref()
    }

    /// There was no connection, so nothing was sent.
    pub fn is_connect(&self) -> bool {
        self.error.is_connect()
    }

    /// It took too long.
    pub fn is_timeout(&self) -> bool {
        self.error.is_timeout()
    }

    /// The answer began and did not end as it should.
    pub fn is_of_the_body(&self) -> bool {
        self.error.is_body() || self.error.is_decode()
    }

    /// The same request cannot go well later on, as long as nobody repairs what is wrong.
    pub fn is_permanent(&self) -> bool {
        self.fault().is_some_and(ConnectionFault::is_permanent)
    }

    /// What to do about it, where that does not depend on the service.
    pub fn hint(&self) -> Option<&'static str> {
        self.fault().map(ConnectionFault::hint)
    }
}

impl From<reqwest::Error> for RequestError {
    fn from(error: reqwest::Error) -> Self {
        let fault = fault_behind(&error, proxies::of_the_environment()).map(Box::new);
        let error = error.without_url();
        tracing::debug!(?error, "a request failed");
        Self { error, fault }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            Some(fault) => write!(formatter, "{fault}"),
            None if self.error.is_timeout() && self.error.is_connect() => formatter.write_str("no connection in time"),
            None if self.error.is_timeout() => formatter.write_str("no answer in time"),
            // The innermost cause is the system's or the protocol's own; those around it only say that there is one.
            None => write!(formatter, "{}", causes(&self.error).last().unwrap_or(&self.error)),
        }
    }
}

impl Error for RequestError {}

#[cfg(test)]
mod tests {
    use gen404_testing::{Nobody, UntrustedHost};

    use super::*;
    use crate::http::connection_fault;

    #[tokio::test]
    async fn it_says_what_happened_and_nothing_of_the_address() {
        let nobody = Nobody::here();
        let url = format!("http://miner:s3cret@{}/?key=s3cret", nobody.address());
        let client = crate::http::client().build().expect("a client");
        let error = RequestError::from(client.get(url).send().await.expect_err("nobody answers"));
        assert_eq!(error.to_string(), "Connection refused (os error 111)");
        assert!(error.is_connect() && !error.is_permanent() && error.source().is_none());
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }

    #[tokio::test]
    async fn a_bad_certificate_is_explained_and_asking_again_is_of_no_use() {
        let host = UntrustedHost::here();
        let client = crate::http::client().build().expect("a client");
        let error = RequestError::from(client.get(host.url()).send().await.expect_err("not trusted"));
        // A machine without authorities has another reason not to trust it.
        assert!(error.to_string().starts_with("its certificate "), "{error}");
        assert!(!error.to_string().contains("CaUsed"), "{error}");
        assert!(error.is_permanent() && error.hint().is_some_and(|hint| hint.contains("SSL_CERT_FILE")));
    }

    #[tokio::test]
    async fn a_fault_is_found_again_behind_other_errors() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] RequestError);

        let nowhere = format!("http://{}.example/", "x".repeat(70));
        let client = crate::http::client().build().expect("a client");
        let outer = Outer(client.get(nowhere).send().await.expect_err("nobody is there").into());
        assert!(matches!(connection_fault(&outer), Some(ConnectionFault::UnknownHost { .. })));
        assert!(outer.0.to_string().starts_with("its host name cannot be resolved"), "{}", outer.0);
    }
}
