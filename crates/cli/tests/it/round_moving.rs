//! `round` and its kin against a competition that moves: the sandbox's, whose organisers know nothing of these commands.

use std::time::Duration;

use gen404_devchain::PastReveals;
use gen404_sandbox::{Options, Sandbox, Weather, competition};
use serde_json::{Value, json};

use crate::binary::Home;
use crate::miner::{Ended, HASH};
use crate::running::Running;

/// A miner with a sandbox.
struct Play {
    home: Home,
    sandbox: Sandbox,
}

/// Short windows, few prompts.
fn rules(window: u32, before: u32) -> competition::Options {
    competition::Options { window, generation: 10, before, prompts: 8, carryover: 2, win_margin: 0.07 }
}

impl Play {
    async fn new(options: Options) -> Self {
        let home = Home::new();
        let folder = Some(home.path().join("box"));
        let sandbox = Sandbox::start(Options { folder, ..options }).await.expect("a sandbox");
        Self { home, sandbox }
    }

    /// With blocks only when a test wants them.
    async fn by_hand(window: u32, before: u32) -> Self {
        Self::new(Options { manual_blocks: true, competition: rules(window, before), ..Options::default() }).await
    }

    fn line<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &["--state-url", &self.sandbox.directory().state]].concat()
    }

    fn joined<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        let chain = ["--subtensor.endpoint", &self.sandbox.directory().subtensor];
        [&self.line(arguments)[..], &chain].concat()
    }

    fn round(&self, more: &[&str]) -> Value {
        let ended = Ended(self.home.run(&self.joined(&[&["round"], more].concat())));
        ended.success()
    }

    fn hotkey(&self) -> String {
        let directory = self.sandbox.directory();
        let file = directory.wallet_path.join("miner/hotkeys/default");
        let keyfile: Value = serde_json::from_slice(&std::fs::read(file).expect("a keyfile")).expect("JSON");
        keyfile["ss58Address"].as_str().expect("an address").to_owned()
    }

    /// The hotkey has revealed everything in this block.
    fn reveal(&self, block: u64) {
        let cdn = format!("{}mine", self.sandbox.directory().cdn);
        let text = format!(r#"{{"repo":"a/b","commit":"{HASH}","cdn_url":"{cdn}"}}"#);
        let length = u16::try_from(text.len()).expect("short");
        let payload = [&((length << 2) | 1).to_le_bytes()[..], text.as_bytes()].concat();
        let hotkey = self.hotkey().parse().expect("an address");
        self.sandbox.chain.set_reveals(&PastReveals { hotkey, reveals: vec![(payload, block)] });
    }

    /// Larger modules than the first leader's for these prompts.
    fn deliver(&self, stems: &[String]) {
        let folder = self.sandbox.directory().cdn_dir.join("mine");
        std::fs::create_dir_all(&folder).expect("made");
        for stem in stems {
            std::fs::write(folder.join(format!("{stem}.js")), "/".repeat(200_000)).expect("written");
        }
    }

    async fn until(&self, stage: &str) {
        let passed = self.sandbox.pass_until(|progress| progress.stage == stage);
        tokio::time::timeout(Duration::from_mins(1), passed).await.expect("the competition moves");
    }
}

fn brief(said: &Value) -> Value {
    let counting = &said["reveals_count_for"];
    json!([said["round"], said["happening"], counting["round"], counting["latest_block"]])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_round_is_followed_at_its_exact_blocks() {
    let play = Play::by_hand(20, 6).await;
    let hotkey = play.hotkey();
    let competition::Progress { earliest, latest, deadline, .. } = play.sandbox.competition.progress();

    play.sandbox.pass_to(earliest - 2);
    assert_eq!(brief(&play.round(&[])), json!([1, "before_window", null, null]));
    play.sandbox.pass_to(earliest - 1);
    assert_eq!(brief(&play.round(&[])), json!([1, "window_open", 1, latest]));
    play.reveal(earliest);
    play.sandbox.pass_to(latest - 1);
    let said = play.round(&["--wallet.hotkey", &hotkey]);
    assert_eq!(brief(&said), json!([1, "window_open", 1, latest]));
    let revealed = &said["own"]["revealed"];
    assert_eq!((&revealed["verdict"], &revealed["commit_block"]), (&json!("admitted"), &json!(earliest)), "{said}");
    let prompts = || Ended(play.home.run(&play.line(&["round", "prompts", "-o", "prompts.json"])));
    assert!(prompts().failure(1).contains("its window is open"));

    play.sandbox.pass_to(latest);
    play.until("miner_generation").await;
    let said = play.round(&["--wallet.hotkey", &hotkey]);
    assert_eq!(brief(&said), json!([1, "generating", 2, null]));
    // The organisers came to what had been foretold.
    assert_eq!((&said["submissions"], &said["own"]["in_round"]["place"]), (&json!(1), &json!(1)), "{said}");
    assert_eq!(prompts().success()["prompts"], 8);
    let text = std::fs::read_to_string(play.home.path().join("prompts.json")).expect("written");
    let set: Value = serde_json::from_str(&text).expect("JSON");
    let stems: Vec<String> = set["prompts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|prompt| prompt["stem"].as_str().expect("a stem").to_owned())
        .collect();
    // One is missing.
    play.deliver(&stems[1..]);

    play.sandbox.pass_to(deadline - 1);
    assert_eq!(brief(&play.round(&[])), json!([1, "generating", 2, null]));
    play.sandbox.pass_to(deadline);
    play.until("downloading").await;
    assert_eq!(brief(&play.round(&[])), json!([1, "downloading", 2, null]));
    play.until("duels").await;
    assert_eq!(brief(&play.round(&[])), json!([1, "duels", 2, null]));
    let outputs = ["round", "outputs", "--of", &hotkey, "--dir", "mine"];
    let own = Ended(play.home.run(&play.line(&outputs))).success();
    assert_eq!((&own["modules"], &own["failed"][0]["reason"]), (&json!(7), &json!("js_fetch_failed: HTTP 404")));
    play.until("finalizing").await;
    let said = play.round(&["--wallet.hotkey", &hotkey]);
    assert_eq!((&said["winner"], &said["happening"]), (&json!(hotkey), &json!("finalizing")));
    let standings = ["round", "standings", "--round", "1"];
    let said = Ended(play.home.run(&play.line(&standings))).success();
    assert_eq!((&said["winner"], &said["published_winner"]), (&json!(hotkey), &json!(hotkey)));
    assert_eq!((&said["is_final"], &said["gaps"], &said["differences"]), (&json!(true), &json!([]), &json!([])));
    let leader = ["round", "outputs", "--of", "leader", "--dir", "leader"];
    assert_eq!(Ended(play.home.run(&play.line(&leader))).success()["modules"], 8);

    play.until("open").await;
    let next = play.sandbox.competition.progress();
    assert_eq!((next.round, next.earliest), (2, latest + 1));
    let said = play.round(&[]);
    assert_eq!(brief(&said), json!([2, "window_open", 2, next.latest]));
    // The winner leads from the end of the next window on.
    assert_eq!(
        (&said["next_leader"]["hotkey"], &said["next_leader"]["effective_block"]),
        (&json!(hotkey), &json!(next.latest))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_sees_every_stage_of_a_round() {
    let play = Play::by_hand(12, 0).await;
    let progress = play.sandbox.competition.progress();
    play.reveal(progress.earliest);
    let mut watching = Running::start(&play.home, &play.joined(&["round", "--watch", "--interval", "1"]));
    watching.wait_for("round 1, window_open");
    play.sandbox.pass_to(progress.latest);
    for (stage, happening) in [
        ("miner_generation", "happening window_open → generating"),
        ("downloading", "happening generating → downloading"),
        ("duels", "happening downloading → duels"),
        ("finalizing", "happening duels → finalizing"),
        ("open", "round 1 → 2"),
    ] {
        play.until(stage).await;
        watching.wait_for(happening);
    }
    watching.interrupt();
    assert_eq!(watching.finish().status.code(), Some(130));
}

/// The stage changes while the command waits: it aims at the window that opens when this one is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_reveal_aimed_at_the_next_window_is_where_the_organisers_look_for_it() {
    let weather = Weather { jitter: Duration::from_millis(100), skipped_slots: 50, beacon_lag: Duration::from_secs(1) };
    let block_time = Duration::from_millis(500);
    let play = Play::new(Options { block_time, weather, competition: rules(24, 0), ..Options::default() }).await;
    let first_of_next = play.sandbox.competition.progress().latest + 1;
    let cdn = play.sandbox.directory().cdn.clone();
    let wallets = play.sandbox.directory().wallet_path.display().to_string();
    let wallet = ["--wallet.path", &wallets, "--wallet.name", "miner", "--wallet.hotkey", "default"];
    let commit = ["commit-hash", "--hash", HASH, "--repo", "a/b", "--cdn-url", &cdn, "--reveal-at", "window"];
    let ended = Ended(play.home.run(&play.joined(&[&commit[..], &wallet].concat())));
    let said = ended.success();
    assert_eq!((&said["aimed_at"], &said["counts_for_round"]), (&json!(first_of_next), &json!(2)));
    let block = said["revealed_block"].as_u64().expect("a block");
    assert!(block >= first_of_next, "{}", ended.transcript());
    let collected = play.sandbox.competition.until(|progress| progress.round == 2 && progress.stage != "open");
    tokio::time::timeout(Duration::from_mins(2), collected).await.expect("the competition moves");
    let own = play.round(&["--wallet.hotkey", &play.hotkey()])["own"]["in_round"].clone();
    assert_eq!((&own["place"], &own["submission"]["revealed_at_block"]), (&json!(1), &json!(block)), "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_chain_the_state_is_shown_and_nothing_that_needs_blocks() {
    let play = Play::by_hand(20, 6).await;
    let competition::Progress { earliest, latest, .. } = play.sandbox.competition.progress();
    // Nobody listens on port 1.
    let line = [&play.line(&["round"])[..], &["--subtensor.endpoint", "ws://127.0.0.1:1"]].concat();
    let ended = Ended(play.home.run(&line));
    assert!(ended.failure(3).contains("127.0.0.1:1"), "{}", ended.transcript());
    let said: Value = serde_json::from_slice(&ended.0.stdout).expect("one JSON object");
    assert_eq!((&said["success"], said.get("happening"), said.get("block")), (&json!(false), None, None));
    let known = &said["without_chain"];
    assert_eq!(
        (&known["round"], &known["stage"], &known["competition"]),
        (&json!(1), &json!("open"), &json!("sandbox"))
    );
    let schedule = &known["schedule"];
    assert_eq!(
        (&schedule["earliest_reveal_block"], &schedule["latest_reveal_block"]),
        (&json!(earliest), &json!(latest))
    );
    let screen = ended.stderr();
    assert!(screen.contains("Round 1 of sandbox · open") && screen.contains("the chain cannot be asked"), "{screen}");
    assert!(!screen.contains("window is open"), "{screen}");
}
