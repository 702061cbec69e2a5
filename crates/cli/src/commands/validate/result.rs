//! A judged module, and the line of JSON that it becomes.

use gen404_renderer::{BoundingBox, Metrics};
use gen404_round::module_rule::{MODULE_BYTES, Rule, Stage};
use gen404_validator::{Concerns, Finding, Report, Validator, Warning};
use serde::Serialize;
use serde_json::Number;

/// What one program says of a module that ran, with what it counted.
type Said = (Vec<Finding>, Option<Metrics>);

/// What came of running a module, where its text left the verdict open.
#[derive(Debug, Default)]
pub(super) struct Ran {
    pub(super) miners: Option<Said>,
    pub(super) service: Option<Said>,
}

/// A module with what is to be said of it.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) file: String,
    pub(super) bytes: Vec<u8>,
    pub(super) source: String,
    /// By its text.
    pub(super) report: Report,
    pub(super) ran: Ran,
}

impl Judged {
    /// Judges what was read; `length` is how long the file is, `bytes` as much of it as a module may have.
    pub(super) fn new(file: String, bytes: Vec<u8>, length: u64) -> Self {
        let ran = Ran::default();
        if length > MODULE_BYTES as u64 {
            let report = gen404_validator::too_large(length);
            return Self { file, bytes: Vec::new(), source: String::new(), report, ran };
        }
        let (source, report) = gen404_validator::validate_bytes(&bytes);
        let source = source.into_owned();
        Self { file, bytes, source, report, ran }
    }

    fn said_by(&self, validator: Validator) -> Option<&Said> {
        match validator {
            Validator::Miners => self.ran.miners.as_ref(),
            Validator::RenderService => self.ran.service.as_ref(),
        }
    }

    /// What one program says, in its order; nothing if it takes the module.
    pub(super) fn verdict(&self, validator: Validator) -> impl Iterator<Item = &Finding> {
        self.report.verdict(validator).chain(self.said_by(validator).into_iter().flat_map(|(findings, _)| findings))
    }

    /// Whether both take the module.
    pub(super) fn passed(&self) -> bool {
        [Validator::Miners, Validator::RenderService].iter().all(|one| self.verdict(*one).next().is_none())
    }

    /// Every finding once, with whose it is: for people, who need not hear the same of both.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let ran = |validator| self.said_by(validator).map_or(&[][..], |(findings, _)| findings);
        let (miners, service) = (ran(Validator::Miners), ran(Validator::RenderService));
        let within = |rule: Rule, findings: &[Finding]| findings.iter().any(|finding| finding.rule == rule);
        let of_service = service.iter().map(|finding| {
            let shared = within(finding.rule, miners);
            let concerns = if shared { Concerns::Both } else { Concerns::Only(Validator::RenderService) };
            Finding { concerns, ..finding.clone() }
        });
        let of_miners = miners.iter().filter(|finding| !within(finding.rule, service)).map(|finding| {
            let concerns = Concerns::Only(Validator::Miners);
            Finding { concerns, ..finding.clone() }
        });
        self.report.findings.iter().cloned().chain(of_service).chain(of_miners).collect()
    }

    pub(super) fn line(&self) -> Line<'_> {
        Line {
            file: &self.file,
            passed: self.passed(),
            mr: Verdict::new(self, Validator::Miners),
            rs: Verdict::new(self, Validator::RenderService),
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

/// The line of a file that could not be read.
#[derive(Debug, Serialize)]
pub(super) struct UnreadLine<'a> {
    pub(super) file: &'a str,
    pub(super) passed: bool,
    pub(super) error: &'a str,
}

#[derive(Debug, Serialize)]
struct Verdict<'a> {
    passed: bool,
    failures: Vec<Failure<'a>>,
    metrics: Option<Counted<'a>>,
}

impl<'a> Verdict<'a> {
    fn new(judged: &'a Judged, validator: Validator) -> Self {
        let failures: Vec<_> = judged.verdict(validator).map(Failure::new).collect();
        let metrics = judged.said_by(validator).and_then(|(_, metrics)| metrics.as_ref());
        let metrics = metrics.map(|metrics| Counted::new(metrics, validator));
        Self { passed: failures.is_empty(), failures, metrics }
    }
}

/// Metrics in each program's own words.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Counted<'a> {
    Service(&'a Metrics),
    #[serde(rename_all = "camelCase")]
    Miners {
        vertices: &'a Option<Number>,
        draw_calls: &'a Option<Number>,
        max_depth: &'a Option<Number>,
        instances: &'a Option<Number>,
        texture_bytes: &'a Option<Number>,
        bbox: &'a Option<BoundingBox>,
    },
}

impl<'a> Counted<'a> {
    fn new(metrics: &'a Metrics, validator: Validator) -> Self {
        match validator {
            Validator::RenderService => Self::Service(metrics),
            Validator::Miners => Self::Miners {
                vertices: &metrics.vertices,
                draw_calls: &metrics.draw_calls,
                max_depth: &metrics.depth,
                instances: &metrics.instances,
                texture_bytes: &metrics.texture_bytes,
                bbox: &metrics.bounding_box,
            },
        }
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
