//! Every fault times every moment at which a signal can arrive: at the end no machine is left running, or the error
//! says which one, with its identifier and price.

use std::time::Duration;

use gen404_sandbox::faults::Rule;
use gen404_sandbox::targon::matrix::{MOMENTS, faults};
use gen404_sandbox::targon::{Call, Fault, Options, Standing};
use gen404_targon::{StartError, left_overs};

use crate::ready::{KEY, Ready, order};

#[tokio::test]
async fn nothing_is_left_running_whatever_happens_whenever() {
    let mut cases = 0;
    for (fault, faults) in faults(2) {
        for (moment, call) in MOMENTS {
            let case = format!("{fault}, interrupted {moment}");
            one_case(&case, faults.clone(), call).await;
            cases += 1;
        }
    }
    assert_eq!(cases, 126);
}

async fn one_case(case: &str, mut faults: Vec<Rule<Fault>>, moment: Option<Call>) {
    let always_failing = faults.contains(&Fault::DeleteFails.into());
    faults.extend(moment.map(|call| Fault::Hold { call }.into()));
    let foreign = |number| Standing {
        name: format!("foreign-{number}"),
        resource: "cpu-small".to_owned(),
        age: Duration::from_hours(1),
    };
    let ready = Ready::new(Options { faults, standing: (0..7).map(foreign).collect(), ..Options::default() }).await;
    let order = order();
    let work = ready.start(&order);
    tokio::pin!(work);
    let outcome = tokio::select! {
        outcome = &mut work => outcome,
        () = ready.fake.held() => {
            ready.interrupt.cancel();
            ready.fake.release();
            work.await
        }
    };

    // Also what is registered and costs nothing yet counts as left.
    let there: Vec<_> = ready.fake.workloads().into_iter().filter(|one| one.status != "deleted").collect();
    let left: Vec<_> = there.iter().filter(|one| !one.name.starts_with("foreign-")).collect();
    assert_eq!(there.len() - left.len(), 7, "{case}: foreign pods are left alone");
    let remembered = left_overs(&ready.client, &ready.leases).await.unwrap();
    match &outcome {
        Ok(started) => {
            assert!(!ready.interrupt.is_cancelled(), "{case}: an interrupted start is no success");
            assert_eq!(left.iter().map(|one| &*one.uid).collect::<Vec<_>>(), [started.pod.uid.as_str()], "{case}");
        }
        Err(error @ StartError::LeftRunning { pod, .. }) => {
            assert!(always_failing, "{case}: {error}");
            assert_eq!(left.iter().map(|one| &*one.uid).collect::<Vec<_>>(), [pod.uid.as_str()], "{case}");
            assert!(
                error.to_string().contains(&*left[0].uid) && error.to_string().contains("$13.00/h"),
                "{case}: {error}"
            );
            assert_eq!(remembered.len(), 1, "{case}: it is remembered");
        }
        Err(error) => {
            assert!(left.is_empty(), "{case}: {error}, but {left:?}");
            assert!(remembered.is_empty(), "{case}: nothing to remember");
        }
    }
    let seen = format!("{outcome:?} {}", ready.diary.text());
    assert!(!seen.contains(KEY), "{case}: the key is shown");
}
