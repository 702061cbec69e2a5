//! One duel from its pictures to its detail: which stage asks what, and when the next one is needed.
//! Every decision is taken by the stages' own functions; files and records are other rooms.

use bytes::Bytes;
use futures::future::{try_join, try_join_all, try_join3};
use gen404_outside::time::Clock;
use gen404_round::Stem;
use gen404_round::duel::{
    CallTally, Checklist, Choice, DecidedBy, GrayRescue, JudgedDetail, NoPreview, PromptMatch, Side, SideGuard,
    SubJudges, VerdictSource, Winner,
};

use crate::call::{Asked, AttemptError, Caller};
use crate::embeddings;
use crate::event::{Event, Stage};
use crate::pictures::{PictureError, Pictures};
use crate::plan::preview_gate;
use crate::profile::{Part, Profile, Question};
use crate::reply::{Issues, Penalties, PromptChecklist, Reply, SideVerdict, Verification};
use crate::shown::{Shown, white};
use crate::stages::gray_rescue::{self, Paleness};
use crate::stages::pair::Pair;
use crate::stages::sub_judges::{self, BestViewAnswers};
use crate::stages::{prompt_match, side_guard, silence};
use crate::vlm::Vlm;

/// Four views of a side in one picture.
const GRID: &str = "grid.png";

/// Why a duel has no decision.
#[derive(Debug, thiserror::Error)]
pub enum DuelError {
    /// No duel can be judged like this.
    #[error(transparent)]
    Hopeless(AttemptError),
    /// Not one question of a stage was answered; whatever followed from that would be an invention.
    #[error("stage {stage} had no answer at all ({unanswered} of {calls} questions unanswered in {attempts} attempts)")]
    NothingAnswered {
        /// `S1` to `S4`.
        stage: &'static str,
        /// Questions of the duel so far without an answer.
        unanswered: u32,
        /// Questions of the duel so far.
        calls: u32,
        /// Attempts at them.
        attempts: u32,
        /// What the last attempt met.
        #[source]
        last: Option<AttemptError>,
    },
    /// A picture that a stage needs.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

/// A duel about to be judged.
pub(crate) struct Duel<'a, V, C> {
    pub(crate) caller: Caller<'a, V, C>,
    pub(crate) pictures: &'a Pictures,
    pub(crate) stem: &'a Stem,
}

/// How a duel ends when nothing fails.
pub(crate) enum Verdict {
    Judged(Box<JudgedDetail>),
    /// A side turned out to have no pictures.
    Unjudged(Winner, NoPreview),
}

impl<V: Vlm, C: Clock> Duel<'_, V, C> {
    /// Has the pictures brought that every duel needs, and goes through the stages.
    pub(crate) async fn judge(&self) -> Result<Verdict, DuelError> {
        let rules = &self.profile().prompt_match;
        let fronts = rules.views.iter().map(|front| white(&front.view)).chain([GRID.to_owned()]);
        let mut there = [true; 2];
        for (side, brought) in self.pictures.bring_both(&fronts.collect::<Vec<_>>()).await.into_iter().enumerate() {
            match brought {
                Ok(()) => {}
                Err(PictureError::None { .. }) => there[side] = false,
                Err(error) => return Err(error.into()),
            }
        }
        if there == [true; 2] {
            match self.judged().await {
                Ok(detail) => return Ok(Verdict::Judged(Box::new(detail))),
                // One that can be drawn from the front and not from behind has no pictures either.
                Err(DuelError::Picture(PictureError::None { side })) => there[side as usize] = false,
                Err(error) => return Err(error),
            }
        }
        let [left, right] = there;
        let (winner, reason) = preview_gate(left, right).expect("a side is missing");
        Ok(Verdict::Unjudged(winner, NoPreview { reason: reason.to_owned() }))
    }

    async fn judged(&self) -> Result<JudgedDetail, DuelError> {
        let started = self.caller.clock.elapsed();
        let (issues, mut detail) = try_join(self.explain(), self.stages()).await?;
        detail.issues = issues;
        if detail.s2.is_some() {
            let elapsed = self.caller.clock.elapsed().saturating_sub(started).as_secs_f64();
            detail.elapsed_seconds = Some((elapsed * 10.0).round() / 10.0);
        }
        Ok(detail)
    }

    async fn stages(&self) -> Result<JudgedDetail, DuelError> {
        let s1 = self.prompt_match().await?;
        self.heard("S1", silence::prompt_match(&s1))?;
        self.reached(Stage::PromptMatch(&s1));
        let mut detail = JudgedDetail {
            s2: None,
            s3: None,
            s4: None,
            decided_by: DecidedBy::Fronts,
            issues: String::new(),
            elapsed_seconds: None,
            s1,
        };
        if detail.s1.choice != Choice::Draw {
            return Ok(detail);
        }

        // The last stage will look from the other sides in any case.
        let (s2, ()) = try_join(self.sub_judges(), self.bring_sides()).await?;
        self.heard("S2", silence::sub_judges(&s2))?;
        self.reached(Stage::SubJudges(&s2));
        let mut primary = s2.choice;
        detail.decided_by = match (s2.source, &s2.strong_tag) {
            (VerdictSource::StrongVoter, Some(tag)) => DecidedBy::StrongVoter(tag.clone()),
            (VerdictSource::StrongVoter, None) | (VerdictSource::Consensus, _) => DecidedBy::Consensus,
        };
        detail.s2 = Some(s2);

        if primary == Choice::Draw {
            let s3 = self.gray_rescue().await?;
            self.heard("S3", silence::gray_rescue(&s3))?;
            self.reached(Stage::GrayRescue(&s3));
            primary = s3.choice.unwrap_or(Choice::Draw);
            detail.decided_by = if s3.choice.is_some() { DecidedBy::GrayRescue } else { DecidedBy::NothingSeen };
            detail.s3 = Some(s3);
        }

        let s4 = self.side_guard(primary).await?;
        self.heard("S4", silence::side_guard(&s4))?;
        self.reached(Stage::SideGuard(&s4));
        if s4.choice != primary {
            detail.decided_by = DecidedBy::StepDown(primary);
        }
        detail.s4 = Some(s4);
        Ok(detail)
    }

    fn profile(&self) -> &Profile {
        self.caller.voice.profile
    }

    /// A stage that nobody answered ends the duel.
    fn heard(&self, stage: &'static str, silent: bool) -> Result<(), DuelError> {
        if !silent {
            return Ok(());
        }
        let CallTally { calls, attempts, unanswered, .. } = self.caller.tally.counts();
        let last = self.caller.tally.take_last_failure();
        Err(DuelError::NothingAnswered { stage, unanswered, calls, attempts, last })
    }

    async fn ask<R: Reply>(
        &self,
        question: &Question,
        which: usize,
        step: u64,
        parts: &[Part],
    ) -> Result<Option<R>, DuelError> {
        let asked = Asked { question, which, step, parts };
        self.caller.ask(asked).await.map_err(DuelError::Hopeless)
    }

    fn reached(&self, stage: Stage<'_>) {
        self.caller.observer.on(Event::Stage { stem: self.stem, stage });
    }

    fn odd(&self, what: &str) {
        self.caller.observer.on(Event::Oddity { stem: self.stem, what });
    }

    async fn both(&self, name: &str) -> Result<[Bytes; 2], DuelError> {
        let (left, right) = try_join(self.pictures.url(Side::Left, name), self.pictures.url(Side::Right, name)).await?;
        Ok([left, right])
    }

    /// Asks in both orders.
    async fn pair(&self, question: &Question, images: [Bytes; 2], seen_from: &str) -> Result<Pair, DuelError> {
        let reference = self.pictures.prompt().await?;
        let [left, right] = images;
        let ab = Shown {
            reference: reference.clone(),
            images: [left.clone(), right.clone()],
            seen_from,
            ..Shown::default()
        };
        let ba = Shown { reference, images: [right, left], seen_from, ..Shown::default() };
        let (ab, ba) = (ab.parts(&question.text), ba.parts(&question.text));
        let (ab, ba) = try_join(self.ask(question, 0, 0, &ab), self.ask(question, 1, 0, &ba)).await?;
        Ok(Pair { ab: ab.unwrap_or_else(Penalties::neutral), ba: ba.unwrap_or_else(Penalties::neutral) })
    }

    async fn prompt_match(&self) -> Result<PromptMatch, DuelError> {
        let rules = &self.profile().prompt_match;
        let answers = rules.views.iter().map(|front| async {
            let images = self.both(&white(&front.view)).await?;
            self.pair(&rules.question, images, &front.seen_from).await
        });
        Ok(prompt_match::decide(rules, &try_join_all(answers).await?))
    }

    async fn bring_sides(&self) -> Result<(), DuelError> {
        let rules = &self.profile().side_guard;
        let names: Vec<String> = rules.views.iter().chain([&rules.reference]).map(|view| white(view)).collect();
        let [left, right] = self.pictures.bring_both(&names).await;
        Ok(left.and(right)?)
    }

    async fn sub_judges(&self) -> Result<SubJudges, DuelError> {
        let grids = self.both(GRID).await?;
        let artifacts = self.pair(&self.profile().artifacts.question, grids.clone(), "");
        let (best_view, artifacts, checklist) = try_join3(self.best_view(), artifacts, self.checklist(grids)).await?;
        Ok(sub_judges::decide(self.profile(), best_view, &artifacts, checklist))
    }

    /// The inner error says why there is no best view, if that is worth a word.
    async fn best_view(&self) -> Result<Result<BestViewAnswers, Option<String>>, DuelError> {
        let mut views = Vec::new();
        for side in Side::BOTH {
            match self.best_view_of(side).await {
                Ok(view) => views.push(view),
                Err(None) => return Ok(Err(None)),
                Err(Some(reason)) => {
                    let reason = format!("{}/{reason}", side.name());
                    self.odd(&format!("no best view: {reason}"));
                    return Ok(Err(Some(reason)));
                }
            }
        }
        let [a, b] = <[String; 2]>::try_from(views).expect("one view a side");
        let (file_a, file_b) = (white(&a), white(&b));
        let images = try_join(self.pictures.url(Side::Left, &file_a), self.pictures.url(Side::Right, &file_b)).await?;
        let pair = self.pair(&self.profile().best_view.question, images.into(), "").await?;
        Ok(Ok(BestViewAnswers { pair, views: [a, b] }))
    }

    async fn best_view_of(&self, side: Side) -> Result<String, Option<String>> {
        let file = self.pictures.raw(side, "embeddings.npz").await.map_err(|error| Some(error.to_string()))?;
        let view =
            embeddings::best_view(&file.ok_or(None)?).map_err(|error| Some(format!("embeddings.npz: {error}")))?;
        let picture = white(&view);
        if self.pictures.has(side, &picture) { Ok(view) } else { Err(Some(format!("{picture} is missing"))) }
    }

    async fn checklist(&self, grids: [Bytes; 2]) -> Result<Checklist, DuelError> {
        let rules = &self.profile().checklist;
        let reference = self.pictures.prompt().await?;
        let shown = Shown { reference: reference.clone(), ..Shown::default() };
        let parts = shown.parts(&rules.decompose.text);
        let found: Option<PromptChecklist> = self.ask(&rules.decompose, 0, 0, &parts).await?;
        let Some(found) = found else { return Ok(sub_judges::checklist(rules, None, None)) };
        let features: Vec<String> = found.features.iter().map(|feature| format!("- {}", feature.description)).collect();
        let features = features.join("\n");
        let verify = |which: usize| {
            let shown = Shown {
                reference: reference.clone(),
                images: [grids[which].clone(), Bytes::new()],
                main_object: &found.main_object,
                features: &features,
                ..Shown::default()
            };
            let parts = shown.parts(&rules.verify.text);
            async move { self.ask::<Verification>(&rules.verify, which, 0, &parts).await }
        };
        let (a, b) = try_join(verify(0), verify(1)).await?;
        Ok(sub_judges::checklist(rules, Some(found), Some([a, b])))
    }

    async fn gray_rescue(&self) -> Result<GrayRescue, DuelError> {
        let rules = &self.profile().gray_rescue;
        let name = format!("gray/{}.png", rules.view);
        let paleness = match self.paleness(&name).await? {
            Ok(paleness) if gray_rescue::fires(rules, paleness) => paleness,
            other => return Ok(gray_rescue::not_fired(other)),
        };
        let images = self.both(&name).await?;
        let answers = self.pair(&rules.question, images, &rules.seen_from).await?;
        Ok(gray_rescue::decide(rules, paleness, &answers))
    }

    /// The inner error says why the pictures cannot be measured.
    async fn paleness(&self, name: &str) -> Result<Result<Paleness, String>, DuelError> {
        let mut files = Vec::new();
        for side in Side::BOTH {
            match self.pictures.raw(side, name).await? {
                Some(file) => files.push(file),
                None => return Ok(Err(format!("{}/{name} is missing", side.name()))),
            }
        }
        let rules = self.profile().gray_rescue.clone();
        let measure = move || gray_rescue::measure(&rules, [&files[0], &files[1]]);
        let measured = tokio::task::spawn_blocking(measure).await;
        let measured = measured.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        Ok(measured.map_err(|(picture, error)| format!("{}/{name}: {error}", Side::BOTH[picture].name())))
    }

    async fn side_guard(&self, primary: Choice) -> Result<SideGuard, DuelError> {
        let rules = &self.profile().side_guard;
        // Halves the memory of a duel: the front views will not be shown again.
        self.pictures.let_go_of_all_but(&white(&rules.reference));
        let verdicts = |side: Side| {
            let views = rules.views.iter().zip(0..).map(move |(view, step)| self.side_verdict(side, view, step));
            try_join_all(views)
        };
        let (a, b) = try_join(verdicts(Side::Left), verdicts(Side::Right)).await?;
        Ok(side_guard::decide(rules, primary, &a, &b))
    }

    async fn side_verdict(&self, side: Side, view: &str, step: u64) -> Result<SideVerdict, DuelError> {
        let rules = &self.profile().side_guard;
        let (reference, angle) = (white(&rules.reference), white(view));
        let images = try_join(self.pictures.url(side, &reference), self.pictures.url(side, &angle)).await?;
        let parts = Shown { images: images.into(), ..Shown::default() }.parts(&rules.question.text);
        let answer = self.ask(&rules.question, side as usize, step, &parts).await?;
        Ok(answer.unwrap_or_else(SideVerdict::neutral))
    }

    async fn explain(&self) -> Result<String, DuelError> {
        let question = &self.profile().explain.question;
        let shown =
            Shown { reference: self.pictures.prompt().await?, images: self.both(GRID).await?, ..Shown::default() };
        let parts = shown.parts(&question.text);
        let asked = Asked { question, which: 0, step: 0, parts: &parts };
        let answer: Option<Issues> = self.caller.ask_in_passing(asked).await.map_err(DuelError::Hopeless)?;
        Ok(answer.unwrap_or_default().issues)
    }
}
