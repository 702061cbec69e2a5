//! A module run for its verdicts alone, as both of the subnet's programs do it: what broke, and what was counted.
//! It makes no pictures, and it takes for granted that the module's text passes both programs' static rules.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::seat::{Attempt, Seat};
use super::{DrawError, Studio};
use crate::chromium::{ChromiumError, Judged, Manner, ThrownAt};
use crate::failure::{Failure, Metrics};

/// Whose verdicts are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// That of the validator which miners run.
    pub miners: bool,
    /// That of the render service.
    pub service: bool,
}

/// What one of the two programs says of a module that it ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The broken rules in its order; none when it takes the module.
    pub failures: Vec<Failure>,
    /// What was counted; none when it did not come to that.
    pub metrics: Option<Metrics>,
}

/// What became of a module.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trial {
    /// What the miners' validator says, if that was wanted.
    pub miners: Option<Judgement>,
    /// What the render service says, if that was wanted.
    pub service: Option<Judgement>,
    /// Where the module threw, as far as that is known.
    pub thrown_at: Option<ThrownAt>,
    /// Whether the module draws random numbers, which are others in every run of the miners' validator.
    pub draws_random_numbers: bool,
    /// Whether two runs gave different scenes; nothing where there was one run, or one of them gave none.
    pub scenes_differ: Option<bool>,
    /// Whether a camera in front cannot see any of a scene that is taken.
    pub unseen_from_front: bool,
    /// The longest run on this machine.
    pub run_time: Duration,
}

/// What one run came to.
#[derive(Debug, Default)]
struct Run {
    miners: Option<Judgement>,
    service: Option<Judgement>,
    place: Option<ThrownAt>,
    random: bool,
    unseen: bool,
    scene: Option<String>,
    time: Duration,
}

impl Studio {
    /// Runs the module, once where that tells both verdicts, and says what each program makes of it.
    ///
    /// When this is dropped, the browser that was at work is ended.
    pub async fn try_module(&self, source: &str, wanted: Wanted) -> Result<Trial, DrawError> {
        tokio::select! {
            outcome = self.try_in_turn(source, wanted) => outcome,
            () = self.closing.cancelled() => Err(DrawError::Closed),
        }
    }

    async fn try_in_turn(&self, source: &str, wanted: Wanted) -> Result<Trial, DrawError> {
        let _place = self.places.acquire().await.map_err(|_| DrawError::Closed)?;
        let mut trial = Trial::default();
        let mut scene = None;
        if wanted.service {
            let run = self.one_run(source, Manner::Service).await?;
            scene.clone_from(&run.scene);
            trial.note(run, wanted);
        }
        if wanted.miners && trial.miners.is_none() {
            let run = self.one_run(source, Manner::Miners).await?;
            trial.scenes_differ = scene.zip(run.scene.clone()).map(|(one, other)| one != other);
            trial.note(run, wanted);
        }
        Ok(trial)
    }

    async fn one_run(&self, source: &str, manner: Manner) -> Result<Run, DrawError> {
        let occupied = self.entered().await?;
        let has_history = occupied.seat().has_history;
        let attempt = self.run_in(occupied.seat(), source, manner).await;
        if let Attempt::Starved(_) | Attempt::Done(Ok((_, true))) = attempt
            && has_history
        {
            // What earlier modules took may not be free yet: blame a module only in a browser of its own.
            drop(occupied);
            let occupied = self.entered_afresh().await?;
            let attempt = self.run_in(occupied.seat(), source, manner).await;
            return conclude(occupied.finish(attempt).await, manner);
        }
        conclude(occupied.finish(attempt).await, manner)
    }

    /// The run, and whether the module failed for want of memory.
    async fn run_in(&self, Seat { browser, tab, .. }: &Seat, source: &str, manner: Manner) -> Attempt<(Run, bool)> {
        let limit = self.options.run_limit;
        let start = Instant::now();
        let Ok(tried) = timeout(limit, tab.try_module(browser, source, manner)).await else {
            let detail = format!("module and generate took longer than {} s", limit.as_secs_f64());
            return Attempt::Spoilt(DrawError::of_execution("TIMEOUT_EXCEEDED", detail));
        };
        let tried = match tried {
            Ok(tried) => tried,
            Err(error @ ChromiumError::TabCrashed { out_of_memory: true }) => {
                return Attempt::Starved(DrawError::of_module(error));
            }
            Err(error) => return Attempt::Spoilt(DrawError::of_module(error)),
        };
        let run = Run {
            miners: tried.miners.map(Judgement::from),
            service: tried.service.map(Judgement::from),
            place: tried.place,
            random: tried.random,
            unseen: tried.unseen,
            scene: tried.scene,
            time: start.elapsed(),
        };
        Attempt::Done(Ok((run, tried.starved)))
    }
}

/// A module that ended its realm, or answered nothing sensible, is refused for that by the program whose run it was.
fn conclude(outcome: Result<(Run, bool), DrawError>, manner: Manner) -> Result<Run, DrawError> {
    let answered = |run: &Run| match manner {
        Manner::Service => run.service.is_some(),
        Manner::Miners => run.miners.is_some(),
    };
    let nonsense = || DrawError::of_module(ChromiumError::Unintelligible { method: "stage.try" });
    let outcome = outcome.and_then(|(run, _)| if answered(&run) { Ok(run) } else { Err(nonsense()) });
    match outcome {
        Err(DrawError::Refused(refusal)) => {
            let judgement = Some(Judgement { failures: refusal.failures, metrics: None });
            Ok(match manner {
                Manner::Service => Run { service: judgement, ..Run::default() },
                Manner::Miners => Run { miners: judgement, ..Run::default() },
            })
        }
        outcome => outcome,
    }
}

impl Trial {
    fn note(&mut self, run: Run, wanted: Wanted) {
        self.service = run.service.or(self.service.take());
        self.miners = run.miners.filter(|_| wanted.miners).or(self.miners.take());
        self.thrown_at = self.thrown_at.or(run.place);
        self.draws_random_numbers |= run.random;
        self.unseen_from_front |= run.unseen;
        self.run_time = self.run_time.max(run.time);
    }
}

impl From<Judged> for Judgement {
    fn from(Judged { failures, metrics }: Judged) -> Self {
        Self { failures, metrics }
    }
}
