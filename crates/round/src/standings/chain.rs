//! The walk along the line of candidates: who challenges whom, and with what result.

use super::{AuditVerdict, Candidate, Evidence, LEADER, Outcome, Pending, Rejection, ReportOutcome, Standings, next};

/// Recomputes a round.
pub fn standings(evidence: &Evidence) -> Standings {
    let mut line = evidence.submissions.clone();
    // Equal blocks keep the file's order.
    line.sort_by_key(|(_, block)| *block);
    let mut defender = Defender { name: LEADER.to_owned(), is_verified: true };
    let mut candidates = Vec::with_capacity(line.len());
    for (hotkey, reveal_block) in line {
        let against_leader = evidence.matches.margin(LEADER, &hotkey);
        let outcome = evidence.outcome(&hotkey, against_leader, &defender);
        if let Outcome::Won { pending, .. } = &outcome {
            defender = Defender { name: hotkey.clone(), is_verified: pending.is_empty() };
        }
        candidates.push(Candidate { hotkey, reveal_block, against_leader, outcome });
    }
    let requested = requests(evidence, &candidates);
    let next = next::step(evidence, &candidates, &requested);
    Standings { candidates, winner: defender.name, next, requested }
}

struct Defender {
    name: String,
    is_verified: bool,
}

impl Evidence {
    fn outcome(&self, hotkey: &str, against_leader: Option<f64>, defender: &Defender) -> Outcome {
        let Some(margin) = against_leader else {
            return Outcome::NotJudged { rejection: self.rejection(hotkey, defender) };
        };
        // Written so that what is no number never qualifies.
        if !self.is_win(margin) {
            return Outcome::NotQualified { margin };
        }
        let name = defender.name.clone();
        if let Some(rejection) = self.rejection(hotkey, defender) {
            return Outcome::Rejected { defender: name, rejection };
        }
        match self.matches.margin(&name, hotkey) {
            None => Outcome::Pending { defender: name },
            Some(margin) if !self.is_win(margin) => Outcome::Lost { defender: name, margin },
            Some(margin) => Outcome::Won { pending: self.pending(hotkey, defender), defender: name, margin },
        }
    }

    fn is_win(&self, margin: f64) -> bool {
        margin >= self.win_margin
    }

    /// The margin of a repeat's outputs over `left` (`submitted` or a defender).
    pub(super) fn audit(&self, left: &str, repeat: u32, hotkey: &str) -> Option<f64> {
        self.audits.margin(&format!("{left}_{repeat}"), hotkey)
    }

    pub(super) fn submitted_audit(&self, repeat: u32, hotkey: &str) -> Option<f64> {
        self.audit("submitted", repeat, hotkey)
    }

    pub(super) fn fails_submitted(&self, margin: f64) -> bool {
        margin < -self.win_margin
    }

    pub(super) fn fails_defender(&self, margin: f64) -> bool {
        margin < self.win_margin
    }

    fn rejection(&self, hotkey: &str, defender: &Defender) -> Option<Rejection> {
        if self.reports.get(hotkey).is_some_and(|report| report.outcome == ReportOutcome::Rejected) {
            return Some(Rejection::GenerationReport);
        }
        if self.source_audits.get(hotkey) == Some(&AuditVerdict::Failed) {
            return Some(Rejection::SourceAudit);
        }
        let repeats = 1..=self.audit_repeats;
        let submitted = repeats.clone().find_map(|repeat| {
            let margin = self.submitted_audit(repeat, hotkey).filter(|margin| self.fails_submitted(*margin))?;
            Some(Rejection::SubmittedAudit { repeat, margin })
        });
        if submitted.is_some() || !defender.is_verified {
            return submitted;
        }
        repeats.into_iter().find_map(|repeat| {
            let margin = self.audit(&defender.name, repeat, hotkey).filter(|margin| self.fails_defender(*margin))?;
            Some(Rejection::DefenderAudit { repeat, margin })
        })
    }

    /// What a winner of a match still needs. Its audits have failed nowhere that counts.
    fn pending(&self, hotkey: &str, defender: &Defender) -> Vec<Pending> {
        let mut pending = Vec::new();
        if self.source_audits.get(hotkey) != Some(&AuditVerdict::Passed) {
            pending.push(Pending::SourceAudit);
        }
        for repeat in 1..=self.audit_repeats {
            if self.submitted_audit(repeat, hotkey).is_none() {
                pending.push(Pending::SubmittedAudit { repeat });
            }
            if self.audit(&defender.name, repeat, hotkey).is_none() {
                pending.push(Pending::DefenderAudit { repeat });
            }
        }
        if !defender.is_verified {
            pending.push(Pending::Defender);
        }
        pending
    }
}

/// Requests are never withdrawn; a winner's names its defender anew.
fn requests(evidence: &Evidence, candidates: &[Candidate]) -> Vec<(String, String)> {
    let mut requested = evidence.requested.clone();
    for candidate in candidates {
        let Outcome::Won { defender, .. } = &candidate.outcome else { continue };
        match requested.iter_mut().find(|(hotkey, _)| *hotkey == candidate.hotkey) {
            Some((_, latest)) => latest.clone_from(defender),
            None => requested.push((candidate.hotkey.clone(), defender.clone())),
        }
    }
    requested
}
