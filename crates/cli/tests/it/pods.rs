//! The pod commands as a user runs them, against the sandbox's Targon API.

mod matrix;

use std::process::{Output, Stdio};
use std::time::Duration;

use gen404_sandbox::faults::Rule;
use gen404_sandbox::targon::{Call, Delays, FakeTargon, Fault, Options, PullWords, Standing};
use serde_json::Value;

use crate::binary::{Home, transcript};

/// The key of all runs; searched for in everything that comes out of them.
const KEY: &str = "sn4_7hisKeyMustNeverBeSeen0000000";

/// The service, and a home that knows its key.
struct Account {
    fake: FakeTargon,
    home: Home,
}

impl Account {
    async fn new(options: Options) -> Self {
        Self { fake: FakeTargon::start(options).await.expect("the fake starts"), home: Home::new() }
    }

    async fn with_faults(faults: Vec<Rule<Fault>>) -> Self {
        Self::new(Options { faults, ..Options::default() }).await
    }

    /// The binary, in a hurry.
    fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(assert_cmd::cargo::cargo_bin!("404-cli"));
        command.env_clear().env("HOME", self.home.path()).current_dir(self.home.path());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
            .env("TARGON_BASE_URL", self.fake.url().as_str())
            .env("TARGON_API_KEY", KEY)
            .env("GEN404_POLL_INTERVAL", "0.01")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs the binary to its end and looks for the key in all it says.
    async fn run(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().await.expect("the binary runs");
        self.seen(output)
    }

    fn seen(&self, output: Output) -> Run {
        let run = Run(output);
        assert!(!run.transcript().contains(KEY), "the key is shown: {}", run.transcript());
        for text in self.state_files() {
            assert!(!text.contains(KEY), "the key is written down: {text}");
        }
        run
    }

    fn state_files(&self) -> Vec<String> {
        let folder = self.home.path().join(".local/state/404-cli/pods");
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let text = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(entry.ok()?.path()).ok();
        entries.filter_map(text).collect()
    }

    /// What is remembered of machines that were bought.
    fn leases(&self) -> Vec<String> {
        self.state_files().into_iter().filter(|text| text.contains("wrk-")).collect()
    }

    fn running(&self) -> Vec<String> {
        self.fake.running().into_iter().map(|one| one.name).collect()
    }
}

struct Run(Output);

impl Run {
    fn code(&self) -> Option<i32> {
        self.0.status.code()
    }

    fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    fn transcript(&self) -> String {
        transcript(&self.0)
    }

    /// The one JSON object on stdout.
    fn json(&self) -> Value {
        let stdout = self.stdout();
        assert_eq!(stdout.lines().count(), 1, "{}", self.transcript());
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {}", self.transcript()))
    }

    /// Every line of stdout.
    fn lines(&self) -> Vec<Value> {
        let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout().lines().map(line).collect()
    }
}

fn standing(name: &str, resource: &str) -> Standing {
    Standing { name: name.to_owned(), resource: resource.to_owned(), age: Duration::from_hours(2) }
}

const GENERATOR: [&str; 3] = ["start-generator", "--image-url", "example.com/gen:1"];

#[tokio::test]
async fn all_three_start_and_stop() {
    let account = Account::new(Options::default()).await;
    for (arguments, name, resource, price) in [
        (&GENERATOR[..], "generator", "h200-large", 13.0),
        (&["start-renderer"], "render", "cpu-small", 0.09),
        (&["start-judge"], "judge", "rtx6000b-small", 1.6),
    ] {
        let run = account.run(arguments).await;
        let json = run.json();
        assert_eq!(run.code(), Some(0), "{}", run.transcript());
        let url = json["container_url"].as_str().expect("a URL");
        assert!(url.starts_with("http://127.0.0.1:") && run.stderr().contains(url), "{}", run.transcript());
        assert!(run.stdout().starts_with(r#"{"success":true,"container_url":"#), "documented keys come first");
        assert_eq!((&json["name"], &json["resource"]), (&name.into(), &resource.into()));
        assert_eq!((&json["cost_per_hour"], &json["targon_type"]), (&price.into(), &"RENTAL".into()));
    }
    let bodies: Vec<Value> = account
        .fake
        .calls()
        .iter()
        .filter(|call| call.call == Call::Create)
        .map(|call| serde_json::from_slice(&call.body).expect("JSON"))
        .collect();
    let image = |index: usize| bodies[index]["image"].as_str().expect("an image");
    assert_eq!(image(1), "europe-west3-docker.pkg.dev/gen-456515/active-competition/render-service-js:0.4.3");
    assert_eq!(image(2), "vllm/vllm-openai:v0.20.0");
    let arguments: Vec<&str> = bodies[2]["args"].as_array().expect("args").iter().filter_map(Value::as_str).collect();
    assert_eq!(
        arguments.join(" "),
        "zai-org/GLM-4.6V-Flash --revision 411bb4d77144a3f03accbf4b780f5acb8b7cde4e --served-model-name glm-4.6v-flash \
         --host 0.0.0.0 --port 8000 --trust-remote-code --dtype bfloat16 --gpu-memory-utilization 0.90 \
         --max-model-len 32768 --max-num-seqs 32"
    );
    assert_eq!((&bodies[0]["ports"][0]["port"], &bodies[1]["ports"][0]["port"]), (&10_006.into(), &8_000.into()));

    assert_eq!(account.run(&["pods"]).await.lines().len(), 3);
    let stopped = account.run(&["stop-pods"]).await;
    assert_eq!((stopped.code(), stopped.stdout().as_str()), (Some(0), ""), "{}", stopped.transcript());
    for name in ["generator", "render", "judge"] {
        assert!(stopped.stderr().contains(&format!("stopped {name} (wrk-")), "{}", stopped.transcript());
    }
    assert!(account.running().is_empty());
    let again = account.run(&["stop-pods"]).await;
    assert_eq!((again.code(), again.stdout().as_str()), (Some(0), ""));
}

#[tokio::test]
async fn foreign_pods_survive_stop_pods_on_whatever_page() {
    let mut pods: Vec<Standing> = (0..60).map(|number| standing(&format!("foreign-{number}"), "cpu-small")).collect();
    pods.push(standing("judge", "rtx6000b-small"));
    pods.push(standing("generator-2", "h200-large"));
    pods.push(standing("render", "cpu-small"));
    let faults = vec![Fault::SmallPages { size: 7 }.into()];
    let account = Account::new(Options { standing: pods, faults, ..Options::default() }).await;
    let stopped = account.run(&["stop-pods"]).await;
    assert_eq!((stopped.code(), stopped.stdout().as_str()), (Some(0), ""), "{}", stopped.transcript());
    assert!(stopped.stderr().contains("judge (wrk-000000000061, $1.60/h), 2 h 00 min old"), "{}", stopped.transcript());
    let running = account.running();
    assert_eq!(running.len(), 61);
    assert!(running.contains(&"generator-2".to_owned()));
}

#[tokio::test]
async fn pods_are_listed_with_what_they_cost() {
    let standing = vec![standing("my-training", "h200-small"), standing("judge", "rtx6000b-small")];
    let account = Account::new(Options { standing, ..Options::default() }).await;
    account.run(&["start-renderer"]).await;
    let lines = account.run(&["pods"]).await.lines();
    let names: Vec<_> = lines.iter().map(|line| line["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["judge", "render", "my-training"], "ours first, then by age");
    let judge = &lines[0];
    assert_eq!((&judge["ours"], &judge["started_here"]), (&true.into(), &false.into()));
    assert!(judge["age_seconds"].as_u64().is_some_and(|age| age >= 7_200));
    assert!(judge["cost_so_far"].as_f64().is_some_and(|cost| (3.2..3.3).contains(&cost)), "{judge}");
    assert_eq!((&lines[1]["started_here"], &lines[1]["left_over"]), (&true.into(), &false.into()));
    assert!(lines[1]["url"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")));
    assert_eq!((&lines[2]["ours"], &lines[2]["resource"]), (&false.into(), &"h200-small".into()));

    let table = account.run(&["pods", "--table"]).await;
    assert!(table.stdout().lines().next().is_some_and(|head| head.starts_with("NAME")), "{}", table.stdout());
    assert!(table.stdout().contains("2 h 00 min") && table.stdout().contains("$3.20"), "{}", table.stdout());
    assert!(table.stderr().contains("3 pods, $4.99 an hour"), "{}", table.stderr());
}

#[tokio::test]
async fn logs_are_printed_and_followed() {
    let delays = Delays { log_line: Duration::from_millis(5), ..Delays::default() };
    let account = Account::new(Options { delays, ..Options::default() }).await;
    account.run(&["start-renderer"]).await;
    let lines = account.run(&["pods", "logs", "render", "--tail", "1"]).await;
    assert_eq!(lines.stdout(), "{\"line\":\"listening on :8000\"}\n");
    assert_eq!(account.run(&["pods", "logs", "render", "--plain"]).await.stdout(), "boot\nlistening on :8000\n");

    let following = account.command(&["pods", "logs", "render", "--follow", "--plain"]).spawn().expect("it starts");
    while account.fake.calls().iter().all(|call| !call.path.contains("follow=true")) {
        tokio::task::yield_now().await;
    }
    account.run(&["stop-pods"]).await;
    let followed = account.seen(following.wait_with_output().await.expect("it ends with its pod"));
    assert_eq!(followed.code(), Some(0), "{}", followed.transcript());
    assert!(followed.stdout().starts_with("boot\nlistening on :8000\n"), "{}", followed.transcript());

    let unknown = account.run(&["pods", "logs", "rend"]).await;
    assert_eq!((unknown.code(), &unknown.json()["error"]), (Some(1), &"no pod is named `rend`".into()));
}

#[tokio::test]
async fn a_dry_run_shows_the_price_and_buys_nothing() {
    let account = Account::new(Options { standing: vec![standing("judge", "cpu-small")], ..Options::default() }).await;
    let run = account.run(&["start-judge", "--dry-run", "--resource", "h200-small"]).await;
    insta::assert_snapshot!(run.transcript(), @r#"
    exit 0
    --- stdout
    {"success":true,"dry_run":true,"name":"judge","image":"vllm/vllm-openai:v0.20.0","resource":"h200-small","targon_type":"RENTAL","cost_per_hour":3.3,"available":5,"already_there":["wrk-000000000001"],"credits":100.0}
    --- stderr
    would rent h200-small as RENTAL for $3.30/h (5 free)
    warning: `judge` is there already (wrk-000000000001); --replace would stop it first
    $100.00 of credits last for 1 d 06 h
    "#);
    let keyless = account.command(&["start-renderer", "--dry-run"]).env_remove("TARGON_API_KEY").output().await;
    let keyless = account.seen(keyless.expect("it runs")).json();
    assert_eq!((&keyless["cost_per_hour"], &keyless["already_there"]), (&0.09.into(), &Value::Null));
    assert!(account.fake.calls().iter().all(|call| call.method == "GET"));
}

#[tokio::test]
async fn a_taken_name_is_refused_or_replaced() {
    let standing = vec![standing("generator", "h200-large")];
    let account = Account::new(Options { standing, ..Options::default() }).await;
    let refused = account.run(&GENERATOR).await;
    assert_eq!((refused.code(), &refused.json()["uid"]), (Some(1), &"wrk-000000000001".into()));
    let error = "a pod `generator` is there already: wrk-000000000001, running, 2 h 00 min old, $13.00/h";
    assert_eq!(refused.json()["error"], error);
    let replaced = account.run(&[&GENERATOR[..], &["--replace"]].concat()).await;
    assert_eq!(replaced.code(), Some(0), "{}", replaced.transcript());
    assert_eq!((account.running().len(), &replaced.json()["uid"]), (1, &"wrk-000000000002".into()));
}

#[tokio::test]
async fn without_waiting_there_is_no_address_yet() {
    let account = Account::with_faults(vec![Fault::NeverVisible.into()]).await;
    let run = account.run(&["start-judge", "--no-wait"]).await;
    assert_eq!((run.code(), &run.json()["container_url"]), (Some(0), &Value::Null), "{}", run.transcript());
    assert_eq!(account.running(), ["judge"]);
    let listed = &account.run(&["pods"]).await.lines()[0];
    assert_eq!((&listed["status"], &listed["left_over"]), (&"provisioning".into(), &false.into()));
}

#[tokio::test]
async fn a_crash_shows_the_end_of_the_log_and_gives_the_machine_back() {
    let account = Account::with_faults(vec![Fault::CrashLoop.into()]).await;
    let run = account.run(&GENERATOR).await;
    assert_eq!(run.code(), Some(3), "{}", run.transcript());
    let error = "generator was stopped: its container crashed: back-off restarting failed container (exit code 1)";
    assert_eq!(run.json()["error"], error);
    let shown: Vec<_> = run.stderr().lines().filter(|line| line.starts_with("  │ ")).map(str::to_owned).collect();
    assert_eq!((shown.len(), shown.last().map(String::as_str)), (20, Some("  │ RuntimeError: CUDA out of memory")));
    assert!(account.running().is_empty());
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_ends_it_at_once() {
    for (words, said) in [
        (PullWords::Message, "Failed to pull image \"example.com/gen:1\": manifest unknown"),
        (PullWords::Reason, "ErrImagePull"),
        (PullWords::EventType, "POD_IMAGE_PULL_BACKOFF"),
        (PullWords::State, "manifest unknown: example.com/gen:1 cannot be pulled"),
    ] {
        let account = Account::with_faults(vec![Fault::PullFails { words }.into()]).await;
        let run = account.run(&GENERATOR).await;
        assert_eq!(run.code(), Some(3), "{}", run.transcript());
        let json = run.json();
        assert_eq!(json["error"], format!("generator was stopped: its image cannot be pulled: {said}"));
        let hint = json["hint"].as_str().expect("a hint");
        assert!(["name", "tag", "--registry-auth-env"].iter().all(|word| hint.contains(word)), "{hint}");
        let looks = account.fake.calls().iter().filter(|call| call.call == Call::State).count();
        assert_eq!(looks, 1, "{}", run.transcript());
        assert!(account.running().is_empty() && account.leases().is_empty(), "{}", run.transcript());
    }
}

#[tokio::test]
async fn a_wrong_image_is_refused_before_anything_is_asked() {
    let account = Account::new(Options::default()).await;
    for (image, said) in [
        ("ghcr.io/Me/Generator:V1", "write `ghcr.io/me/generator:V1`"),
        ("https://ghcr.io/me/gen:1", "without https://"),
        ("ghcr.io/me/gen:", "tag"),
        ("ghcr.io/me/gen@sha256:12", "digest"),
        ("ghcr.io//gen", "lower-case letters and digits"),
        ("", "the image is empty"),
    ] {
        for more in [&[][..], &["--dry-run"]] {
            let run = account.run(&[&["start-generator", "--image-url", image], more].concat()).await;
            assert_eq!(run.code(), Some(2), "{image}: {}", run.transcript());
            let error = run.json()["error"].as_str().expect("a sentence").to_owned();
            assert!(error.contains(said), "{image}: {error}");
        }
    }
    assert!(account.fake.calls().is_empty());
}

#[tokio::test]
async fn a_pod_deleted_elsewhere_ends_it_and_is_forgotten() {
    for forgotten in [false, true] {
        let faults = vec![Fault::DeletedElsewhere { looks: 2, forgotten }.into(), Fault::NeverVisible.into()];
        let account = Account::with_faults(faults).await;
        let run = account.run(&GENERATOR).await;
        assert_eq!(run.code(), Some(3), "{}", run.transcript());
        assert_eq!(run.json()["error"], "generator is gone: it was deleted while it was starting");
        let looks = account.fake.calls().iter().filter(|call| call.call == Call::State).count();
        assert_eq!(looks, 3, "{}", run.transcript());
        assert!(account.running().is_empty() && account.leases().is_empty(), "{}", run.transcript());
    }
}

#[tokio::test]
async fn a_single_restart_is_not_the_end() {
    let account = Account::with_faults(vec![Fault::Restarts { count: 1 }.into()]).await;
    let run = account.run(&GENERATOR).await;
    assert_eq!((run.code(), account.running()), (Some(0), vec!["generator".to_owned()]), "{}", run.transcript());

    let account = Account::with_faults(vec![Fault::Restarts { count: 2 }.into()]).await;
    let run = account.run(&GENERATOR).await;
    assert_eq!(run.code(), Some(3), "{}", run.transcript());
    assert!(account.running().is_empty() && account.leases().is_empty(), "{}", run.transcript());
}

#[tokio::test]
async fn the_type_can_be_insisted_on() {
    let account = Account::new(Options::default()).await;
    let run = account.run(&["start-renderer", "--targon-type", "serverless"]).await;
    assert_eq!((run.code(), &run.json()["targon_type"]), (Some(0), &"SERVERLESS".into()), "{}", run.transcript());
}

#[tokio::test]
async fn tokens_reach_the_pod_and_nothing_else() {
    let account = Account::new(Options::default()).await;
    let secrets = ["--env", "HF_TOKEN=hf_5ecret", "--env", "WANDB_KEY", "--registry-auth-env", "MY_LOGIN", "-vvv"];
    let run = account
        .command(&[&GENERATOR[..], &secrets].concat())
        .env("WANDB_KEY", "wb_5ecret")
        .env("MY_LOGIN", "me:pa55word")
        .output()
        .await;
    let run = account.seen(run.expect("it runs"));
    assert_eq!(run.code(), Some(0), "{}", run.transcript());
    let body = account.fake.calls().into_iter().find(|call| call.call == Call::Create).expect("created").body;
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(body["envs"][0], serde_json::json!({"name": "HF_TOKEN", "value": "hf_5ecret"}));
    assert_eq!(body["envs"][1]["value"], "wb_5ecret");
    assert_eq!(
        body["registry_auth"],
        serde_json::json!({"server": "example.com", "username": "me", "password": "pa55word"})
    );
    let everything = format!("{}{}", run.transcript(), account.state_files().concat());
    for secret in ["hf_5ecret", "wb_5ecret", "pa55word"] {
        assert!(!everything.contains(secret), "{secret} is shown: {everything}");
    }
    let missing = account.run(&[&GENERATOR[..], &["--registry-auth-env", "NOT_SET"]].concat()).await;
    assert_eq!(missing.code(), Some(2), "{}", missing.transcript());
}

#[tokio::test]
async fn the_key_comes_from_flag_variable_or_file() {
    let account = Account::new(Options::default()).await;
    let keyless = |arguments: &[&str]| {
        let mut command = account.command(arguments);
        command.env_remove("TARGON_API_KEY").env_remove("TARGON_BASE_URL");
        command
    };
    let run = account.seen(keyless(&["pods"]).output().await.expect("it runs"));
    assert_eq!(run.code(), Some(2), "{}", run.transcript());
    assert!(run.json()["hint"].as_str().is_some_and(|hint| hint.contains("TARGON_API_KEY")));

    let folder = account.home.path().join(".targon");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("credentials-work"), format!("{KEY}\n")).expect("a key");
    let settings =
        format!("current = \"work\"\nbase_url = \"{}\"\n", account.fake.url().as_str().trim_end_matches('/'));
    std::fs::write(folder.join("config.toml"), settings).expect("settings");
    let run = account.seen(keyless(&["pods"]).output().await.expect("it runs"));
    assert_eq!(run.code(), Some(0), "{}", run.transcript());
    let call = account.fake.calls().pop().expect("a call");
    assert_eq!(call.headers["authorization"], format!("Bearer {KEY}"));

    let flag = account.run(&["pods", "--targon-api-key", "bad-key", "-vvv"]).await;
    assert_eq!(flag.code(), Some(2), "{}", flag.transcript());
    assert!(!flag.transcript().contains("bad-key"));
    assert!(flag.json()["error"].as_str().is_some_and(|error| error.contains("refused the API key")));
}

#[tokio::test]
async fn an_unknown_machine_is_answered_with_what_there_is() {
    let account = Account::new(Options::default()).await;
    let run = account.run(&["start-judge", "--resource", "h900-huge"]).await;
    assert_eq!(run.code(), Some(2), "{}", run.transcript());
    let error = run.json()["error"].as_str().expect("an error").to_owned();
    assert!(error.contains("free are: cpu-small $0.09/h (8 free)"), "{error}");
    assert_eq!(account.run(&["start-judge", "--resource", "b200-small"]).await.code(), Some(3), "sold out");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_exit_3() {
    let account = Account::new(Options::default()).await;
    let gone = gen404_testing::Nobody::here();
    let run = account.run(&["stop-pods", "--targon-base-url", &format!("http://{}", gone.address())]).await;
    assert_eq!(run.code(), Some(3), "{}", run.transcript());
    assert_eq!(run.json()["success"], false);
}

#[tokio::test]
async fn a_service_that_wants_to_be_left_alone_is_waited_for_or_given_up_and_either_is_said() {
    let limited = |seconds| vec![Rule::times(Fault::RateLimited { retry_after_seconds: seconds, as_date: false }, 1)];
    let account = Account::with_faults(limited(5_000)).await;
    let run = account.run(&["stop-pods"]).await;
    assert_eq!(run.code(), Some(3), "{}", run.transcript());
    assert_eq!(run.json()["error"], "listing the pods: Targon answers 429 and asks to wait 5000 s");

    let account = Account::with_faults(limited(2)).await;
    let run = account.run(&["pods"]).await;
    assert_eq!(run.code(), Some(0), "{}", run.transcript());
    let said = "targon asks to wait 2 s (429); asking again then";
    assert_eq!(run.transcript().matches(said).count(), 1, "{}", run.transcript());
}
