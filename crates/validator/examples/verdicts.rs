//! Reads modules from stdin, one JSON string a line, and answers each with both verdicts on a line of stdout:
//! `[[mr], [rs], first detail]`, verdicts as lists of `"stage/RULE"`. For comparing with other programs case by case.

use std::error::Error;
use std::io::{BufRead, Write};

use gen404_validator::{Validator, validate};

fn main() -> Result<(), Box<dyn Error>> {
    let mut stdout = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let source: String = serde_json::from_str(&line?)?;
        let report = validate(&source);
        let verdict = |validator| -> Vec<String> {
            report.verdict(validator).map(|finding| format!("{}/{}", finding.stage, finding.rule)).collect()
        };
        let detail = report.findings.first().map_or("", |finding| finding.detail.as_str());
        let both = (verdict(Validator::Miners), verdict(Validator::RenderService), detail);
        writeln!(stdout, "{}", serde_json::to_string(&both)?)?;
    }
    Ok(())
}
