//! How one miner fares in a round: place in line, image, regeneration, audits, verdict.
//! What it revealed on chain is not in the files; the rules for that are in `round`.

use gen404_round::Hotkey;
use gen404_round::standings::LEADER;

use crate::files::{
    Build, Builds, GenerationAudits, GenerationReport, GenerationReports, MatrixFile, PublishedVerdict,
    SubmissionEntry, Submissions,
};

/// A miner in a round, as far as the files say.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnPlace {
    /// Its place in line, from 1, and how many there are; `None` when it is not among them.
    pub place: Option<(usize, usize)>,
    /// What it submitted.
    pub submission: Option<SubmissionEntry>,
    /// What became of its image.
    pub build: Option<Build>,
    /// Its margin over the leader.
    pub against_leader: Option<f64>,
    /// How its regeneration went.
    pub report: Option<GenerationReport>,
    /// Its audit matches so far, in the file's order.
    pub audits: Vec<AuditMargin>,
    /// The published verdict.
    pub verdict: Option<PublishedVerdict>,
}

/// One audit match of regenerated outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditMargin {
    /// Whom they were compared with.
    pub against: AuditSubject,
    /// The repeat, from 1.
    pub repeat: u32,
    /// The margin of the regenerated outputs.
    pub margin: f64,
}

/// The left side of an audit match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditSubject {
    /// What the miner submitted itself.
    Submitted,
    /// The leader.
    Leader,
    /// A defender.
    Defender(Hotkey),
}

/// Joins the files on a hotkey. A file that is not there says nothing.
pub fn own_place(
    hotkey: Hotkey,
    submissions: Option<&Submissions>,
    builds: Option<&Builds>,
    matches: Option<&MatrixFile>,
    audits: Option<&MatrixFile>,
    reports: Option<&GenerationReports>,
    verdicts: Option<&GenerationAudits>,
) -> OwnPlace {
    let name = hotkey.to_string();
    let place = submissions.and_then(|submissions| {
        let of = submissions.0.entries.len() + submissions.0.unreadable.len();
        submissions.place(hotkey).map(|place| (place, of))
    });
    let own_rows = |file: Option<&MatrixFile>| -> Vec<(String, f64)> {
        let rows = file.map(|file| file.rows.as_slice()).unwrap_or_default();
        rows.iter().filter(|row| row.right == name).map(|row| (row.left.clone(), row.margin)).collect()
    };
    let mut margins: Vec<AuditMargin> = Vec::new();
    for (left, margin) in own_rows(audits) {
        let Some((against, repeat)) = subject(&left) else { continue };
        // Of a repeated pair the last one counts.
        margins.retain(|known| (&known.against, known.repeat) != (&against, repeat));
        margins.push(AuditMargin { against, repeat, margin });
    }
    OwnPlace {
        place,
        submission: submissions.and_then(|file| file.0.get(hotkey)).cloned(),
        build: builds.and_then(|file| file.0.get(hotkey)).cloned(),
        against_leader: own_rows(matches).iter().rev().find(|(left, _)| left == LEADER).map(|(_, margin)| *margin),
        report: reports.and_then(|file| file.0.get(hotkey)).cloned(),
        audits: margins,
        verdict: verdicts.and_then(|file| file.0.get(hotkey)).cloned(),
    }
}

/// `submitted_2`, `leader_1`, or a hotkey with `_3`.
fn subject(left: &str) -> Option<(AuditSubject, u32)> {
    let (name, repeat) = left.rsplit_once('_')?;
    let against = match name {
        "submitted" => AuditSubject::Submitted,
        LEADER => AuditSubject::Leader,
        other => AuditSubject::Defender(other.parse().ok()?),
    };
    Some((against, repeat.parse().ok()?))
}
