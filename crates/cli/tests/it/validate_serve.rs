//! `404-cli validate --serve`: what pipelines in other languages get over HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::binary::{Home, transcript};
use crate::render::Workshop;
use crate::running::Running;

const GOOD: &str = "export default function generate(THREE) { return new THREE.Group(); }\n";
const BAD: &str = "export default function generate(THREE) {\n  const g = new THREE.Group();\n  fetch(g.constructor);\n  return g;\n}\n";
const BOX: &str = "export default function generate(THREE) {\n  return new THREE.Mesh(new THREE.BoxGeometry(0.5, 0.5, 0.5), \
                   new THREE.MeshStandardMaterial());\n}\n";
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server.
struct Served {
    running: Running,
    host: String,
}

impl Served {
    fn start(command: &mut Command) -> Self {
        let mut running = Running::spawn(command);
        let line = running.line();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert_eq!(said["success"], true, "{said}");
        let host = said["url"].as_str().and_then(|url| url.strip_prefix("http://")).expect("a URL").to_owned();
        assert!(host.starts_with("127.0.0.1:"), "{host}");
        Self { running, host }
    }

    /// Of texts alone.
    fn of_texts(home: &Home) -> Self {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("404-cli"));
        command.args(["validate", "--static-only", "--serve", "localhost:0"]);
        Self::start(command.env_clear().env("HOME", home.path()).current_dir(home.path()))
    }

    /// Status and body of a request with these header lines, each with its end.
    fn ask(&self, line: &str, headers: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.host).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let (host, length) = (&self.host, body.len());
        let head = format!(
            "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).expect("written");
        // A body that is too large is not read to its end.
        let _cut_short = stream.write_all(body);
        answer(stream)
    }

    fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let (status, text) = self.ask(&format!("POST {path}"), "", body.as_bytes());
        (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: {text}")))
    }

    fn post_json(&self, path: &str, body: &str) -> (u16, Value) {
        let (status, text) =
            self.ask(&format!("POST {path}"), "Content-Type: application/json; charset=utf-8\r\n", body.as_bytes());
        (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: {text}")))
    }
}

fn answer(mut stream: TcpStream) -> (u16, String) {
    let mut answer = Vec::new();
    // The other side may close before it has read everything.
    let _reset = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer}"));
    let status = head.split(' ').nth(1).and_then(|number| number.parse().ok()).expect("a status");
    (status, body.to_owned())
}

#[test]
fn the_answer_is_the_line_of_json() {
    let home = Home::new();
    let served = Served::of_texts(&home);
    for source in [GOOD, BAD, "", "export default () => {", "// é😀\u{2028}\nfetch"] {
        let output = home.command(&["validate", "-", "--json", "--static-only"]).write_stdin(source).output();
        let line: Value = serde_json::from_slice(&output.expect("runs").stdout).expect("JSON");
        assert_eq!(served.post("/validate", source), (200, line.clone()), "{source}");
        let body = json!({ "source": source }).to_string();
        assert_eq!(served.post_json("/validate", &body), (200, line), "{source}");
    }
    assert_eq!(served.post("/validate?file=out%2Fchair.js", GOOD).1["file"], "out/chair.js");
    let named = json!({ "source": GOOD, "file": "lamp.js", "more": 1 }).to_string();
    assert_eq!(served.post_json("/validate", &named).1["file"], "lamp.js");
    // Bytes that are no text are judged as those of a file.
    let (status, latin) = served.ask("POST /validate", "", b"// caf\xe9\nexport default () => 1");
    assert_eq!(status, 200);
    let latin: Value = serde_json::from_str(&latin).expect("JSON");
    assert_eq!((&latin["mr"]["passed"], &latin["rs"]["failures"][0]["rule"]), (&json!(true), &json!("PARSE_ERROR")));

    served.running.interrupt();
    let output = served.running.finish();
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
}

#[test]
fn the_official_answers_are_the_services() {
    let home = Home::new();
    let served = Served::of_texts(&home);
    assert_eq!(served.post("/official", GOOD), (200, json!({ "passed": true, "metrics": null })));
    let failure = |stage: &str, rule: &str, detail: &str| json!({ "stage": stage, "rule": rule, "detail": detail });
    let failures = json!([
        failure("static_analysis", "FORBIDDEN_IDENTIFIER", "fetch at line 3"),
        failure("static_analysis", "FORBIDDEN_PROPERTY_ACCESS", ".constructor at line 3"),
    ]);
    let refused = (422, json!({ "error": "validation_failed", "failures": failures }));
    assert_eq!(served.post("/official", BAD), refused);
    assert_eq!(served.post_json("/official", &json!({ "source": BAD }).to_string()), refused);
    // Exactly so many bytes are taken, however the body spells them.
    let sized = |bytes: usize| format!("{GOOD}{}", "\n".repeat(bytes - GOOD.len()));
    let too_large = failure("parse", "FILE_SIZE_EXCEEDED", "1048577 bytes (limit 1048576)");
    for post in [Served::post, |served: &Served, path: &str, source: &str| {
        served.post_json(path, &json!({ "source": source }).to_string())
    }] {
        assert_eq!(post(&served, "/official", &sized(1_048_576)).0, 200);
        let refused = json!({ "error": "validation_failed", "failures": [too_large] });
        assert_eq!(post(&served, "/official", &sized(1_048_577)), (422, refused));
        let (status, line) = post(&served, "/validate", &sized(1_048_577));
        assert_eq!((status, &line["rs"]["failures"][0]["rule"]), (200, &json!("FILE_SIZE_EXCEEDED")));
    }
    // The service's validator dies of this.
    let deadly = "export default function generate(THREE) { return THREE.constructor.name; }";
    let (status, body) = served.post("/official", deadly);
    assert_eq!(status, 500, "{body}");
    assert!(body["error"].is_string() && body.as_object().map(serde_json::Map::len) == Some(1), "{body}");
    assert_eq!(served.post("/validate", deadly).1["rs"]["failures"][0]["rule"], "VALIDATOR_CRASHED");
}

#[test]
fn requests_that_make_no_sense_or_mean_harm() {
    let home = Home::new();
    let served = Served::of_texts(&home);
    for body in ["no JSON", "{}", "[]", r#"{"source": 1}"#, r#"{"source": "\ud800"}"#, ""] {
        let (status, answer) = served.post_json("/validate", body);
        assert_eq!((status, answer["error"].is_string()), (400, true), "{body}: {answer}");
        assert_eq!(served.post_json("/official", body).0, 500, "{body}");
    }
    // What is wrapped would be judged for its wrapping.
    for header in ["Content-Type: Multipart/form-data; boundary=x\r\n", "Content-Encoding: gzip\r\n"] {
        let (status, answer) = served.ask("POST /validate", header, GOOD.as_bytes());
        assert_eq!((status, answer.starts_with("{\"error\":")), (415, true), "{header}: {answer}");
    }
    for (path, expected) in
        [("/validate?file=a&file=b", 400), ("/official?file=a&file=b", 500), ("/validate?%zz=%&x", 200)]
    {
        let (status, answer) = served.post(path, GOOD);
        assert_eq!((status, answer.is_object()), (expected, true), "{path}: {answer}");
    }
    for line in ["GET /", "GET /validate", "PUT /validate", "POST /", "POST /render", "POST /validate/"] {
        assert_eq!(served.ask(line, "", b""), (404, r#"{"error":"not found"}"#.to_owned()), "{line}");
    }
    assert_eq!(served.ask("GET /health", "", b""), (200, r#"{"status":"ok"}"#.to_owned()));
    // Of web pages nothing is answered, whatever name they found this machine by.
    for path in ["POST /validate", "POST /official", "GET /health"] {
        assert_eq!(served.ask(path, "Origin: https://example.com\r\n", GOOD.as_bytes()).0, 403, "{path}");
    }
    assert_eq!(served.ask("POST /validate", "", &vec![b' '; 8 * 1024 * 1024 + 1]).0, 413);
    // Who never says how much is coming is cut off at the same size.
    let mut stream = TcpStream::connect(&served.host).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let head = "POST /official HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("written");
    let chunk = format!("100000\r\n{}\r\n", " ".repeat(0x10_0000));
    while stream.write_all(chunk.as_bytes()).is_ok() {}
    drop(stream);
    // Deep nesting, and a text that makes half a million findings.
    assert_eq!(served.post("/official", &"(".repeat(100_000)).0, 422);
    let many = format!("export default () => {{ {} }}", "zzz;".repeat(262_000));
    assert_eq!(served.post("/official", &many).0, 422);
    assert_eq!(served.post("/validate", GOOD).0, 200, "it is none the worse for it");
}

#[test]
fn who_finds_everything_taken_is_told_when_to_come_again() {
    let home = Home::new();
    let served = Served::of_texts(&home);
    // Requests whose bodies never come hold their places; one that came while another was served may have found none.
    let head = "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n";
    let mut waiting = Vec::new();
    let turned_away = (0..1_000).find_map(|_| {
        let mut stream = TcpStream::connect(&served.host).expect("it listens");
        stream.write_all(head.as_bytes()).expect("written");
        waiting.push(stream);
        Some(served.post("/validate", GOOD)).filter(|(status, _)| *status != 200)
    });
    assert_eq!(turned_away, Some((503, json!({ "error": "the queue is full" }))));
    assert!(waiting.len() >= 64, "{} filled it", waiting.len());
    drop(waiting);
    assert!((0..10_000).any(|_| served.post("/validate", GOOD).0 == 200), "places are free again");
}

#[test]
fn what_cannot_be_served_is_said_at_the_start() {
    let home = Home::new();
    for (arguments, says) in [
        (&["validate", "--serve", "out"][..], "it must look like 127.0.0.1:8404"),
        (&["validate", "--serve", "127.0.0.1:0", "out"], "cannot be used with"),
        (&["validate", "--serve", "127.0.0.1:0", "--watch"], "cannot be used with"),
    ] {
        let output = home.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
        assert!(transcript(&output).contains(says), "{}", transcript(&output));
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = home.run(&["validate", "--static-only", "--serve", &address]);
    assert_eq!(output.status.code(), Some(1), "{}", transcript(&output));
    assert!(transcript(&output).contains("give another port"), "{}", transcript(&output));
    let output = home.command(&["validate", "--serve", "127.0.0.1:0"]).env("PATH", "/nowhere").output().expect("runs");
    assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
    assert!(transcript(&output).contains("--static-only judges the text alone"), "{}", transcript(&output));
}

#[test]
fn served_modules_are_run_in_the_browser() {
    let Some(workshop) = Workshop::open(&[]) else { return };
    let served = Served::start(&mut workshop.command(&["validate", "--serve", "localhost:0", "--browsers", "1"]));
    let (status, line) = served.post("/validate", BOX);
    assert_eq!((status, &line["passed"], &line["rs"]["metrics"]["depth"]), (200, &json!(true), &json!(1)), "{line}");
    let (status, taken) = served.post("/official", BOX);
    assert_eq!((status, &taken["metrics"]), (200, &line["rs"]["metrics"]));
    let (status, refused) = served.post("/official", &BOX.replace("0.5, 0.5, 0.5", "2, 1, 1"));
    assert_eq!((status, &refused["error"]), (422, &json!("post_validation_failed")), "{refused}");
    assert_eq!(refused["failures"][0]["rule"], "BOUNDING_BOX_OUT_OF_RANGE");
    assert_eq!(refused["metrics"]["bbox"]["max"]["x"], 1);
    let (status, threw) = served.post("/official", "export default () => { throw new Error('no'); };");
    let failure = json!({ "stage": "execution", "rule": "EXECUTION_THREW", "detail": "no" });
    assert_eq!(
        (status, threw),
        (422, json!({ "error": "post_validation_failed", "failures": [failure], "metrics": null }))
    );
    served.running.interrupt();
    let output = served.running.finish();
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
    workshop.assert_nothing_left("validate --serve");
}
