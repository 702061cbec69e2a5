//! Runs in which the service keeps its contract, whatever it was doing before.

use gen404_sandbox::generator::Options;
use serde_json::json;

use crate::bench::{Bench, ROUND};

#[tokio::test]
async fn a_round_comes_in_four_batches() {
    let bench = Bench::new().await;
    let (summary, log) = bench.run(&bench.request(ROUND)).await;
    assert!(summary.is_complete() && summary.stopped_by.is_none(), "{}", log.all());
    assert_eq!((summary.generated.len(), summary.kept.len()), (ROUND, 0));
    assert_eq!((log.count("BatchBegins"), log.count("Saved")), (4, ROUND));
    let files = bench.files();
    assert_eq!(files.len(), ROUND);
    assert!(files.iter().all(|(name, module)| {
        let stem = name.trim_end_matches(".js");
        String::from_utf8_lossy(module).contains(&format!("\"{stem}\", seed 7"))
    }));
}

#[tokio::test]
async fn a_second_run_keeps_what_is_finished_and_makes_what_is_not() {
    let bench = Bench::new().await;
    bench.run(&bench.request(40)).await;
    let first = bench.files();
    let (summary, log) = bench.run(&bench.request(40)).await;
    assert_eq!((summary.kept.len(), summary.generated.len(), log.count("BatchBegins")), (40, 0, 0));

    std::fs::remove_file(bench.results().join("p003.js")).unwrap();
    std::fs::write(bench.results().join("p039.js"), "edited").unwrap();
    let (summary, log) = bench.run(&bench.request(40)).await;
    assert_eq!((summary.kept.len(), summary.generated.len(), log.count("BatchBegins")), (38, 2, 1));
    assert_eq!(bench.files(), first);

    let (summary, _) = bench.run(&gen404_generator::Request { force: true, ..bench.request(40) }).await;
    assert_eq!((summary.kept.len(), summary.generated.len()), (0, 40));
    assert_eq!(bench.files(), first);
}

#[tokio::test]
async fn another_seed_is_really_another_seed() {
    // The service hands out an equal set of stems again, whatever the seed.
    for prompts in [1, 2, 32] {
        let bench = Bench::new().await;
        for seed in [7, 8, 9] {
            let (summary, log) = bench.run(&gen404_generator::Request { seed, ..bench.request(prompts) }).await;
            assert!(summary.is_complete() && summary.generated.len() == prompts, "{}", log.all());
            let files = bench.files();
            assert_eq!(files.len(), prompts);
            let marker = format!("seed {seed},");
            assert!(
                files.values().all(|module| String::from_utf8_lossy(module).contains(&marker)),
                "{prompts} prompts, {marker}"
            );
        }
    }
}

#[tokio::test]
async fn somebody_elses_batch_is_waited_for_and_not_taken() {
    let bench = Bench::with(Options { pace: std::time::Duration::from_millis(20), ..Options::default() }).await;
    let client = reqwest::Client::new();
    let foreign: Vec<_> =
        (0..8).map(|number| json!({"stem": format!("x{number}"), "image_url": bench.cdn.url()})).collect();
    let order = json!({"prompts": foreign, "seed": 1});
    client.post(bench.generator.url().join("generate").unwrap()).json(&order).send().await.unwrap();
    let (summary, log) = bench.run(&bench.request(4)).await;
    assert!(summary.is_complete(), "{}", log.all());
    assert_eq!(log.count("Waiting(OtherBatch)"), 1);
    assert_eq!(bench.files().len(), 4);
}

#[tokio::test]
async fn an_equal_batch_of_somebody_else_is_not_believed() {
    let bench = Bench::with(Options { pace: std::time::Duration::from_millis(20), ..Options::default() }).await;
    let request = bench.request(4);
    let prompts: Vec<_> =
        request.prompts.iter().map(|prompt| json!({"stem": prompt.stem, "image_url": prompt.image_url})).collect();
    let order = json!({"prompts": prompts, "seed": 99});
    let client = reqwest::Client::new();
    client.post(bench.generator.url().join("generate").unwrap()).json(&order).send().await.unwrap();
    let (summary, log) = bench.run(&request).await;
    assert!(summary.is_complete() && log.count("SentDifferently") == 1, "{}", log.all());
    assert!(bench.files().values().all(|module| String::from_utf8_lossy(module).contains("seed 7,")));
}

#[tokio::test]
async fn a_service_that_is_still_starting_is_waited_for() {
    let bench = Bench::with(Options { warm_up: std::time::Duration::from_millis(60), ..Options::default() }).await;
    let (summary, log) = bench.run(&bench.request(2)).await;
    assert!(summary.is_complete());
    assert_eq!(log.count("Waiting(WarmUp)"), 1);
}
