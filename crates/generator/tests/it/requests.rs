//! Requests that are wrong are refused before a byte is sent or written.

use gen404_generator::{BatchError, ClientError, GenerateError, Request, RequestError};
use gen404_outside::explain::Explain as _;
use gen404_sandbox::faults::Rule;
use gen404_sandbox::generator::faults::Fault;

use crate::bench::Bench;

#[tokio::test]
async fn nothing_is_sent_before_everything_is_checked() {
    let bench = Bench::new().await;
    bench.generator.faults().add(Rule::times(Fault::ServerErrors, 1));
    let refused = [Request { batch_size: 0, ..bench.request(1) }, Request { batch_size: 100, ..bench.request(1) }];
    for request in refused {
        let error = bench.refuse(&request).await;
        assert!(matches!(error, GenerateError::Request(RequestError::BatchSize { most: 99, .. })), "{error}");
    }
    assert_eq!(bench.generator.faults().pending().len(), 1);
    assert!(!bench.results().exists());
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_not_waited_for() {
    let bench = Bench::new().await;
    let host = gen404_testing::UntrustedHost::here();
    let mut request = Request { endpoint: host.url().parse().unwrap(), ..bench.request(1) };
    // Longer than any test may take.
    request.limits.start = std::time::Duration::from_hours(1);
    let (summary, log) = bench.run(&request).await;
    let error = summary.stopped_by.unwrap();
    assert!(matches!(error, BatchError::Client(ClientError::Transport { .. })), "{error:?}");
    let reason = std::error::Error::source(&error).unwrap();
    assert!(reason.to_string().starts_with("its certificate "), "{reason}");
    assert!(error.hint().unwrap().contains("SSL_CERT_FILE"));
    assert_eq!(log.count("Retrying"), 0, "{}", log.all());
}

#[tokio::test]
async fn the_address_of_something_else_is_said_to_be_that() {
    let bench = Bench::new().await;
    let request = Request { endpoint: bench.cdn.url().as_str().parse().unwrap(), ..bench.request(1) };
    let mut request = request;
    request.limits.start = std::time::Duration::ZERO;
    let (summary, _) = bench.run(&request).await;
    let error = summary.stopped_by.unwrap();
    assert!(error.hint().unwrap().contains("batch API"), "{error}");
}
