//! `404-cli judge` against model servers as they are in the field, each with one habit: a match is judged, or it ends with exit
//! code 3, the server's words and advice, after a handful of questions. None invents a draw.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gen404_sandbox::faults::Rule;
use gen404_sandbox::judge::{Fault, Options, ScriptedJudge};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::binary::{Home, transcript};

const PICTURE: &[u8] = include_bytes!("../data/red-square.png");
const DUELS: usize = 6;
/// Questions of a rehearsal.
const REHEARSAL: u64 = 5;

/// A host of prompt pictures on this machine, but of none that is called `gone`, and the number of requests.
fn prompts() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4096];
            let read = stream.read(&mut head).unwrap_or(0);
            let gone = head[..read].starts_with(b"GET /gone");
            let (status, body) = if gone { ("404 Not Found", &[][..]) } else { ("200 OK", PICTURE) };
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            let _cut = stream.write_all(&[head.as_bytes(), body].concat());
        }
    });
    (address, count)
}

struct Field {
    home: Home,
    judge: ScriptedJudge,
    fetched: Arc<AtomicUsize>,
    /// Serves the judge; last, so that it outlives it.
    _runtime: Runtime,
}

impl Field {
    /// Two sides with pictures of at least `size` bytes, and a judge with this fault.
    fn new(size: usize, fault: Option<Rule<Fault>>) -> Self {
        let home = Home::new();
        let (host, fetched) = prompts();
        let mut picture = PICTURE.to_vec();
        // What follows the end of a PNG file is not looked at.
        picture.resize(picture.len().max(size), 0);
        let stems: Vec<String> = (0..DUELS).map(|number| format!("p{number}")).collect();
        for (stem, side) in stems.iter().flat_map(|stem| ["left", "right"].map(|side| (stem, side))) {
            let folder = home.path().join(side).join(stem);
            std::fs::create_dir_all(folder.join("white")).expect("a folder");
            for view in ["front", "front_left", "front_right", "front_above", "right", "back", "left", "top_down"] {
                std::fs::write(folder.join(format!("white/{view}.png")), &picture).expect("writes");
            }
            std::fs::write(folder.join("grid.png"), &picture).expect("writes");
        }
        let prompts: Vec<_> =
            stems.iter().map(|stem| serde_json::json!({"image_url": format!("{host}/{stem}.png")})).collect();
        let prompts = serde_json::json!({"prompts": prompts, "seed": 7}).to_string();
        std::fs::write(home.path().join("prompts.json"), prompts).expect("writes");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let judge = runtime.block_on(ScriptedJudge::start(Options::default())).expect("it starts");
        if let Some(fault) = fault {
            judge.faults().add(fault);
        }
        Self { home, judge, fetched, _runtime: runtime }
    }

    fn judge_at(&self, endpoint: &str, more: &[&str]) -> (Option<i32>, Value, String) {
        let basic =
            ["judge", "--prompts-json=prompts.json", "--image-dir-1=left", "--image-dir-2=right", "--no-report"];
        let output = self.home.run(&[&basic[..], &["--concurrency=4", "--endpoint", endpoint], more].concat());
        let text = transcript(&output);
        (output.status.code(), serde_json::from_slice(&output.stdout).expect(&text), text)
    }

    fn judge(&self, more: &[&str]) -> (Option<i32>, Value, String) {
        self.judge_at(self.judge.url().as_str(), more)
    }

    /// All duels are judged. The sides are the same, so every duel is a draw that was answered for.
    fn is_judged(&self, more: &[&str]) {
        let (code, result, text) = self.judge(more);
        assert_eq!((code, &result["draws"], &result["unanswered"]), (Some(0), &DUELS.into(), &0.into()), "{text}");
    }

    /// The match ends before it begins.
    fn is_refused(&self, more: &[&str], words: &str, advice: &str) {
        let (code, result, text) = self.judge(more);
        assert_eq!(code, Some(3), "{text}");
        assert!(result["error"].as_str().expect("a sentence").contains(words), "{text}");
        assert!(result["hint"].as_str().expect("a hint").contains(advice), "{text}");
        assert!(!self.home.path().join("judge-results/duels.json").exists(), "no match, no draw");
        assert!(self.judge.call_count() <= REHEARSAL, "{} questions", self.judge.call_count());
    }
}

#[test]
fn prompt_pictures_are_fetched_here_and_only_once() {
    let field = Field::new(0, Some(Rule::from(Fault::NoUrl)));
    field.is_judged(&[]);
    assert_eq!(field.fetched.load(Ordering::SeqCst), DUELS);
    field.is_judged(&["--fresh"]);
    assert_eq!(field.fetched.load(Ordering::SeqCst), DUELS, "a rerun fetches nothing");
}

#[test]
fn the_report_does_not_ask_again_for_what_could_not_be_had() {
    let field = Field::new(0, None);
    let prompts = std::fs::read_to_string(field.home.path().join("prompts.json")).expect("there");
    let prompts = prompts.replace("p5.png\"", "gone.png\",\"stem\":\"p5\"");
    std::fs::write(field.home.path().join("prompts.json"), prompts).expect("writes");
    let line = ["judge", "--prompts-json=prompts.json", "--image-dir-1=left", "--image-dir-2=right", "--endpoint"];
    let output = field.home.run(&[&line[..], &[field.judge.url().as_str()]].concat());
    let text = transcript(&output);
    let result: Value = serde_json::from_slice(&output.stdout).expect(&text);
    assert_eq!((output.status.code(), &result["draws"], &result["failed"]), (Some(3), &5.into(), &1.into()), "{text}");
    assert_eq!(result["report"], "judge-results/report.html", "{text}");
    assert_eq!(field.fetched.load(Ordering::SeqCst), DUELS, "each picture was asked for once: {text}");
    assert_eq!(text.matches("could not be").count(), 1, "one warning: {text}");
}

#[test]
fn a_server_that_cannot_fetch_them_is_found_out() {
    let field = Field::new(0, Some(Rule::from(Fault::NoUrl)));
    field.is_refused(&["--prompt-pictures=url"], "answered 400: invalid image input", "--prompt-pictures url");
    assert_eq!(field.fetched.load(Ordering::SeqCst), 0);
}

#[test]
fn a_limit_of_pictures_is_found_out() {
    let field = Field::new(0, Some(Rule::from(Fault::Max { pictures: 1 })));
    field.is_refused(&[], "at most 1 image(s) per prompt, ", "--limit-mm-per-prompt");
}

#[test]
fn a_limit_of_the_body_is_found_out() {
    let field = Field::new(500_000, Some(Rule::from(Fault::Big)));
    field.is_refused(&[], "/v1/chat/completions answered 413: <html>", "client_max_body_size");
}

#[test]
fn a_model_that_thinks_is_found_out() {
    let field = Field::new(0, Some(Rule::from(Fault::Thinking)));
    field.is_refused(&[], "the model thinks before it answers (finish_reason length", "enable_thinking = false");
}

#[test]
fn a_field_that_the_server_does_not_know_is_left_out_when_the_profile_says_so() {
    let field = Field::new(0, Some(Rule::from(Fault::NoSeed)));
    field.is_refused(&[], "answered 400: unknown field: seed", "request.omit = [\"seed\"]");
    std::fs::write(field.home.path().join("mine.toml"), "base = \"cli\"\nrequest.omit = [\"seed\"]\n").expect("writes");
    field.is_judged(&["--profile=mine.toml"]);
}

#[test]
fn an_error_sent_as_a_success_is_waited_for() {
    let field = Field::new(0, Some(Rule::times(Fault::Error200, 3)));
    field.is_judged(&[]);
}

#[test]
fn content_in_parts_is_read() {
    Field::new(0, Some(Rule::from(Fault::Parts))).is_judged(&[]);
}

#[test]
fn another_version_in_the_address_is_used_as_it_is() {
    let field = Field::new(0, None);
    for path in ["api/paas/v4", "api/paas/v4/chat/completions/", "/v1//?key=s3cret"] {
        let (code, result, text) = field.judge_at(&format!("{}{path}", field.judge.url()), &["--fresh"]);
        assert_eq!((code, &result["draws"]), (Some(0), &DUELS.into()), "{path}: {text}");
    }
    let (code, _, text) = field.judge_at(&format!("{}api?key=s3cret", field.judge.url()), &["--fresh"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("/api/v1/chat/completions answered 404") && !text.contains("s3cret"), "{text}");
}

#[test]
fn without_a_rehearsal_nothing_is_invented_either() {
    for fault in [Fault::Max { pictures: 1 }, Fault::Thinking, Fault::NoSeed] {
        let field = Field::new(0, Some(Rule::from(fault)));
        let (code, result, text) = field.judge(&["--no-rehearsal"]);
        assert_eq!(code, Some(3), "{text}");
        assert_eq!((&result["judged"], &result["draws"]), (&0.into(), &Value::Null), "{text}");
        assert!(field.judge.call_count() < 90, "{} questions", field.judge.call_count());
        assert!(!field.home.path().join("judge-results/duels.json").exists());
    }
}
