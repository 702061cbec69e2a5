//! A judged module, and the line of JSON that it becomes.

use gen404_renderer::{BoundingBox, Metrics};
use gen404_round::module_rule::{MODULE_BYTES, Rule};
use gen404_validator::record::{Record, Verdict};
use gen404_validator::{Concerns, Finding, Report, Validator};
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
        let of = |validator| {
            let metrics = self.said_by(validator).and_then(|(_, metrics)| metrics.as_ref());
            Verdict::new(self.verdict(validator), metrics.map(|metrics| Counted::new(metrics, validator)))
        };
        Line::new(&self.file, of(Validator::Miners), of(Validator::RenderService), &self.report.warnings)
    }

    /// What the render service counted, if it came to that.
    pub(super) fn metrics_of_service(&self) -> Option<&Metrics> {
        self.said_by(Validator::RenderService)?.1.as_ref()
    }
}

/// One line of stdout.
pub(super) type Line<'a> = Record<'a, Counted<'a>>;

/// The line of a file that could not be read.
#[derive(Debug, Serialize)]
pub(super) struct UnreadLine<'a> {
    pub(super) file: &'a str,
    pub(super) passed: bool,
    pub(super) error: &'a str,
}

/// Metrics in each program's own words.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Counted<'a> {
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
