//! Eighty duels whose outcome is known from the subnet's own judge, replayed against its stand-in model (tests/data/golden).
//! Winner, every field of the detail and the multiset of requests must be the same; `compare.py` is the arbiter.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use gen404_judge::{ChatClient, ChatSettings, Concurrency, Match, Plan, Profile, PromptPictures, run};
use gen404_round::PromptSet;
use tokio_util::sync::CancellationToken;

use crate::clock::StoppedClock;

const SEED: u64 = 3_141_592_653;

fn golden(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden").join(file)
}

fn python(script: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg("-B").arg(golden(script)).stdin(Stdio::null());
    command
}

fn run_to_end(mut command: Command) {
    let output = command.output().expect("python3 is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

/// The stand-in model, stopped when dropped.
struct StandIn(Child, String);

impl StandIn {
    fn start(data: &Path, log: &Path) -> Self {
        let mut command = python("mock_vlm.py");
        command.arg("--data").arg(data).arg("--log").arg(log).args(["--port", "0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("python3 is installed");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
        let endpoint = line.trim().strip_prefix("listening on ").expect("an address").to_owned();
        Self(child, endpoint)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eighty_duels_end_as_on_the_subnet() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, log, output) =
        (folder.path().join("data"), folder.path().join("requests"), folder.path().join("results"));
    let mut make = python("gen.py");
    make.args(["--seed", "7001", "--n", "80", "--out"]).arg(&data).arg("--check").arg(golden("expected.json"));
    run_to_end(make);
    let model = StandIn::start(&data, &log);

    let lines = std::fs::read_to_string(data.join("prompts.txt")).expect("it was just made");
    let prompts: Vec<_> = lines.lines().map(|line| serde_json::json!({"image_url": line})).collect();
    let prompts = serde_json::json!({"prompts": prompts}).to_string();
    let contest = Match {
        prompts: PromptSet::parse(prompts.as_bytes()).expect("80 prompts"),
        prompts_file: data.join("prompts.json"),
        left: data.join("left"),
        right: data.join("right"),
        output: output.clone(),
        profile: Profile::built_in("official").expect("built in"),
        model: "glm-4.6v-flash".to_owned(),
        seed: SEED,
        prompt_pictures: PromptPictures::Data,
    };
    let endpoint = model.1.parse().expect("an address");
    // The golden run sent nothing again below the judge's own attempts.
    let settings = ChatSettings { transport_retries: 0, ..ChatSettings::new(endpoint, contest.model.clone()) };
    let client = ChatClient::new(settings);
    let concurrency = Concurrency { duels: 4, requests: 32 };
    let plan = Plan::make(contest, false);
    let client = client.expect("a client");
    let stop = CancellationToken::new();
    let outcome = run(plan, &client, &StoppedClock, concurrency, &(), &stop).await.expect("records can be written");
    assert_eq!(outcome.file.results.len(), 80);
    assert!(outcome.first_failure.is_none() && outcome.calls.unanswered > 0);

    let mut compare = python("compare.py");
    compare.arg("--expected").arg(golden("expected.json")).arg("--results").arg(output).arg("--log").arg(log);
    run_to_end(compare);
}
