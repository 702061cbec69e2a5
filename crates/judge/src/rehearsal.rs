//! One question of each kind before a match, with full-size pictures, schema, seed and limit: what the server cannot do is
//! known in a second, and not after hours of stand-ins. The replies are read and then forgotten; nothing is decided here.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{try_join, try_join5};
use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::pictures::Fetcher;
use gen404_outside::time::Clock;
use gen404_round::duel::Side;
use gen404_round::{Prompt, Stem};
use tokio::sync::{Semaphore, mpsc};

use crate::advice;
use crate::call::{Asked, AttemptError, Voice};
use crate::event::{Event, Listener};
use crate::pictures::{PictureError, Pictures, Places, PromptPlace};
use crate::plan::{Fetched, Plan};
use crate::profile::{Part, Profile, Question};
use crate::reply::{Issues, Penalties, PromptChecklist, Reply, SideVerdict, Verification};
use crate::shown::{Shown, white};
use crate::source::PictureSource;
use crate::vlm::{LONGEST_WISHED_PAUSE, Vlm};

/// How long a server that says "later" is waited for, when it does not say how much later.
const PATIENCE: Duration = Duration::from_secs(4);
/// The first of the pauses meanwhile; they double.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// A rehearsal that went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// The duel whose pictures were shown; `None` when there was nothing to ask.
    pub stem: Option<Stem>,
    /// Requests that it took, without those that were sent again on the way.
    pub calls: u32,
}

/// The match cannot be judged like this.
#[derive(Debug, thiserror::Error)]
#[error("the model cannot judge this match (rehearsal, question `{label}`)")]
pub struct RehearsalError {
    /// Kind of the question.
    pub label: String,
    /// What it met.
    pub source: AttemptError,
    hint: String,
}

impl Explain for RehearsalError {
    fn blame(&self) -> Blame {
        Blame::Service
    }

    fn hint(&self) -> Option<Hint> {
        Some(self.hint.clone().into())
    }
}

impl RehearsalError {
    /// Key, address or model are wrong.
    pub fn is_hopeless(&self) -> bool {
        matches!(&self.source, AttemptError::Transport(error) if error.is_hopeless())
    }

    /// The server took the question; what came back is the model's doing.
    pub fn is_of_the_reply(&self) -> bool {
        matches!(self.source, AttemptError::Reply(_))
    }
}

/// Duels that can be rehearsed with, as their prompt pictures come in.
type Ready = mpsc::UnboundedReceiver<(Prompt, Places)>;

/// Has the prompt pictures fetched that are missing ([`Plan::fetch_prompts`]), and asks meanwhile: about the largest duel whose
/// prompt picture is here, else about the first whose picture comes in. `requests` is how many may be in flight.
pub async fn rehearse<V: Vlm, C: Clock>(
    plan: &mut Plan,
    fetcher: &Fetcher,
    vlm: &V,
    clock: &C,
    requests: usize,
    observer: &Listener<'_>,
) -> Result<(Fetched, Rehearsed), RehearsalError> {
    let (profile, seed) = (plan.contest.profile.clone(), plan.contest.seed);
    let permits = Semaphore::new(requests.max(1));
    let source = Arc::clone(&plan.source);
    let stage = Stage { voice: Voice { vlm, profile: &profile, seed, permits: &permits }, clock, observer, source };
    let (sender, ready) = mpsc::unbounded_channel();
    let tell = move |prompt: &Prompt, places: &Places| {
        // Nobody listens any more once the rehearsal is over.
        let _over = sender.send((prompt.clone(), places.clone()));
    };
    let here =
        plan.largest_first().into_iter().filter(|(_, places)| !matches!(places.prompt, PromptPlace::Unfetched(_)));
    here.for_each(|(prompt, places)| tell(prompt, places));
    let fetching = async { Ok(plan.fetch_and_tell(fetcher, tell).await) };
    try_join(fetching, stage.rehearse(ready)).await
}

/// The means of a rehearsal.
struct Stage<'a, V, C> {
    voice: Voice<'a, V>,
    clock: &'a C,
    observer: &'a Listener<'a>,
    source: Arc<dyn PictureSource>,
}

impl<V: Vlm, C: Clock> Stage<'_, V, C> {
    async fn rehearse(&self, mut ready: Ready) -> Result<Rehearsed, RehearsalError> {
        while let Some((prompt, places)) = ready.recv().await {
            let pictures = Pictures::new(places, &prompt, Arc::clone(&self.source));
            // A picture that cannot be read is its own duel's failure, and told there.
            let Ok(questions) = Questions::of(self.voice.profile, &pictures).await else { continue };
            self.observer.on(Event::Rehearses);
            let started = self.clock.elapsed();
            let calls = questions.put(self).await?;
            let took = self.clock.elapsed().saturating_sub(started);
            self.observer.on(Event::Rehearsed { stem: &prompt.stem, calls, took });
            return Ok(Rehearsed { stem: Some(prompt.stem), calls });
        }
        Ok(Rehearsed { stem: None, calls: 0 })
    }

    /// Asks until a usable reply comes and returns the number of requests. What may pass is waited for, what is unusable asked
    /// again as in a duel, and a refusal is final.
    async fn put<R: Reply>(&self, question: &Question, parts: &[Part]) -> Result<u32, RehearsalError> {
        let asked = Asked { question, which: 0, step: 0, parts };
        let started = self.clock.elapsed();
        let (mut attempt, mut calls, mut slept, mut pause) = (0, 0, Duration::ZERO, FIRST_PAUSE);
        loop {
            calls += 1;
            let Err(error) = self.voice.once::<R>(asked, attempt).await else { return Ok(calls) };
            match &error {
                AttemptError::Transport(met) if met.is_retryable() => {
                    let waited = self.clock.elapsed().saturating_sub(started).max(slept);
                    let (next, patience) = match met.wished_pause() {
                        Some(wished) => (wished, LONGEST_WISHED_PAUSE),
                        None => (pause, PATIENCE),
                    };
                    if waited + next > patience {
                        return Err(self.failed(asked.label(), error));
                    }
                    self.observer.on(Event::Waits { error: &error, pause: next });
                    self.clock.sleep(next).await;
                    slept += next;
                    pause *= 2;
                }
                AttemptError::Reply(_) if attempt + 1 < question.attempts => attempt += 1,
                _ => return Err(self.failed(asked.label(), error)),
            }
        }
    }

    fn failed(&self, label: &str, source: AttemptError) -> RehearsalError {
        let hint = advice::about(&source, self.voice.profile.built_in);
        RehearsalError { label: label.to_owned(), source, hint }
    }
}

/// The parts of each kind of question.
struct Questions<'a> {
    profile: &'a Profile,
    prompt_match: Vec<Part>,
    decompose: Vec<Part>,
    verify: Vec<Part>,
    side_guard: Vec<Part>,
    explain: Vec<Part>,
}

impl<'a> Questions<'a> {
    async fn of(profile: &'a Profile, pictures: &Pictures) -> Result<Self, PictureError> {
        let reference = pictures.prompt().await?;
        let of_both = async |name: &str| -> Result<_, PictureError> {
            Ok([pictures.url(Side::Left, name).await?, pictures.url(Side::Right, name).await?])
        };
        let grids = of_both("grid.png").await?;
        let front = &profile.prompt_match.views[0];
        let fronts = of_both(&white(&front.view)).await?;
        let (guard, side) = (&profile.side_guard, Side::Left);
        let angle = pictures.url(side, &white(&guard.views[0])).await?;
        let guarded = [pictures.url(side, &white(&guard.reference)).await?, angle];
        let shown = |images| Shown {
            reference: reference.clone(),
            images,
            seen_from: &front.seen_from,
            main_object: "the main object",
            features: "- its outline\n- its largest part\n- its main colour\n- its material",
        };
        Ok(Self {
            profile,
            prompt_match: shown(fronts).parts(&profile.prompt_match.question.text),
            decompose: shown(grids.clone()).parts(&profile.checklist.decompose.text),
            verify: shown(grids.clone()).parts(&profile.checklist.verify.text),
            side_guard: shown(guarded).parts(&guard.question.text),
            explain: shown(grids).parts(&profile.explain.question.text),
        })
    }

    /// Puts them all at once; the first that fails ends the others.
    async fn put<V: Vlm, C: Clock>(&self, stage: &Stage<'_, V, C>) -> Result<u32, RehearsalError> {
        let profile = self.profile;
        let (one, two, three, four, five) = try_join5(
            stage.put::<Penalties>(&profile.prompt_match.question, &self.prompt_match),
            stage.put::<PromptChecklist>(&profile.checklist.decompose, &self.decompose),
            stage.put::<Verification>(&profile.checklist.verify, &self.verify),
            stage.put::<SideVerdict>(&profile.side_guard.question, &self.side_guard),
            stage.put::<Issues>(&profile.explain.question, &self.explain),
        )
        .await?;
        Ok(one + two + three + four + five)
    }
}
