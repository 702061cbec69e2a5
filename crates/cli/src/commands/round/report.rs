//! Where the competition stands, as the JSON object of `round`. Built from one look; decides nothing.

use gen404_competition::files::{GenerationReport, LeaderEntry, SubmissionEntry};
use gen404_competition::{AuditMargin, AuditSubject, Deadline, Doubt, Happening, OwnPlace, Pace, Task};
use gen404_round::standings::{AuditVerdict, LEADER, ReportOutcome};
use gen404_round::{AccountId, BlockNumber, Hotkey};
use jiff::Timestamp;
use serde::Serialize;

use crate::entrants::Revealed;
use gen404_round::lock::Lock;

/// Everything.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    pub(crate) success: bool,
    /// Name of the competition.
    pub(crate) competition: Option<String>,
    pub(crate) round: u64,
    /// As written in the state.
    pub(crate) stage: String,
    pub(crate) happening: Happening,
    pub(crate) task: Task,
    /// The chain's newest block and its time.
    pub(crate) block: BlockNumber,
    pub(crate) block_time: Timestamp,
    pub(crate) seconds_per_block: f64,
    /// False when the chain did not show enough blocks to measure.
    pub(crate) pace_measured: bool,
    /// The window of the current round.
    pub(crate) window: Option<Window>,
    pub(crate) generation_ends: Option<Moment>,
    /// What the services expect; they may sleep half an hour longer.
    pub(crate) next_stage_eta: Option<Timestamp>,
    /// The round that a reveal in the next block counts for.
    pub(crate) reveals_count_for: Option<Counting>,
    /// Submissions of the current round, once they are published.
    pub(crate) submissions: Option<usize>,
    pub(crate) leader: Option<Leader>,
    /// The leader that takes over in a later block.
    pub(crate) next_leader: Option<Leader>,
    /// `leader` when the leader has defended.
    pub(crate) winner: Option<String>,
    pub(crate) win_margin: Option<f64>,
    /// What makes this less than certain, in words.
    pub(crate) doubts: Vec<String>,
    pub(crate) state: StateAge,
    /// How the hotkey that was asked about fares.
    pub(crate) own: Option<Own>,
}

/// What the state says while the chain cannot be asked. Where the blocks are decides what happens now, so none of that is here.
#[derive(Debug, Clone, Serialize)]
pub(super) struct StateOnly {
    pub(super) competition: Option<String>,
    pub(super) round: u64,
    pub(super) stage: String,
    pub(super) schedule: Option<Blocks>,
    pub(super) next_stage_eta: Option<Timestamp>,
    pub(super) submissions: Option<usize>,
    pub(super) winner: Option<String>,
    pub(super) win_margin: Option<f64>,
    pub(super) state: StateAge,
}

/// The blocks of a round, as published.
#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are those of the file")]
pub(super) struct Blocks {
    pub(super) earliest_reveal_block: BlockNumber,
    pub(super) latest_reveal_block: BlockNumber,
    pub(super) generation_deadline_block: BlockNumber,
}

/// The window of reveals of the current round.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Window {
    pub(crate) earliest_block: BlockNumber,
    pub(crate) latest_block: BlockNumber,
    pub(crate) opens: Moment,
    pub(crate) closes: Moment,
}

/// A block, and about when it is or was.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Moment {
    pub(crate) block: BlockNumber,
    pub(crate) at: Timestamp,
    /// Negative when it is over.
    pub(crate) in_seconds: i64,
}

/// A round that reveals count for, with its window as far as it is published.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Counting {
    pub(crate) round: u64,
    pub(crate) earliest_block: BlockNumber,
    /// Null as long as nobody but the organisers knows: until the round before is over.
    pub(crate) latest_block: Option<BlockNumber>,
    /// Complete submissions so far that would take part.
    pub(crate) submissions: usize,
    /// Reveals that the collector does not survive: it reads nobody's until somebody repairs it.
    pub(crate) breaking: Vec<Hotkey>,
}

/// A leader of the competition.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Leader {
    pub(crate) hotkey: Hotkey,
    pub(crate) repo: String,
    pub(crate) commit: String,
    pub(crate) docker_image: Option<String>,
    pub(crate) hardware: Vec<String>,
    /// As written, never reckoned.
    pub(crate) weight: f64,
    pub(crate) effective_block: BlockNumber,
}

/// How old the knowledge of round and stage is.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StateAge {
    pub(crate) url: String,
    pub(crate) confirmed: Timestamp,
    /// Why the server could not confirm it now, if it could not.
    pub(crate) stale: Option<String>,
}

/// One hotkey.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Own {
    pub(crate) hotkey: Hotkey,
    pub(crate) registered: bool,
    pub(crate) coldkey: Option<AccountId>,
    #[serde(flatten)]
    pub(crate) lock: Lock,
    /// What it has revealed for the round that reveals count for now; null when they count for none.
    pub(crate) revealed: Option<Revealed>,
    /// How it fares in the current round, once submissions are published.
    pub(crate) in_round: Option<InRound>,
}

/// A hotkey in the current round, as far as the files say.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct InRound {
    /// Whether it is among the submissions.
    pub(crate) takes_part: bool,
    /// Place in line, from 1.
    pub(crate) place: Option<usize>,
    pub(crate) of: Option<usize>,
    pub(crate) submission: Option<Submission>,
    pub(crate) build: Option<Build>,
    pub(crate) against_leader: Option<f64>,
    pub(crate) generation: Option<Generation>,
    pub(crate) audits: Vec<Audit>,
    pub(crate) verdict: Option<Judgement>,
}

/// What was submitted.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Submission {
    pub(crate) repo: String,
    pub(crate) commit: String,
    pub(crate) cdn_url: String,
    pub(crate) revealed_at_block: BlockNumber,
    pub(crate) hardware: Vec<String>,
}

/// What became of the image.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Build {
    pub(crate) status: String,
    pub(crate) docker_image: Option<String>,
}

/// How the regeneration goes.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Generation {
    pub(crate) outcome: &'static str,
    pub(crate) reason: String,
    pub(crate) repeats: Vec<Repeat>,
}

/// One regeneration of all prompts.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Repeat {
    #[serde(rename = "repeat")]
    pub(crate) number: u32,
    pub(crate) generated: u32,
    pub(crate) failed: u32,
    pub(crate) seconds: Option<f64>,
}

/// One audit match.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Audit {
    /// `submitted`, `leader` or a defender's hotkey.
    pub(crate) against: String,
    pub(crate) repeat: u32,
    pub(crate) margin: f64,
}

/// The published verdict.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Judgement {
    pub(crate) verdict: &'static str,
    pub(crate) reason: String,
}

impl Moment {
    /// The moment of a block, as far as the pace tells.
    pub(crate) fn of(block: BlockNumber, pace: &Pace) -> Self {
        let at = pace.time_of(block);
        Self { block, at: whole_seconds(at), in_seconds: at.duration_since(pace.head().time).as_secs() }
    }
}

impl From<Deadline> for Moment {
    fn from(deadline: Deadline) -> Self {
        Self { block: deadline.block, at: whole_seconds(deadline.time), in_seconds: deadline.left.as_secs() }
    }
}

/// So many submissions, in words.
pub(super) fn submissions(count: usize) -> String {
    if count == 1 { "1 submission".to_owned() } else { format!("{count} submissions") }
}

/// An estimate needs no fractions of a second.
pub(crate) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

impl From<&LeaderEntry> for Leader {
    fn from(entry: &LeaderEntry) -> Self {
        Self {
            hotkey: entry.hotkey,
            repo: entry.repo.clone(),
            commit: entry.commit.clone(),
            docker_image: entry.docker.clone(),
            hardware: entry.hardware.clone(),
            weight: entry.weight,
            effective_block: entry.effective_block,
        }
    }
}

impl From<OwnPlace> for InRound {
    fn from(own: OwnPlace) -> Self {
        Self {
            takes_part: own.submission.is_some(),
            place: own.place.map(|(place, _)| place),
            of: own.place.map(|(_, of)| of),
            submission: own.submission.map(Submission::from),
            build: own
                .build
                .map(|build| Build { status: build.status.name().to_owned(), docker_image: build.docker_image }),
            against_leader: own.against_leader,
            generation: own.report.map(Generation::from),
            audits: own.audits.into_iter().map(Audit::from).collect(),
            verdict: own.verdict.map(|published| Judgement {
                verdict: match published.verdict {
                    AuditVerdict::Passed => "passed",
                    AuditVerdict::Failed => "failed",
                },
                reason: published.reason,
            }),
        }
    }
}

impl From<SubmissionEntry> for Submission {
    fn from(entry: SubmissionEntry) -> Self {
        Self {
            repo: entry.repo,
            commit: entry.commit,
            cdn_url: entry.cdn_url,
            revealed_at_block: entry.revealed_at_block,
            hardware: entry.hardware,
        }
    }
}

impl From<GenerationReport> for Generation {
    fn from(report: GenerationReport) -> Self {
        let outcome = match report.outcome {
            ReportOutcome::Pending => "pending",
            ReportOutcome::Completed => "completed",
            ReportOutcome::Rejected => "rejected",
        };
        let repeats = report.repeats.into_iter().map(|repeat| Repeat {
            number: repeat.repeat_index,
            generated: repeat.generated_prompts,
            failed: repeat.failed_prompts,
            seconds: repeat.generation_time,
        });
        Self { outcome, reason: report.reason, repeats: repeats.collect() }
    }
}

impl From<AuditMargin> for Audit {
    fn from(audit: AuditMargin) -> Self {
        let against = match audit.against {
            AuditSubject::Submitted => "submitted".to_owned(),
            AuditSubject::Leader => LEADER.to_owned(),
            AuditSubject::Defender(hotkey) => hotkey.to_string(),
        };
        Self { against, repeat: audit.repeat, margin: audit.margin }
    }
}

/// A doubt in words.
pub(crate) fn in_words(doubt: Doubt) -> String {
    match doubt {
        Doubt::NoSchedule => "the round's schedule is not there, so no block can be named".to_owned(),
        Doubt::ScheduleNotInOrder => "the round's schedule makes no sense: its blocks are not in order".to_owned(),
        Doubt::StageBehind { blocks } => format!(
            "the stage should have ended {blocks} blocks ago: the state is old, or one of the subnet's services stands still"
        ),
        Doubt::StageAhead { blocks } => {
            format!("the stage may only begin in {blocks} blocks: the chain's node is behind, or the state is wrong")
        }
    }
}
