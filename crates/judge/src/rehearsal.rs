//! One question of each kind before a match, with full-size pictures, schema, seed and limit: what the server cannot do is
//! known in a second, and not after hours of stand-ins. The replies are read and then forgotten; nothing is decided here.

use std::time::Duration;

use futures::future::try_join5;
use gen404_round::Stem;
use gen404_round::duel::Side;
use tokio::sync::Semaphore;

use crate::advice;
use crate::call::{Asked, AttemptError, Voice};
use crate::clock::Clock;
use crate::pictures::{PictureError, Pictures};
use crate::plan::Plan;
use crate::profile::{Part, Profile, Question};
use crate::reply::{Issues, Penalties, PromptChecklist, Reply, SideVerdict, Verification};
use crate::shown::{Shown, white};
use crate::vlm::{LONGEST_WISHED_PAUSE, Vlm};

/// How long a server that says "later" is waited for, when it does not say how much later.
const PATIENCE: Duration = Duration::from_secs(4);
/// The first of the pauses meanwhile; they double.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// A rehearsal that went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// The duel whose pictures were shown, the largest of the match; `None` when there was nothing to ask.
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
}

impl RehearsalError {
    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        advice::about(&self.source)
    }

    /// Key, address or model are wrong.
    pub fn is_hopeless(&self) -> bool {
        matches!(&self.source, AttemptError::Transport(error) if error.is_hopeless())
    }

    /// The server took the question; what came back is the model's doing.
    pub fn is_of_the_reply(&self) -> bool {
        matches!(self.source, AttemptError::Reply(_))
    }
}

/// Asks about the largest duel that is to be judged. `requests` is how many may be in flight.
pub async fn rehearse<V: Vlm, C: Clock>(
    plan: &Plan,
    vlm: &V,
    clock: &C,
    requests: usize,
) -> Result<Rehearsed, RehearsalError> {
    let contest = &plan.contest;
    let permits = Semaphore::new(requests.max(1));
    let voice = Voice { vlm, profile: &contest.profile, seed: contest.seed, permits: &permits };
    for (prompt, places) in plan.largest_first() {
        let pictures = Pictures::new(places.clone(), prompt);
        // A picture that cannot be read is its own duel's failure, and told there.
        let Ok(questions) = Questions::of(&contest.profile, &pictures).await else { continue };
        let calls = questions.put(&voice, clock).await?;
        return Ok(Rehearsed { stem: Some(prompt.stem.clone()), calls });
    }
    Ok(Rehearsed { stem: None, calls: 0 })
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
    async fn put<V: Vlm, C: Clock>(&self, voice: &Voice<'_, V>, clock: &C) -> Result<u32, RehearsalError> {
        let profile = self.profile;
        let (decompose, verify) = (&profile.checklist.decompose, &profile.checklist.verify);
        let (one, two, three, four, five) = try_join5(
            put::<Penalties, _, _>(voice, clock, &profile.prompt_match.question, &self.prompt_match),
            put::<PromptChecklist, _, _>(voice, clock, decompose, &self.decompose),
            put::<Verification, _, _>(voice, clock, verify, &self.verify),
            put::<SideVerdict, _, _>(voice, clock, &profile.side_guard.question, &self.side_guard),
            put::<Issues, _, _>(voice, clock, &profile.explain.question, &self.explain),
        )
        .await?;
        Ok(one + two + three + four + five)
    }
}

/// Asks until a usable reply comes and returns the number of requests. What may pass is waited for, what is unusable asked
/// again as in a duel, and a refusal is final.
async fn put<R: Reply, V: Vlm, C: Clock>(
    voice: &Voice<'_, V>,
    clock: &C,
    question: &Question,
    parts: &[Part],
) -> Result<u32, RehearsalError> {
    let asked = Asked { question, which: 0, step: 0, parts };
    let started = clock.now();
    let (mut attempt, mut calls, mut slept, mut pause) = (0, 0, Duration::ZERO, FIRST_PAUSE);
    loop {
        calls += 1;
        let Err(error) = voice.once::<R>(asked, attempt).await else { return Ok(calls) };
        let fail = |source| RehearsalError { label: asked.label().to_owned(), source };
        match &error {
            AttemptError::Transport(met) if met.is_retryable() => {
                let waited = clock.now().saturating_sub(started).max(slept);
                let (next, patience) = match met.wished_pause() {
                    Some(wished) => (wished, LONGEST_WISHED_PAUSE),
                    None => (pause, PATIENCE),
                };
                if waited + next > patience {
                    return Err(fail(error));
                }
                tracing::debug!(label = asked.label(), %error, "the rehearsal waits");
                clock.sleep(next).await;
                slept += next;
                pause *= 2;
            }
            AttemptError::Reply(_) if attempt + 1 < question.attempts => attempt += 1,
            AttemptError::Transport(_) | AttemptError::Reply(_) | AttemptError::Unfinished { .. } => {
                return Err(fail(error));
            }
        }
    }
}
