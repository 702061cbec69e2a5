//! docs/rules.md: every rule that this room finds has an example that really breaks it, and a fix that really passes.

use gen404_round::module_rule::{Rule, Stage};
use gen404_validator::{Caution, names, validate};

const RULES: &str = include_str!("../../../../docs/rules.md");

/// A code block below the heading of a rule.
struct Example {
    rule: Rule,
    breaks: bool,
    /// Whether only running it shows that.
    runs: bool,
    code: String,
}

fn examples() -> Vec<Example> {
    let mut examples = Vec::new();
    let mut rule = None;
    let mut lines = RULES.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("### ") {
            rule = Some(heading.parse().expect("headings of the third level are rules"));
        }
        let Some(marks) = line.strip_prefix("```js") else { continue };
        let code: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let long = marks.split_once("long=").map_or(0, |(_, times)| times.parse().expect("a number"));
        let code = code.join("\n").replace("LONG", &"x".repeat(long));
        examples.push(Example {
            rule: rule.expect("a rule's heading comes first"),
            breaks: marks.contains("breaks"),
            runs: marks.contains("run"),
            code,
        });
    }
    examples
}

#[test]
fn every_example_breaks_its_rule_and_every_fix_passes() {
    for Example { rule, breaks, runs, code } in examples() {
        let report = validate(&code);
        let shown: String = code.chars().take(400).collect();
        if runs {
            assert!(report.passed(), "{rule}: {report:?}: {shown}");
        } else if breaks {
            assert!(!report.findings.is_empty(), "{rule} passes: {shown}");
            for finding in &report.findings {
                assert_eq!(finding.rule, rule, "{shown}");
            }
        } else {
            assert!(report.passed() && report.warnings.is_empty(), "{rule}: {report:?}: {shown}");
        }
    }
}

#[test]
fn every_rule_of_these_stages_has_both() {
    let documented =
        |rule: Rule, breaks: bool| examples().iter().any(|example| example.rule == rule && example.breaks == breaks);
    for rule in Rule::ALL {
        assert!(documented(*rule, true) && documented(*rule, false), "{rule} lacks an example in docs/rules.md");
    }
    for stage in [Stage::Parse, Stage::StaticAnalysis] {
        assert!(RULES.contains(&format!("## Stage `{stage}`")), "{stage}");
    }
    for caution in Caution::ALL {
        assert!(RULES.contains(caution.code()), "{caution}");
    }
}

#[test]
fn every_name_that_may_be_used_is_listed() {
    let (_, section) = RULES.split_once("## Members of THREE that may be used").expect("a section of its own");
    let (section, _) = section.split_once("\n## ").expect("another one after it");
    let named = |name: &&&str| section.contains(&format!("`{name}`"));
    let missing: Vec<_> = names::ALLOWED_THREE.iter().filter(|name| !named(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let excluded: Vec<_> = names::EXCLUDED_THREE.iter().filter(named).collect();
    assert!(excluded.is_empty(), "{excluded:?}");
    for name in names::FORBIDDEN.iter().chain(names::ALLOWED_GLOBALS) {
        assert!(RULES.contains(&format!("`{name}`")), "{name}");
    }
}
