//! Generators that bend the API, and stems that only some of them take.

use std::time::Duration;

use gen404_generator::{Request, generate};
use gen404_round::PromptSet;
use gen404_sandbox::faults::Rule;
use gen404_sandbox::generator::faults::Fault;
use gen404_sandbox::generator::{Options, StemRule};
use serde_json::json;

use crate::bench::Bench;

const HEX: [&str; 2] = [
    "22de4efc4723f624b92889e8c79c9b4fb903e8a6b5907c9f0727ede8f2ccab47",
    "8c6c463fe4d3d9ed969a71ca8171b2571bb14f5fae057cf12d3743014d46c747",
];
const UUID: &str = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed";

/// Prompts with the stems of real rounds.
fn real(bench: &Bench, stems: &[&str]) -> Request {
    let picture = bench.cdn.url().join("1.png").unwrap();
    let prompts: Vec<_> = stems.iter().map(|stem| json!({"stem": stem, "image_url": picture})).collect();
    let set = PromptSet::parse(json!({"prompts": prompts}).to_string().as_bytes()).unwrap();
    Request { prompts: set.prompts, ..bench.request(1) }
}

fn orders(bench: &Bench) -> usize {
    bench.generator.orders()
}

#[tokio::test]
async fn real_stems_are_sent_to_a_generator_that_takes_them() {
    let bench = Bench::with(Options { stems: StemRule::Any, ..Options::default() }).await;
    let request = real(&bench, &[HEX[0], UUID, HEX[1]]);
    let (summary, log) = bench.run(&request).await;
    assert!(summary.is_complete() && orders(&bench) == 1, "{}", log.all());
    assert!(bench.files().contains_key(&format!("{UUID}.js")));

    // Alone and with another seed it needs company, of a name that is taken too.
    for seed in [7, 8, 9] {
        let (summary, log) = bench.run(&Request { seed, force: true, ..real(&bench, &[UUID]) }).await;
        assert!(summary.is_complete() && log.count("Rejected") == 0, "{}", log.all());
        let module = &bench.files()[&format!("{UUID}.js")];
        assert!(String::from_utf8_lossy(module).contains(&format!("seed {seed},")));
    }
}

#[tokio::test]
async fn stems_that_a_generator_refuses_stop_no_other() {
    let bench = Bench::new().await;
    let request = real(&bench, &[HEX[0], UUID, HEX[1]]);
    let (summary, log) = bench.run(&request).await;
    assert_eq!((summary.generated.len(), orders(&bench), log.count("Refused")), (2, 2, 1), "{}", log.all());
    assert!(summary.stopped_by.is_none());
    let reason = &summary.missing[&UUID.parse().unwrap()];
    assert_eq!(reason, "the generator does not take it: String should match pattern '^[a-z0-9]+$'");
    assert!(summary.refused.contains(&UUID.parse().unwrap()));
    assert!(bench.files().keys().eq([format!("{}.js", HEX[0]), format!("{}.js", HEX[1])].iter()));

    // Nothing but the refused one is left; nothing of it is ever made.
    let (summary, log) = bench.run(&request).await;
    assert_eq!((summary.kept.len(), summary.missing.len(), summary.generated.len()), (2, 1, 0), "{}", log.all());
    assert_eq!(orders(&bench), 3);
}

#[tokio::test]
async fn without_a_word_the_documented_pattern_tells_which_stems_are_refused() {
    let bench = Bench::new().await;
    bench.generator.faults().add(Fault::SilentRefusal);
    let (summary, log) = bench.run(&real(&bench, &[UUID, HEX[0], "Lamp"])).await;
    assert_eq!((summary.generated.len(), orders(&bench)), (1, 2), "{}", log.all());
    let reason = &summary.missing[&UUID.parse().unwrap()];
    assert!(reason.contains("422") && reason.contains("^[a-z0-9]+$"), "{reason}");
    assert!(summary.missing.contains_key(&"Lamp".parse().unwrap()));
}

#[tokio::test]
async fn a_batch_that_is_answered_when_it_is_made_is_sent_once() {
    // The answer is due after 1.5 s, the patience for it is at its end long before.
    let bench = Bench::with(Options { pace: Duration::from_millis(1_500), ..Options::default() }).await;
    bench.generator.faults().add(Fault::SlowReply);
    let mut request = bench.request(4);
    request.limits.submit = Duration::from_millis(400);
    let (summary, log) = bench.run(&request).await;
    assert!(summary.is_complete(), "{}", log.all());
    assert_eq!((orders(&bench), log.count("TakenWithoutAnswer")), (1, 1), "{}", log.all());
    assert!(summary.generation >= Duration::from_millis(1_500), "from the sending, not from the late answer");
}

#[tokio::test]
async fn a_batch_whose_answer_is_lost_is_not_sent_again() {
    // The second run meets a service that holds the results of another batch.
    let bench = Bench::new().await;
    for (run, prompts) in [4, 8].into_iter().enumerate() {
        bench.generator.faults().add(Rule::times(Fault::LostReply, 1));
        let (summary, log) = bench.run(&bench.request(prompts)).await;
        assert!(summary.is_complete(), "{}", log.all());
        assert_eq!((orders(&bench), log.count("TakenWithoutAnswer")), (run + 1, 1), "{}", log.all());
    }
}

#[tokio::test]
async fn a_service_that_wishes_a_pause_gets_it() {
    let bench = Bench::new().await;
    bench.generator.faults().add(Rule::times(Fault::RateLimited, 1));
    let (summary, log) = bench.run(&bench.request(2)).await;
    assert!(summary.is_complete(), "{}", log.all());
    assert!(log.all().contains("Retrying") && log.all().contains("wait: 1s"), "{}", log.all());
}

#[tokio::test]
async fn a_resumed_batch_is_known_by_its_results_when_the_service_refuses_it_too() {
    let bench = Bench::with(Options { pace: Duration::from_millis(300), ..Options::default() }).await;
    let request = bench.request(4);
    let status = bench.generator.url().join("status").unwrap();
    let under_way = async {
        while !reqwest::get(status.clone()).await.unwrap().text().await.unwrap().contains("generating") {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        summary = generate(&request, &()) => panic!("already done: {summary:?}"),
        () = under_way => {}
    }
    // This service refuses an equal set as well, and says no more than that.
    bench.generator.faults().add(Rule::times(Fault::TextBusy, 1));
    let (summary, log) = bench.run(&request).await;
    assert!(summary.is_complete() && log.count("SentDifferently") == 0, "{}", log.all());
    assert!(log.all().contains("resumed: true"), "{}", log.all());
}
