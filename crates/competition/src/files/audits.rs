//! The files of a round that say what audits were asked for and how they went.

use gen404_round::standings::{AuditVerdict, ReportOutcome};
use serde::Deserialize;

use crate::content::{ByHotkey, Content, Document, Unreadable, lenient};

/// `require_audit.json`: by hotkey the defender it was to beat when last asked, which may no longer be the defender. As
/// written: `leader` or a hotkey; empty in old rounds, whose requests have another form.
#[derive(Debug, Clone, PartialEq)]
pub struct RequireAudit(pub ByHotkey<String>);

impl Content for RequireAudit {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Request {
            #[serde(default, deserialize_with = "lenient")]
            latest_defender: String,
        }
        let ByHotkey { entries, unreadable } = document.list_by_hotkey::<Request>()?;
        let entries = entries.into_iter().map(|(hotkey, request)| (hotkey, request.latest_defender)).collect();
        Ok(Self(ByHotkey { entries, unreadable }))
    }
}

/// `generation_reports.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationReports(pub ByHotkey<GenerationReport>);

/// How the regeneration of a submission went.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct GenerationReport {
    /// How far it is. Stays pending for ever once an audit has failed: the other repeats are then cancelled.
    #[serde(deserialize_with = "outcome")]
    pub outcome: ReportOutcome,
    /// The repeats that were made.
    #[serde(default)]
    pub repeats: Vec<Repeat>,
    /// Why it was rejected, whole.
    #[serde(default, deserialize_with = "lenient")]
    pub reason: String,
}

/// One regeneration of all prompts.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Repeat {
    /// Which one, from 1.
    pub repeat_index: u32,
    /// Prompts that were made.
    #[serde(default, deserialize_with = "lenient")]
    pub generated_prompts: u32,
    /// Prompts that failed.
    #[serde(default, deserialize_with = "lenient")]
    pub failed_prompts: u32,
    /// Seconds, all batches together.
    #[serde(default, deserialize_with = "lenient")]
    pub generation_time: Option<f64>,
}

fn outcome<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<ReportOutcome, D::Error> {
    let name = String::deserialize(deserializer)?;
    match name.as_str() {
        "pending" => Ok(ReportOutcome::Pending),
        "completed" => Ok(ReportOutcome::Completed),
        "rejected" => Ok(ReportOutcome::Rejected),
        _ => Err(serde::de::Error::custom("an unknown outcome")),
    }
}

impl Content for GenerationReports {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        document.by_hotkey().map(Self)
    }
}

/// A verdict with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PublishedVerdict {
    /// Passed or failed.
    #[serde(deserialize_with = "verdict")]
    pub verdict: AuditVerdict,
    /// Why; empty when passed. The inner text of a generation or source audit is cut to 64 characters here.
    #[serde(default, deserialize_with = "lenient")]
    pub reason: String,
}

fn verdict<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<AuditVerdict, D::Error> {
    let name = String::deserialize(deserializer)?;
    match name.as_str() {
        "passed" => Ok(AuditVerdict::Passed),
        "failed" => Ok(AuditVerdict::Failed),
        _ => Err(serde::de::Error::custom("an unknown verdict")),
    }
}

/// `generation_audits.json`: the verdicts that the judge service has published.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationAudits(pub ByHotkey<PublishedVerdict>);

impl Content for GenerationAudits {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        document.by_hotkey().map(Self)
    }
}

/// `source_audit.json`: written by hand, and not at all when nobody came so far.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceAudits(pub ByHotkey<PublishedVerdict>);

impl Content for SourceAudits {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        document.list_by_hotkey().map(Self)
    }
}
