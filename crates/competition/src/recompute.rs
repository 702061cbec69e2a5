//! A round's outcome from its files, with what they leave open and where they contradict themselves.

use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_round::standings::{AuditVerdict, Difference, Evidence, Matrix, Report, Standings, standings};

use crate::content::{ByHotkey, Reading, Unreadable};
use crate::fetch::Seen;
use crate::files::{AUDIT_REPEATS, Config, MatrixFile};
use crate::{RoundFile, RoundFiles};

/// A round as its files decide it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recomputed {
    /// The margin it was computed with.
    pub win_margin: f64,
    /// The repeats it was computed with.
    pub audit_repeats: u32,
    /// All candidates, and the winner as far as the files go.
    pub standings: Standings,
    /// What the files leave out. While there is anything, the winner may be another one.
    pub gaps: Vec<Gap>,
    /// The published winner.
    pub published_winner: Option<String>,
    /// Where this and what was published do not agree.
    pub differences: Vec<Difference>,
}

/// Something that an outcome hangs on and that is not in the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// A file is not there yet.
    NotThere(RoundFile),
    /// A file makes no sense.
    Unreadable(RoundFile, Unreadable),
    /// Entries or rows of a file make no sense: their keys, or numbers of lines.
    Entries(RoundFile, Vec<String>),
    /// The last row of a file may be cut and counts for nothing.
    Unfinished(RoundFile),
    /// So many submissions have no match against the leader in the file, and nothing rejects them.
    NotJudged(usize),
}

/// Why an outcome cannot be computed at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecomputeError {
    /// Nobody takes part, as far as the files say.
    #[error("there is no submissions.json yet: the round's window is open, or nobody took part")]
    NoSubmissions,
    /// It is there and makes no sense.
    #[error("submissions.json: {0}")]
    Submissions(Unreadable),
    /// The number that decides.
    #[error("config.json does not say by which margin a challenger must win")]
    NoMargin,
}

impl Explain for RecomputeError {
    fn blame(&self) -> Blame {
        match self {
            Self::NoSubmissions | Self::Submissions(_) | Self::NoMargin => Blame::Here,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::NoMargin => Some("give it as --win-margin".into()),
            Self::NoSubmissions | Self::Submissions(_) => None,
        }
    }
}

/// Recomputes a round. `win_margin` takes the place of the configuration's, which may have changed since the round.
pub fn recompute(files: &RoundFiles, win_margin: Option<f64>) -> Result<Recomputed, RecomputeError> {
    let config: Option<&Config> = files.config.there();
    let win_margin = win_margin.or_else(|| config?.win_margin).ok_or(RecomputeError::NoMargin)?;
    let audit_repeats = config.and_then(|config| config.audit_repeats).unwrap_or(AUDIT_REPEATS);
    let mut gaps = Vec::new();
    let submissions = match &files.submissions.reading {
        Reading::There(submissions) => &submissions.0,
        Reading::NotThere => return Err(RecomputeError::NoSubmissions),
        Reading::Unreadable(unreadable) => return Err(RecomputeError::Submissions(unreadable.clone())),
    };
    note_entries(&mut gaps, RoundFile::Submissions, submissions);
    let requests = note(&mut gaps, RoundFile::RequireAudit, &files.requests).map(|file| &file.0);
    let reports = note(&mut gaps, RoundFile::GenerationReports, &files.reports).map(|file| &file.0);
    let source_audits = note(&mut gaps, RoundFile::SourceAudit, &files.source_audits).map(|file| &file.0);
    let verdicts = note(&mut gaps, RoundFile::GenerationAudits, &files.verdicts).map(|file| &file.0);
    let evidence = Evidence {
        win_margin,
        audit_repeats,
        submissions: submissions
            .entries
            .iter()
            .map(|(hotkey, entry)| (hotkey.to_string(), entry.revealed_at_block))
            .collect(),
        matches: matrix(&mut gaps, RoundFile::Matches, &files.matches),
        audits: matrix(&mut gaps, RoundFile::Audits, &files.audits),
        reports: noted(&mut gaps, RoundFile::GenerationReports, reports)
            .map(|(hotkey, report)| {
                let repeats = report.repeats.iter().map(|repeat| repeat.repeat_index).collect();
                (hotkey, Report { outcome: report.outcome.clone(), repeats })
            })
            .collect(),
        source_audits: noted(&mut gaps, RoundFile::SourceAudit, source_audits)
            .map(|(hotkey, audit)| (hotkey, audit.verdict))
            .collect(),
        requested: noted(&mut gaps, RoundFile::RequireAudit, requests)
            .map(|(hotkey, defender)| (hotkey, defender.clone()))
            .collect(),
    };
    let standings = standings(&evidence);
    let not_judged = standings.not_judged().count();
    if not_judged > 0 {
        gaps.push(Gap::NotJudged(not_judged));
    }
    let published: Vec<(String, AuditVerdict)> = noted(&mut gaps, RoundFile::GenerationAudits, verdicts)
        .map(|(hotkey, published)| (hotkey, published.verdict))
        .collect();
    let winner = files.winner.there().map(|winner| winner.winner_hotkey.as_str());
    if let Reading::Unreadable(unreadable) = &files.winner.reading {
        gaps.push(Gap::Unreadable(RoundFile::Winner, unreadable.clone()));
    }
    let differences = standings.differences(winner, &published);
    let published_winner = winner.map(str::to_owned);
    Ok(Recomputed { win_margin, audit_repeats, standings, gaps, published_winner, differences })
}

fn note<'a, T>(gaps: &mut Vec<Gap>, file: RoundFile, seen: &'a Seen<T>) -> Option<&'a T> {
    match &seen.reading {
        Reading::There(content) => Some(content),
        Reading::NotThere => {
            gaps.push(Gap::NotThere(file));
            None
        }
        Reading::Unreadable(unreadable) => {
            gaps.push(Gap::Unreadable(file, unreadable.clone()));
            None
        }
    }
}

fn note_entries<T>(gaps: &mut Vec<Gap>, file: RoundFile, entries: &ByHotkey<T>) {
    if !entries.unreadable.is_empty() {
        gaps.push(Gap::Entries(file, entries.unreadable.clone()));
    }
}

/// The entries that were understood; the others are noted.
fn noted<'a, T>(
    gaps: &mut Vec<Gap>,
    file: RoundFile,
    entries: Option<&'a ByHotkey<T>>,
) -> impl Iterator<Item = (String, &'a T)> + use<'a, T> {
    if let Some(entries) = entries {
        note_entries(gaps, file, entries);
    }
    let entries = entries.map(|entries| entries.entries.as_slice()).unwrap_or_default();
    entries.iter().map(|(hotkey, value)| (hotkey.to_string(), value))
}

fn matrix(gaps: &mut Vec<Gap>, file: RoundFile, seen: &Seen<MatrixFile>) -> Matrix {
    let Some(content) = note(gaps, file, seen) else { return Matrix::default() };
    if !content.unreadable.is_empty() {
        gaps.push(Gap::Entries(file, content.unreadable.iter().map(|line| format!("line {line}")).collect()));
    }
    if content.unfinished.is_some() {
        gaps.push(Gap::Unfinished(file));
    }
    content.rows.iter().map(|row| (row.left.clone(), row.right.clone(), row.margin)).collect()
}
