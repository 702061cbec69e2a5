//! What the judge service does next, which is what a waiting miner waits for.

use super::{AuditVerdict, Candidate, Evidence, Outcome, ReportOutcome};

/// One step of the judge service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The round is decided.
    Finalize,
    /// The outputs of a repeat are judged against what the candidate submitted.
    SubmittedAudit {
        /// The candidate.
        hotkey: String,
        /// The repeat, from 1.
        repeat: u32,
    },
    /// The outputs of a repeat are judged against a defender.
    DefenderAudit {
        /// The candidate.
        hotkey: String,
        /// The defender.
        defender: String,
        /// The repeat, from 1.
        repeat: u32,
    },
    /// The next match of the winner chain.
    Match {
        /// The defender.
        left: String,
        /// The challenger.
        right: String,
    },
    /// Nothing can go on until a regeneration or the source auditor is done. Matches that may be needed later are played
    /// meanwhile.
    Wait,
}

pub(super) fn step(evidence: &Evidence, candidates: &[Candidate], requested: &[(String, String)]) -> Step {
    let is_open = |candidate: &Candidate| match &candidate.outcome {
        Outcome::Pending { .. } => true,
        Outcome::Won { pending, .. } => !pending.is_empty(),
        Outcome::NotJudged { .. } | Outcome::NotQualified { .. } | Outcome::Rejected { .. } | Outcome::Lost { .. } => {
            false
        }
    };
    if !candidates.iter().any(is_open) {
        return Step::Finalize;
    }
    if let Some(audit) = requested.iter().find_map(|(hotkey, defender)| missing_audit(evidence, hotkey, defender)) {
        return audit;
    }
    let waiting = candidates.iter().find_map(|candidate| match &candidate.outcome {
        Outcome::Pending { defender } => Some(Step::Match { left: defender.clone(), right: candidate.hotkey.clone() }),
        Outcome::NotJudged { .. }
        | Outcome::NotQualified { .. }
        | Outcome::Rejected { .. }
        | Outcome::Lost { .. }
        | Outcome::Won { .. } => None,
    });
    waiting.unwrap_or(Step::Wait)
}

/// The first audit of a requested candidate that can be judged: its repeat is made, and no earlier one has failed. Both
/// audits of a repeat are judged even when the first fails.
fn missing_audit(evidence: &Evidence, hotkey: &str, defender: &str) -> Option<Step> {
    let report = evidence.reports.get(hotkey)?;
    if report.outcome == ReportOutcome::Rejected || evidence.source_audits.get(hotkey) == Some(&AuditVerdict::Failed) {
        return None;
    }
    for repeat in (1..=evidence.audit_repeats).filter(|repeat| report.repeats.contains(repeat)) {
        let Some(submitted) = evidence.submitted_audit(repeat, hotkey) else {
            return Some(Step::SubmittedAudit { hotkey: hotkey.to_owned(), repeat });
        };
        let Some(against) = evidence.audit(defender, repeat, hotkey) else {
            return Some(Step::DefenderAudit { hotkey: hotkey.to_owned(), defender: defender.to_owned(), repeat });
        };
        if evidence.fails_submitted(submitted) || evidence.fails_defender(against) {
            return None;
        }
    }
    None
}
