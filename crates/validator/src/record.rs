//! A verdict as an object of JSON, in one form for whoever gives it out: a line of stdout, an answer over HTTP, a Python dict.
//! The keys are a contract (docs/validate.md). What is counted in a scene is another room's, so its form comes from there.

use gen404_round::module_rule::{Rule, Stage};
use serde::Serialize;

use crate::{Finding, Report, Validator, Warning};

/// One judged module.
#[derive(Debug, Serialize)]
pub struct Record<'a, M> {
    /// The module's file, or `-` when it has none.
    pub file: &'a str,
    /// Whether both validators take it.
    pub passed: bool,
    /// What the miners' validator says.
    pub mr: Verdict<'a, M>,
    /// What the render service says.
    pub rs: Verdict<'a, M>,
    /// Our own advice.
    pub warnings: Vec<Advice<'a>>,
}

impl<'a> Record<'a, ()> {
    /// By its text alone.
    pub fn of_text(file: &'a str, report: &'a Report) -> Self {
        let verdict = |validator| Verdict::new(report.verdict(validator), None);
        let (mr, rs) = (verdict(Validator::Miners), verdict(Validator::RenderService));
        Self::new(file, mr, rs, &report.warnings)
    }
}

impl<'a, M> Record<'a, M> {
    /// Both verdicts, and the warnings.
    pub fn new(file: &'a str, mr: Verdict<'a, M>, rs: Verdict<'a, M>, warnings: &'a [Warning]) -> Self {
        let passed = mr.passed && rs.passed;
        Self { file, passed, mr, rs, warnings: warnings.iter().map(Advice::new).collect() }
    }
}

/// What one validator says.
#[derive(Debug, Serialize)]
pub struct Verdict<'a, M> {
    passed: bool,
    failures: Vec<Failure<'a>>,
    metrics: Option<M>,
}

impl<'a, M> Verdict<'a, M> {
    /// The findings in the validator's order, and what it counted.
    pub fn new(findings: impl Iterator<Item = &'a Finding>, metrics: Option<M>) -> Self {
        let failures: Vec<_> = findings.map(Failure::new).collect();
        Self { passed: failures.is_empty(), failures, metrics }
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

/// A warning.
#[derive(Debug, Serialize)]
pub struct Advice<'a> {
    code: &'static str,
    detail: &'a str,
    line: Option<usize>,
    column: Option<usize>,
}

impl<'a> Advice<'a> {
    fn new(warning: &'a Warning) -> Self {
        Self {
            code: warning.caution.code(),
            detail: &warning.detail,
            line: warning.place.map(|place| place.line),
            column: warning.place.map(|place| place.column),
        }
    }
}
