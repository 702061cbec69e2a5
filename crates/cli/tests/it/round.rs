//! `round`: stages joined with the chain's blocks, one's own place, states that are old, gone or half-written.

use std::path::Path;

use gen404_devchain::{Lock, Options, PastReveals};
use gen404_round::AccountId;
use serde_json::{Value, json};

use crate::binary::Home;
use crate::miner::{COLDKEY, Ended, HASH, Miner, account, options};
use crate::running::Running;

/// Round 3 with a window of these blocks, as folder `state` in the miner's home.
pub(crate) fn write_state(home: &Home, stage: &str, earliest: u64, latest: u64) {
    let folder = home.path().join("state");
    let write = |path: &str, value: &Value| write(&folder.join(path), &value.to_string());
    write("state.json", &json!({"current_round": 3, "stage": stage, "next_stage_eta": null}));
    write("config.json", &json!({"name": "threejs", "win_margin": 0.07, "prompts_per_round": 2}));
    write(
        "leader.json",
        &json!([
            {"hotkey": AccountId([1; 32]), "repo": "no-repo/no-repo", "commit": "x", "docker": "a/no-docker:0.0.1",
             "hardware": [], "weight": 0.0, "effective_block": 0},
            {"hotkey": AccountId([2; 32]), "repo": "best/pipeline", "commit": HASH, "docker": "e/best:1",
             "hardware": ["4xH200"], "weight": 1.0, "effective_block": 1},
            {"hotkey": AccountId([3; 32]), "repo": "next/pipeline", "commit": HASH, "docker": "e/next:1",
             "hardware": ["4xH200"], "weight": 1.0, "effective_block": 1_000_000},
        ]),
    );
    write(
        "rounds/3/schedule.json",
        &json!({"earliest_reveal_block": earliest, "latest_reveal_block": latest, "generation_deadline_block": latest + 50}),
    );
}

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, text).expect("written");
}

/// A SCALE string, as well-behaved clients reveal it.
fn revealed(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("short");
    assert!(length >= 64, "a prefix of two bytes");
    [&((length << 2) | 1).to_le_bytes()[..], text.as_bytes()].concat()
}

fn submission(hotkey: AccountId, block: u64) -> PastReveals {
    let text = format!(r#"{{"repo":"a/b","commit":"{HASH}","cdn_url":"https://c.example/x"}}"#);
    PastReveals { hotkey, reveals: vec![(revealed(&text), block)] }
}

/// A chain that stands at block `head`, with locks enough.
async fn miner_at(head: u32, options: Options) -> Miner {
    let lock = Lock { coldkey: COLDKEY, locked_mass: 200_000_000_000, conviction_bits: 0, last_update: 1 };
    let miner = Miner::on(Options { manual_blocks: true, locks: vec![lock], ..options }).await;
    while miner.chain.block_number() < head {
        miner.chain.produce_block();
    }
    assert_eq!(miner.chain.block_number(), head);
    miner
}

/// The home is the working directory.
fn line<'a>(more: &[&'a str], url: &'a str) -> Vec<&'a str> {
    [&["round"], more, &["--state-url", "file:state", "--subtensor.endpoint", url]].concat()
}

fn look(miner: &Miner, more: &[&str]) -> Ended {
    let url = miner.chain.url();
    Ended(miner.home.run(&line(more, &url)))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_window_is_shown_with_what_to_do_and_until_when() {
    let strangers =
        [(AccountId([8; 32]), 12), (AccountId([9; 32]), 9)].map(|(hotkey, block)| submission(hotkey, block));
    let reveals = [submission(account("default"), 15)].into_iter().chain(strangers).collect();
    let miner = miner_at(20, Options { reveals, ..options() }).await;
    write_state(&miner.home, "open", 10, 100);
    let ended = look(&miner, &["--wallet.name", "miner", "--wallet.hotkey", "default"]);
    let said = ended.success();
    for (key, value) in [
        ("round", json!(3)),
        ("stage", json!("open")),
        ("competition", json!("threejs")),
        ("happening", json!("window_open")),
        ("task", json!("reveal")),
        ("block", json!(20)),
        ("doubts", json!([])),
        ("win_margin", json!(0.07)),
        ("submissions", json!(null)),
    ] {
        assert_eq!(said[key], value, "{key}: {}", ended.transcript());
    }
    // The placeholder is no leader, and the third one not yet.
    assert_eq!(
        (&said["leader"]["repo"], &said["next_leader"]["repo"]),
        (&json!("best/pipeline"), &json!("next/pipeline"))
    );
    assert_eq!((&said["window"]["earliest_block"], &said["window"]["closes"]["block"]), (&json!(10), &json!(100)));
    assert_eq!(said["generation_ends"]["block"], 150);
    assert!(said["window"]["closes"]["in_seconds"].as_i64().is_some_and(|left| left >= 0), "{said}");
    // Strangers are not registered: their reveals are seen, and they do not take part.
    let counting = &said["reveals_count_for"];
    assert_eq!(
        *counting,
        json!({"round": 3, "earliest_block": 10, "latest_block": 100, "submissions": 1, "breaking": []})
    );
    let own = &said["own"];
    assert_eq!(own["hotkey"], account("default").to_string());
    assert_eq!(
        (&own["registered"], &own["locked_rho"], &own["required_rho"], &own["lock_sufficient"]),
        (&json!(true), &json!(200.0), &json!(100.0), &json!(true))
    );
    let revealed = &own["revealed"];
    assert_eq!(
        (&revealed["verdict"], &revealed["place"], &revealed["commit_block"]),
        (&json!("admitted"), &json!(1), &json!(15))
    );
    assert_eq!(own["in_round"], json!(null));
    let screen = ended.stderr();
    for text in ["Round 3 of threejs · open", "place 1 of 1 so far", "UTC", "in ", "best/pipeline"] {
        assert!(screen.contains(text), "{text}: {screen}");
    }
    let widest = screen.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?}: {screen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_edges_of_a_window_are_exact() {
    for (head, happening, counts) in
        [(8, "before_window", json!(null)), (9, "window_open", json!([3, 100])), (11, "window_open", json!([3, 100]))]
    {
        let miner = miner_at(head, options()).await;
        write_state(&miner.home, "open", 10, 100);
        let said = look(&miner, &[]).success();
        let counting = &said["reveals_count_for"];
        let counted =
            if counting.is_null() { json!(null) } else { json!([counting["round"], counting["latest_block"]]) };
        assert_eq!((said["happening"].as_str(), counted), (Some(happening), counts), "{head}");
    }
    let miner = miner_at(11, options()).await;
    for (latest, happening, counts) in [(12, "window_open", json!([3, 12])), (11, "collecting", json!([4, null]))] {
        write_state(&miner.home, "open", 10, latest);
        let said = look(&miner, &[]).success();
        let counting = &said["reveals_count_for"];
        let counted = json!([counting["round"], counting["latest_block"]]);
        assert_eq!((said["happening"].as_str(), counted), (Some(happening), counts), "{latest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_round_is_judged_the_next_window_is_open_and_its_end_unknown() {
    let (own, other) = (account("default"), account("second"));
    let reveals = vec![submission(own, 25)];
    let miner = miner_at(30, Options { reveals, ..options() }).await;
    write_state(&miner.home, "duels", 2, 20);
    let state = miner.home.path().join("state/rounds/3");
    let schedule = json!({"earliest_reveal_block": 2, "latest_reveal_block": 20, "generation_deadline_block": 22});
    write(&state.join("schedule.json"), &schedule.to_string());
    let entry = |block: u64| json!({"repo": "a/b", "commit": HASH, "cdn_url": "https://c", "revealed_at_block": block});
    write(
        &state.join("submissions.json"),
        &json!({other.to_string(): entry(3), own.to_string(): entry(5)}).to_string(),
    );
    write(&state.join("builds.json"), &json!({own.to_string(): {"status": "failure"}}).to_string());
    write(&state.join("matches_matrix.csv"), &format!("left,right,margin\nleader,{own},0.0703125\n"));
    let verdict = json!({own.to_string(): {"verdict": "failed", "reason": "generation report: Failed to deploy"}});
    write(&state.join("generation_audits.json"), &verdict.to_string());
    let said = look(&miner, &["--wallet.hotkey", &own.to_string()]).success();
    assert_eq!((&said["happening"], &said["task"]), (&json!("duels"), &json!("keep_reproducible")));
    assert_eq!(said["submissions"], 2);
    let counting = &said["reveals_count_for"];
    assert_eq!(
        (&counting["round"], &counting["earliest_block"], &counting["latest_block"]),
        (&json!(4), &json!(21), &json!(null))
    );
    let mine = &said["own"];
    assert_eq!((&mine["revealed"]["verdict"], &mine["revealed"]["place"]), (&json!("admitted"), &json!(1)));
    let in_round = &mine["in_round"];
    assert_eq!(
        (&in_round["place"], &in_round["of"], &in_round["build"]["status"]),
        (&json!(2), &json!(2), &json!("failure"))
    );
    assert_eq!((&in_round["against_leader"], &in_round["verdict"]["verdict"]), (&json!(0.070_312_5), &json!("failed")));
    // Somebody else's hotkey, which is not registered and takes no part.
    let stranger = look(&miner, &["--wallet.hotkey", &AccountId([7; 32]).to_string()]);
    let said = stranger.success();
    assert_eq!(said["own"]["registered"], false);
    assert_eq!(
        (&said["own"]["in_round"]["takes_part"], &said["own"]["revealed"]["verdict"]),
        (&json!(false), &json!("nothing_revealed"))
    );
    assert!(stranger.stderr().contains("its end not published yet"), "{}", stranger.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn states_that_are_broken_are_told_and_never_guessed() {
    let miner = miner_at(20, options()).await;
    write_state(&miner.home, "open", 10, 100);
    let state = miner.home.path().join("state");
    // Half-written: the rest is shown, and the leader unknown.
    write(&state.join("leader.json"), r#"[{"hotkey": "5"#);
    let ended = look(&miner, &[]);
    assert_eq!(ended.success()["leader"], json!(null));
    assert!(ended.stderr().contains("leader.json: half-written"), "{}", ended.transcript());
    // Without a schedule there are no blocks to name.
    std::fs::remove_file(state.join("rounds/3/schedule.json")).expect("there");
    let said = look(&miner, &[]).success();
    assert_eq!((&said["window"], &said["reveals_count_for"]), (&json!(null), &json!(null)));
    assert_eq!(said["doubts"].as_array().map(Vec::len), Some(1));
    // Lying: duels before the window's end.
    write_state(&miner.home, "duels", 10, 100);
    let said = look(&miner, &[]).success();
    assert!(said["doubts"][0].as_str().is_some_and(|doubt| doubt.contains("begin in 130 blocks")), "{said}");
    write(&state.join("state.json"), "{");
    assert!(look(&miner, &[]).failure(3).starts_with("state.json"));
    std::fs::remove_file(state.join("state.json")).expect("there");
    assert!(look(&miner, &[]).failure(2).contains("no state.json"));
    assert!(look(&miner, &["--wallet.hotkey", "default"]).failure(2).contains("no wallet is named"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_once_and_runs_the_command_with_the_json() {
    let miner = miner_at(20, options()).await;
    write_state(&miner.home, "open", 10, 100);
    let url = miner.chain.url();
    let command = "cat >> seen.json; echo; echo told";
    let arguments = ["--watch", "--interval", "1", "--on-change", command];
    let mut running = Running::start(&miner.home, &line(&arguments, &url));
    running.wait_for("block 20: round 3, window_open");
    // More blocks are no change; the end of the window is one.
    while miner.chain.block_number() < 100 {
        miner.chain.produce_block();
    }
    running.wait_for("happening window_open → collecting");
    running.wait_for("told");
    running.interrupt();
    let ended = running.finish();
    assert_eq!(ended.status.code(), Some(130));
    let stdout = String::from_utf8(ended.stdout).expect("text");
    let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&lines[0]["changes"], &lines[0]["happening"]), (&json!([]), &json!("window_open")));
    let changes = lines[1]["changes"].as_array().expect("a list");
    assert!(changes.contains(&json!("happening")) && !changes.contains(&json!("block")), "{changes:?}");
    let fed = std::fs::read_to_string(miner.home.path().join("seen.json")).expect("the command wrote it");
    let fed: Value = serde_json::from_str(&fed).expect("one object");
    assert_eq!(fed["happening"], "collecting");
    let last = lines.last().expect("a line");
    assert_eq!((&last["success"], &last["error"]), (&json!(false), &json!("Interrupted by user")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rounds_list_has_its_window_its_order_and_verdicts() {
    let (first, second) = (account("default"), account("second"));
    let half = format!(r#"{{"commit":"{HASH}","note":"the repository is missing"}}"#);
    let stranger = AccountId([7; 32]);
    let reveals = vec![
        submission(second, 12),
        submission(first, 11),
        PastReveals { hotkey: AccountId([8; 32]), reveals: vec![(revealed(&half), 13)] },
        submission(stranger, 10),
        submission(AccountId([9; 32]), 9),
    ];
    let miner = miner_at(20, Options { reveals, ..options() }).await;
    write_state(&miner.home, "open", 10, 18);
    let list = |more: &[&str]| {
        let url = miner.chain.url();
        let line = [&["list-all", "--state-url", "file:state", "--subtensor.endpoint", &url], more].concat();
        let ended = Ended(miner.home.run(&line));
        assert_eq!(ended.0.status.code(), Some(0), "{}", ended.transcript());
        let stdout = String::from_utf8(ended.0.stdout).expect("text");
        stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Value>>()
    };
    let brief = |lines: &[Value]| -> Vec<Value> {
        lines.iter().map(|line| json!([line["hotkey"], line["place"], line["verdict"]])).collect()
    };
    let lines = list(&["--round", "current"]);
    let taking_part = [json!([first.to_string(), 1, "admitted"]), json!([second.to_string(), 2, "admitted"])];
    assert_eq!(brief(&lines)[..2], taking_part);
    assert_eq!(lines.len(), 4, "a reveal before the window is none: {lines:?}");
    let of = |hotkey: AccountId| lines.iter().find(|line| line["hotkey"] == hotkey.to_string()).expect("a line");
    assert_eq!(of(stranger)["verdict"], "not_registered");
    let incomplete = of(AccountId([8; 32]));
    assert_eq!(
        (&incomplete["verdict"], &incomplete["commit_hash"], &incomplete["repo"]),
        (&json!("incomplete"), &json!(HASH), &json!(null))
    );
    assert!(incomplete["reason"].as_str().is_some_and(|why| why.ends_with("repo, cdn_url")), "{incomplete}");
    assert_eq!(
        (&lines[0]["round"], &lines[0]["required_rho"], &lines[0]["coldkey"]),
        (&json!(3), &json!(200.0), &json!(COLDKEY.to_string()))
    );
    assert_eq!(brief(&list(&["--round", "3"])), brief(&lines));
    // Both hotkeys of the coldkey go, though either alone would have enough.
    let poor = list(&["--round", "current", "--required-lock", "150"]);
    assert!(poor.iter().all(|line| line["place"].is_null()), "{poor:?}");
    assert_eq!(poor.iter().filter(|line| line["verdict"] == "lock_too_small").count(), 2);
    assert_eq!(list(&["--round", "next"]), [json!(null); 0]);
    assert_eq!(list(&["--round", "all"]).len(), 5);
    let beyond = Ended(miner.home.run(&[
        "list-all",
        "--round",
        "9",
        "--state-url",
        "file:state",
        "--subtensor.endpoint",
        &miner.chain.url(),
    ]));
    assert!(beyond.failure(2).contains("nothing is known of round 9"));
}

/// Two prompts, one of them delivered, all at the CDN.
fn write_outputs(home: &Home, cdn: &str) {
    let round = home.path().join("state/rounds/3");
    write(&round.join("seed.json"), r#"{"seed": 404}"#);
    write(&round.join("prompts.txt"), &format!("{cdn}a1.png\n{cdn}b2.png"));
    let outputs = json!({
        "a1": {"js": format!("{cdn}a1.js"), "views": format!("{cdn}views/a1"), "failure_reason": null, "size": 11},
        "b2": {"js": null, "views": null, "failure_reason": "js_fetch_failed: HTTP 403", "size": 0},
    });
    write(&round.join("leader/generated_1.json"), &outputs.to_string());
}

/// A CDN with what the state names, and the folder it serves.
async fn cdn(home: &Home) -> (gen404_sandbox::cdn::Cdn, std::path::PathBuf) {
    let folder = home.path().join("cdn");
    std::fs::create_dir_all(&folder).expect("made");
    let cdn = gen404_sandbox::cdn::Cdn::start(&folder).await.expect("a port");
    write(&folder.join("a1.js"), "export {} //");
    let png = b"\x89PNG\r\n\x1a\nrest";
    for name in ["a1.png", "b2.png"] {
        std::fs::write(folder.join(name), png).expect("written");
    }
    let mut views = vec!["grid".to_owned()];
    views.extend(
        ["front_below", "front_left", "front_right", "front_above", "right", "back", "left", "top_down"]
            .map(|view| format!("white/{view}")),
    );
    views.extend(["front_below", "front_left", "front_right", "front_above"].map(|view| format!("gray/{view}")));
    for view in views {
        let path = folder.join(format!("views/a1/{view}.png"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, png).expect("written");
    }
    (cdn, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_become_a_file_with_their_seed_and_pictures() {
    let home = Home::new();
    write_state(&home, "miner_generation", 1, 2);
    let (cdn, folder) = cdn(&home).await;
    write_outputs(&home, cdn.url().as_str());
    let prompts = |more: &[&str]| {
        let line = [&["round", "prompts", "--state-url", "file:state", "-o", "p.json"], more].concat();
        Ended(home.run(&line))
    };
    let said = prompts(&["--download", "pictures"]).success();
    assert_eq!(
        (&said["round"], &said["prompts"], &said["seed"], &said["pictures"]),
        (&json!(3), &json!(2), &json!(404), &json!(2))
    );
    let file = std::fs::read_to_string(home.path().join("p.json")).expect("written");
    let file: Value = serde_json::from_str(&file).expect("JSON");
    let of = |stem: &str| json!({"stem": stem, "image_url": format!("{}{stem}.png", cdn.url())});
    assert_eq!(file, json!({"prompts": [of("a1"), of("b2")], "seed": 404}));
    assert!(home.path().join("pictures/b2.png").is_file());
    // What is there is not asked for again; what is missing fails, and is named.
    std::fs::remove_file(folder.join("a1.png")).expect("there");
    assert_eq!(prompts(&["--download", "pictures"]).success()["pictures"], 2);
    let ended = prompts(&["--download", "elsewhere"]);
    assert!(ended.failure(3).contains("1 of 2 pictures could not be had (a1: "), "{}", ended.transcript());
    assert_eq!(ended.json()["missed"][0]["name"], "a1");
    assert!(home.path().join("elsewhere/b2.png").is_file());

    // Half a list, and a list that is not published, are no prompts.
    write(&home.path().join("state/rounds/3/prompts.txt"), &format!("{0}a1.png\n<b>", cdn.url()));
    assert!(prompts(&[]).failure(3).contains("prompts"), "{}", prompts(&[]).transcript());
    write_state(&home, "open", 1, 2);
    assert!(prompts(&[]).failure(1).contains("not published"));
    assert!(prompts(&["--round", "2"]).failure(1).contains("round 2 has no seed.json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_of_the_leader_are_fetched_once_and_kept_apart() {
    let home = Home::new();
    write_state(&home, "duels", 1, 2);
    let (cdn, folder) = cdn(&home).await;
    write_outputs(&home, cdn.url().as_str());
    let outputs = |of: &str, more: &[&str]| {
        let line = [&["round", "outputs", "--state-url", "file:state", "--dir", "out", "--of", of], more].concat();
        Ended(home.run(&line))
    };
    // The state says eleven bytes, and the CDN has twelve.
    assert!(outputs("leader", &[]).failure(3).contains("12 bytes, though the state says 11"));
    assert!(!home.path().join("out/a1.js").exists());
    write(&folder.join("a1.js"), "export {} /");
    let said = outputs("leader", &["--pictures"]).success();
    assert_eq!(
        (&said["round"], &said["modules"], &said["pictures"], &said["absent"]),
        (&json!(3), &json!(1), &json!(1), &json!(0))
    );
    assert_eq!(said["failed"], json!([{"name": "b2", "reason": "js_fetch_failed: HTTP 403"}]));
    assert_eq!(std::fs::read_to_string(home.path().join("out/a1.js")).expect("there"), "export {} /");
    for picture in ["grid", "white/front_below", "gray/front_above"] {
        assert!(home.path().join(format!("out/a1/{picture}.png")).is_file(), "{picture}");
    }
    // Nothing is asked for twice.
    std::fs::remove_dir_all(&folder).expect("there");
    outputs("leader", &["--pictures"]).success();
    // Another player's modules have the same names.
    let hotkey = AccountId([7; 32]).to_string();
    assert!(outputs(&hotkey, &[]).failure(1).contains("no outputs of"));
    let state = home.path().join("state/rounds/3");
    std::fs::create_dir_all(state.join(&hotkey)).expect("made");
    std::fs::copy(state.join("leader/generated_1.json"), state.join(&hotkey).join("submitted.json")).expect("copied");
    assert!(outputs(&hotkey, &[]).failure(2).contains("another player or round"));
    assert!(outputs("nobody", &[]).failure(2).contains("neither `leader` nor a hotkey"));
}

#[test]
fn standings_of_a_real_round_come_out() {
    let home = Home::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../competition/tests/data");
    let url = format!("file://{}", data.canonicalize().expect("there").display());
    let standings = |more: &[&str]| Ended(home.run(&[&["round", "standings", "--state-url", &url], more].concat()));
    let ended = standings(&["--round", "51"]);
    let said = ended.success();
    let winner = "5HNDiJk6vERdjof7SnZGiZXMEotLfbN2H7j4ZTs8M31fMA8g";
    assert_eq!(
        (&said["winner"], &said["published_winner"], &said["is_final"]),
        (&json!(winner), &json!(winner), &json!(true))
    );
    assert_eq!((&said["gaps"], &said["differences"]), (&json!([]), &json!([])));
    let candidates = said["candidates"].as_array().expect("a list");
    let of = |beginning: &str| {
        candidates
            .iter()
            .find(|line| line["hotkey"].as_str().is_some_and(|name| name.starts_with(beginning)))
            .expect("there")
    };
    assert_eq!((&of("5HNDiJk6vE")["outcome"], &of("5HNDiJk6vE")["defender"]), (&json!("won"), &json!("leader")));
    let late = of("5GNVR1G8Zb");
    assert!(
        late["outcome"] == "rejected" && late["reason"].as_str().is_some_and(|why| why.contains("+5.47 %")),
        "{late}"
    );
    let widest = ended.stderr().lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?}: {}", ended.stderr());

    let said = standings(&["--round", "52"]).success();
    assert_eq!((&said["winner"], &said["is_final"]), (&json!("leader"), &json!(false)));
    assert_eq!(said["gaps"][1], "13 submissions have no match against the leader yet");
    // With another margin the published outcome does not follow.
    let said = standings(&["--round", "51", "--win-margin", "0.05"]).success();
    assert!(said["is_final"] == false || said["differences"] != json!([]), "{said}");
    assert!(standings(&["--round", "50"]).failure(1).contains("round 50"));
    assert!(standings(&["--win-margin", "7"]).failure(2).contains("from 0 to 1"));
}
