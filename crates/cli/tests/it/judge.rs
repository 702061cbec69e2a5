//! `404-cli judge` against a scripted model on this machine: what it prints, what it leaves, and how it fails.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gen404_testing::Nobody;
use serde_json::{Value, json};

use crate::binary::Home;
use crate::running::Running;

/// Base64 of what the pictures of the sides hold.
const LEFT: &str = "TEVGVA";
const RIGHT: &str = "UklHSF";

/// Questions of a rehearsal, one of each kind.
const REHEARSAL: usize = 5;
/// A status that means no reply at all.
const STALL: u16 = 0;
/// Base64 of the prompt picture of `a1`.
const PROMPT_A1: &str = "base64,YTE=";

/// A model that prefers the right side, or whatever the test makes of it.
struct Model {
    endpoint: String,
    questions: Arc<AtomicUsize>,
}

impl Model {
    fn start(answer: fn(&str) -> (u16, Value)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        let questions = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&questions);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || serve(stream, answer, &counter));
            }
        });
        Self { endpoint, questions }
    }

    fn questions(&self) -> usize {
        self.questions.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: TcpStream, answer: fn(&str) -> (u16, Value), questions: &AtomicUsize) {
    let mut request = Vec::new();
    let mut buffer = vec![0; 65536];
    let text = loop {
        let read = stream.read(&mut buffer).unwrap_or(0);
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let length =
            text.to_lowercase().split_once("content-length: ").and_then(|(_, rest)| rest.lines().next()?.parse().ok());
        match text.split_once("\r\n\r\n") {
            Some((_, body)) if body.len() >= length.unwrap_or(0) => break text,
            _ if read == 0 => return,
            _ => {}
        }
    };
    let (status, body) = if text.starts_with("GET /v1/models ") {
        (200, json!({"data": [{"id": "glm-4.6v-flash"}]}))
    } else {
        questions.fetch_add(1, Ordering::SeqCst);
        answer(&text)
    };
    if status == STALL {
        loop {
            std::thread::park();
        }
    }
    let body = body.to_string();
    let length = body.len();
    let reply = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    let _cut = stream.write_all(reply.as_bytes());
}

fn says(content: &Value) -> (u16, Value) {
    (200, json!({"choices": [{"message": {"role": "assistant", "content": content.to_string()}}]}))
}

fn prefers_the_right(request: &str) -> (u16, Value) {
    let others = [
        ("explain-response", json!({"issues": "A: thin legs.\u{1b}[2J"})),
        (
            "s2cl_decompose-response",
            json!({"main_object": "chair", "features": vec![json!({"description": "legs", "category": "count"}); 4]}),
        ),
        ("s2cl_verify-response", json!({"checks": [], "main_object_correct": true})),
        ("s4_per_angle-response", json!({"verdict": "ok", "reason": "r"})),
    ];
    if let Some((_, reply)) = others.iter().find(|(name, _)| request.contains(name)) {
        return says(reply);
    }
    let right_is_first = request.find(RIGHT) < request.find(LEFT);
    let (first, second) = if right_is_first { (2, 6) } else { (6, 2) };
    says(&json!({"penalty_1": first, "penalty_2": second, "issues": "as seen"}))
}

fn write(home: &Home, name: &str, content: &[u8]) {
    let path = home.path().join(name);
    std::fs::create_dir_all(path.parent().expect("inside")).expect("a folder");
    std::fs::write(path, content).expect("writes");
}

/// Two sides of two prompts.
fn prepare(home: &Home) {
    for stem in ["a1", "b2"] {
        write(home, &format!("{stem}.png"), stem.as_bytes());
        for (side, content) in [("left", "LEFT"), ("right", "RIGHT")] {
            for view in ["front", "front_left", "front_right", "front_above", "right", "back", "left", "top_down"] {
                write(home, &format!("{side}/{stem}/white/{view}.png"), content.as_bytes());
            }
            write(home, &format!("{side}/{stem}/grid.png"), content.as_bytes());
        }
    }
    write(home, "prompts.json", br#"{"prompts": [{"image_url": "b2.png"}, {"image_url": "a1.png"}], "seed": 7}"#);
    // Without pauses between attempts.
    let profile =
        include_str!("../../../judge/profiles/cli.toml").replace("pause_seconds = 0.5", "pause_seconds = 0.0");
    write(home, "hasty.toml", profile.as_bytes());
    write(home, "quiet.toml", b"base = \"cli\"\nrehearsal = false\n");
}

const BASIC: [&str; 7] = ["judge", "--prompts-json", "prompts.json", "--image-dir-1", "left", "--image-dir-2", "right"];

struct Run {
    code: Option<i32>,
    result: Value,
    stderr: String,
}

fn judge(home: &Home, more: &[&str]) -> Run {
    judge_with(home, more, &[])
}

fn judge_with(home: &Home, more: &[&str], environment: &[(&str, &str)]) -> Run {
    let output = home.command(&[&BASIC, more].concat()).envs(environment.iter().copied()).output().expect("it runs");
    let stdout = String::from_utf8(output.stdout).expect("text");
    assert!(stdout.lines().count() == 1 && stdout.starts_with("{\"success\":"), "{stdout}");
    Run {
        code: output.status.code(),
        result: serde_json::from_str(&stdout).expect("JSON"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

#[test]
fn a_match_from_the_first_call_to_the_report() {
    let home = Home::new();
    prepare(&home);
    let model = Model::start(prefers_the_right);
    let run = judge(&home, &["--endpoint", &model.endpoint]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.result["success"], true);
    let keys = ["output_dir", "left_wins", "right_wins", "draws", "margin", "challenger_wins", "report"];
    let values: Vec<_> = keys.iter().map(|key| run.result[key].clone()).collect();
    assert_eq!(
        values,
        json!(["judge-results", 0, 2, 0, 1.0, true, "judge-results/report.html"]).as_array().expect("list")[..]
    );
    assert!(run.stderr.contains("a1 S1  right  6.00 : 2.00  4 of 4 angles agree\n"), "{}", run.stderr);
    assert!(!run.stderr.contains("a1 S1: {"), "{}", run.stderr);
    assert!(run.stderr.contains("a1 final: winner=right decided_by=S1\n"), "{}", run.stderr);
    assert!(run.stderr.contains("2 duels, 2 to judge: at most 44 calls and 1 MB to send"), "{}", run.stderr);
    assert!(!run.stderr.contains('\u{1b}'), "text of the model is harmless");
    assert_eq!(run.result["rehearsal_calls"], REHEARSAL);
    assert!(run.stderr.contains("rehearsed with the pictures of b2: 5 requests in "), "{}", run.stderr);
    assert_eq!(model.questions(), REHEARSAL + 18);

    let results = home.path().join("judge-results");
    let file: Value = serde_json::from_slice(&std::fs::read(results.join("duels.json")).expect("there")).expect("JSON");
    let stems: Vec<_> =
        file["results"].as_array().expect("a list").iter().map(|record| record["stem"].clone()).collect();
    assert_eq!(stems, ["b2", "a1"], "the order of the prompts file");
    let record: Value = serde_json::from_slice(&std::fs::read(results.join("a1.json")).expect("there")).expect("JSON");
    assert_eq!(record, file["results"][1]);
    assert_eq!((&record["prompt_url"], &record["winner"]), (&json!("a1.png"), &json!("right")));

    let again = judge(&home, &["--endpoint", &model.endpoint, "--no-report"]);
    assert_eq!((again.code, &again.result["judged"], &again.result["right_wins"]), (Some(0), &json!(0), &json!(2)));
    assert_eq!(again.result["rehearsal_calls"], 0);
    assert_eq!(model.questions(), REHEARSAL + 18, "nothing is asked again");
    let fresh = judge(&home, &["--endpoint", &model.endpoint, "--fresh", "--quiet", "--concurrency=2"]);
    assert_eq!((fresh.code, fresh.stderr.as_str()), (Some(0), ""));
    assert_eq!(model.questions(), 2 * (REHEARSAL + 18));
    let unrehearsed = judge(&home, &["--endpoint", &model.endpoint, "--fresh", "--no-rehearsal", "--no-report"]);
    assert!(unrehearsed.stderr.contains("no rehearsal (--no-rehearsal)"), "{}", unrehearsed.stderr);
    let official = judge(&home, &["--endpoint", &model.endpoint, "--fresh", "--profile", "quiet.toml", "--no-report"]);
    assert!(official.stderr.contains("no rehearsal: the profile based on cli does without"), "{}", official.stderr);
    assert_eq!(model.questions(), 2 * (REHEARSAL + 18) + 2 * 18);
}

#[test]
fn another_win_margin_needs_no_call() {
    let home = Home::new();
    prepare(&home);
    // One win of the challenger and one draw: a margin of 0.5.
    let model = Model::start(|request| {
        if request.contains(PROMPT_A1) || !request.contains("s1_prompt_match") {
            return prefers_the_right(request);
        }
        says(&json!({"penalty_1": 3, "penalty_2": 3, "issues": "the same"}))
    });
    let verdict = |more: &[&str]| {
        let run = judge(&home, &[&["--endpoint", &model.endpoint], more].concat());
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let page = std::fs::read_to_string(home.path().join("judge-results/report.html")).expect("a report");
        let file = std::fs::read(home.path().join("judge-results/duels.json")).expect("there");
        let file: Value = serde_json::from_slice(&file).expect("JSON");
        assert_eq!(file["match"]["win_margin"], run.result["win_margin"]);
        let keys = ["margin", "win_margin", "score_needed", "challenger_wins"];
        (keys.map(|key| run.result[key].clone()), page)
    };
    let (first, page) = verdict(&[]);
    let asked = model.questions();
    assert_eq!(first[1..], [json!(0.07), json!(1), json!(true)]);
    assert!(page.contains("7 % needed"));

    let (strict, page) = verdict(&["--win-margin", "0.995"]);
    assert_eq!(strict, [first[0].clone(), json!(0.995), json!(2), json!(false)]);
    assert!(page.contains("99.5 % needed: a score of 2 or more"));
    assert_eq!(model.questions(), asked, "nothing is asked again");
    assert_eq!(verdict(&[]).0, first);

    let profile = format!("win_margin = 1\n{}", include_str!("../../../judge/profiles/cli.toml"));
    write(&home, "strict.toml", profile.as_bytes());
    assert_eq!(verdict(&["--profile", "strict.toml"]).0[1..], [json!(1.0), json!(2), json!(false)]);
    let both = ["--profile", "strict.toml", "--win-margin", "0.05"];
    assert_eq!(verdict(&both).0[1..], [json!(0.05), json!(1), json!(true)]);
    assert_eq!(model.questions(), asked, "the margin of a profile is no part of a duel either");
    for bad in ["7", "-0.1", "5%"] {
        let run = judge(&home, &["--dry-run", &format!("--win-margin={bad}")]);
        assert_eq!(run.code, Some(2));
        assert!(run.result["error"].as_str().expect("a sentence").contains("from 0 to 1"), "{}", run.result);
    }
}

#[test]
fn what_is_judged_already_needs_no_endpoint() {
    let home = Home::new();
    prepare(&home);
    let missing = judge(&home, &[]);
    assert_eq!((missing.code, &missing.result["error"]), (Some(2), &json!("--endpoint is missing")));
    let model = Model::start(prefers_the_right);
    let first = judge(&home, &["--endpoint", &model.endpoint]);
    let again = judge(&home, &[]);
    assert_eq!((first.code, again.code), (Some(0), Some(0)), "{}", again.stderr);
    let keys = ["right_wins", "margin", "challenger_wins", "report"];
    assert_eq!(keys.map(|key| again.result[key].clone()), keys.map(|key| first.result[key].clone()));
    assert_eq!((&again.result["judged"], &again.result["calls"]), (&json!(0), &json!(0)));
}

#[test]
fn a_dry_run_asks_nothing() {
    let home = Home::new();
    prepare(&home);
    let run = judge(&home, &["--dry-run"]);
    let want = json!({
        "success": true, "dry_run": true, "output_dir": "judge-results", "duels": 2, "already_judged": 0, "without_preview": 0,
        "not_judgeable": 0, "to_judge": 2, "calls_at_most": 44, "bytes_at_most": run.result["bytes_at_most"],
        "prompts_to_fetch": 0,
    });
    assert_eq!((run.code, run.result), (Some(0), want.clone()));
    let by_variable = judge_with(&home, &[], &[("GEN404_JUDGE_DRY_RUN", "true")]);
    assert_eq!((by_variable.code, by_variable.result), (Some(0), want));
    assert!(!home.path().join("judge-results").exists());
}

#[test]
fn failures_of_the_model_exit_with_3_and_invent_no_draw() {
    let home = Home::new();
    prepare(&home);
    let nobody = Nobody::here();
    let free = nobody.address();
    let dead = judge(&home, &["--endpoint", &format!("http://{free}")]);
    assert_eq!(dead.code, Some(3));
    assert!(dead.result["error"].as_str().expect("a sentence").starts_with(&format!("cannot reach http://{free}/v1")));
    assert!(dead.result["hint"].as_str().expect("a hint").contains("404-cli start-judge"));

    let picky = Model::start(|_| (404, json!({"error": {"message": "The model `gpt` does not exist."}})));
    let wrong = judge(&home, &["--endpoint", &picky.endpoint, "--model", "gpt"]);
    assert_eq!(wrong.code, Some(3));
    assert!(
        wrong.result["error"].as_str().expect("a sentence").ends_with("answered 404: The model `gpt` does not exist.")
    );
    assert!(wrong.result["hint"].as_str().expect("a hint").ends_with("the endpoint serves glm-4.6v-flash, not gpt"));

    let chatty = Model::start(|_| says(&json!("What a nice chair!")));
    let useless = judge(&home, &["--endpoint", &chatty.endpoint, "--profile", "hasty.toml"]);
    let unrehearsed = ["--endpoint", &chatty.endpoint, "--profile", "hasty.toml", "--no-rehearsal"];
    for (useless, beginning) in [
        (useless, "the model cannot judge this match (rehearsal, question `"),
        (judge(&home, &unrehearsed), "2 duels could not be judged: none of the first 48 replies could be used"),
    ] {
        assert_eq!(useless.code, Some(3));
        let error = useless.result["error"].as_str().expect("a sentence");
        assert!(error.starts_with(beginning) && error.ends_with("the reply held no JSON object"), "{error}");
        assert!(useless.result["hint"].as_str().expect("a hint").contains("JSON schemas"));
    }
    assert!(!home.path().join("judge-results").exists(), "no record, no draw");
}

#[test]
fn the_key_is_sent_and_never_shown() {
    let home = Home::new();
    prepare(&home);
    let model = Model::start(|request| {
        let known = request.to_lowercase().contains("authorization: bearer k-s3cret\r\n");
        if known { prefers_the_right(request) } else { (401, json!({"error": {"message": "no"}})) }
    });
    let without = judge(&home, &["--endpoint", &model.endpoint]);
    assert_eq!(without.code, Some(3));
    assert!(without.result["hint"].as_str().expect("a hint").contains("OPENAI_API_KEY"));
    let with = judge_with(&home, &["--endpoint", &model.endpoint, "-vvv"], &[("OPENAI_API_KEY", " k-s3cret\r\n")]);
    assert_eq!(with.code, Some(0), "{}", with.stderr);
    assert!(with.stderr.contains("a1 S1: {\"choice\":\"B\",\"n_total\":4,"), "{}", with.stderr);
    assert!(!with.stderr.contains("k-s3cret") && !with.result.to_string().contains("k-s3cret"));
    let quoted = judge_with(&home, &["--endpoint", &model.endpoint], &[("OPENAI_API_KEY", "\"k-s3cret\"")]);
    assert_eq!(quoted.code, Some(2));
    assert!(quoted.result["error"].as_str().expect("a sentence").contains("OPENAI_API_KEY stands in quotation marks"));
    assert!(!quoted.stderr.contains("k-s3cret") && !quoted.result.to_string().contains("k-s3cret"));
}

#[test]
fn what_the_user_has_to_change_exits_with_2() {
    let home = Home::new();
    prepare(&home);
    let refused = |more: &[&str], sentence: &str| {
        let run = judge(&home, &[&["--endpoint", "http://127.0.0.1:9"], more].concat());
        let error = run.result["error"].as_str().expect("a sentence").to_owned();
        assert!(run.code == Some(2) && error.contains(sentence), "{more:?}: {error}");
    };
    refused(&["--profile", "nonsense"], "--profile nonsense is neither cli or official nor a readable file");
    write(&home, "bad.toml", b"name = 'x'");
    refused(&["--profile", "bad.toml"], "bad.toml: not a profile");
    write(&home, "prompts.json", br#"{"prompts": [{"image_url": "a1.png"}]}"#);
    refused(&[], "no --seed, and prompts.json has none either");
    write(&home, "prompts.json", br#"{"prompts": [{"image_url": "z9.png"}], "seed": 1}"#);
    refused(&[], "neither left nor right has a folder for any of the prompts");
    std::fs::remove_dir_all(home.path().join("right")).expect("it was there");
    refused(&[], "right is not a folder");
}

#[test]
fn missing_pictures_exit_with_1_and_the_rest_is_judged() {
    let home = Home::new();
    prepare(&home);
    std::fs::remove_file(home.path().join("right/a1/grid.png")).expect("it was there");
    let model = Model::start(prefers_the_right);
    let run = judge(&home, &["--endpoint", &model.endpoint]);
    assert_eq!((run.code, &run.result["right_wins"], &run.result["failed"]), (Some(1), &json!(1), &json!(1)));
    assert_eq!(run.result["error"], "duel `a1`: right/a1/grid.png is missing");
    let verdict = ["margin", "margin_low", "margin_high", "challenger_wins"];
    assert_eq!(verdict.map(|key| run.result.get(key)), [None; 4], "no verdict while a duel lacks a decision");
    let file = std::fs::read(home.path().join("judge-results/duels.json")).expect("there");
    let file: Value = serde_json::from_slice(&file).expect("JSON");
    assert_eq!(["margin", "challenger_wins", "interval"].map(|key| file["match"].get(key)), [None; 3]);
    assert_eq!(file["match"]["right_wins"], 1);
    let page = std::fs::read_to_string(home.path().join("judge-results/report.html")).expect("a report");
    assert!(page.contains("Not decided: 1 of 2 prompts without a decision"));
    assert!(run.stderr.contains("not decided while 1 of 2 duels lack"), "{}", run.stderr);
    assert!(!run.stderr.contains("dethrone"), "{}", run.stderr);
    assert!(run.stderr.contains("warning: a1 cannot be judged: right/a1/grid.png is missing"), "{}", run.stderr);
}

#[test]
fn an_interrupt_leaves_whole_records_and_a_rerun_goes_on() {
    let home = Home::new();
    prepare(&home);
    let stalling =
        Model::start(
            |request| {
                if request.contains(PROMPT_A1) { (STALL, Value::Null) } else { prefers_the_right(request) }
            },
        );
    let mut running = Running::start(&home, &[&BASIC[..], &["--endpoint", &stalling.endpoint]].concat());
    running.wait_for("b2 final: winner=right");
    running.interrupt();
    let output = running.finish();
    assert_eq!(output.status.code(), Some(130));
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&result["error"], &result["not_judged"]), (&json!("Interrupted by user"), &json!(1)));

    let model = Model::start(prefers_the_right);
    let rerun = judge(&home, &["--endpoint", &model.endpoint]);
    assert_eq!((rerun.code, &rerun.result["judged"], &rerun.result["right_wins"]), (Some(0), &json!(1), &json!(2)));
    assert_eq!(model.questions(), REHEARSAL + 9, "only a1");
}
