//! Every fault times every moment at which a real signal can reach the process: nothing is left running, or exit 3
//! names it. And after `kill -9`, the next command reports what is left over.

use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use gen404_sandbox::faults::Rule;
use gen404_sandbox::targon::matrix::{MOMENTS, faults};
use gen404_sandbox::targon::{Call, Fault, Options};
use tokio::process::Child;

use super::{Account, GENERATOR, standing};

fn send(signal: &str, child: &Child) {
    let process = child.id().expect("it still runs");
    let sent = std::process::Command::new("sh").args(["-c", &format!("kill -{signal} {process}")]).status();
    assert!(sent.expect("sh runs").success(), "kill -{signal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_running_whatever_happens_whenever() {
    let mut cases = Vec::new();
    for (fault, faults) in faults(0) {
        for (moment, call) in MOMENTS {
            let signal = if cases.len() % 2 == 0 { "INT" } else { "TERM" };
            cases.push(one_case(format!("{fault}, {signal} {moment}"), faults.clone(), call, signal));
        }
    }
    assert_eq!(cases.len(), 126);
    let ends: Vec<End> = stream::iter(cases).buffer_unordered(3).collect().await;
    // The matrix would prove nothing if signals came too late or never.
    let interrupted = ends.iter().filter(|end| end.signalled && end.code == 130).count();
    assert!(interrupted >= 60, "{interrupted} of {} signals were in time", ends.len());
    assert!(ends.iter().any(|end| end.code == 3 && end.left_running));
}

/// How a case ended.
struct End {
    signalled: bool,
    code: i32,
    left_running: bool,
}

async fn one_case(case: String, mut faults: Vec<Rule<Fault>>, moment: Option<Call>, signal: &str) -> End {
    let always_failing = faults.contains(&Fault::DeleteFails.into());
    let refused = faults.contains(&Fault::NameTaken.into());
    faults.extend(moment.map(|call| Fault::Hold { call }.into()));
    let foreign = (0..7).map(|number| standing(&format!("foreign-{number}"), "cpu-small")).collect();
    let account = Account::new(Options { faults, standing: foreign, ..Options::default() }).await;
    let patience = ["--deploy-timeout", "0.4", "--health-timeout", "0.4", "-vv"];
    let mut child = account.command(&[&GENERATOR[..], &patience].concat()).spawn().expect("it starts");
    let mut signalled = false;
    tokio::select! {
        _ = child.wait() => {}
        () = account.fake.held() => {
            send(signal, &child);
            signalled = true;
            // It hangs up once it has the signal; only the answer to a registration is always waited for.
            if moment != Some(Call::Create) {
                account.fake.none_held().await;
            }
            account.fake.release();
        }
    }
    let run = account.seen(child.wait_with_output().await.expect("it ends"));
    let transcript = run.transcript();
    let json = run.json();

    let there: Vec<_> = account.fake.workloads().into_iter().filter(|one| one.status != "deleted").collect();
    let left: Vec<_> = there.iter().filter(|one| !one.name.starts_with("foreign-")).collect();
    assert_eq!(there.len() - left.len(), 7, "{case}: foreign pods are left alone");
    match run.code() {
        Some(0) => {
            // A signal that comes after the last step is too late; then the pod is handed over properly.
            assert!(!signalled || moment == Some(Call::Create), "{case}: {transcript}");
            assert_eq!((left.len(), &json["uid"]), (1, &left[0].uid.as_str().into()), "{case}");
        }
        Some(3) if !left.is_empty() => {
            let named = &json["still_running"][0];
            assert!(always_failing, "{case}: {transcript}");
            assert_eq!((left.len(), &named["uid"]), (1, &left[0].uid.as_str().into()), "{case}: {transcript}");
            assert_eq!((&named["name"], &named["cost_per_hour"]), (&"generator".into(), &13.0.into()), "{case}");
        }
        Some(code @ (1 | 3 | 130)) => {
            assert!(left.is_empty(), "{case}: {left:?} {transcript}");
            assert!(account.state_files().iter().all(|text| !text.contains("wrk-")), "{case}: nothing to remember");
            if signalled && !refused {
                assert_eq!((code, &json["error"]), (130, &"Interrupted by user".into()), "{case}: {transcript}");
            }
        }
        _ => panic!("{case}: {transcript}"),
    }
    End { signalled, code: run.code().unwrap_or_default(), left_running: !left.is_empty() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_kill_9_the_next_command_reports_what_is_left() {
    for (moment, call) in MOMENTS.into_iter().filter_map(|(moment, call)| Some((moment, call?))) {
        let account = Account::with_faults(vec![Fault::Hold { call }.into()]).await;
        let mut child = account.command(&GENERATOR).spawn().expect("it starts");
        account.fake.held().await;
        send("KILL", &child);
        child.wait().await.expect("it is dead");
        account.fake.release();

        let bought = !account.fake.workloads().is_empty();
        let remembered = call != Call::List && call != Call::Create;
        let listed = account.run(&["pods"]).await;
        assert_eq!(listed.lines().len(), usize::from(bought), "{moment}: {}", listed.transcript());
        if remembered {
            let line = &listed.lines()[0];
            assert_eq!((&line["left_over"], &line["uid"]), (&true.into(), &"wrk-000000000001".into()), "{moment}");
            let warning = "a run that died has left `generator` (wrk-000000000001, $13.00/h)";
            assert!(listed.stderr().contains(warning), "{moment}: {}", listed.transcript());
            let next = account.run(&["start-judge", "--no-wait"]).await;
            assert!(next.stderr().contains(warning), "{moment}: {}", next.transcript());
        }
        if bought {
            let refused = account.run(&GENERATOR).await;
            assert_eq!(refused.code(), Some(1), "{moment}: {}", refused.transcript());
        }
        let stopped = account.run(&["stop-pods"]).await;
        assert_eq!((stopped.code(), stopped.stdout().as_str()), (Some(0), ""), "{moment}: {}", stopped.transcript());
        assert_eq!(stopped.stderr().contains("a run that died"), remembered, "{moment}: {}", stopped.transcript());
        assert!(account.fake.workloads().iter().all(|one| one.status == "deleted"), "{moment}");
        let quiet = account.run(&["pods"]).await;
        assert!(!quiet.stderr().contains("a run that died"), "{moment}: {}", quiet.transcript());
    }
}

/// A pod that another run is waiting for at this moment is no left-over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_runs_leave_each_other_alone() {
    let account = Account::with_faults(vec![Fault::Hold { call: Call::Deploy }.into()]).await;
    let child = account.command(&GENERATOR).spawn().expect("it starts");
    account.fake.held().await;
    let listed = account.run(&["pods"]).await;
    assert!(!listed.stderr().contains("a run that died"), "{}", listed.transcript());
    let twice = account.run(&GENERATOR).await;
    assert_eq!(twice.code(), Some(1), "{}", twice.transcript());
    let error = "another 404-cli on this machine is starting `generator` right now";
    assert_eq!(twice.json()["error"], error);
    account.fake.release();
    let other = account.run(&["start-renderer"]).await;
    let first = account.seen(child.wait_with_output().await.expect("it ends"));
    assert_eq!((first.code(), other.code()), (Some(0), Some(0)), "{}{}", first.transcript(), other.transcript());
    assert_eq!(account.running(), ["generator", "render"]);
}

/// The user presses Ctrl-C once more while the machine is being given back: the note stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_leaves_the_note() {
    let account =
        Account::with_faults(vec![Fault::NeverVisible.into(), Fault::Hold { call: Call::State }.into()]).await;
    let mut child = account.command(&GENERATOR).spawn().expect("it starts");
    account.fake.held().await;
    account.fake.faults().set(vec![
        Fault::NeverVisible.into(),
        Rule::times(Fault::DeleteFails, 1),
        Fault::Hold { call: Call::Delete }.into(),
    ]);
    send("INT", &child);
    account.fake.held().await;
    send("INT", &child);
    let status = child.wait().await.expect("it ends");
    assert_eq!(status.code(), Some(130));
    account.fake.release();
    let listed = account.run(&["pods"]).await;
    assert_eq!(listed.lines()[0]["left_over"], true, "{}", listed.transcript());
    tokio::time::timeout(Duration::from_mins(1), account.run(&["stop-pods"])).await.expect("it stops");
    assert!(account.running().is_empty());
}
