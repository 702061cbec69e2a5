//! Which submission counts for the round: the published entry once there is one, the chain's reveals before.

use gen404_competition::files::{
    Builds, GenerationAudits, GenerationReports, MatrixFile, Schedule, Stage, State as StateOfRound, Submissions,
};
use gen404_competition::{Look, Reading, RoundFile, StateFile, own_place};
use gen404_round::lock::Lock;
use gen404_round::{BlockNumber, Window};
use jiff::Timestamp;
use serde::Serialize;

use super::report::UNREADABLE;
use super::{Question, Verifier};
use crate::commands::round::report::InRound;
use crate::competition;
use crate::entrants::{self, Revealed};
use crate::errors::CommandError;

/// How far the subnet is with a round's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// No prompts yet: nothing can be delivered.
    NotYet,
    /// Files will be read, or are being read.
    Now,
    /// They have been.
    Over,
}

/// What is known of a submission.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) round: u64,
    pub(crate) stage: String,
    pub(crate) phase: Phase,
    pub(crate) schedule: Option<Schedule>,
    /// `chain`, or the file that says so.
    pub(crate) source: &'static str,
    /// Verdict, place and values.
    pub(crate) revealed: Revealed,
    pub(crate) of: Option<usize>,
    pub(crate) hardware: Option<Vec<String>>,
    pub(crate) lock: Option<Lock>,
    /// How it fares, once submissions are published.
    pub(crate) in_round: Option<InRound>,
    /// What could not be known.
    pub(crate) unknown: Vec<String>,
}

impl Placed {
    /// Whether it takes part, as far as is known.
    pub(crate) fn takes_part(&self) -> bool {
        self.revealed.verdict == "admitted"
    }
}

impl Verifier {
    /// Finds the submission.
    pub(super) async fn place(&self, look: &Look<'_>, question: &Question) -> Result<Placed, CommandError> {
        let state = competition::state_now(look).await?;
        let current = state.current_round;
        let round = question.round.unwrap_or(current);
        let next = current.saturating_add(1);
        if round > next {
            return Err(CommandError::usage(format!(
                "nothing is known of round {round}: the current one is {current}"
            )));
        }
        let schedule = read::<Schedule>(look, round.min(current), RoundFile::Schedule).await?;
        let schedule = schedule.filter(|schedule| schedule.is_in_order());
        if round == next || (round == current && state.stage == Stage::Open) {
            return self.on_chain(question, &state, round, schedule).await;
        }
        match read::<Submissions>(look, round, RoundFile::Submissions).await? {
            Some(submissions) => self.published(look, question, &state, round, schedule, &submissions).await,
            // What is held by hand may have come to any point.
            None if round == current && !is_past_collection(&state.stage) => {
                self.on_chain(question, &state, round, schedule).await
            }
            None => Err(CommandError::failed(format!("round {round} has no submissions.json: it is not published"))),
        }
    }

    /// From the chain, as the collector will read it when the window closes.
    async fn on_chain(
        &self,
        question: &Question,
        state: &StateOfRound,
        round: u64,
        schedule: Option<Schedule>,
    ) -> Result<Placed, CommandError> {
        let Some(published) = schedule else {
            return Err(CommandError::service(format!(
                "the schedule of round {round} is not there, so no window is known"
            ))
            .with_hint("try again in a minute"));
        };
        let is_next = round > state.current_round;
        let window = if is_next { published.next_window() } else { published.window() };
        let chain = self.chain().await?;
        let entrants = entrants::read(chain, self.subtensor.netuid, window, question.required, &self.status).await?;
        let mut unknown: Vec<String> = Vec::new();
        let lined = entrants.find(question.hotkey);
        let mut revealed = lined.map_or_else(Revealed::nothing, Revealed::from);
        if let Some(submission) = lined.and_then(|lined| lined.entrant.submission()) {
            // In the form in which it is read.
            revealed.cdn_url = Some(submission.cdn_url.to_string());
        }
        let lock = lined.map(|lined| Lock::new(lined.entrant.locked, lined.required_lock));
        if revealed.verdict == "admitted" && lock.is_none_or(|lock| !lock.is_known()) {
            let reason =
                entrants.unknown_locks.as_deref().unwrap_or("the chain does not say what its coldkey has locked");
            unknown.push(format!("whether its lock is large enough is not known: {reason}"));
        }
        let mut placed = Placed {
            round,
            stage: state.stage.name().to_owned(),
            phase: Phase::NotYet,
            schedule: schedule.filter(|_| !is_next),
            source: "chain",
            of: Some(entrants.admitted()),
            hardware: None,
            lock,
            in_round: None,
            revealed,
            unknown,
        };
        if let Some(breaking) = entrants.breaking().find(|lined| lined.entrant.hotkey != question.hotkey) {
            placed.unknown.push(format!(
                "the collector does not survive the reveal of {}: until somebody repairs it, nobody takes part",
                breaking.entrant.hotkey
            ));
        }
        Ok(placed)
    }

    /// From the round's files.
    async fn published(
        &self,
        look: &Look<'_>,
        question: &Question,
        state: &StateOfRound,
        round: u64,
        schedule: Option<Schedule>,
        submissions: &Submissions,
    ) -> Result<Placed, CommandError> {
        let is_current = round == state.current_round;
        let (builds, matches, audits, reports, verdicts) = futures::try_join!(
            read::<Builds>(look, round, RoundFile::Builds),
            read::<MatrixFile>(look, round, RoundFile::Matches),
            read::<MatrixFile>(look, round, RoundFile::Audits),
            read::<GenerationReports>(look, round, RoundFile::GenerationReports),
            read::<GenerationAudits>(look, round, RoundFile::GenerationAudits),
        )?;
        let own = own_place(
            question.hotkey,
            Some(submissions),
            builds.as_ref(),
            matches.as_ref(),
            audits.as_ref(),
            reports.as_ref(),
            verdicts.as_ref(),
        );
        let in_round = InRound::from(own);
        let mut placed = Placed {
            round,
            stage: if is_current { state.stage.name().to_owned() } else { "over".to_owned() },
            phase: if is_current && is_read_from_now(&state.stage) { Phase::Now } else { Phase::Over },
            schedule,
            source: "submissions.json",
            revealed: Revealed::nothing(),
            of: in_round.of,
            hardware: None,
            lock: None,
            in_round: None,
            unknown: Vec::new(),
        };
        let is_unreadable = submissions.0.unreadable.contains(&question.hotkey.to_string());
        match &in_round.submission {
            Some(entry) => {
                placed.hardware = Some(entry.hardware.clone());
                placed.revealed = Revealed {
                    commit: Some(entry.commit.clone()),
                    commit_block: Some(entry.revealed_at_block),
                    repo: Some(entry.repo.clone()),
                    cdn_url: Some(entry.cdn_url.clone()),
                    verdict: "admitted",
                    place: in_round.place,
                    ..Revealed::default()
                };
            }
            None if is_unreadable => {
                placed.revealed = Revealed { verdict: UNREADABLE, ..Revealed::default() };
                placed.unknown.push("its entry in submissions.json makes no sense".to_owned());
            }
            None => {
                placed.revealed = self.why_not(question, schedule, is_current).await;
                placed.source = "submissions.json";
            }
        }
        placed.in_round = Some(in_round);
        Ok(placed)
    }

    /// Why a hotkey is not among the submissions, as the chain shows it now. Registration and lock may have been others then.
    async fn why_not(&self, question: &Question, schedule: Option<Schedule>, is_current: bool) -> Revealed {
        let missing = Revealed {
            verdict: "not_among_submissions",
            reason: Some("it is not in submissions.json".to_owned()),
            ..Revealed::default()
        };
        let Some(window) = schedule.filter(|_| is_current).map(Schedule::window) else { return missing };
        match self.seen_now(question, window).await {
            Ok(seen) if seen.verdict != "admitted" => Revealed {
                reason: seen.reason.as_ref().map(|reason| format!("it is not in submissions.json: {reason}")),
                ..seen
            },
            _ => missing,
        }
    }

    async fn seen_now(&self, question: &Question, window: Window) -> Result<Revealed, CommandError> {
        let chain = self.chain().await?;
        let entrants = entrants::read(chain, self.subtensor.netuid, window, question.required, &self.status).await?;
        Ok(entrants.find(question.hotkey).map_or_else(Revealed::nothing, Revealed::from))
    }
}

/// Whether the files of a stage are still to be read.
fn is_read_from_now(stage: &Stage) -> bool {
    match stage {
        Stage::MinerGeneration | Stage::Downloading | Stage::Paused | Stage::Other(_) => true,
        Stage::Open | Stage::Duels | Stage::Finalizing | Stage::Finished => false,
    }
}

fn is_past_collection(stage: &Stage) -> bool {
    match stage {
        Stage::MinerGeneration | Stage::Downloading | Stage::Duels | Stage::Finalizing | Stage::Finished => true,
        Stage::Open | Stage::Paused | Stage::Other(_) => false,
    }
}

/// A file of a round; `None` when it is not there. An old or half-written one is no answer.
pub(super) async fn read<T: gen404_competition::Content>(
    look: &Look<'_>,
    round: u64,
    file: RoundFile,
) -> Result<Option<T>, CommandError> {
    read_file(look, StateFile::Round(round, file)).await
}

pub(super) async fn read_file<T: gen404_competition::Content>(
    look: &Look<'_>,
    file: StateFile,
) -> Result<Option<T>, CommandError> {
    let seen = look.read::<T>(file, Timestamp::MAX).await?;
    if let Some(stale) = &seen.stale {
        let why = crate::errors::sentence(stale);
        return Err(CommandError::service(format!("{} is not known as it is now: {why}", file.path()))
            .with_hint("try again in a minute"));
    }
    match seen.reading {
        Reading::There(content) => Ok(Some(content)),
        Reading::NotThere => Ok(None),
        Reading::Unreadable(unreadable) => {
            Err(CommandError::service(format!("{}: {unreadable}", file.path())).with_hint("try again in a minute"))
        }
    }
}

/// Block of the deadline, where it is known.
pub(crate) fn deadline(placed: &Placed) -> Option<BlockNumber> {
    placed.schedule.map(|schedule| schedule.generation_deadline_block)
}
