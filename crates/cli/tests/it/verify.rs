//! `verify`: what the subnet will read, what it has read, what costs a stem, and what nobody can know.

use std::path::{Path, PathBuf};

use gen404_devchain::Options;
use gen404_round::AccountId;
use gen404_sandbox::cdn::Fault;
use gen404_sandbox::faults::Rule;
use gen404_testing::Nobody;
use serde_json::{Value, json};

use crate::binary::Home;
use crate::miner::{Ended, HASH, Miner, account, options};
use crate::round::write;
use crate::running::Running;
use crate::submission::{GOOD, cdn, entry, generating, module, repository};

const STEMS: [&str; 4] = ["a1", "b2", "c3", "d4"];

pub(crate) fn verify(home: &Home, more: &[&str]) -> Ended {
    Ended(home.run(&[&["verify", "--state-url", "file:state"], more].concat()))
}

fn of<'a>(json: &'a Value, stem: &str) -> &'a Value {
    let stems = json["stems"].as_array().expect("stems");
    stems.iter().find(|seen| seen["stem"] == stem).unwrap_or_else(|| panic!("{stem}: {json}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_submission_is_read_whole_and_only_confirmed_the_second_time() {
    let home = Home::new();
    let Some((repository, commit)) = repository(&home, &GOOD) else { return };
    let (cdn, _) = cdn(&home, &STEMS).await;
    let hotkey = AccountId([1; 32]);
    generating(&home, 50, &STEMS, &[(hotkey, entry(&commit, &format!("{}mine", cdn.url())))]);
    let place = repository.display().to_string();
    let arguments = [hotkey.to_string(), "--repository".into(), place];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let first = verify(&home, &arguments);
    let said = first.success();
    assert_eq!(
        (&said["takes_part"], &said["place"], &said["of"], &said["deadline_block"]),
        (&json!(true), &json!(1), &json!(1), &json!(50))
    );
    assert_eq!(said["delivery"], json!({"of": 4, "checked": 4, "delivered": 4, "lost": 0, "refused": 0, "unknown": 0}));
    assert_eq!((&said["repository"]["state"], &said["repository"]["verified_on"]), (&json!("fine"), &json!("4xH200")));
    assert_eq!((&said["problems"], &said["unknown"]), (&json!([]), &json!([])));
    let order: Vec<_> = said["stems"].as_array().expect("stems").iter().map(|seen| seen["stem"].clone()).collect();
    assert_eq!(order, STEMS.map(|stem| json!(stem)));
    let seen = of(&said, "b2");
    assert!(
        seen["sha256"].as_str().is_some_and(|hash| hash.len() == 64) && seen["last_modified"].is_string(),
        "{seen}"
    );
    assert_eq!(seen["confirmed"], false);
    // The second run asks for the same files, and gets none of them again.
    let again = verify(&home, &arguments).success();
    assert!(again["stems"].as_array().expect("stems").iter().all(|seen| seen["confirmed"] == true), "{again}");
    assert_eq!(of(&again, "b2")["sha256"], of(&said, "b2")["sha256"]);
    assert_eq!(cdn.requests().len(), 8);
    assert!(first.stderr().contains("4 of 4 stems delivered"), "{}", first.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_lost_stem_has_the_collectors_reason_and_a_fix() {
    let home = Home::new();
    let stems = ["a1", "b2", "c3", "d4", "e5", "f6"];
    let (cdn, folder) = cdn(&home, &stems).await;
    std::fs::remove_file(folder.join("a1.js")).expect("there");
    write(&folder.join("b2.js"), &" ".repeat((1 << 20) + 1));
    write(&folder.join("c3.js"), "export default function generate() { return eval('1'); }");
    std::fs::write(folder.join("d4.js"), b"export default \xff").expect("written");
    std::fs::copy(folder.join("f6.js"), folder.join("e5.js")).expect("copied");
    let hotkey = AccountId([1; 32]);
    let nowhere = home.path().join("nowhere").display().to_string();
    generating(&home, 50, &stems, &[(hotkey, entry(HASH, &format!("{}mine/", cdn.url())))]);
    let ended = verify(&home, &[&hotkey.to_string(), "--repository", &nowhere]);
    let error = ended.failure(1);
    let said = ended.json();
    for (stem, state, reason) in [
        ("a1", "lost", json!("js_fetch_failed: HTTP 404")),
        ("b2", "lost", json!("js_too_large")),
        ("c3", "refused", json!("render_failed")),
        ("d4", "refused", json!("render_failed")),
        ("e5", "delivered", json!(null)),
        ("f6", "delivered", json!(null)),
    ] {
        let seen = of(&said, stem);
        assert_eq!((&seen["state"], &seen["reason"]), (&json!(state), &reason), "{seen}");
        assert_eq!(seen["fix"].is_null(), state == "delivered", "{seen}");
    }
    assert_eq!(of(&said, "f6")["same_as"], json!([{"hotkey": null, "stem": "e5"}]));
    assert_eq!(said["delivery"], json!({"of": 6, "checked": 6, "delivered": 2, "lost": 2, "refused": 2, "unknown": 0}));
    assert!(error.contains("is not a repository that everybody can read"), "{error}");
    let problems = said["problems"].to_string();
    assert!(problems.contains("2 of 6 stems are lost (1 × js_"), "{problems}");
    assert!(problems.contains("2 of 6 stems are refused by the render service (2 × render_failed)"), "{problems}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_know_is_no_success() {
    let home = Home::new();
    let Some((repository, commit)) = repository(&home, &GOOD) else { return };
    let place = repository.display().to_string();
    let hotkey = AccountId([1; 32]);
    let nobody = Nobody::here();
    generating(&home, 50, &["a1"], &[(hotkey, entry(&commit, &format!("http://{}/x", nobody.address())))]);
    let ended = verify(&home, &[&hotkey.to_string(), "--repository", &place]);
    assert!(ended.failure(3).contains("1 of 1 stems could not be checked"), "{}", ended.transcript());
    assert_eq!(of(&ended.json(), "a1")["state"], "unknown");
    // A state that cannot be read, a round that is not there, nobody's hotkey.
    let state = home.path().join("state");
    write(&state.join("rounds/3/submissions.json"), "{");
    verify(&home, &[&hotkey.to_string()]).failure(3);
    assert!(verify(&home, &[&hotkey.to_string(), "--round", "2"]).failure(1).contains("not published"));
    assert!(verify(&home, &[&hotkey.to_string(), "--round", "9"]).failure(2).contains("nothing is known of round 9"));
    assert!(verify(&home, &[]).failure(2).contains("No hotkey is named"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_repository_is_read_as_it_was_committed() {
    let home = Home::new();
    let files = [
        ("Dockerfile", "FROM ubuntu\n"),
        ("hardware.json", "{\"hardware\": [\"4xh200\"]}"),
        ("a.sh", "pip install torch\n"),
    ];
    let Some((folder, commit)) = repository(&home, &files) else { return };
    let (cdn, _) = cdn(&home, &STEMS).await;
    let hotkey = AccountId([1; 32]);
    generating(&home, 50, &STEMS, &[(hotkey, entry(&commit, &format!("{}mine", cdn.url())))]);
    let place = folder.display().to_string();
    let ended = verify(&home, &[&hotkey.to_string(), "--repository", &place]);
    assert_eq!(ended.failure(1), "the commit has no docker/Dockerfile; there is Dockerfile");
    let said = ended.json();
    assert_eq!((&said["repository"]["state"], &said["repository"]["files"]), (&json!("fails"), &json!(3)));
    let codes: Vec<_> =
        said["repository"]["findings"].as_array().expect("findings").iter().map(|one| one["code"].clone()).collect();
    assert_eq!(codes, ["no_dockerfile", "base_image", "hardware", "pip"].map(|code| json!(code)));
    // An answer of its own: the repository is there, the commit is not.
    generating(&home, 50, &STEMS, &[(hotkey, entry(HASH, &format!("{}mine", cdn.url())))]);
    let error = verify(&home, &[&hotkey.to_string(), "--repository", &place]).failure(1);
    assert!(error.contains(&format!("has no commit {HASH}")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_at_another_hotkey_are_told() {
    let home = Home::new();
    let stems: Vec<String> = (0..10).map(|number| format!("s{number}")).collect();
    let stems: Vec<&str> = stems.iter().map(String::as_str).collect();
    let Some((folder, commit)) = repository(&home, &GOOD) else { return };
    let (cdn, mine) = cdn(&home, &stems).await;
    for stem in &stems {
        write(&mine.with_file_name("other").join(format!("{stem}.js")), &module(stem));
    }
    let (one, two) = (AccountId([1; 32]), AccountId([2; 32]));
    let at = |name: &str| entry(&commit, &format!("{}{name}", cdn.url()));
    generating(&home, 50, &stems, &[(one, at("mine")), (two, at("other"))]);
    let place = folder.display().to_string();
    let arguments = [one.to_string(), "--repository".into(), place, "--also".into(), two.to_string()];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = verify(&home, &arguments);
    assert!(
        ended.failure(1).starts_with(&format!("10 stems have the bytes of a stem of {two}")),
        "{}",
        ended.transcript()
    );
    for stem in &stems[3..] {
        write(&mine.join(format!("{stem}.js")), &module(&format!("mine {stem}")));
    }
    let ended = verify(&home, &arguments);
    let said = ended.success();
    assert!(said["warnings"].to_string().contains("3 stems have the bytes of a stem of"), "{said}");
    assert_eq!(of(&said, "s0")["same_as"], json!([{"hotkey": two.to_string(), "stem": "s0"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn until_the_deadline_every_change_is_told_and_the_last_word_is_the_answer() {
    let miner = Miner::on(Options { manual_blocks: true, ..options() }).await;
    while miner.chain.block_number() < 20 {
        miner.chain.produce_block();
    }
    let Some((folder, commit)) = repository(&miner.home, &GOOD) else { return };
    let (cdn, mine) = cdn(&miner.home, &STEMS).await;
    std::fs::remove_file(mine.join("a1.js")).expect("there");
    let hotkey = account("default");
    generating(&miner.home, 50, &STEMS, &[(hotkey, entry(&commit, &format!("{}mine", cdn.url())))]);
    let (url, place, hotkey) = (miner.chain.url(), folder.display().to_string(), hotkey.to_string());
    let line = [
        "verify",
        &hotkey,
        "--state-url",
        "file:state",
        "--subtensor.endpoint",
        &url,
        "--repository",
        &place,
        "--until-deadline",
        "--interval",
        "1",
        "--on-change",
        "cat >> seen.json; echo told",
    ];
    let mut running = Running::spawn(miner.home.std_command().args(line));
    running.wait_for("1 of 4 stems are lost");
    write(&mine.join("a1.js"), &module("a1"));
    running.wait_for("4 of 4 stems delivered");
    running.wait_for("told");
    while miner.chain.block_number() < 50 {
        miner.chain.produce_block();
    }
    let ended = running.finish();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    let stdout = String::from_utf8(ended.stdout).expect("text");
    let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&lines[0]["success"], &lines[0]["changes"]), (&json!(false), &json!([])));
    assert!(lines[1]["changes"].to_string().contains("delivery"), "{}", lines[1]);
    assert_eq!(lines.last().expect("a line")["success"], true);
    let fed = std::fs::read_to_string(miner.home.path().join("seen.json")).expect("the command wrote it");
    assert!(fed.contains("\"delivered\":4"), "{fed}");
}

/// The recorded rounds of the running competition, as they were while round 53 was open.
fn recorded(home: &Home) -> PathBuf {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../competition/tests/data");
    let state = home.path().join("recorded");
    std::fs::create_dir(&state).expect("made");
    std::os::unix::fs::symlink(data.join("rounds").canonicalize().expect("there"), state.join("rounds"))
        .expect("linked");
    std::fs::copy(data.join("state-open-53.json"), state.join("state.json")).expect("copied");
    state
}

#[test]
fn of_a_past_round_every_hotkey_hears_what_its_files_say() {
    let home = Home::new();
    let state = recorded(&home);
    let read = |path: String| -> Value {
        std::fs::read(state.join(path)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    };
    let (submissions, builds, audits) = (
        read("rounds/51/submissions.json".into()),
        read("rounds/51/builds.json".into()),
        read("rounds/51/generation_audits.json".into()),
    );
    let url = format!("file:{}", state.display());
    let mut with_files = 0;
    // Places follow the file's order.
    let text = std::fs::read_to_string(state.join("rounds/51/submissions.json")).expect("there");
    let mut entries: Vec<_> = submissions.as_object().expect("a map").iter().collect();
    entries.sort_by_key(|(hotkey, _)| text.find(hotkey.as_str()));
    for (index, (hotkey, entry)) in entries.into_iter().enumerate() {
        let ended = Ended(home.run(&["verify", hotkey, "--round", "51", "--state-url", &url]));
        let said = ended.json();
        assert_eq!((&said["place"], &said["of"]), (&json!(index + 1), &json!(31)), "{hotkey}");
        for (key, of_entry) in [
            ("commit", "commit"),
            ("repo", "repo"),
            ("cdn_url", "cdn_url"),
            ("commit_block", "revealed_at_block"),
            ("hardware", "hardware"),
        ] {
            assert_eq!(said[key], entry[of_entry], "{hotkey} {key}");
        }
        let build = &builds[hotkey]["status"];
        assert_eq!(&said["build"]["status"], build, "{hotkey}");
        assert_eq!(said["audit"]["verdict"], audits[hotkey]["verdict"], "{hotkey}");
        let submitted = read(format!("rounds/51/{hotkey}/submitted.json"));
        let (mut lost, mut known) = (0, 0);
        for (stem, output) in submitted.as_object().into_iter().flatten() {
            known += 1;
            let seen = of(&said, stem);
            let failed = output["js"].is_null() || output["views"].is_null();
            lost += u64::from(failed);
            assert_eq!(
                (seen["state"] == "lost", &seen["source"]),
                (failed, &json!("submitted.json")),
                "{hotkey} {stem}"
            );
            if failed {
                assert_eq!(seen["reason"], output["failure_reason"], "{hotkey} {stem}");
            }
        }
        if known > 0 {
            with_files += 1;
            assert_eq!((&said["delivery"]["lost"], &said["delivery"]["of"]), (&json!(lost), &json!(128)), "{hotkey}");
        }
        let is_bad = lost > 0 || build == "failure" || audits[hotkey]["verdict"] == "failed";
        let expected = if is_bad {
            1
        } else if known == 128 {
            0
        } else {
            3
        };
        assert_eq!(ended.0.status.code(), Some(expected), "{hotkey}: {}", ended.transcript());
    }
    assert!(with_files > 0, "the recorded round has a submitted.json");
    let stranger = AccountId([9; 32]).to_string();
    let ended = Ended(home.run(&["verify", &stranger, "--round", "51", "--state-url", &url]));
    assert!(ended.failure(1).contains("it is not in submissions.json"), "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_with_habits_costs_what_it_would_cost() {
    let home = Home::new();
    let Some((folder, commit)) = repository(&home, &GOOD) else { return };
    let (cdn, _) = cdn(&home, &STEMS).await;
    let hotkey = AccountId([1; 32]);
    generating(&home, 50, &STEMS, &[(hotkey, entry(&commit, &format!("{}mine", cdn.url())))]);
    let place = folder.display().to_string();
    let look = || verify(&home, &[&hotkey.to_string(), "--repository", &place]);
    cdn.faults().set(vec![Rule::from(Fault::Challenge)]);
    let ended = look();
    ended.failure(1);
    assert_eq!(of(&ended.json(), "a1")["reason"], "js_fetch_failed: HTTP 403");
    assert!(of(&ended.json(), "a1")["fix"].to_string().contains("Cloudflare"));
    // Neither HEAD nor bare prefixes are asked for, and whoever waits is served.
    let busy = Rule::times(Fault::RateLimited { retry_after: "0".to_owned() }, 2);
    let others = [Fault::HeadRefused { status: 403 }, Fault::PrefixRefused { status: 404 }, Fault::StrangersRefused];
    cdn.faults().set(others.into_iter().map(Rule::from).chain([busy]));
    assert_eq!(look().success()["delivery"]["delivered"], 4);
}
