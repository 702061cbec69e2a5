//! Requests that are wrong are refused before a byte is sent or written.

use gen404_generator::{GenerateError, Request, RequestError};
use gen404_sandbox::generator::faults::Fault;

use crate::bench::Bench;

#[tokio::test]
async fn nothing_is_sent_before_everything_is_checked() {
    let bench = Bench::new().await;
    bench.generator.faults().next(Fault::ServerErrors, 1);
    let refused = [Request { batch_size: 0, ..bench.request(1) }, Request { batch_size: 100, ..bench.request(1) }];
    for request in refused {
        let error = bench.refuse(&request).await;
        assert!(matches!(error, GenerateError::Request(RequestError::BatchSize { most: 99, .. })), "{error}");
    }
    assert_eq!(bench.generator.faults().pending().len(), 1);
    assert!(!bench.results().exists());
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
