//! One call at a time: paging, repeating, refusals, strange answers.

use std::time::Duration;

use gen404_outside::explain::Explain as _;
use gen404_outside::time::Clock;
use gen404_sandbox::faults::Rule;
use gen404_sandbox::targon::{Call, Fault, Options, Standing};
use gen404_targon::{PodKind, TargonError, WorkloadType};

use crate::ready::{Diary, KEY, Ready, client};

fn crowd(count: usize) -> Vec<Standing> {
    let name = |number| if number % 400 == 399 { "judge".to_owned() } else { format!("other-{number}") };
    (0..count)
        .map(|number| Standing { name: name(number), resource: "cpu-small".to_owned(), age: Duration::from_hours(1) })
        .collect()
}

#[tokio::test]
async fn every_page_of_the_list_is_read() {
    let standing = crowd(1_000);
    let faults = vec![Fault::SmallPages { size: 30 }.into()];
    let ready = Ready::new(Options { standing, faults, ..Options::default() }).await;
    let workloads = ready.client.workloads().await.unwrap();
    assert_eq!(workloads.len(), 1_000);
    assert_eq!(workloads.iter().filter(|workload| PodKind::from_name(&workload.name).is_some()).count(), 2);
    assert_eq!(ready.fake.calls().iter().filter(|call| call.call == Call::List).count(), 34);
}

#[tokio::test]
async fn names_are_compared_exactly() {
    let three = ["generator", "generator-2", "my-generator"];
    let standing = three.map(|name| Standing { name: name.into(), resource: "cpu-small".into(), age: Duration::ZERO });
    let ready = Ready::new(Options { standing: standing.into(), ..Options::default() }).await;
    let named = ready.client.workloads_named("generator").await.unwrap();
    assert_eq!(named.iter().map(|workload| workload.name.as_str()).collect::<Vec<_>>(), ["generator"]);
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_as_asked() {
    let faults = vec![Rule::times(Fault::RateLimited { retry_after_seconds: 7, as_date: false }, 2)];
    let ready = Ready::new(Options { faults, ..Options::default() }).await;
    ready.client.workloads().await.unwrap();
    assert_eq!(Clock::elapsed(&*ready.clock), Duration::from_secs(14));
}

#[tokio::test]
async fn a_wish_for_more_patience_than_there_is_ends_it_at_once() {
    let faults = vec![Rule::times(Fault::RateLimited { retry_after_seconds: 5_000, as_date: false }, 1)];
    let ready = Ready::new(Options { faults, ..Options::default() }).await;
    let error = ready.client.workloads().await.unwrap_err();
    assert_eq!(error.to_string(), "listing the pods: Targon answers 429 and asks to wait 5000 s");
    assert!(!error.hint().unwrap().contains("minute"));
    assert_eq!(ready.fake.calls().len(), 1, "asking sooner than it wants does not help");
    assert_eq!(Clock::elapsed(&*ready.clock), Duration::ZERO);
}

#[tokio::test]
async fn every_wait_that_somebody_could_wonder_about_is_told() {
    for (seconds, times, told) in [(1, 1, 0), (30, 2, 2)] {
        let faults = vec![Rule::times(Fault::RateLimited { retry_after_seconds: seconds, as_date: false }, times)];
        let ready = Ready::new(Options { faults, ..Options::default() }).await;
        let diary = std::sync::Arc::new(Diary::default());
        let client = ready.client.clone().with_observer(std::sync::Arc::<Diary>::clone(&diary));
        client.workloads().await.unwrap();
        let text = diary.text();
        assert_eq!(text.matches("Pausing { pause: 30s").count(), told, "{text}");
        assert_eq!(text.is_empty(), told == 0, "{text}");
    }
}

#[tokio::test]
async fn a_bad_certificate_is_said_in_words_and_not_met_twice() {
    let host = gen404_testing::UntrustedHost::here();
    let ready = Ready::new(Options::default()).await;
    let clock = std::sync::Arc::<crate::ready::JumpingClock>::clone(&ready.clock);
    let client = gen404_targon::TargonClient::new(host.url().parse().unwrap(), None, clock).unwrap();
    let error = client.inventory(WorkloadType::Rental).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap();
    assert!(cause.to_string().starts_with("its certificate ") && cause.source().is_none(), "{cause}");
    assert!(error.hint().unwrap().contains("SSL_CERT_FILE"));
    assert_eq!(Clock::elapsed(&*ready.clock), Duration::ZERO, "asking again would not help");
}

#[tokio::test]
async fn a_rate_limit_may_be_told_as_a_date() {
    let faults = vec![Rule::times(Fault::RateLimited { retry_after_seconds: 30, as_date: true }, 1)];
    let ready = Ready::new(Options { faults, ..Options::default() }).await;
    ready.client.workloads().await.unwrap();
    // A date has no fractions of a second, and both clocks have gone on since.
    let waited = Clock::elapsed(&*ready.clock);
    assert!((Duration::from_secs(20)..=Duration::from_secs(30)).contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn every_request_says_who_asks() {
    let ready = Ready::new(Options::default()).await;
    ready.start(&crate::ready::order()).await.unwrap();
    for call in ready.fake.calls() {
        assert!(call.headers["user-agent"].starts_with("404-cli/"), "{}", call.path);
    }
}

#[tokio::test]
async fn reading_is_repeated_when_the_connection_breaks() {
    let faults = vec![Rule::times(Fault::Cut { call: Some(Call::List) }, 3)];
    let ready = Ready::new(Options { faults, ..Options::default() }).await;
    assert!(ready.client.workloads().await.unwrap().is_empty());
    assert_eq!(ready.fake.calls().len(), 4);
}

#[tokio::test]
async fn registering_is_never_repeated_by_itself() {
    let faults = vec![Rule::times(Fault::Cut { call: Some(Call::Create) }, 1)];
    let ready = Ready::new(Options { faults, ..Options::default() }).await;
    let pod = PodKind::Judge.specification(None).unwrap();
    let error = ready.client.create(&pod, WorkloadType::Rental).await.unwrap_err();
    assert!(error.is_uncertain(), "{error}");
    assert_eq!(ready.fake.workloads().len(), 1, "it went through although its answer was lost");
    assert_eq!(ready.fake.calls().len(), 1);
}

#[tokio::test]
async fn a_refused_key_is_said_at_once_and_not_shown() {
    let ready = Ready::new(Options::default()).await;
    let client = client(&ready.fake, "bad-key", &ready.clock);
    let error = client.workloads().await.unwrap_err();
    assert!(matches!(error, TargonError::KeyRefused { status: 401, .. }), "{error}");
    assert_eq!(ready.fake.calls().len(), 1, "asking again would not help");
    assert!(!format!("{error:?} {client:?}").contains("bad-key"));
}

#[tokio::test]
async fn the_key_goes_to_the_service_and_not_to_a_pod() {
    let ready = Ready::new(Options::default()).await;
    ready.start(&crate::ready::order()).await.unwrap();
    for call in ready.fake.calls() {
        assert_eq!(call.headers["authorization"], format!("Bearer {KEY}"), "{}", call.path);
        assert!(!call.path.contains(KEY));
    }
}

#[tokio::test]
async fn an_address_that_would_show_the_key_is_refused() {
    let ready = Ready::new(Options::default()).await;
    for bad in ["http://api.targon.com", "ftp://127.0.0.1", "https://user:s3cret@api.targon.com", "data:x"] {
        let clock = std::sync::Arc::<crate::ready::JumpingClock>::clone(&ready.clock);
        let error = gen404_targon::TargonClient::new(bad.parse().unwrap(), None, clock).unwrap_err();
        assert!(matches!(error, TargonError::BadAddress { .. }), "{bad}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[tokio::test]
async fn a_log_ends_with_its_pod() {
    use futures::StreamExt as _;
    let ready = Ready::new(Options::default()).await;
    let started = ready.start(&crate::ready::order()).await.unwrap();
    let uid = &started.pod.uid;
    assert_eq!(ready.client.logs(uid, 1).await.unwrap(), ["listening on :10006"]);
    let mut lines = ready.client.follow_logs(uid).await.unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap(), "boot");
    ready.client.give_back(uid).await.unwrap();
    let rest: Vec<_> = lines.collect().await;
    assert!(rest.iter().all(Result::is_ok), "{rest:?}");
}

#[tokio::test]
async fn a_log_before_the_pod_runs_is_empty() {
    let ready = Ready::new(Options::default()).await;
    let pod = PodKind::Renderer.specification(None).unwrap();
    let workload = ready.client.create(&pod, WorkloadType::Rental).await.unwrap();
    assert!(ready.client.logs(&workload.uid, 20).await.unwrap().is_empty());
}
