//! `doctor`: everything passes in a healthy place; each thing that is broken fails alone, and its fix mends it.

use std::path::PathBuf;

use gen404_devchain::{Lock, Neuron, Options};
use gen404_sandbox::cdn::Cdn;
use gen404_sandbox::faults::Rule;
use gen404_sandbox::judge::{self, ScriptedJudge};
use gen404_sandbox::storage::Storage;
use gen404_sandbox::targon::{self, FakeTargon};
use gen404_testing::Nobody;
use serde_json::{Value, json};

use crate::binary::three_module;
use crate::miner::{COLDKEY, Ended, HASH, Miner, account, options};
use crate::round::write;
use crate::submission::{GOOD, cdn, entry, generating, repository};

const STEMS: [&str; 4] = ["a1", "b2", "c3", "d4"];

/// Everything that a round depends on, in good order.
pub(crate) struct Place {
    pub(crate) miner: Miner,
    pub(crate) targon: FakeTargon,
    judge: ScriptedJudge,
    storage: Storage,
    cdn: Cdn,
    files: PathBuf,
    repository: PathBuf,
    commit: String,
}

impl Place {
    pub(crate) async fn new() -> Option<Self> {
        let lock = Lock { coldkey: COLDKEY, locked_mass: 200_000_000_000, conviction_bits: 0, last_update: 1 };
        let miner = Miner::on(Options { manual_blocks: true, locks: vec![lock], ..options() }).await;
        while miner.chain.block_number() < 20 {
            miner.chain.produce_block();
        }
        let (repository, commit) = repository(&miner.home, &GOOD)?;
        let (cdn, files) = cdn(&miner.home, &STEMS).await;
        generating(&miner.home, 5_000, &STEMS, &[(account("default"), entry(&commit, &format!("{}mine", cdn.url())))]);
        let targon = FakeTargon::start(targon::Options::default()).await.expect("a port");
        let judge = ScriptedJudge::start(judge::Options::default()).await.expect("a port");
        let bucket = miner.home.path().join("buckets/cdn");
        std::fs::create_dir_all(&bucket).expect("made");
        let storage = Storage::start(&bucket).await.expect("a port");
        Some(Self { miner, targon, judge, storage, cdn, files, repository, commit })
    }

    pub(crate) fn run(&self, more: &[&str]) -> Ended {
        self.run_with(&[], more)
    }

    pub(crate) fn run_with(&self, variables: &[(&str, &str)], more: &[&str]) -> Ended {
        // A chain that stands still looks like a clock that is fast.
        self.miner.chain.produce_block();
        self.run_at(&self.miner.chain.url(), variables, more)
    }

    fn run_at(&self, chain: &str, variables: &[(&str, &str)], more: &[&str]) -> Ended {
        let (targon, judge) = (self.targon.url().to_string(), self.judge.url().to_string());
        let (repository, three) = (self.repository.display().to_string(), three_module().display().to_string());
        let access = self.storage.access();
        let line = [
            &["doctor", "--wallet.name", "miner", "--state-url", "file:state"][..],
            &["--subtensor.endpoint", chain, "--repository", &repository, "--targon-base-url", &targon],
            &["--model-endpoint", &judge, "--three-module", &three],
            if more.contains(&"--to") { &[] } else { &["--to", "s3://cdn/17"] },
            if more.contains(&"--wallet.hotkey") { &[] } else { &["--wallet.hotkey", "default"] },
            more,
        ]
        .concat();
        let mut command = self.miner.home.command(&line);
        command.env("TARGON_API_KEY", KEY).env("AWS_ENDPOINT_URL", access.endpoint_url);
        command.env("AWS_ACCESS_KEY_ID", access.access_key_id).env("AWS_SECRET_ACCESS_KEY", access.secret_access_key);
        command.envs(variables.iter().copied());
        Ended(command.output().expect("the binary runs"))
    }

    /// Names of the checks that ended like this.
    pub(crate) fn named(ended: &Ended, outcome: &str) -> Vec<String> {
        let json = ended.json();
        let checks = json["checks"].as_array().unwrap_or_else(|| panic!("no checks:\n{}", ended.transcript()));
        let named = checks.iter().filter(|check| check["outcome"] == outcome);
        named.map(|check| check["name"].as_str().expect("a name").to_owned()).collect()
    }

    /// Exactly this check fails, with a fix that holds this text.
    pub(crate) fn fails(ended: &Ended, name: &str, fix: &str) {
        assert_eq!(Self::named(ended, "fail"), [name], "{}", ended.transcript());
        assert_eq!(ended.0.status.code(), Some(1), "{}", ended.transcript());
        let json = ended.json();
        let check = find(&json, name);
        assert!(check["fix"].as_str().is_some_and(|said| said.contains(fix)), "{fix}: {check}");
    }
}

pub(crate) fn find<'a>(json: &'a Value, name: &str) -> &'a Value {
    let checks = json["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {json}"))
}

/// All checks but those of the machine's own equipment, which not every machine has.
pub(crate) const SERVICES: [&str; 20] = [
    "network",
    "wallet",
    "permissions",
    "node",
    "metadata",
    "clock",
    "registration",
    "space",
    "pending",
    "state",
    "round",
    "window",
    "lock",
    "reveals",
    "repository",
    "cdn",
    "storage",
    "targon",
    "credits",
    "pods",
];

/// Of the Targon account.
pub(crate) const KEY: &str = "sn4_test";

#[tokio::test(flavor = "multi_thread")]
async fn everything_passes_in_a_healthy_place() {
    let Some(place) = Place::new().await else { return };
    let ended = place.run(&[&["--only", "model"][..], &SERVICES].concat());
    let json = ended.success();
    let passed = Place::named(&ended, "pass");
    assert_eq!(passed.len(), 21, "{}", ended.transcript());
    assert_eq!(
        (&json["passed"], &json["failed"], &json["warned"], &json["skipped"]),
        (&json!(21), &json!(0), &json!(0), &json!(0))
    );
    assert_eq!(find(&json, "cdn")["sentence"], "4 of 4 stems looked at are delivered");
    let stderr = ended.stderr();
    assert!(stderr.contains("✓ model: ") && stderr.contains("✓ cdn: "), "{stderr}");
    assert_eq!(stderr.matches("connected to").count(), 1, "{stderr}");
    assert!(place.storage.requests().iter().all(|seen| seen.method == "GET"), "nothing is written");
    assert_eq!(place.run(&["--json", "--only", "node"]).stderr(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_configured_is_skipped_and_says_what_enables_it() {
    let place = Miner::new().await;
    let url = place.chain.url();
    let line = [
        "doctor",
        "--subtensor.endpoint",
        &url,
        "--only",
        "wallet",
        "registration",
        "window",
        "cdn",
        "storage",
        "targon",
        "model",
        "node",
    ];
    let ended = Ended(place.home.run(&line));
    let json = ended.success();
    for (name, enables) in [
        ("wallet", "--wallet.name"),
        ("registration", "--wallet.name"),
        ("window", "--state-url"),
        ("cdn", "--state-url"),
        ("storage", "--to s3://"),
        ("targon", "TARGON_API_KEY"),
        ("model", "--model-endpoint"),
    ] {
        let check = find(&json, name);
        assert_eq!(check["outcome"], "skipped", "{check}");
        assert!(check["fix"].as_str().is_some_and(|fix| fix.contains(enables)), "{check}");
    }
    assert_eq!(find(&json, "node")["outcome"], "pass");
    assert!(Ended(place.home.run(&["doctor", "--only", "nothing"])).failure(2).contains("nothing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_chain_each_thing_that_is_broken_fails_alone_until_it_is_mended() {
    let Some(place) = Place::new().await else { return };
    let all = [&["--only"][..], &SERVICES].concat();
    let chain = &place.miner.chain;
    chain.set_lock(&Lock { coldkey: COLDKEY, locked_mass: 99_999_999_999, conviction_bits: 0, last_update: 1 });
    Place::fails(&place.run(&all), "lock", "lock more");
    chain.set_lock(&Lock { coldkey: COLDKEY, locked_mass: 200_000_000_000, conviction_bits: 0, last_update: 1 });
    chain.deregister(account("default"));
    let ended = place.run(&all);
    assert!(Place::named(&ended, "fail").contains(&"registration".to_owned()), "{}", ended.transcript());
    assert!(find(&ended.json(), "registration")["fix"].to_string().contains("btcli subnet register"));
    chain.register(&[Neuron { hotkey: account("default"), coldkey: COLDKEY }]);
    place.run(&all).success();
    let nobody = Nobody::here();
    let elsewhere = format!("ws://{}", nobody.address());
    Place::fails(&place.run_at(&elsewhere, &[], &all), "node", "--subtensor.endpoint");
    // A chain's time never goes back, so this comes last.
    chain.set_clock_offset(300);
    Place::fails(&place.run(&all), "clock", "timedatectl");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_files_each_thing_that_is_broken_fails_alone_until_it_is_mended() {
    use std::os::unix::fs::PermissionsExt;
    let Some(place) = Place::new().await else { return };
    let all = [&["--only"][..], &SERVICES].concat();
    let key = place.miner.home.path().join(".bittensor/wallets/miner/hotkeys/default");
    let mode = |mode| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).expect("set");
    mode(0o644);
    let ended = place.run(&all);
    Place::fails(&ended, "permissions", "chmod 600 ");
    // The fix is a command: run, it mends it.
    let fix = find(&ended.json(), "permissions")["fix"].as_str().expect("a fix").to_owned();
    assert!(std::process::Command::new("sh").args(["-c", &fix]).status().expect("sh runs").success());
    place.run(&all).success();

    std::fs::rename(place.files.join("a1.js"), place.files.join("a1.j")).expect("renamed");
    Place::fails(&place.run(&all), "cdn", "upload it under exactly this name");
    std::fs::rename(place.files.join("a1.j"), place.files.join("a1.js")).expect("renamed");

    let state = place.miner.home.path().join("state");
    let address = format!("{}mine", place.cdn.url());
    generating(&place.miner.home, 5_000, &STEMS, &[(account("default"), entry(HASH, &address))]);
    Place::fails(&place.run(&all), "repository", "git push");
    generating(&place.miner.home, 5_000, &STEMS, &[(account("default"), entry(&place.commit, &address))]);
    place.run(&all).success();

    write(&state.join("state.json"), "{");
    Place::fails(&place.run(&all), "state", "--state-url");
    let lying = json!({"current_round": 3, "stage": "duels", "next_stage_eta": null});
    write(&state.join("state.json"), &lying.to_string());
    let ended = place.run(&["--only", "state", "round", "window"]);
    Place::fails(&ended, "round", "wait until");
    generating(&place.miner.home, 5_000, &STEMS, &[(account("second"), entry(&place.commit, &address))]);
    let ended = place.run(&["--only", "reveals", "cdn"]);
    assert_eq!(Place::named(&ended, "warn"), ["reveals"], "{}", ended.transcript());
    let ended = place.run(&["--only", "wallet", "permissions", "--wallet.hotkey", "nobody"]);
    Place::fails(&ended, "wallet", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_services_that_refuse_fail_alone() {
    let Some(place) = Place::new().await else { return };
    let all = [&["--only", "model"][..], &SERVICES].concat();
    let nobody = Nobody::here();
    let proxy = format!("http://{}", nobody.address());
    let ended = place.run_with(&[("HTTPS_PROXY", &proxy)], &all);
    Place::fails(&ended, "network", "unset HTTPS_PROXY");
    let ended = place.run_with(&[("TARGON_API_KEY", "bad-key")], &all);
    Place::fails(&ended, "targon", "TARGON_API_KEY");
    place.judge.faults().set(vec![Rule::from(judge::Fault::NoSeed)]);
    let ended = place.run(&["--only", "model"]);
    Place::fails(&ended, "model", "seed");
    place.judge.faults().clear();
    place.run(&["--only", "model"]).success();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renderer_that_is_not_there_is_told() {
    let miner = Miner::new().await;
    let doctor =
        |more: &[&str]| Ended(miner.home.run(&[&["doctor", "--only", "chromium", "three", "npm"], more].concat()));
    let ended = doctor(&["--chromium", "/nowhere/chromium"]);
    assert!(Place::named(&ended, "fail").contains(&"chromium".to_owned()), "{}", ended.transcript());
    assert!(find(&ended.json(), "chromium")["fix"].to_string().contains("--chromium"));
    write(&miner.home.path().join("three.module.js"), "export const no = 1;");
    let ended = doctor(&["--three-module", "three.module.js"]);
    assert!(Place::named(&ended, "fail").contains(&"three".to_owned()), "{}", ended.transcript());
    assert!(find(&ended.json(), "three")["fix"].to_string().contains("three"), "{}", ended.transcript());
}
