//! `404-cli rehearse` against the sample generator and the scripted judge: the audit's verdicts in the subnet's words, and nothing
//! made twice whenever a run was killed.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use gen404_sandbox::cdn::Cdn;
use gen404_sandbox::faults::Rule;
use gen404_sandbox::generator::faults::Fault;
use gen404_sandbox::generator::{Options, Quality, SampleGenerator};
use gen404_sandbox::judge::{self, ScriptedJudge};
use gen404_sandbox::targon::{Delays, FakeTargon, Fault as TargonFault, Options as TargonOptions};
use serde_json::{Value, json};

use crate::binary::transcript;
use crate::render::Workshop;

const PROMPTS: usize = 4;

/// What a leader may have made of a red square.
const POOR: &str = "export default (THREE) => new THREE.Mesh(new THREE.BoxGeometry(0.5, 0.1, 0.5), \
                    new THREE.MeshStandardMaterial({ color: 0x3366cc }));";

/// A generator, a judge, the modules that the same generator has made for a submission, and a leader that is worse.
struct Stage {
    workshop: Workshop,
    generator: SampleGenerator,
    judge: ScriptedJudge,
    _cdn: Cdn,
}

impl Stage {
    /// A generator of that kind; none where this machine cannot draw.
    async fn open(options: Options) -> Option<Self> {
        let workshop = Workshop::open(&[])?;
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let pictures = workshop.path().join("pictures");
        std::fs::create_dir(&pictures).expect("a folder");
        std::fs::write(pictures.join("red.png"), include_bytes!("../data/red-square.png")).expect("a picture");
        let cdn = Cdn::start(&pictures).await.expect("a CDN");
        let image_url = cdn.url().join("red.png").expect("a URL");
        let prompts: Vec<_> =
            (0..PROMPTS).map(|number| json!({"stem": format!("p{number}"), "image_url": image_url})).collect();
        let text = json!({"prompts": prompts, "seed": 7}).to_string();
        std::fs::write(workshop.path().join("prompts.json"), text).expect("a prompts file");
        let maker = SampleGenerator::start(coarse()).await.expect("a generator");
        let line = "generate --prompts-json prompts.json --output-folder submitted --endpoint";
        let line: Vec<_> = line.split(' ').chain([maker.url().as_str()]).collect();
        let output = workshop.command(&line).output().expect("the binary runs");
        assert!(output.status.success(), "{}", transcript(&output));
        std::fs::create_dir(workshop.path().join("poor")).expect("a folder");
        for number in 0..PROMPTS {
            std::fs::write(workshop.path().join(format!("poor/p{number}.js")), POOR).expect("a module");
        }
        let generator = SampleGenerator::start(options).await.expect("a generator");
        let judge = ScriptedJudge::start(judge::Options::default()).await.expect("a judge");
        Some(Self { workshop, generator, judge, _cdn: cdn })
    }

    fn line(&self, leader: &str, more: &str) -> Vec<String> {
        self.line_with(&format!("--endpoint {}", self.generator.url()), leader, more)
    }

    fn line_with(&self, source: &str, leader: &str, more: &str) -> Vec<String> {
        let line = format!(
            "rehearse --prompts-json prompts.json --submitted submitted --leader {leader} {source} --judge {} --browsers 1 \
             --batch-size 2 --no-rehearsal --picture-cache cache {more}",
            self.judge.url(),
        );
        line.split_whitespace().map(str::to_owned).collect()
    }

    /// A cloud whose pod `generator` is the stage's generator.
    async fn cloud(&self, delays: Delays) -> FakeTargon {
        let url = self.generator.url();
        let address = format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
        let backends = [("generator".to_owned(), address.parse().expect("an address"))].into();
        FakeTargon::start(TargonOptions { delays, backends, ..TargonOptions::default() }).await.expect("a cloud")
    }

    /// A rehearsal on a machine of the cloud.
    fn rented(&self, cloud: &FakeTargon, more: &str) -> Command {
        let line = self.line_with("--image-url ghcr.io/miner/generator:1", "poor", more);
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let mut command = self.workshop.command(&line);
        command.env("TARGON_BASE_URL", cloud.url().as_str()).env("TARGON_API_KEY", "sn4_key");
        command.env("GEN404_POLL_INTERVAL", "0.01");
        command
    }

    fn run(&self, leader: &str, more: &str) -> Output {
        let line = self.line(leader, more);
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        self.workshop.command(&line).output().expect("the binary runs")
    }

    /// Runs to a verdict.
    fn verdict(&self, leader: &str, more: &str, code: i32) -> Value {
        let output = self.run(leader, more);
        assert_eq!(output.status.code(), Some(code), "{}", transcript(&output));
        serde_json::from_slice(&output.stdout).expect("one JSON object")
    }
}

fn coarse() -> Options {
    Options { quality: Quality::Coarse, ..Options::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_pipeline_passes_and_a_rerun_makes_nothing() {
    let Some(stage) = Stage::open(coarse()).await else { return };
    let verdict = stage.verdict("poor", "--repeats 2", 0);
    assert_eq!((&verdict["verdict"], &verdict["reason"]), (&json!("passed"), &json!("")));
    let repeats = verdict["repeats"].as_array().expect("repeats");
    assert_eq!(repeats.len(), 2);
    for repeat in repeats {
        assert_eq!((&repeat["generated_prompts"], &repeat["failed_prompts"]), (&json!(PROMPTS), &json!(0)));
        assert!(repeat["generation_time"].as_f64().expect("a time") > 0.0);
    }
    let matches = verdict["matches"].as_array().expect("matches");
    assert_eq!(matches.len(), 4);
    for judged in matches {
        let margin = judged["margin"].as_f64().expect("a margin");
        let own = judged["against"] == "submitted";
        assert!(
            if own { margin == 0.0 } else { margin >= 0.07 },
            "the same module is as good, and better than a poor one: {judged}"
        );
    }
    let same = json!({"repeats": 2, "stems": PROMPTS, "identical": PROMPTS, "same_pictures": 0, "different": 0});
    assert_eq!(verdict["determinism"], same);
    assert_eq!((&verdict["reserve"]["time_at_risk"], &verdict["win_margin"]), (&json!(false), &json!(0.07)));
    let (orders, questions) = (stage.generator.orders(), stage.judge.calls().len());
    assert_eq!(orders, 2 * PROMPTS / 2);

    let again = stage.verdict("poor", "--repeats 2", 0);
    assert_eq!(again, verdict);
    assert_eq!((stage.generator.orders(), stage.judge.calls().len()), (orders, questions));
}

/// Each way to fail, with the reason as the subnet would publish it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_failure_ends_it_in_the_subnets_words() {
    let Some(stage) = Stage::open(coarse()).await else {
        return;
    };
    let reason = |more: &str| stage.verdict("submitted", more, 1)["reason"].as_str().expect("a reason").to_owned();

    assert_eq!(reason("--output-dir equal"), "leader vs generated #1: +0.00%", "as good as the leader is not enough");

    stage.generator.faults().add(Fault::SlowWarmUp);
    assert_eq!(reason("--ready-timeout 1 --output-dir cold"), "generation report: Failed to deploy a docker image");
    stage.generator.faults().clear();

    stage.generator.faults().add(Fault::AllFailed);
    assert_eq!(
        reason("--failed-prompts 3 --output-dir failing"),
        "generation report: Repeat 1: 4 failed prompts exceed tolerance (3)"
    );
    stage.generator.faults().clear();

    // No verdict: it makes something for somebody else.
    stage.generator.faults().add(Fault::EndlessGenerating);
    let output = stage.run("submitted", "--batch-timeout 1 --output-dir busy");
    assert_eq!(output.status.code(), Some(3), "{}", transcript(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains("busy with another batch"), "{}", transcript(&output));
    stage.generator.faults().clear();

    // No verdict: nobody here can give it another machine.
    stage.generator.faults().add(Fault::Replace);
    let output = stage.run("submitted", "--output-dir replaced");
    assert_eq!(output.status.code(), Some(3), "{}", transcript(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains("asks for a new machine"), "{}", transcript(&output));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_over_the_time_is_rejected() {
    let slow = Options { pace: Duration::from_millis(700), concurrency: 1, ..coarse() };
    let Some(stage) = Stage::open(slow).await else { return };
    let failure = stage.verdict("poor", "--generation-limit 1", 1);
    let reason = failure["reason"].as_str().expect("a reason");
    let time = reason.strip_prefix("generation report: Repeat 1: time (").expect("the time");
    assert!(time.ends_with("s) exceeds limit (1.0s)"), "{reason}");
    assert_eq!(failure["repeats"].as_array().map(Vec::len), Some(1), "the first failure ends it");
    assert_eq!(failure["matches"], json!([]), "a rejected report is not judged");
    assert!(failure["reserve"]["time_seconds"].as_f64().expect("a time") < 0.0);

    // The watchdog of a batch: the rest of the repeat is lost.
    let failure = stage.verdict("poor", "--failed-prompts 1 --batch-timeout 1 --output-dir endless", 1);
    assert_eq!(failure["reason"], "generation report: Repeat 1: 4 failed prompts exceed tolerance (1)");
    assert_eq!(failure["repeats"][0]["generation_time"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_made_again_loses_against_the_submission() {
    let Some(stage) = Stage::open(coarse()).await else { return };
    stage.generator.faults().add(Fault::AllFailed);
    let allowed = format!("--failed-prompts {PROMPTS}");
    let failure = stage.verdict("poor", &allowed, 1);
    assert_eq!(failure["reason"], "submitted vs generated #1: -100.00%");
    assert_eq!(failure["error"], "the audit would fail: submitted vs generated #1: -100.00%");
    assert_eq!(failure["matches"].as_array().map(Vec::len), Some(1));

    let all = stage.verdict("poor", &format!("{allowed} --no-early-exit --repeats 2"), 1);
    assert_eq!(all["reason"], "submitted vs generated #1: -100.00%");
    assert_eq!(all["matches"].as_array().map(Vec::len), Some(4), "everything was wanted");
    assert_eq!(all["reserve"]["submitted"], json!({"least": -0.93, "spread": 0.0, "at_risk": true}));
    assert_eq!(stage.generator.orders(), 2 * PROMPTS / 2, "what failed in the first repeat is not asked for again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_generated_before_somebody_can_judge() {
    let Some(stage) = Stage::open(coarse()).await else { return };
    // Somebody listens there, and hangs up at once.
    let held = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = held.local_addr().expect("bound");
    std::thread::spawn(move || held.incoming().for_each(drop));
    let line = stage.line("poor", "").join(" ").replace(stage.judge.url().as_str(), &format!("http://{address}/"));
    let without = stage.line("poor", "").join(" ").replace(&format!("--judge {}", stage.judge.url()), "");
    for (line, code, words) in [(line, 3, "that this is its address"), (without, 2, "--judge is missing")] {
        let line: Vec<&str> = line.split_whitespace().collect();
        let output = stage.workshop.command(&line).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(code), "{}", transcript(&output));
        let said = transcript(&output);
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(stage.generator.orders(), 0);
}

/// Files that tell how far a killed run was.
fn made(folder: &Path) -> usize {
    let of = |repeat: u32| std::fs::read_dir(folder.join(format!("generated_{repeat}"))).map_or(0, Iterator::count);
    of(1) + of(2)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_killed_at_any_moment_goes_on() {
    let slow = Options { pace: Duration::from_millis(100), concurrency: 1, ..coarse() };
    let Some(stage) = Stage::open(slow).await else { return };
    let line = stage.line("poor", "--repeats 2");
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let folder = stage.workshop.path().join("rehearsal");
    let mut before = 0;
    for moment in 1..=20_u64 {
        let mut child = stage.workshop.command(&line).spawn().expect("the binary starts");
        tokio::time::sleep(Duration::from_millis(150 * moment)).await;
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        let now = made(&folder);
        assert!(now >= before, "nothing is lost");
        before = now;
    }
    let verdict = stage.verdict("poor", "--repeats 2", 0);
    assert_eq!(verdict["determinism"]["identical"], json!(PROMPTS));
    assert!(stage.generator.orders() <= 2 * PROMPTS / 2 + 20, "no batch is ordered more than once for each kill");
}

fn registered(cloud: &FakeTargon) -> usize {
    cloud.workloads().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rented_machine_is_given_back_whatever_happens() {
    let slow = Options { pace: Duration::from_millis(300), concurrency: 1, ..coarse() };
    let Some(stage) = Stage::open(slow).await else { return };
    let cloud = stage.cloud(Delays::default()).await;
    let folder = stage.workshop.path().join("rehearsal");

    // Killed while it works: the next run goes on with the very machine, and gives it back.
    let mut child = stage.rented(&cloud, "--repeats 1").spawn().expect("the binary starts");
    while made(&folder) == 0 {
        assert!(child.try_wait().expect("a process").is_none(), "it ended before it made anything");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert_eq!(cloud.running().len(), 1, "a killed run cannot give anything back");
    // Whether it still runs is not known: it is neither forgotten nor rented once more.
    cloud.faults().add(Rule::times(TargonFault::RateLimited { retry_after_seconds: 5_000, as_date: false }, 1));
    let output = stage.rented(&cloud, "--repeats 1").output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(3), "{}", transcript(&output));
    assert_eq!((cloud.running().len(), registered(&cloud)), (1, 1));
    let output = stage.rented(&cloud, "--repeats 1").output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("going on with it") && said.contains("`generator` is given back"), "{said}");
    assert_eq!((cloud.running().len(), registered(&cloud)), (0, 1));

    // It asks for a new machine again and again: the subnet gives three, and what is not made has failed.
    stage.generator.faults().add(Fault::Replace);
    let output = stage.rented(&cloud, "--replacements 1 --failed-prompts 3 --output-dir replaced").output();
    let output = output.expect("the binary runs");
    assert_eq!(output.status.code(), Some(1), "{}", transcript(&output));
    let failure: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(failure["reason"], "generation report: Repeat 1: 4 failed prompts exceed tolerance (3)");
    assert_eq!((cloud.running().len(), registered(&cloud)), (0, 3), "the first machine and one in its place");
    stage.generator.faults().clear();

    // An image that never answers.
    let sleepy = stage.cloud(Delays { healthy: Duration::from_hours(1), ..Delays::default() }).await;
    let output = stage.rented(&sleepy, "--health-timeout 0.2 --output-dir sleepy").output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(1), "{}", transcript(&output));
    let failure: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(failure["reason"], "generation report: Failed to deploy a docker image");
    assert!(sleepy.running().is_empty());
}
