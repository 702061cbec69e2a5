//! Whole lives: started, found, replaced, stopped, left over.

use std::time::Duration;

use gen404_outside::time::Clock as _;
use gen404_sandbox::faults::Rule;
use gen404_sandbox::targon::{Call, Delays, Fault, Options, PullWords, Standing};
use gen404_targon::{
    Cause, Failure, Phase, PodKind, QuoteError, StartError, TypeChoice, WorkloadType, left_overs, pods, stop_all,
};
use serde_json::Value;

use crate::ready::{KEY, Ready, client, order};

fn standing(name: &str) -> Standing {
    Standing { name: name.to_owned(), resource: "h200-large".to_owned(), age: Duration::from_hours(2) }
}

fn body_of_creation(ready: &Ready) -> Value {
    let calls = ready.fake.calls();
    let create = calls.iter().find(|call| call.call == Call::Create).unwrap();
    serde_json::from_slice(&create.body).unwrap()
}

#[tokio::test]
async fn a_pod_is_started_and_remembered() {
    let ready = Ready::new(Options::default()).await;
    let started = ready.start(&order()).await.unwrap();
    assert_eq!(started.quote.workload_type, WorkloadType::Rental);
    assert_eq!(started.pod.cost_per_hour.unwrap().to_string(), "$13.00/h");
    let url = started.url.unwrap();
    assert_eq!(ready.client.health(&url, "/health").await, Some(200));
    let lease = &ready.leases.all().unwrap()[0];
    assert_eq!((lease.lease.phase, lease.is_left_over()), (Phase::Running, false));
    let listed = pods(&ready.client, &ready.leases).await.unwrap();
    assert_eq!((listed.len(), listed[0].kind, listed[0].lease.is_some()), (1, Some(PodKind::Generator), true));

    stop_all(&ready.client, &ready.leases, &ready.diary).await.unwrap();
    assert!(ready.fake.running().is_empty());
    assert!(ready.leases.all().unwrap().is_empty());
    assert_eq!(ready.client.health(&url, "/health").await, None, "its address is gone too");
}

#[tokio::test]
async fn the_lease_is_on_disk_before_anything_costs_money() {
    let ready =
        Ready::new(Options { faults: vec![Fault::Hold { call: Call::Deploy }.into()], ..Options::default() }).await;
    let order = order();
    tokio::select! {
        _ = ready.start(&order) => panic!("the deployment is held"),
        () = ready.fake.held() => {}
    }
    let leases = ready.leases.all().unwrap();
    assert_eq!((leases.len(), leases[0].lease.phase), (1, Phase::Starting));
}

#[tokio::test]
async fn slow_pods_are_waited_for() {
    // Real time passes at the far side only, so this side jumps ahead of it: its patience has to be large.
    let delays = Delays {
        provisioning: Duration::from_millis(5),
        running: Duration::from_millis(5),
        healthy: Duration::from_millis(5),
        ..Delays::default()
    };
    let ready = Ready::new(Options { delays, ..Options::default() }).await;
    let mut order = order();
    order.patience.visible = Duration::from_hours(1_000);
    order.patience.healthy = Duration::from_hours(1_000);
    ready.start(&order).await.unwrap();
    let diary = ready.diary.text();
    for expected in ["registered", "running", "pod scheduled", "LogLine(\"listening on :10006\")", "spent: Some"] {
        assert!(diary.contains(expected), "{expected} is not in {diary}");
    }
}

#[tokio::test]
async fn the_type_follows_the_inventory() {
    let rental_gone = Fault::TypeGone { workload_type: gen404_sandbox::targon::WorkloadType::Rental };
    let ready = Ready::new(Options { faults: vec![rental_gone.into()], ..Options::default() }).await;
    let started = ready.start(&order()).await.unwrap();
    assert_eq!(started.quote.workload_type, WorkloadType::Serverless);
    assert_eq!(body_of_creation(&ready)["type"], "SERVERLESS");

    let mut insisting = order();
    insisting.pod = PodKind::Judge.specification(None).unwrap();
    insisting.choice = TypeChoice::Only(WorkloadType::Rental);
    let error = ready.start(&insisting).await.unwrap_err();
    assert!(matches!(error, StartError::Quote(QuoteError::TypeGone { .. })), "{error}");
}

#[tokio::test]
async fn an_unknown_or_sold_out_machine_costs_nothing() {
    let ready = Ready::new(Options::default()).await;
    for (resource, expected) in [
        ("h900-huge", "Targon offers no resource `h900-huge`; free are: cpu-small $0.09/h (8 free), "),
        ("b200-small", "no `b200-small` is free on Targon at the moment; free are: cpu-small"),
    ] {
        let mut order = order();
        order.pod.resource = resource.parse().unwrap();
        let error = ready.start(&order).await.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    assert!(ready.fake.workloads().is_empty());
}

#[tokio::test]
async fn a_taken_name_is_refused_or_replaced() {
    let ready = Ready::new(Options { standing: vec![standing("generator")], ..Options::default() }).await;
    let StartError::AlreadyThere { older } = ready.start(&order()).await.unwrap_err() else { panic!("not refused") };
    assert_eq!(
        (older.pod.to_string().as_str(), older.status.as_str()),
        ("generator (wrk-000000000001, $13.00/h)", "running")
    );
    assert!(older.age.unwrap() >= Duration::from_hours(2));

    let mut order = order();
    order.replace = true;
    let started = ready.start(&order).await.unwrap();
    let running = ready.fake.running();
    assert_eq!(running.iter().map(|one| one.uid.as_str()).collect::<Vec<_>>(), [started.pod.uid.as_str()]);
}

#[tokio::test]
async fn without_waiting_it_ends_after_deploying() {
    let ready = Ready::new(Options { faults: vec![Fault::NeverVisible.into()], ..Options::default() }).await;
    let mut order = order();
    order.wait = false;
    let started = ready.start(&order).await.unwrap();
    assert_eq!(started.url, None);
    assert_eq!((ready.fake.running().len(), ready.leases.all().unwrap()[0].lease.phase), (1, Phase::Running));
}

#[tokio::test]
async fn a_crash_ends_it_with_the_last_lines_of_the_log() {
    let ready = Ready::new(Options { faults: vec![Fault::CrashLoop.into()], ..Options::default() }).await;
    let StartError::GivenBack { cause: Cause::Failed(failure), log, .. } = ready.start(&order()).await.unwrap_err()
    else {
        panic!("not given back")
    };
    assert_eq!(failure, Failure::Crashed { event: "back-off restarting failed container".into(), exit_code: Some(1) });
    assert_eq!((log.len(), log.last().unwrap().as_str()), (20, "RuntimeError: CUDA out of memory"));
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_ends_it_at_the_first_look() {
    for (words, said) in [
        (PullWords::Message, r#"Failed to pull image "example.com/gen:1": manifest unknown"#),
        (PullWords::Reason, "ErrImagePull"),
        (PullWords::EventType, "POD_IMAGE_PULL_BACKOFF"),
        (PullWords::State, "manifest unknown: example.com/gen:1 cannot be pulled"),
    ] {
        let ready = Ready::new(Options { faults: vec![Fault::PullFails { words }.into()], ..Options::default() }).await;
        let error = ready.start(&order()).await.unwrap_err();
        let StartError::GivenBack { cause: Cause::Failed(failure), log, .. } = error else { panic!("{error}") };
        assert_eq!((failure, log.len()), (Failure::NoImage { words: said.to_owned() }, 0), "{words:?}");
        let looks = ready.fake.calls().iter().filter(|call| call.call == Call::State).count();
        assert_eq!((looks, ready.fake.running().len(), ready.leases.all().unwrap().len()), (1, 0, 0), "{words:?}");
    }
}

#[tokio::test]
async fn a_single_restart_is_not_the_end() {
    let ready = Ready::new(Options { faults: vec![Fault::Restarts { count: 1 }.into()], ..Options::default() }).await;
    ready.start(&order()).await.unwrap();
    assert_eq!(ready.fake.running().len(), 1);

    let ready = Ready::new(Options { faults: vec![Fault::Restarts { count: 2 }.into()], ..Options::default() }).await;
    let error = ready.start(&order()).await.unwrap_err();
    let StartError::GivenBack { cause: Cause::Failed(failure), .. } = error else { panic!("{error}") };
    assert_eq!(failure, Failure::Crashed { event: "container ended".to_owned(), exit_code: Some(1) });
    assert!(ready.fake.running().is_empty() && ready.leases.all().unwrap().is_empty());
}

/// Known or not when it is deleted, and whether the service says `deleted` of it or knows nothing any more.
#[tokio::test]
async fn a_pod_deleted_elsewhere_ends_it_within_a_poll() {
    for (looks, forgotten) in [(1, false), (1, true), (3, true)] {
        let faults = vec![Fault::DeletedElsewhere { looks, forgotten }.into(), Fault::NeverVisible.into()];
        let ready = Ready::new(Options { faults, ..Options::default() }).await;
        let error = ready.start(&order()).await.unwrap_err();
        assert_eq!(error.to_string(), "generator is gone: it was deleted while it was starting");
        let StartError::GivenBack { cause: Cause::Failed(failure), .. } = error else { panic!("{error}") };
        assert_eq!(failure, Failure::Vanished, "{looks} {forgotten}");
        let diary = ready.diary.text();
        assert!(diary.contains("AlreadyStopped") && !diary.contains("Stopping"), "nothing was stopped here: {diary}");
        let asked = ready.fake.calls().iter().filter(|call| call.call == Call::State).count();
        assert_eq!(asked, usize::try_from(looks).unwrap() + 1, "{looks} {forgotten}");
        assert!(ready.leases.all().unwrap().is_empty(), "nothing to remember");
    }
}

/// Deleted before the first look: the service never knew it as far as we can tell.
#[tokio::test]
async fn a_pod_deleted_before_the_first_look_ends_it_as_well() {
    let faults =
        vec![Fault::DeletedElsewhere { looks: 1, forgotten: true }.into(), Fault::Hold { call: Call::Deploy }.into()];
    let ready = Ready::new(Options { faults, ..Options::default() }).await;
    let order = order();
    let (outcome, ()) = tokio::join!(ready.start(&order), async {
        ready.fake.held().await;
        let uid = ready.fake.workloads()[0].uid.parse().unwrap();
        ready.client.delete(&uid).await.unwrap();
        ready.fake.release();
    });
    let error = outcome.unwrap_err();
    assert!(matches!(error, StartError::GivenBack { cause: Cause::Failed(Failure::Vanished), .. }), "{error}");
    assert!(ready.clock.elapsed() < Duration::from_mins(1), "long before its patience is over");
    assert!(ready.leases.all().unwrap().is_empty());
}

#[tokio::test]
async fn a_pod_that_cannot_be_remembered_is_not_deployed() {
    let ready =
        Ready::new(Options { faults: vec![Fault::Hold { call: Call::Create }.into()], ..Options::default() }).await;
    let order = order();
    let outcome = tokio::join!(ready.start(&order), async {
        ready.fake.held().await;
        // The folder is there by now; a folder in the place of the lease makes writing it fail.
        let uid = &ready.fake.workloads()[0].uid;
        std::fs::create_dir(ready.folder.path().join(format!("pods/{uid}.json"))).unwrap();
        ready.fake.release();
    });
    let error = outcome.0.unwrap_err();
    assert!(matches!(error, StartError::GivenBack { cause: Cause::Lease(_), .. }), "{error}");
    assert_eq!(ready.fake.workloads()[0].status, "deleted");
    assert!(ready.fake.calls().iter().all(|call| call.call != Call::Deploy));
}

#[tokio::test]
async fn only_exact_names_are_stopped_on_whatever_page() {
    let mut crowd: Vec<Standing> = (0..120).map(|number| standing(&format!("foreign-{number}"))).collect();
    crowd.insert(3, standing("judge"));
    crowd.insert(60, standing("generator-2"));
    crowd.insert(70, standing("render"));
    crowd.push(standing("generator"));
    let faults = vec![Fault::SmallPages { size: 50 }.into()];
    let ready = Ready::new(Options { standing: crowd, faults, ..Options::default() }).await;
    // A pod of ours under a name of its own.
    let mut own = order();
    own.pod.name = "my-training".parse().unwrap();
    ready.start(&own).await.unwrap();

    let stopped = stop_all(&ready.client, &ready.leases, &ready.diary).await.unwrap();
    let mut names: Vec<_> = stopped.stopped.iter().map(|pod| pod.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["generator", "judge", "render"]);
    let running = ready.fake.running();
    assert_eq!(running.len(), 122);
    for survivor in ["generator-2", "my-training"] {
        assert!(running.iter().any(|one| one.name == survivor), "{survivor}");
    }
}

#[tokio::test]
async fn a_left_over_is_found_only_when_nobody_waits_for_it() {
    let ready =
        Ready::new(Options { faults: vec![Fault::Hold { call: Call::State }.into()], ..Options::default() }).await;
    let order = order();
    {
        let work = ready.start(&order);
        tokio::pin!(work);
        tokio::select! {
            _ = &mut work => panic!("the state is held"),
            () = ready.fake.held() => {}
        }
        assert!(left_overs(&ready.client, &ready.leases).await.unwrap().is_empty(), "somebody waits for it");
    }
    // The process is gone, as after a kill -9: its lock is free.
    let left = left_overs(&ready.client, &ready.leases).await.unwrap();
    assert_eq!((left.len(), left[0].lease.name.as_str(), left[0].found.is_ok()), (1, "generator", true));
    let listed = pods(&ready.client, &ready.leases).await.unwrap();
    assert!(listed[0].is_left_over());

    let other = client(&ready.fake, "sn4_other", &ready.clock);
    let unchecked = left_overs(&other, &ready.leases).await.unwrap();
    assert!(unchecked[0].found.is_err(), "another key says nothing about it");
    assert_eq!(ready.leases.all().unwrap().len(), 1);

    ready.fake.release();
    stop_all(&ready.client, &ready.leases, &ready.diary).await.unwrap();
    assert!(ready.leases.all().unwrap().is_empty() && ready.fake.running().is_empty());
}

#[tokio::test]
async fn two_runs_do_not_start_the_same_pod_twice() {
    let ready =
        Ready::new(Options { faults: vec![Fault::Hold { call: Call::State }.into()], ..Options::default() }).await;
    let order = order();
    let (first, second) = tokio::join!(ready.start(&order), async {
        ready.fake.held().await;
        let second = ready.start(&order).await;
        ready.fake.release();
        second
    });
    first.unwrap();
    let error = second.unwrap_err().to_string();
    assert_eq!(error, "another 404-cli on this machine is starting `generator` right now");
    assert_eq!(ready.fake.workloads().len(), 1);
}

#[tokio::test]
async fn a_pod_that_cannot_be_stopped_is_named_with_its_price() {
    let faults = vec![Fault::NeverVisible.into(), Fault::DeleteFails.into()];
    let ready = Ready::new(Options { faults, ..Options::default() }).await;
    let error = ready.start(&order()).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StartError::LeftRunning { .. }));
    assert!(
        text.starts_with("generator (wrk-000000000001, $13.00/h) may still be running and costing money"),
        "{text}"
    );
    assert_eq!(left_overs(&ready.client, &ready.leases).await.unwrap().len(), 1, "and it is not forgotten");
}

/// A pod that runs, its uid, and a service that then wants to be left alone that long.
async fn running_and_limited(seconds: u32) -> (Ready, gen404_targon::Uid) {
    let ready = Ready::new(Options { standing: vec![standing("generator")], ..Options::default() }).await;
    let uid = ready.fake.workloads()[0].uid.parse().unwrap();
    ready.fake.faults().set([Rule::times(Fault::RateLimited { retry_after_seconds: seconds, as_date: false }, 1_000)]);
    (ready, uid)
}

#[tokio::test]
async fn a_deletion_is_not_tried_again_against_the_services_wish() {
    let (ready, uid) = running_and_limited(5_000).await;
    let error = ready.client.give_back(&uid).await.unwrap_err();
    assert_eq!(error.to_string(), "stopping the pod: Targon answers 429 and asks to wait 5000 s");
    assert_eq!((ready.fake.calls().len(), ready.clock.elapsed()), (1, Duration::ZERO));

    // What is granted is granted a few times and no more.
    let (ready, uid) = running_and_limited(60).await;
    ready.client.give_back(&uid).await.unwrap_err();
    let deletions = ready.fake.calls().iter().filter(|call| call.call == Call::Delete).count();
    assert_eq!((deletions, ready.fake.calls().len()), (5, 5));
}

#[tokio::test]
async fn a_deletion_that_is_tried_again_is_told() {
    let ready = Ready::new(Options { standing: vec![standing("generator")], ..Options::default() }).await;
    let uid = ready.fake.workloads()[0].uid.parse().unwrap();
    // One more than the client tries by itself.
    ready.fake.faults().set([Rule::times(Fault::DeleteFails, 6)]);
    let diary = std::sync::Arc::new(crate::ready::Diary::default());
    let client = ready.client.clone().with_observer(std::sync::Arc::<crate::ready::Diary>::clone(&diary));
    client.give_back(&uid).await.unwrap();
    let text = diary.text();
    assert_eq!(text.matches("DeletingAgain").count(), 1, "{text}");
    assert!(text.contains("Pausing { pause: 2s"), "{text}");
}

#[tokio::test]
async fn a_pause_is_granted_to_a_service_while_a_pod_starts_as_long_as_the_pod_has_it() {
    for (wish, comes_up) in [(70, true), (5_000, false)] {
        let ready =
            Ready::new(Options { faults: vec![Fault::Hold { call: Call::Deploy }.into()], ..Options::default() }).await;
        let mut order = order();
        order.patience.visible = Duration::from_secs(100);
        let (outcome, ()) = tokio::join!(ready.start(&order), async {
            ready.fake.held().await;
            ready.fake.faults().set([Rule::times(Fault::RateLimited { retry_after_seconds: wish, as_date: false }, 1)]);
            ready.fake.release();
        });
        match outcome {
            Ok(_) => assert!(comes_up && ready.clock.elapsed() >= Duration::from_secs(70), "{wish}"),
            Err(error) => {
                assert!(!comes_up, "{wish}: {error}");
                assert!(error.to_string().contains("asks to wait 5000 s"), "{error}");
                assert!(ready.fake.running().is_empty(), "it is given back");
            }
        }
    }
}

#[tokio::test]
async fn the_key_is_in_no_file_and_no_event() {
    let ready = Ready::new(Options::default()).await;
    let mut order = order();
    order.pod.environment =
        vec![gen404_targon::EnvironmentVariable { name: "HF_TOKEN".into(), value: "hf_5ecretValue".into() }];
    ready.start(&order).await.unwrap();
    let mut seen = format!("{} {order:?} {:?}", ready.diary.text(), ready.client);
    for entry in std::fs::read_dir(ready.folder.path().join("pods")).unwrap() {
        seen.push_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    assert!(seen.contains("wrk-000000000001"));
    assert!(!seen.contains(KEY) && !seen.contains("hf_5ecretValue"));
}
