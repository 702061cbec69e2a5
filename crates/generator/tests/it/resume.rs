//! Runs that are stopped anywhere, and the runs after them.

use gen404_generator::{FolderError, GenerateError, generate};
use gen404_sandbox::generator::Options;

use crate::bench::{Bench, ROUND};

#[tokio::test]
async fn a_run_that_was_stopped_goes_on_to_the_same_files() {
    let honest = Bench::new().await;
    honest.run(&honest.request(ROUND)).await;
    let bench = Bench::with(Options { pace: std::time::Duration::from_millis(1), ..Options::default() }).await;
    let request = bench.request(ROUND);
    // Stopped after ever more turns of the event loop: while waiting, sending, downloading, saving.
    let mut turns = 1_usize;
    loop {
        let mut run = Box::pin(generate(&request, &()));
        let mut left = turns;
        let stopped = std::future::poll_fn(|context| {
            left -= 1;
            match run.as_mut().poll(context) {
                std::task::Poll::Ready(summary) => std::task::Poll::Ready(Some(summary)),
                std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(None),
                std::task::Poll::Pending => std::task::Poll::Pending,
            }
        });
        match stopped.await {
            Some(Ok(summary)) => {
                assert!(summary.is_complete());
                break;
            }
            // A file of the stopped run is still being saved in the background.
            Some(Err(GenerateError::Folder(FolderError::InUse { .. }))) => tokio::task::yield_now().await,
            Some(Err(error)) => panic!("{error}"),
            None => turns += 1 + turns / 3,
        }
        let good = honest.files();
        assert!(bench.files().iter().all(|(name, module)| good[name] == *module));
    }
    assert_eq!(bench.files(), honest.files());
}

#[tokio::test]
async fn a_batch_on_its_way_is_not_made_twice() {
    let bench =
        Bench::with(Options { pace: std::time::Duration::from_millis(60), concurrency: 4, ..Options::default() }).await;
    let request = bench.request(8);
    // Long enough to be sent, too short to be made: the service takes 120 ms.
    let status = bench.generator.url().join("status").unwrap();
    let sent = async {
        while !reqwest::get(status.clone()).await.unwrap().text().await.unwrap().contains("generating") {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        summary = generate(&request, &()) => panic!("already done: {summary:?}"),
        () = sent => {}
    }
    let (summary, log) = bench.run(&request).await;
    assert!(summary.is_complete());
    assert_eq!((log.count("BatchBegins"), log.all().matches("resumed: true").count()), (1, 1), "{}", log.all());
}

#[tokio::test]
async fn one_folder_takes_one_run_at_a_time() {
    let bench = Bench::with(Options { warm_up: std::time::Duration::from_mins(1), ..Options::default() }).await;
    let request = bench.request(1);
    tokio::select! {
        biased;
        summary = generate(&request, &()) => panic!("not ready for a minute: {summary:?}"),
        error = bench.refuse(&request) => assert!(matches!(error, GenerateError::Folder(FolderError::InUse { .. })), "{error}"),
    }
}
