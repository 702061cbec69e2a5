//! A judged module, and the line of JSON that it becomes.

use gen404_round::module_rule::{MODULE_BYTES, Rule, Stage};
use gen404_validator::{Finding, Report, Validator, Warning};
use serde::Serialize;

/// A module with what is to be said of it.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) file: String,
    pub(super) bytes: Vec<u8>,
    pub(super) source: String,
    pub(super) report: Report,
}

impl Judged {
    /// Judges what was read; `length` is how long the file is, `bytes` as much of it as a module may have.
    pub(super) fn new(file: String, bytes: Vec<u8>, length: u64) -> Self {
        if length > MODULE_BYTES as u64 {
            return Self {
                file,
                bytes: Vec::new(),
                source: String::new(),
                report: gen404_validator::too_large(length),
            };
        }
        let (source, report) = gen404_validator::validate_bytes(&bytes);
        let source = source.into_owned();
        Self { file, bytes, source, report }
    }

    pub(super) fn line(&self) -> Line<'_> {
        Line {
            file: &self.file,
            passed: self.report.passed(),
            mr: Verdict::new(&self.report, Validator::Miners),
            rs: Verdict::new(&self.report, Validator::RenderService),
            warnings: self.report.warnings.iter().map(Caution::new).collect(),
        }
    }
}

/// One line of stdout.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    file: &'a str,
    passed: bool,
    mr: Verdict<'a>,
    rs: Verdict<'a>,
    warnings: Vec<Caution<'a>>,
}

#[derive(Debug, Serialize)]
struct Verdict<'a> {
    passed: bool,
    failures: Vec<Failure<'a>>,
}

impl<'a> Verdict<'a> {
    fn new(report: &'a Report, validator: Validator) -> Self {
        let failures: Vec<_> = report.verdict(validator).map(Failure::new).collect();
        Self { passed: failures.is_empty(), failures }
    }
}

#[derive(Debug, Serialize)]
struct Failure<'a> {
    stage: Stage,
    rule: Rule,
    detail: &'a str,
    line: Option<usize>,
    column: Option<usize>,
}

impl<'a> Failure<'a> {
    fn new(finding: &'a Finding) -> Self {
        let Finding { stage, rule, detail, place, .. } = finding;
        Self {
            stage: *stage,
            rule: *rule,
            detail,
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
        }
    }
}

#[derive(Debug, Serialize)]
struct Caution<'a> {
    code: &'static str,
    detail: &'a str,
    line: Option<usize>,
    column: Option<usize>,
}

impl<'a> Caution<'a> {
    fn new(warning: &'a Warning) -> Self {
        Self {
            code: warning.caution.code(),
            detail: &warning.detail,
            line: warning.place.map(|place| place.line),
            column: warning.place.map(|place| place.column),
        }
    }
}
