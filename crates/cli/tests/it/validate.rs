//! `404-cli validate`: what stdout, stderr and the exit code say.

use std::fs;

use serde_json::{Value, json};

use crate::binary::{Home, transcript};

const GOOD: &str = "export default function generate(THREE) { return new THREE.Group(); }\n";
const BAD: &str = "export default function generate(THREE) {\n  const g = new THREE.Group();\n  fetch(g.constructor);\n  return g;\n}\n";

fn lines(output: &std::process::Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", transcript(output)))).collect()
}

#[test]
fn a_folder_gives_a_line_per_module_and_exit_code_1_for_a_refused_one() {
    let home = Home::new();
    fs::write(home.path().join("b.js"), BAD).expect("a module");
    fs::write(home.path().join("a.js"), GOOD).expect("a module");
    fs::write(home.path().join("c.js"), GOOD).expect("a module");
    fs::write(home.path().join("notes.txt"), "no module").expect("a file");
    let output = home.run(&["validate", "--sarif", "log.sarif"]);
    assert_eq!(output.status.code(), Some(1), "{}", transcript(&output));
    let lines = lines(&output);
    let forbidden = json!({
        "stage": "static_analysis", "rule": "FORBIDDEN_IDENTIFIER", "detail": "fetch at line 3", "line": 3, "column": 3,
    });
    let access = json!({
        "stage": "static_analysis", "rule": "FORBIDDEN_PROPERTY_ACCESS", "detail": ".constructor at line 3",
        "line": 3, "column": 9,
    });
    let accepted = json!({ "passed": true, "failures": [] });
    assert_eq!(
        lines,
        [
            json!({ "file": "a.js", "passed": true, "mr": accepted, "rs": accepted, "warnings": [] }),
            json!({
                "file": "b.js", "passed": false,
                "mr": { "passed": false, "failures": [forbidden] },
                "rs": { "passed": false, "failures": [forbidden, access] },
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
    let said = String::from_utf8_lossy(&output.stderr);
    for part in [
        "b.js:3:3: FORBIDDEN_IDENTIFIER: fetch at line 3",
        " 3 |   fetch(g.constructor);\n   |   ^^^^^\n   = fix: ",
        "only the render service says so",
        "1 of 3 modules would be refused",
        "     1  FORBIDDEN_IDENTIFIER",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let log: Value = serde_json::from_slice(&fs::read(home.path().join("log.sarif")).expect("a log")).expect("JSON");
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 3);
    assert_eq!(results[0]["locations"][0]["physicalLocation"]["region"]["endColumn"], 8);
    assert_eq!(results[1]["properties"]["validators"], json!(["rs"]));
    assert_eq!(results[2]["level"], "warning");
}

#[test]
fn stdin_is_one_module() {
    let home = Home::new();
    let output = home.command(&["validate", "-"]).write_stdin(GOOD).output().expect("runs");
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
    assert_eq!(lines(&output)[0]["file"], "-");
    let large = format!("{GOOD}//{}", " ".repeat(1_100_000));
    let output = home.command(&["validate", "-"]).write_stdin(large).output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let failure = &lines(&output)[0]["mr"]["failures"][0];
    assert_eq!(failure["rule"], "FILE_SIZE_EXCEEDED");
    assert_eq!(failure["detail"], "1100072 bytes (limit 1048576)");
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
