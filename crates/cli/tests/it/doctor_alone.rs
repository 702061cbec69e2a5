//! `doctor`, check by check: what is broken shows in its own line alone, and is gone when it is mended as that line says.

use std::process::Stdio;
use std::time::{Duration, Instant};

use gen404_devchain::Options;
use gen404_sandbox::targon::{Call, Fault};
use serde_json::json;

use crate::binary::Home;
use crate::doctor::{KEY, Place, SERVICES, find};
use crate::miner::{Ended, HASH, Miner, account, options};
use crate::round::write;

/// Nothing here takes nearly as long; only a defect does.
const PATIENCE: Duration = Duration::from_mins(1);

fn all() -> Vec<&'static str> {
    [&["--only"][..], &SERVICES].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_would_refuse_an_upload_fails_alone() {
    let Some(place) = Place::new().await else { return };
    let ended = place.run_with(&[("AWS_SECRET_ACCESS_KEY", "another")], &all());
    Place::fails(&ended, "storage", "copy both parts of the key again");
    assert!(!ended.transcript().contains("another"), "{}", ended.transcript());
    Place::fails(&place.run(&[&all()[..], &["--to", "s3://other/17"]].concat()), "storage", "correct --to");
    Place::fails(&place.run_with(&[("AWS_ACCESS_KEY_ID", "")], &all()), "storage", "docs/upload.md");
    Place::fails(&place.run_with(&[("AWS_REGION", "eu-west-1")], &all()), "storage", "--region us-east-1");
    place.run(&all()).success();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_credits_and_a_pod_that_nobody_waits_for_fail_alone() {
    let Some(place) = Place::new().await else { return };
    place.targon.faults().set([Fault::NoCredits]);
    Place::fails(&place.run(&all()), "credits", "add credits");
    place.targon.faults().set([Fault::NeverVisible, Fault::Hold { call: Call::State }]);
    let targon = place.targon.url().to_string();
    let command = |line: &[&str]| {
        let mut command = place.miner.home.std_command();
        command.args(line).args(["--targon-base-url", &targon]).env("TARGON_API_KEY", KEY);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let mut starting =
        command(&["start-generator", "--image-url", "example.com/gen:1"]).spawn().expect("the binary runs");
    tokio::time::timeout(PATIENCE, place.targon.held()).await.expect("it asks for its pod");
    starting.kill().expect("killed");
    starting.wait().expect("it is dead");
    place.targon.release();
    place.targon.faults().clear();
    let ended = place.run(&all());
    Place::fails(&ended, "pods", "`404-cli stop-pods`");
    assert!(find(&ended.json(), "pods")["sentence"].to_string().contains("$13.00/h together: generator"));
    assert!(command(&["stop-pods"]).status().expect("the binary runs").success());
    place.run(&all()).success();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_competition_that_is_over_has_no_window() {
    let Some(place) = Place::new().await else { return };
    let state = place.miner.home.path().join("state/state.json");
    let before = std::fs::read_to_string(&state).expect("there");
    write(&state, &json!({"current_round": 3, "stage": "finished", "next_stage_eta": null}).to_string());
    let ended = place.run(&["--only", "state", "round", "window"]);
    assert_eq!(Place::named(&ended, "warn"), ["window"], "{}", ended.transcript());
    assert_eq!(Place::named(&ended, "pass").len(), 2, "{}", ended.transcript());
    assert!(find(&ended.success(), "window")["fix"].to_string().contains("404-cli round"));
    write(&state, &before);
    assert_eq!(Place::named(&place.run(&all()), "pass").len(), SERVICES.len());
}

const OF_THE_CHAIN: [&str; 8] = ["doctor", "--only", "node", "metadata", "clock", "registration", "space", "pending"];

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_without_space_fails_alone_and_ends() {
    // Room for three commitments of a hash, of which two leave too little for one of all fields.
    let miner = Miner::on(Options { max_space: 1_000, ..options() }).await;
    let doctor = || miner.run(&OF_THE_CHAIN, "default");
    assert_eq!(Place::named(&doctor(), "pass").len(), 6, "{}", doctor().transcript());
    for _ in 0..2 {
        miner.run(&["commit-hash", "--hash", HASH], "default").success();
    }
    let ended = doctor();
    Place::fails(&ended, "space", "wait for the next epoch");
    let tempo = find(&ended.json(), "space")["fix"].to_string();
    let blocks: u32 =
        tempo.split(|letter: char| !letter.is_ascii_digit()).find_map(|word| word.parse().ok()).expect("blocks");
    for _ in 0..=blocks {
        miner.chain.produce_block();
    }
    // So many blocks at once look like a clock that runs fast, which is none of this check's.
    let ended = miner.run(&["doctor", "--only", "space"], "default");
    assert_eq!(Place::named(&ended, "pass"), ["space"], "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commitment_that_waits_is_told_until_it_is_revealed() {
    let miner = Miner::without_reveals().await;
    miner.run(&["commit-hash", "--hash", HASH, "--wait", "inclusion"], "default").success();
    let ended = miner.run(&OF_THE_CHAIN, "default");
    assert_eq!(Place::named(&ended, "warn"), ["pending"], "{}", ended.transcript());
    assert_eq!(Place::named(&ended, "pass").len(), 5, "{}", ended.transcript());
    miner.chain.freeze_beacon(false);
    let begin = Instant::now();
    while miner.chain.reveals(account("default")).is_empty() {
        assert!(begin.elapsed() < PATIENCE, "it is never revealed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(Place::named(&miner.run(&OF_THE_CHAIN, "default"), "pass").len(), 6);
}

#[test]
fn a_machine_without_npm_is_told_what_for() {
    let home = Home::new();
    let programs = home.path().join("bin");
    std::fs::create_dir(&programs).expect("made");
    let doctor =
        || Ended(home.command(&["doctor", "--only", "three", "npm"]).env("PATH", &programs).output().expect("it runs"));
    let ended = doctor();
    Place::fails(&ended, "npm", "install npm");
    assert_eq!(Place::named(&ended, "skipped"), ["three"], "{}", ended.transcript());
    let npm = programs.join("npm");
    write(&npm, "#!/bin/sh\necho 10.9.0\n");
    std::fs::set_permissions(&npm, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
    let ended = doctor();
    assert_eq!(
        (Place::named(&ended, "pass"), Place::named(&ended, "warn")),
        (vec!["npm".to_owned()], vec!["three".to_owned()]),
        "{}",
        ended.transcript()
    );
}
