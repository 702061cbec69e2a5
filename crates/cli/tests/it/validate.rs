//! `404-cli validate`: what stdout, stderr and the exit code say, and which files are judged.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::binary::{Home, transcript};
use crate::render::Workshop;

const GOOD: &str = "export default function generate(THREE) { return new THREE.Group(); }\n";
const BAD: &str = "export default function generate(THREE) {\n  const g = new THREE.Group();\n  fetch(g.constructor);\n  return g;\n}\n";
const BOX: &str = "export default function generate(THREE) {\n  return new THREE.Mesh(new THREE.BoxGeometry(0.5, 0.5, 0.5), \
                   new THREE.MeshStandardMaterial());\n}\n";

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", transcript(output)))).collect()
}

/// A home with these modules in its working directory.
fn home(modules: &[(&str, &str)]) -> Home {
    let home = Home::new();
    for (name, text) in modules {
        fs::write(home.path().join(name), text).expect("a module");
    }
    home
}

#[test]
fn with_json_every_module_of_a_folder_gives_a_line() {
    let home = home(&[("b.js", BAD), ("a.js", GOOD), ("c.js", GOOD), ("notes.txt", "no module")]);
    let output = home.run(&["validate", "--static-only", "--json", "--sarif", "log.sarif"]);
    assert_eq!(output.status.code(), Some(1), "{}", transcript(&output));
    let forbidden = json!({
        "stage": "static_analysis", "rule": "FORBIDDEN_IDENTIFIER", "detail": "fetch at line 3", "line": 3, "column": 3,
    });
    let access = json!({
        "stage": "static_analysis", "rule": "FORBIDDEN_PROPERTY_ACCESS", "detail": ".constructor at line 3",
        "line": 3, "column": 9,
    });
    let verdict = |failures: &[&Value]| json!({ "passed": failures.is_empty(), "failures": failures, "metrics": null });
    let accepted = verdict(&[]);
    assert_eq!(
        lines(&output),
        [
            json!({ "file": "a.js", "passed": true, "mr": accepted, "rs": accepted, "warnings": [] }),
            json!({
                "file": "b.js", "passed": false, "mr": verdict(&[&forbidden]), "rs": verdict(&[&forbidden, &access]),
                "warnings": [],
            }),
            json!({
                "file": "c.js", "passed": true, "mr": accepted, "rs": accepted,
                "warnings": [{
                    "code": "SAME_AS_ANOTHER_FILE", "detail": "the same bytes as a.js", "line": null, "column": null,
                }],
            }),
        ]
    );
    let log: Value = serde_json::from_slice(&fs::read(home.path().join("log.sarif")).expect("a log")).expect("JSON");
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 3);
    assert_eq!(results[0]["locations"][0]["physicalLocation"]["region"]["endColumn"], 8);
    assert_eq!(results[1]["properties"]["validators"], json!(["rs"]));
    assert_eq!(results[2]["level"], "warning");
}

#[test]
fn without_json_there_is_one_object_and_words_for_people() {
    let home = home(&[("a.js", GOOD), ("b.js", BAD)]);
    let output = home.run(&["validate", "--static-only", "."]);
    assert_eq!(output.status.code(), Some(1), "{}", transcript(&output));
    assert_eq!(
        lines(&output),
        [json!({
            "success": false, "error": "1 of 2 modules would be refused", "modules": 2, "refused": 1, "refused_by_mr": 1,
            "refused_by_rs": 1, "warned": 0, "rules": { "FORBIDDEN_IDENTIFIER": 1, "FORBIDDEN_PROPERTY_ACCESS": 1 },
            "refused_files": ["b.js"], "static_only": true,
        })]
    );
    let said = String::from_utf8_lossy(&output.stderr);
    for part in [
        "b.js:3:3: FORBIDDEN_IDENTIFIER: fetch\n",
        " 3 |   fetch(g.constructor);\n   |   ^^^^^\n   = fix: ",
        "only the render service says so",
        "1 of 2 modules would be refused",
        "     1  FORBIDDEN_IDENTIFIER",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let output = home.run(&["validate", "--static-only", "a.js"]);
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
    assert_eq!(
        lines(&output),
        [json!({
            "success": true, "modules": 1, "refused": 0, "refused_by_mr": 0, "refused_by_rs": 0, "warned": 0, "rules": {},
            "static_only": true,
        })]
    );
}

#[test]
fn stdin_is_one_module() {
    let home = Home::new();
    let validate = ["validate", "-", "--json", "--static-only"];
    let output = home.command(&validate).write_stdin(GOOD).output().expect("runs");
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
    assert_eq!(lines(&output)[0]["file"], "-");
    let large = format!("{GOOD}//{}", " ".repeat(1_100_000));
    let output = home.command(&validate).write_stdin(large).output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let failure = &lines(&output)[0]["mr"]["failures"][0];
    assert_eq!(failure["rule"], "FILE_SIZE_EXCEEDED");
    assert_eq!(failure["detail"], "1100072 bytes (limit 1048576)");
}

#[test]
fn files_that_mean_harm_are_told_and_the_others_judged() {
    let home = home(&[("a.js", GOOD)]);
    let path = |name: &str| home.path().join(name);
    let pipe = Command::new("mkfifo").arg(path("pipe.js")).status().expect("mkfifo runs");
    assert!(pipe.success());
    // A terabyte, of which nothing is there.
    fs::File::create(path("huge.js")).and_then(|file| file.set_len(1 << 40)).expect("a sparse file");
    fs::write(path("latin.js"), [GOOD.as_bytes(), b"// caf\xe9\n"].concat()).expect("a file");
    fs::create_dir(path("folder.js")).expect("a folder");
    let files = ["a.js", "huge.js", "latin.js", "pipe.js", "/dev/zero"];
    let output = home.run(&[&["validate", "--json", "--static-only"], &files[..]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
    let lines = lines(&output);
    assert_eq!(lines.len(), files.len() + 1, "{}", transcript(&output));
    assert_eq!(lines[0]["passed"], true);
    assert_eq!(lines[1]["rs"]["failures"][0]["detail"], "1099511627776 bytes (limit 1048576)");
    assert_eq!(lines[2]["rs"]["failures"][0]["detail"], "the file is not UTF-8 text");
    assert_eq!(lines[2]["mr"]["passed"], true, "it reads U+FFFD there");
    for (line, name) in [(&lines[3], "pipe.js"), (&lines[4], "/dev/zero")] {
        assert_eq!((&line["file"], &line["passed"]), (&json!(name), &json!(false)));
        assert!(line["error"].as_str().expect("a reason").contains("not a regular file"), "{line}");
    }
    assert_eq!((&lines[5]["success"], &lines[5]["refused"]), (&json!(false), &json!(2)));
    // Nothing of a folder is left out silently but folders and what is hidden; a file named twice is judged once.
    fs::write(path("._a.js"), b"\x00\x05").expect("a file");
    std::os::unix::fs::symlink("gone", path("gone.js")).expect("a link");
    let output = home.run(&["validate", "--static-only", ".", "a.js"]);
    assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
    let said: Value = serde_json::from_slice(&output.stdout).expect("an object");
    assert_eq!((&said["modules"], &said["warned"]), (&json!(3), &json!(0)), "{}", transcript(&output));
    assert!(said["error"].as_str().expect("a sentence").contains("2 files cannot be judged"), "{said}");
}

#[test]
fn a_file_that_cannot_be_read_is_bad_input() {
    let home = Home::new();
    // Not even root can read it.
    std::os::unix::fs::symlink("a.js", home.path().join("a.js")).expect("a link");
    let output = home.run(&["validate", "--static-only", "a.js"]);
    assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
    let error = lines(&output)[0]["error"].as_str().expect("a sentence").to_owned();
    assert!(error.contains("cannot read a.js"), "{error}");
}

#[test]
fn neither_names_nor_messages_can_pass_for_a_verdict() {
    let name = "a\n\u{2713} 128 modules, none would be refused.js";
    let home = home(&[(name, "fetch"), ("b.js", GOOD), ("c.js", GOOD)]);
    fs::remove_file(home.path().join("c.js")).expect("removed");
    std::os::unix::fs::symlink("c.js", home.path().join("c.js")).expect("a link");
    let output = home.run(&["validate", "--static-only", "--json"]);
    assert_eq!(lines(&output)[0]["file"], name, "JSON has the name as it is");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.lines().any(|line| line.starts_with('\u{2713}')), "{said}");
    // Of no module at all there is no good news either.
    let output = home.run(&["validate", "--static-only", "c.js"]);
    assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
    assert!(!transcript(&output).contains("none would be refused"), "{}", transcript(&output));
}

#[test]
fn a_log_never_replaces_a_module() {
    let home = home(&[("a.js", GOOD), ("b.mjs", BAD)]);
    for arguments in [
        &["validate", "--static-only", "--sarif", "a.js"][..],
        &["validate", "--static-only", "a.js", "--sarif", "new.JS"],
        &["validate", "--static-only", "b.mjs", "--sarif", "./b.mjs"],
    ] {
        let output = home.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
        assert!(transcript(&output).contains("over the module"), "{}", transcript(&output));
    }
    for (file, text) in [("a.js", GOOD), ("b.mjs", BAD)] {
        assert_eq!(fs::read_to_string(home.path().join(file)).expect("still there"), text);
    }
    assert!(!home.path().join("new.JS").exists());
}

#[test]
fn what_cannot_be_judged_is_wrong_usage() {
    let home = Home::new();
    fs::create_dir(home.path().join("empty")).expect("a folder");
    for arguments in [["validate", "missing.js"], ["validate", "empty"]] {
        let output = home.run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
        assert_eq!(lines(&output)[0]["success"], false);
    }
    let output = home.run(&["validate", "--watch", "-"]);
    assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
}

#[test]
fn a_watched_module_is_judged_again_when_it_changes() {
    let home = home(&[("a.js", GOOD)]);
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("404-cli"));
    command.args(["validate", "--watch", "--static-only", "--json"]).env_clear().env("HOME", home.path());
    command.current_dir(home.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut watching = command.spawn().expect("the binary starts");
    let mut lines = BufReader::new(watching.stdout.take().expect("stdout is piped")).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON") };
    assert_eq!(next()["passed"], true);
    // Whole at once, or half of it would be judged first.
    fs::write(home.path().join("b.part"), BAD).expect("a module");
    fs::rename(home.path().join("b.part"), home.path().join("b.js")).expect("renamed");
    let changed = next();
    assert_eq!((&changed["file"], &changed["passed"]), (&json!("b.js"), &json!(false)));
    let interrupted = Command::new("kill").arg("-INT").arg(watching.id().to_string()).status().expect("kill runs");
    assert!(interrupted.success());
    assert_eq!(next()["error"], "Interrupted by user");
    assert_eq!(watching.wait().expect("it ends").code(), Some(130));
}

#[test]
fn without_a_browser_the_way_out_is_named() {
    let home = home(&[("a.js", GOOD), ("b.js", BAD)]);
    let output = home.command(&["validate", "a.js"]).env("PATH", "/nowhere").output().expect("runs");
    assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
    let failure = &lines(&output)[0];
    let hint = failure["hint"].as_str().expect("a hint");
    assert!(
        hint.contains("--chromium PATH") && hint.contains("--static-only") && !hint.contains("--endpoint"),
        "{hint}"
    );
    // What is refused by its text needs no browser.
    let output = home.command(&["validate", "b.js"]).env("PATH", "/nowhere").output().expect("runs");
    assert_eq!(output.status.code(), Some(1), "{}", transcript(&output));
}

#[test]
fn modules_that_pass_by_their_text_are_run() {
    let late = "export default (THREE) => {\n  const b = new THREE.BoxGeometry(S, S, S);\n  return new THREE.Mesh(b);\n};\nconst S = 0.2;\n";
    let large = BOX.replace("0.5, 0.5, 0.5", "1.2, 0.5, 0.5");
    let Some(workshop) = Workshop::open(&[("box", BOX), ("late", late), ("large", &large), ("bad", BAD)]) else {
        return;
    };
    let output = workshop.command(&["validate", "in", "--json", "--browsers", "1"]).output().expect("runs");
    assert_eq!(output.status.code(), Some(1), "{}", transcript(&output));
    let lines = lines(&output);
    let [bad, good, large, late] = &lines[..] else { panic!("{}", transcript(&output)) };
    assert_eq!(bad["mr"]["metrics"], json!(null));
    let counted = |depth: &str| {
        json!({
            "vertices": 24, "drawCalls": 1, depth: 1, "instances": 0, "textureBytes": 0,
            "bbox": { "min": { "x": -0.25, "y": -0.25, "z": -0.25 }, "max": { "x": 0.25, "y": 0.25, "z": 0.25 } },
        })
    };
    assert_eq!(good["passed"], true, "{good}");
    assert_eq!((&good["mr"]["metrics"], &good["rs"]["metrics"]), (&counted("maxDepth"), &counted("depth")));
    for program in ["mr", "rs"] {
        assert_eq!(large[program]["failures"][0]["rule"], "BOUNDING_BOX_OUT_OF_RANGE", "{large}");
        assert_eq!(large[program]["failures"][0]["line"], json!(null));
    }
    assert_eq!((&late["mr"]["passed"], &late["rs"]["passed"]), (&json!(true), &json!(false)));
    assert_eq!(late["rs"]["failures"][0]["detail"], "Cannot access 'S' before initialization");
    let said = String::from_utf8_lossy(&output.stderr);
    for part in [
        "late.js:2:35: EXECUTION_THREW: Cannot access",
        " 2 |   const b = new THREE.BoxGeometry(S, S, S);\n   |                                   ^\n   = fix: ",
        "only the render service says so",
        "3 of 4 modules would be refused",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    workshop.assert_nothing_left("validate");
}

/// docs/rules.md: every example that only shows when it runs does what it says.
#[test]
fn documented_modules_do_what_is_said_when_they_run() {
    const RULES: &str = include_str!("../../../../docs/rules.md");
    let mut modules = Vec::new();
    let mut rule = "";
    let mut lines_of_page = RULES.lines();
    while let Some(line) = lines_of_page.next() {
        rule = line.strip_prefix("### ").unwrap_or(rule);
        let Some(marks) = line.strip_prefix("```js run") else { continue };
        let code: Vec<&str> = lines_of_page.by_ref().take_while(|line| *line != "```").collect();
        let kind = if marks.contains("breaks") { "breaks" } else { "fixed" };
        // Some examples are the same under several rules, of which there would be a warning.
        let name = format!("{rule}.{kind}");
        modules.push((name.clone(), format!("{}\n// {name}\n", code.join("\n"))));
    }
    assert_eq!(modules.len(), 26);
    let named: Vec<(&str, &str)> = modules.iter().map(|(name, code)| (name.as_str(), code.as_str())).collect();
    let Some(workshop) = Workshop::open(&named) else { return };
    let output = workshop.command(&["validate", "in", "--json"]).output().expect("runs");
    let lines = lines(&output);
    assert_eq!(lines.len(), modules.len(), "{}", transcript(&output));
    for line in lines {
        let file = line["file"].as_str().expect("a name");
        let (rule, kind) = file.trim_start_matches("in/").trim_end_matches(".js").split_once('.').expect("two parts");
        let found = &line["rs"]["failures"];
        // On a busy machine the memory is not full before the time is over.
        let slow = rule == "HEAP_EXCEEDED" && found[0]["rule"] == "TIMEOUT_EXCEEDED";
        let rule = if slow { "TIMEOUT_EXCEEDED" } else { rule };
        if kind == "breaks" {
            assert_eq!((&found[0]["rule"], found.as_array().map(Vec::len)), (&json!(rule), Some(1)), "{line}");
        } else {
            let mut warnings = line["warnings"].as_array().expect("a list").clone();
            warnings.retain(|warning| warning["code"] != "SLOW_RUN"); // which is for the machine to say
            assert_eq!((&line["passed"], warnings), (&json!(true), Vec::new()), "{line}");
        }
    }
}
