//! A match from its plan to `duels.json`: several duels at once, a record for each as soon as it is decided, an end that is honest
//! about what failed. Which question is asked when is the duel's business.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::stream::StreamExt;
use gen404_outside::explain::{Blame, Explain, Hint, sentence};
use gen404_outside::time::Clock;
use gen404_round::Prompt;
use gen404_round::duel::{
    CallTally, Detail, DuelFailure, DuelInputs, DuelRecord, MatchFile, MatchResult, NoPreview, Winner,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::advice;
use crate::call::{Caller, Tally, Voice};
use crate::duel::{Duel, DuelError, Verdict};
use crate::event::{Event, Listener};
use crate::pictures::{PictureError, Pictures, Places};
use crate::plan::{Match, Plan, Step};
use crate::records::{self, WriteError};
use crate::source::PictureSource;
use crate::stages::winner;
use crate::vlm::Vlm;
use crate::watch::Watch;

/// So many duels in a row of which a stage had no answer, and the model is given up.
const GIVE_UP_AFTER: u32 = 3;

/// How much at once.
#[derive(Debug, Clone, Copy)]
pub struct Concurrency {
    /// Duels.
    pub duels: usize,
    /// Requests, over all duels.
    pub requests: usize,
}

/// How a match ended.
#[derive(Debug)]
pub struct Outcome {
    /// What `duels.json` holds.
    pub file: MatchFile,
    /// The first failure of each kind worth telling apart.
    pub first_failure: Option<Failure>,
    /// What the user can do about it.
    pub hint: Option<String>,
    /// Duels judged by this run.
    pub judged: usize,
    /// What this run's calls went through, those of duels without a decision too.
    pub calls: CallTally,
    /// The run was asked to stop before it was through.
    pub interrupted: bool,
}

/// Why duels of a match have no decision.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No question can be answered: nothing else was tried.
    #[error(transparent)]
    Hopeless(DuelError),
    /// A duel of which a stage had no answer at all.
    #[error("duel `{stem}`")]
    NothingAnswered {
        /// The duel.
        stem: String,
        /// What its calls met.
        source: DuelError,
        /// It was not the first in a row, and the others were not tried any more.
        gave_up: bool,
    },
    /// A picture is missing or unreadable.
    #[error("duel `{stem}`")]
    Picture {
        /// The duel.
        stem: String,
        /// The picture.
        source: DuelError,
    },
    /// A picture cannot be drawn, and its object is not to blame.
    #[error("duel `{stem}`")]
    Drawing {
        /// The duel.
        stem: String,
        /// The picture.
        source: DuelError,
        /// Whose matter it is.
        blame: Blame,
    },
    /// A prompt picture cannot be fetched.
    #[error("duel `{stem}`")]
    Prompt {
        /// The duel.
        stem: String,
        /// The picture.
        source: DuelError,
    },
}

impl Explain for Failure {
    fn blame(&self) -> Blame {
        match self {
            Self::Hopeless(_) | Self::NothingAnswered { .. } | Self::Prompt { .. } => Blame::Service,
            Self::Drawing { blame, .. } => *blame,
            Self::Picture { .. } => Blame::Here,
        }
    }
}

impl Failure {
    fn advice(&self, built_in: Option<&str>) -> String {
        match self {
            Self::Hopeless(error)
            | Self::NothingAnswered { source: error, .. }
            | Self::Picture { source: error, .. }
            | Self::Drawing { source: error, .. }
            | Self::Prompt { source: error, .. } => hint(error, built_in),
        }
    }
}

fn hint(error: &DuelError, built_in: Option<&str>) -> String {
    let plain = match error {
        DuelError::Hopeless(error) | DuelError::NothingAnswered { last: Some(error), .. } => {
            return advice::about(error, built_in);
        }
        DuelError::NothingAnswered { last: None, .. } => "run the same command again to judge it again",
        DuelError::Picture(PictureError::Unfetched { source, .. }) => {
            let retry = Hint::Borrowed(
                "check that this machine can fetch the picture (curl -O ADDRESS); run the same command again, and only what is \
             missing is fetched and judged. --prompt-pictures url leaves the fetching to the model's server",
            );
            return source.hint().unwrap_or(retry).into_owned();
        }
        DuelError::Picture(PictureError::NotBrought(error)) => match &error.hint {
            Some(hint) => hint,
            None => "run the same command again: only what is missing is drawn and judged",
        },
        DuelError::Picture(_) => "render the side again; then run the same command, and only what is missing is judged",
    };
    plain.to_owned()
}

/// Everything the duels of a run share.
struct Runner<'a, V, C> {
    contest: &'a Match,
    source: Arc<dyn PictureSource>,
    vlm: &'a V,
    clock: &'a C,
    observer: &'a Listener<'a>,
    permits: Semaphore,
    watch: Watch,
    /// What the run's calls went through, those of failed duels too.
    tally: Tally,
    /// Duels with a stage without any answer, since the last that was decided.
    in_a_row: AtomicU32,
}

enum Ended {
    Kept(DuelRecord),
    Decided(DuelRecord),
    Failed(DuelError),
}

/// Judges what the plan says and writes the records.
///
/// When `stop` is cancelled the duels in flight are dropped; what is recorded stays, and the next run goes on from there.
pub async fn run<V: Vlm, C: Clock>(
    plan: Plan,
    vlm: &V,
    clock: &C,
    concurrency: Concurrency,
    observer: &Listener<'_>,
    stop: &CancellationToken,
) -> Result<Outcome, WriteError> {
    let run = plan.run();
    let Plan { contest, source, duels, .. } = plan;
    let runner = Runner {
        contest: &contest,
        source,
        vlm,
        clock,
        observer,
        permits: Semaphore::new(concurrency.requests.max(1)),
        watch: Watch::default(),
        tally: Tally::default(),
        in_a_row: AtomicU32::new(0),
    };
    let prompts: Vec<Prompt> = duels.iter().map(|(prompt, _)| prompt.clone()).collect();
    let mut records: Vec<Option<DuelRecord>> = prompts.iter().map(|_| None).collect();
    let mut failures: Vec<Option<DuelFailure>> = prompts.iter().map(|_| None).collect();
    let mut outcome = Outcome {
        file: MatchFile { results: Vec::new(), failures: Vec::new(), not_judged: 0, result: None, run: Some(run) },
        first_failure: None,
        hint: None,
        judged: 0,
        calls: CallTally::default(),
        interrupted: false,
    };
    let work = duels.into_iter().enumerate().map(|(index, (prompt, step))| {
        let runner = &runner;
        async move { (index, runner.duel(&prompt, step).await) }
    });
    let mut ended = std::pin::pin!(futures::stream::iter(work).buffer_unordered(concurrency.duels.max(1)));
    loop {
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => {
                outcome.interrupted = true;
                break;
            }
            next = ended.next() => next,
        };
        let Some((index, ended)) = next else { break };
        match ended? {
            Ended::Kept(record) => records[index] = Some(record),
            Ended::Decided(record) => {
                outcome.judged += 1;
                records[index] = Some(record);
            }
            Ended::Failed(error) => {
                let prompt = &prompts[index];
                failures[index] = Some(failure_of(prompt, &error));
                let gave_up = runner.in_a_row.load(Ordering::Relaxed) >= GIVE_UP_AFTER;
                let hopeless = match &error {
                    DuelError::Hopeless(_) => true,
                    DuelError::Picture(PictureError::NotBrought(error)) => error.is_hopeless,
                    DuelError::NothingAnswered { .. } | DuelError::Picture(_) => false,
                };
                let failure = sort(prompt, error, gave_up);
                let service_first = outcome.first_failure.as_ref().is_none_or(|first| first.blame() != Blame::Service);
                let of_the_service = failure.blame() == Blame::Service;
                if outcome.first_failure.is_none() || (service_first && of_the_service) || gave_up || hopeless {
                    outcome.first_failure = Some(failure);
                }
                if hopeless || gave_up {
                    break;
                }
            }
        }
    }
    let built_in = contest.profile.built_in;
    outcome.hint = outcome.first_failure.as_ref().map(|failure| failure.advice(built_in));
    outcome.calls = runner.tally.counts();
    let done = records.iter().flatten().count() + failures.iter().flatten().count();
    outcome.file.not_judged = prompts.len() - done;
    outcome.file.results = records.into_iter().flatten().collect();
    outcome.file.failures = failures.into_iter().flatten().collect();
    let winners = outcome.file.results.iter().map(|record| record.winner);
    let without = outcome.file.failures.len() + outcome.file.not_judged;
    outcome.file.result = Some(MatchResult::of(winners, without, contest.profile.win_margin));
    if !outcome.file.results.is_empty() {
        records::write_match(&contest.output, &outcome.file)?;
    }
    Ok(outcome)
}

impl<V: Vlm, C: Clock> Runner<'_, V, C> {
    async fn duel(&self, prompt: &Prompt, step: Step) -> Result<Ended, WriteError> {
        match step {
            Step::Keep(record) | Step::Confirm(record, _) => Ok(Ended::Kept(*record)),
            Step::Decide(winner, detail) => self.without_preview(prompt, winner, detail).await,
            Step::Judge(places) => self.judge(prompt, places).await,
            Step::Impossible(error) => Ok(self.failed(prompt, error.into())),
        }
    }

    async fn without_preview(&self, prompt: &Prompt, winner: Winner, detail: NoPreview) -> Result<Ended, WriteError> {
        let record = DuelRecord {
            stem: prompt.stem.clone(),
            prompt_url: prompt.image_url.clone(),
            winner,
            detail: Detail::Unjudged(detail),
            calls: None,
            inputs: None,
        };
        self.decided(record).await
    }

    async fn judge(&self, prompt: &Prompt, places: Places) -> Result<Ended, WriteError> {
        let pictures = Pictures::new(places, prompt, Arc::clone(&self.source));
        let tally = Tally::default();
        let voice =
            Voice { vlm: self.vlm, profile: &self.contest.profile, seed: self.contest.seed, permits: &self.permits };
        let (clock, observer, watch) = (self.clock, self.observer, &self.watch);
        let caller = Caller { voice, clock, observer, watch, tally: &tally, run_tally: &self.tally };
        let duel = Duel { caller, pictures: &pictures, stem: &prompt.stem };
        let detail = match duel.judge().await {
            Ok(Verdict::Judged(detail)) => detail,
            Ok(Verdict::Unjudged(winner, detail)) => return self.without_preview(prompt, winner, detail).await,
            Err(error) => return Ok(self.failed(prompt, error)),
        };
        self.in_a_row.store(0, Ordering::Relaxed);
        let choice = detail.s4.as_ref().map_or(detail.s1.choice, |s4| s4.choice);
        let inputs = DuelInputs { settings: self.contest.settings_digest(prompt), files: pictures.looked_at() };
        let record = DuelRecord {
            stem: prompt.stem.clone(),
            prompt_url: prompt.image_url.clone(),
            winner: winner(choice),
            detail: Detail::Judged(detail),
            calls: Some(tally.counts()),
            inputs: Some(inputs),
        };
        self.decided(record).await
    }

    /// Writes the record, then says so.
    async fn decided(&self, record: DuelRecord) -> Result<Ended, WriteError> {
        let folder = self.contest.output.clone();
        let record = blocking(move || write(&folder, record)).await?;
        let decided_by = match &record.detail {
            Detail::Judged(detail) => &detail.decided_by.to_string(),
            Detail::Unjudged(detail) => &detail.reason,
        };
        self.observer.on(Event::Decided { stem: &record.stem, winner: record.winner, decided_by });
        Ok(Ended::Decided(record))
    }

    fn failed(&self, prompt: &Prompt, error: DuelError) -> Ended {
        if matches!(error, DuelError::NothingAnswered { .. }) {
            self.in_a_row.fetch_add(1, Ordering::Relaxed);
        }
        self.observer.on(Event::Failed { stem: &prompt.stem, error: &sentence(&error) });
        Ended::Failed(error)
    }
}

fn write(folder: &Path, record: DuelRecord) -> Result<DuelRecord, WriteError> {
    records::write(folder, &record).map(|()| record)
}

pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

fn sort(prompt: &Prompt, source: DuelError, gave_up: bool) -> Failure {
    let stem = prompt.stem.to_string();
    match source {
        DuelError::Hopeless(_) => Failure::Hopeless(source),
        DuelError::NothingAnswered { .. } => Failure::NothingAnswered { stem, source, gave_up },
        DuelError::Picture(PictureError::NotBrought(ref error)) => {
            Failure::Drawing { stem, blame: error.blame, source }
        }
        DuelError::Picture(ref error) if error.is_of_the_network() => Failure::Prompt { stem, source },
        DuelError::Picture(_) => Failure::Picture { stem, source },
    }
}

fn failure_of(prompt: &Prompt, error: &DuelError) -> DuelFailure {
    DuelFailure { stem: prompt.stem.clone(), prompt_url: prompt.image_url.clone(), error: sentence(error) }
}
