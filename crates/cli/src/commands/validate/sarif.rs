//! The findings in SARIF 2.1.0, which editors and code hosts show beside the code.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use gen404_outside::disk::{Durability, write_whole};
use gen404_round::module_rule::Rule;
use gen404_validator::advice::fix;
use gen404_validator::{Lines, Place, Validator};
use serde_json::{Value, json};

use super::files::Source;
use super::result::Judged;
use crate::errors::CommandError;

/// Says no before anything is judged where the log would replace a module, as `--sarif chair.js` without a log's name does.
pub(super) fn check(path: &Path, sources: &[Source]) -> Result<(), CommandError> {
    let same = |source: &Source| match source {
        Source::File(module) => {
            module.canonicalize().is_ok_and(|module| path.canonicalize().is_ok_and(|log| log == module))
        }
        Source::Stdin => false,
    };
    let named_as_module = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("js"));
    if named_as_module || sources.iter().any(same) {
        let message = format!("--sarif would write its log over the module {}", path.display());
        return Err(CommandError::usage(message).with_hint("give the log a name of its own: --sarif findings.sarif"));
    }
    Ok(())
}

/// The results so far.
#[derive(Debug, Default)]
pub(super) struct Log {
    results: Vec<Value>,
    /// The rules that are named, with their help.
    rules: BTreeMap<&'static str, String>,
}

impl Log {
    pub(super) fn add(&mut self, judged: &Judged) {
        let lines = Lines::new(&judged.source);
        for finding in &judged.findings() {
            self.rules.entry(finding.rule.code()).or_insert_with(|| help(finding.rule));
            let says = |validator| finding.concerns.includes(validator);
            let by: Vec<&str> = [("mr", Validator::Miners), ("rs", Validator::RenderService)]
                .into_iter()
                .filter(|(_, validator)| says(*validator))
                .map(|(name, _)| name)
                .collect();
            self.results.push(json!({
                "ruleId": finding.rule.code(),
                "level": "error",
                "message": { "text": finding.detail },
                "locations": [location(&judged.file, finding.place, &lines)],
                "properties": { "stage": finding.stage, "validators": by },
            }));
        }
        for warning in &judged.report.warnings {
            let code = warning.caution.code();
            self.rules.entry(code).or_insert_with(|| "Passes, and may still go wrong.".to_owned());
            self.results.push(json!({
                "ruleId": code,
                "level": "warning",
                "message": { "text": warning.detail },
                "locations": [location(&judged.file, warning.place, &lines)],
            }));
        }
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), CommandError> {
        let rules: Vec<Value> =
            self.rules.iter().map(|(id, help)| json!({ "id": id, "help": { "text": help } })).collect();
        let log = json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": { "name": "404-cli validate", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
                "columnKind": "utf16CodeUnits",
                "results": self.results,
            }],
        });
        let text = format!("{log:#}\n");
        write_whole(path, text.as_bytes(), Durability::Whole)
            .map_err(|error| CommandError::failed(format!("cannot write {}: {error}", path.display())))
    }
}

fn help(rule: Rule) -> String {
    format!("Fix: {}.", fix(rule))
}

fn location(file: &str, place: Option<Place>, lines: &Lines<'_>) -> Value {
    let artifact = json!({ "uri": uri(file) });
    match place {
        Some(place) => {
            let end = lines.place(place.end, place.end);
            let region = json!({
                "startLine": place.line, "startColumn": place.column, "endLine": end.line, "endColumn": end.column,
            });
            json!({ "physicalLocation": { "artifactLocation": artifact, "region": region } })
        }
        None => json!({ "physicalLocation": { "artifactLocation": artifact } }),
    }
}

/// The file's name as a relative reference, or as a file URI when it begins at the root.
fn uri(file: &str) -> String {
    let mut uri = String::new();
    for byte in file.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            _ => write!(uri, "%{byte:02X}").expect("a text takes everything"),
        }
    }
    if uri.starts_with('/') { format!("file://{uri}") } else { uri }
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn names_become_references() {
        assert_eq!(uri("out/a b#é.js"), "out/a%20b%23%C3%A9.js");
        assert_eq!(uri("/tmp/a.js"), "file:///tmp/a.js");
    }
}
