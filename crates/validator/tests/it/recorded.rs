//! Verdicts recorded from both of the subnet's validators: 677 modules, every rule, in order.

use gen404_validator::{Validator, validate};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    #[serde(alias = "name")]
    id: Value,
    source: Option<String>,
    /// Pieces to put together: a text, or a text and how often.
    #[serde(default)]
    parts: Vec<Part>,
    mr: Verdict,
    rs: Verdict,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Once(String),
    Often(String, usize),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Verdict {
    Rules(Vec<String>),
    /// The validator died.
    Died(Throws),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Throws {
    Throws,
}

impl Case {
    fn text(&self) -> String {
        self.source.clone().unwrap_or_else(|| {
            let part = |part: &Part| match part {
                Part::Once(text) => text.clone(),
                Part::Often(text, times) => text.repeat(*times),
            };
            self.parts.iter().map(part).collect()
        })
    }
}

impl Verdict {
    fn rules(&self) -> Vec<String> {
        match self {
            Self::Rules(rules) => rules.clone(),
            Self::Died(Throws::Throws) => vec!["static_analysis/VALIDATOR_CRASHED".to_owned()],
        }
    }
}

fn ours(source: &str, validator: Validator) -> Vec<String> {
    validate(source).verdict(validator).map(|finding| format!("{}/{}", finding.stage, finding.rule)).collect()
}

fn compare(recorded: &str, expected: usize) {
    let cases: Vec<Case> = serde_json::from_str(recorded).expect("the recorded cases are JSON");
    assert_eq!(cases.len(), expected);
    for case in &cases {
        let source = case.text();
        for (validator, verdict) in [(Validator::Miners, &case.mr), (Validator::RenderService, &case.rs)] {
            let shown: String = source.chars().take(500).collect();
            assert_eq!(ours(&source, validator), verdict.rules(), "case {}, {validator:?}: {shown}", case.id);
        }
    }
}

const SNIPPETS: &str = include_str!("../cases/snippets.json");
const GENERATED: &str = include_str!("../cases/generated.json");

/// The text of every recorded module.
pub(crate) fn texts() -> Vec<String> {
    let cases = [SNIPPETS, GENERATED].map(|recorded| serde_json::from_str::<Vec<Case>>(recorded).expect("JSON"));
    cases.iter().flatten().map(Case::text).collect()
}

#[test]
fn snippets() {
    compare(SNIPPETS, 77);
}

#[test]
fn generated_modules() {
    compare(GENERATED, 600);
}
