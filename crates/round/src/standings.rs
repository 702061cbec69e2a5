//! Who wins a round: the chain of winners, recomputed from matrices, reports and audits as the judge service computes it.
//! Knows no files: numbers come in as values, among them the margin and the number of audit repeats, which are the
//! competition's configuration.

mod chain;
mod next;

use std::collections::HashMap;
use std::fmt;

use crate::BlockNumber;

pub use chain::standings;
pub use next::Step;

/// The name under which the leader of the competition stands in matrices and as the winner of a round it defended.
pub const LEADER: &str = "leader";

/// Margins of matches by left side (the defender) and right side (the challenger). Of a repeated pair the last one counts.
#[derive(Debug, Clone, Default)]
pub struct Matrix(HashMap<(String, String), f64>);

impl Matrix {
    /// The margin of the right side over the left one.
    pub fn margin(&self, left: &str, right: &str) -> Option<f64> {
        self.0.get(&(left.to_owned(), right.to_owned())).copied()
    }

    /// Number of different pairs.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, String, f64)> for Matrix {
    fn from_iter<I: IntoIterator<Item = (String, String, f64)>>(rows: I) -> Self {
        Self(rows.into_iter().map(|(left, right, margin)| ((left, right), margin)).collect())
    }
}

/// How far the regeneration of a submission has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportOutcome {
    /// Running, or stopped early after an audit failed.
    Pending,
    /// All repeats were made.
    Completed,
    /// The regeneration itself failed.
    Rejected,
}

/// What is known about the regeneration of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How far it has come.
    pub outcome: ReportOutcome,
    /// The repeats that were made, counted from 1.
    pub repeats: Vec<u32>,
}

/// An auditor's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Nothing was found.
    Passed,
    /// The submission is out.
    Failed,
}

/// Everything that decides a round.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The margin by which a challenger must win (`win_margin`).
    pub win_margin: f64,
    /// How often a submission is regenerated (`audit_repeats`).
    pub audit_repeats: u32,
    /// Hotkeys with the blocks of their reveals, in the file's order.
    pub submissions: Vec<(String, BlockNumber)>,
    /// Matches between submissions.
    pub matches: Matrix,
    /// Matches with regenerated outputs on the right; on the left `submitted_1`, or a defender with `_1`, and so on.
    pub audits: Matrix,
    /// Regenerations by hotkey.
    pub reports: HashMap<String, Report>,
    /// Verdicts of the source auditor by hotkey.
    pub source_audits: HashMap<String, AuditVerdict>,
    /// Audits that were requested: hotkey, and the defender it was to beat at that time.
    pub requested: Vec<(String, String)>,
}

/// Why a candidate is out although it beat the leader.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rejection {
    /// Its regeneration failed.
    GenerationReport,
    /// The source auditor found something.
    SourceAudit,
    /// What it submitted is better than what its code makes.
    SubmittedAudit {
        /// In this repeat, from 1.
        repeat: u32,
        /// By this margin of the regenerated outputs, below minus the win margin.
        margin: f64,
    },
    /// What its code makes does not beat the defender.
    DefenderAudit {
        /// In this repeat, from 1.
        repeat: u32,
        /// This is its margin, below the win margin.
        margin: f64,
    },
}

/// What a winner of a match still needs before it counts as verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    /// The source auditor's verdict.
    SourceAudit,
    /// Its outputs of a repeat against what it submitted.
    SubmittedAudit {
        /// The repeat, from 1.
        repeat: u32,
    },
    /// Its outputs of a repeat against the defender's.
    DefenderAudit {
        /// The repeat, from 1.
        repeat: u32,
    },
    /// The verification of the defender it beat.
    Defender,
}

/// Where a candidate stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Its match against the leader is not in the matrix. It counts for nothing yet, but may be known to fail already:
    /// a matrix that is only partly there leaves out matches that were played.
    NotJudged {
        /// What would reject it.
        rejection: Option<Rejection>,
    },
    /// It did not beat the leader by the win margin.
    NotQualified {
        /// Its margin.
        margin: f64,
    },
    /// It qualified and is out.
    Rejected {
        /// The defender at its turn.
        defender: String,
        /// Why.
        rejection: Rejection,
    },
    /// Its match against the defender is not in the matrix yet.
    Pending {
        /// The defender at its turn.
        defender: String,
    },
    /// It did not beat the defender by the win margin.
    Lost {
        /// The defender at its turn.
        defender: String,
        /// Its margin.
        margin: f64,
    },
    /// It beat the defender and took its place.
    Won {
        /// The defender it beat.
        defender: String,
        /// Its margin.
        margin: f64,
        /// What is missing until this stands; nothing when it is verified.
        pending: Vec<Pending>,
    },
}

/// One candidate's line.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its hotkey.
    pub hotkey: String,
    /// Block of its reveal.
    pub reveal_block: BlockNumber,
    /// Its margin over the leader, when that match is in the matrix.
    pub against_leader: Option<f64>,
    /// Where it stands.
    pub outcome: Outcome,
}

/// A round as far as it is decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Standings {
    /// All submissions, in the order in which they play.
    pub candidates: Vec<Candidate>,
    /// The last one that beat its defender, or [`LEADER`].
    pub winner: String,
    /// What the judge service does next, as far as its qualification matches are over.
    pub next: Step,
    /// Audits requested so far, this computation's included: hotkey and the defender to beat.
    pub requested: Vec<(String, String)>,
}

impl Standings {
    /// Whether nothing of the winner chain is open. Submissions without a match against the leader do not count: see
    /// [`not_judged`](Self::not_judged).
    pub fn is_final(&self) -> bool {
        self.candidates.iter().all(|candidate| match &candidate.outcome {
            Outcome::Pending { .. } => false,
            Outcome::Won { pending, .. } => pending.is_empty(),
            Outcome::NotJudged { .. }
            | Outcome::NotQualified { .. }
            | Outcome::Rejected { .. }
            | Outcome::Lost { .. } => true,
        })
    }

    /// Submissions whose match against the leader is missing, and which nothing has rejected: while there are any, the
    /// winner may still change.
    pub fn not_judged(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().filter(|candidate| candidate.outcome == Outcome::NotJudged { rejection: None })
    }

    /// The verdicts that the judge service publishes at this point: passed for verified winners, failed for rejected
    /// candidates whose audit was requested.
    pub fn verdicts(&self) -> impl Iterator<Item = (&str, AuditVerdict)> {
        self.candidates.iter().filter_map(|candidate| {
            let requested = self.requested.iter().any(|(hotkey, _)| *hotkey == candidate.hotkey);
            let verdict = match &candidate.outcome {
                Outcome::Won { pending, .. } if pending.is_empty() => AuditVerdict::Passed,
                Outcome::Rejected { .. } if requested => AuditVerdict::Failed,
                Outcome::NotJudged { .. }
                | Outcome::NotQualified { .. }
                | Outcome::Rejected { .. }
                | Outcome::Pending { .. }
                | Outcome::Lost { .. }
                | Outcome::Won { .. } => return None,
            };
            Some((candidate.hotkey.as_str(), verdict))
        })
    }

    /// Where this and what was published do not agree.
    ///
    /// A winner is compared when one is published, verdicts one by one. Published failures may be older than today's
    /// chain: a margin against a former defender is ignored here, and stays in the file.
    pub fn differences(&self, winner: Option<&str>, verdicts: &[(String, AuditVerdict)]) -> Vec<Difference> {
        let mut differences = Vec::new();
        if let Some(published) = winner.filter(|published| *published != self.winner) {
            differences.push(Difference::Winner { recomputed: self.winner.clone(), published: published.to_owned() });
        }
        let mut ours: HashMap<&str, AuditVerdict> = self.verdicts().collect();
        // Whoever is audited has been judged, though the matrix that we have may not say so.
        let failing = self
            .candidates
            .iter()
            .filter(|candidate| matches!(candidate.outcome, Outcome::NotJudged { rejection: Some(_) }));
        ours.extend(failing.map(|candidate| (candidate.hotkey.as_str(), AuditVerdict::Failed)));
        for (hotkey, published) in verdicts {
            let recomputed = ours.get(hotkey.as_str()).copied();
            if recomputed != Some(*published) {
                differences.push(Difference::Verdict { hotkey: hotkey.clone(), recomputed, published: *published });
            }
        }
        differences
    }
}

/// Something published that does not follow from the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Another winner.
    Winner {
        /// Whom the files make win.
        recomputed: String,
        /// Who is published.
        published: String,
    },
    /// Another verdict on an audited candidate.
    Verdict {
        /// The candidate.
        hotkey: String,
        /// What follows from the files; `None` when they do not decide it.
        recomputed: Option<AuditVerdict>,
        /// What is published.
        published: AuditVerdict,
    },
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GenerationReport => formatter.write_str("its regeneration failed"),
            Self::SourceAudit => formatter.write_str("the source auditor rejected it"),
            Self::SubmittedAudit { repeat, margin } => {
                write!(
                    formatter,
                    "regenerated outputs {repeat} are worse than the submitted ones: {:+.2} %",
                    margin * 100.0
                )
            }
            Self::DefenderAudit { repeat, margin } => {
                write!(formatter, "regenerated outputs {repeat} do not beat the defender: {:+.2} %", margin * 100.0)
            }
        }
    }
}
