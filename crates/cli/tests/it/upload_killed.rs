//! `upload` killed with `kill -9` at any moment: the next run completes it, nothing is half there, and nothing is written twice.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use crate::miner::Ended;
use crate::upload::{GOOD, Place};

/// Nothing here takes nearly as long; only a defect does.
const PATIENCE: Duration = Duration::from_mins(2);

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The stems that are in the bucket, with their times; what is there must be whole.
fn stored(place: &Place, stems: &[String]) -> BTreeMap<String, SystemTime> {
    let there = stems.iter().filter_map(|stem| {
        let text = std::fs::read_to_string(place.object(stem)).ok()?;
        assert_eq!(text, format!("{GOOD}// {stem}\n"), "half a module");
        Some((stem.clone(), std::fs::metadata(place.object(stem)).and_then(|facts| facts.modified()).expect("a time")))
    });
    there.collect()
}

/// Kills a run when the storage has seen this share of a whole run's requests, then lets another one finish.
async fn killed_after(stems: &[String], share: f64) {
    let names: Vec<_> = stems.iter().map(String::as_str).collect();
    let place = Place::with(&names).await;
    // The probe is written and deleted, each module looked at and written.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
    let moment = ((2 + 2 * stems.len()) as f64 * share) as usize;
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("404-cli"));
    command.env_clear().env("HOME", place.home.path()).current_dir(place.home.path()).envs(place.variables());
    command.args(["upload", "--data-dir", "out", "--to", "s3://cdn/17"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    until("it never came that far", || {
        place.storage.requests().len() >= moment || child.try_wait().expect("asked").is_some()
    });
    // Fails when it has ended by itself, which is a moment, too.
    let _ended = child.kill();
    let _status = child.wait().expect("it ends");
    until("the storage never came to rest", || place.storage.is_idle());
    let before = stored(&place, stems);

    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("it runs");
    let json = Ended(output).success();
    assert_eq!((&json["unchanged"], &json["replaced"]), (&before.len().into(), &0.into()));
    let after = stored(&place, stems);
    assert_eq!(after.len(), stems.len());
    assert!(before.iter().all(|(stem, time)| after[stem] == *time), "a time has changed");
    let mut written: BTreeMap<String, usize> = BTreeMap::new();
    for seen in place.storage.requests() {
        if seen.method == "PUT" && !seen.path.contains("probe") && seen.status == Some(200) {
            *written.entry(seen.path).or_default() += 1;
        }
    }
    assert!(written.values().all(|times| *times == 1), "{written:?}");
    let beside = std::fs::read_dir(place.object("x").parent().expect("a folder")).expect("listed").count();
    assert_eq!(beside, stems.len(), "no probe and no part is left");
}

async fn killed(modules: usize, moments: u32) {
    let stems: Vec<_> = (0..modules).map(|number| format!("stem{number:03}")).collect();
    for moment in 0..moments {
        // Even steps, each shifted by chance: the whole run is covered, and never at the same places.
        let chance =
            f64::from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("later").subsec_micros()) / 1e6;
        killed_after(&stems, (f64::from(moment) + chance) / f64::from(moments)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_upload_is_completed_and_nothing_written_twice() {
    killed(24, 5).await;
}

/// A whole round at thirty moments: a minute or two.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; run it with --run-ignored"]
async fn a_whole_round_killed_at_thirty_moments() {
    killed(128, 30).await;
}
