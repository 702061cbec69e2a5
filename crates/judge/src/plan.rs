//! What a match will take before the first call: which duels are judged already, which need no call, which cannot be judged,
//! and what the rest costs at most. Looks at files only, until it is told to fetch prompt pictures.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt as _;
use gen404_outside::http::shown;
use gen404_outside::pictures::{Fetcher, Shelf};
use gen404_round::duel::{Detail, DuelInputs, DuelRecord, MatchRun, NoPreview, Side, Winner};
use gen404_round::{Prompt, PromptSet, Stem};
use sha2::{Digest, Sha256};
use url::Url;

use crate::pictures::{PictureError, Places, PromptPlace, encoded_length, read, sha256_of};
use crate::profile::Profile;
use crate::records;
use crate::run::blocking;
use crate::source::{Folders, PictureSource, Presence};
use crate::stages::silence::silent_stage;

/// Raised when decisions would come out differently from the same inputs.
const ENGINE: &str = "gen404-judge 1";

/// A match to be judged.
#[derive(Debug, Clone)]
pub struct Match {
    /// The prompts.
    pub prompts: PromptSet,
    /// Where they come from; relative picture paths begin at its folder.
    pub prompts_file: PathBuf,
    /// `<stem>/white/…` of the left side, the defender.
    pub left: PathBuf,
    /// The same of the right side, the challenger.
    pub right: PathBuf,
    /// Where records go.
    pub output: PathBuf,
    /// How to judge.
    pub profile: Profile,
    /// Which model is asked; part of what a record depends on.
    pub model: String,
    /// Seed of the calls.
    pub seed: u64,
    /// How prompt pictures that are on the network come to the model.
    pub prompt_pictures: PromptPictures,
}

/// How prompt pictures that are on the network come to the model. A record does not depend on it: it is the same picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PromptPictures {
    /// Fetched by this machine before the match, kept in the output folder, and sent along.
    #[default]
    Data,
    /// As their addresses, which the model's server has to fetch.
    Url,
}

/// What became of prompt pictures on the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Had, and on disk now.
    pub fetched: usize,
    /// Not to be had; their duels cannot be judged.
    pub missed: usize,
    /// Of those that were had, not the picture that the duel's record was made from; their duels are judged again.
    pub changed: usize,
}

/// What to do about each duel.
#[derive(Debug)]
pub struct Plan {
    pub(crate) contest: Match,
    pub(crate) source: Arc<dyn PictureSource>,
    pub(crate) duels: Vec<(Prompt, Step)>,
    cost: Cost,
    /// Kept records whose prompt picture could not be fetched for a comparison.
    unconfirmed: Vec<(Stem, PictureError)>,
}

#[derive(Debug)]
pub(crate) enum Step {
    /// A record made from the same inputs is there.
    Keep(Box<DuelRecord>),
    /// The same, as far as can be told before the prompt picture is fetched and compared with the recorded one.
    Confirm(Box<DuelRecord>, Confirm),
    /// A side without pictures decides.
    Decide(Winner, NoPreview),
    /// Ask the model.
    Judge(Places),
    /// A picture is missing that the profile looks at.
    Impossible(PictureError),
}

/// What it takes to see whether a prompt picture is still the recorded one.
#[derive(Debug)]
pub(crate) struct Confirm {
    url: Url,
    /// SHA-256 of the picture that the model saw.
    sum: Option<String>,
    /// For judging again when it is another one.
    places: Places,
}

/// What a match takes, at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// All duels.
    pub duels: usize,
    /// Judged by an earlier run from the same inputs. Fetching prompt pictures may show that one of them has changed.
    pub already_judged: usize,
    /// Decided without a call, because a side has no pictures.
    pub without_preview: usize,
    /// Sides without any picture at all: left, right.
    pub sides_missing: [usize; 2],
    /// Not judged, because a picture is missing or unreadable.
    pub impossible: usize,
    /// To be judged now.
    pub to_judge: usize,
    /// Prompt pictures that have to be fetched first, to show them or to compare them with the recorded ones; their size is
    /// not known yet.
    pub to_fetch: usize,
    /// Questions for these, repetitions after failures not counted.
    pub calls: u64,
    /// Bytes of pictures to send for these questions.
    pub bytes: u64,
}

impl Plan {
    /// Looks at all pictures and records of a match between two folders of pictures. With `fresh` no record is kept.
    ///
    /// Hashes the pictures of every duel that has a record, so call it where blocking is fine.
    pub fn make(contest: Match, fresh: bool) -> Self {
        let folders = Folders([contest.left.clone(), contest.right.clone()]);
        Self::with_source(contest, Arc::new(folders), fresh)
    }

    /// The same with pictures of any source, which has them below the folders of the sides before they are read.
    pub fn with_source(contest: Match, source: Arc<dyn PictureSource>, fresh: bool) -> Self {
        let mut cost = Cost { duels: contest.prompts.prompts.len(), ..Cost::default() };
        let folder = contest.prompts_file.parent().unwrap_or(Path::new("")).to_owned();
        let shelf = contest.shelf();
        let steps: Vec<(Prompt, Step)> = contest
            .prompts
            .prompts
            .iter()
            .map(|prompt| {
                let presence = Side::BOTH.map(|side| source.presence(side, &prompt.stem));
                let folders = [&*contest.left, &*contest.right];
                let places = Places::of(prompt, folders, presence, &folder, shelf.as_ref());
                (prompt.clone(), step(&contest, prompt, places, fresh, &mut cost))
            })
            .collect();
        Self { contest, source, duels: steps, cost, unconfirmed: Vec::new() }
    }

    /// How it is judged.
    pub fn profile(&self) -> &Profile {
        &self.contest.profile
    }

    /// Name of the model that is asked.
    pub fn model(&self) -> &str {
        &self.contest.model
    }

    /// What it takes.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Has the prompt pictures fetched that duels to be judged need, and those that a record was made from and no copy was kept
    /// of. One that cannot be had makes a duel to be judged impossible; a record is kept then. One that has changed makes its
    /// duel one to be judged.
    pub async fn fetch_prompts(&mut self, fetcher: &Fetcher) -> Fetched {
        self.fetch_and_tell(fetcher, |_, _| {}).await
    }

    /// The same; `ready` hears of each duel to be judged as soon as its prompt picture is here.
    pub(crate) async fn fetch_and_tell(&mut self, fetcher: &Fetcher, ready: impl Fn(&Prompt, &Places)) -> Fetched {
        let Some(kept) = self.contest.shelf().filter(|_| self.cost.to_fetch > 0) else {
            return Fetched::default();
        };
        let wanted = self.duels.iter().enumerate().filter_map(|(index, (_, step))| match step {
            Step::Judge(Places { prompt: PromptPlace::Unfetched(url), .. }) | Step::Confirm(_, Confirm { url, .. }) => {
                Some((index, url.clone()))
            }
            Step::Judge(_) | Step::Keep(_) | Step::Decide(..) | Step::Impossible(_) => None,
        });
        let wanted: Vec<(usize, Url)> = wanted.collect();
        let addresses: BTreeMap<usize, String> = wanted.iter().map(|(index, url)| (*index, shown(url))).collect();
        let mut counts = Fetched::default();
        let mut arriving = pin!(fetcher.fetch_each(&kept, wanted));
        while let Some((index, picture)) = arriving.next().await {
            let picture = picture.map_err(|source| {
                let address = addresses.get(&index).cloned().unwrap_or_default();
                PictureError::Unfetched { address, source }
            });
            self.arrived(index, picture, &mut counts).await;
            if let (prompt, Step::Judge(places)) = &self.duels[index] {
                ready(prompt, places);
            }
        }
        self.cost.to_fetch = 0;
        counts
    }

    /// Puts a fetched picture, or its absence, into the duel that wants it.
    async fn arrived(&mut self, index: usize, picture: Result<PathBuf, PictureError>, fetched: &mut Fetched) {
        let (profile, cost) = (&self.contest.profile, &mut self.cost);
        let (prompt, step) = &mut self.duels[index];
        match picture {
            Ok(_) => fetched.fetched += 1,
            Err(_) if matches!(step, Step::Judge(_)) => fetched.missed += 1,
            Err(_) => {}
        }
        // Only for the time until the arms below say what the step is now.
        let was = std::mem::replace(step, Step::Decide(Winner::Draw, NoPreview { reason: String::new() }));
        *step = match (was, picture) {
            (Step::Judge(mut places), Ok(path)) => {
                cost.bytes -= price(profile, &places).1;
                places.prompt = PromptPlace::File(path);
                cost.bytes += price(profile, &places).1;
                Step::Judge(places)
            }
            (Step::Judge(places), Err(error)) => {
                let (calls, bytes) = price(profile, &places);
                cost.calls -= calls;
                cost.bytes -= bytes;
                cost.to_judge -= 1;
                cost.impossible += 1;
                Step::Impossible(error)
            }
            (Step::Confirm(record, confirm), Ok(path)) => {
                let Confirm { sum, mut places, .. } = confirm;
                if is_of_sum(path.clone(), sum).await {
                    Step::Keep(record)
                } else {
                    fetched.changed += 1;
                    places.prompt = PromptPlace::File(path);
                    let (calls, bytes) = price(profile, &places);
                    cost.already_judged -= 1;
                    cost.to_judge += 1;
                    cost.calls += calls;
                    cost.bytes += bytes;
                    Step::Judge(places)
                }
            }
            (Step::Confirm(record, _), Err(error)) => {
                self.unconfirmed.push((prompt.stem.clone(), error));
                Step::Keep(record)
            }
            (other @ (Step::Keep(_) | Step::Decide(..) | Step::Impossible(_)), _) => other,
        };
    }

    /// The duels to be judged, those with the largest pictures first.
    pub(crate) fn largest_first(&self) -> Vec<(&Prompt, &Places)> {
        let to_judge = self.duels.iter().filter_map(|(prompt, step)| match step {
            Step::Judge(places) => Some((prompt, places)),
            Step::Keep(_) | Step::Confirm(..) | Step::Decide(..) | Step::Impossible(_) => None,
        });
        let mut duels: Vec<_> = to_judge.collect();
        duels.sort_by_cached_key(|(_, places)| Reverse(price(&self.contest.profile, places).1));
        duels
    }

    /// Whether pictures are brought when they are asked for, so that nobody knows yet how large they are.
    pub fn is_on_demand(&self) -> bool {
        self.largest_first().iter().any(|(_, places)| places.presence.contains(&Presence::OnDemand))
    }

    /// What keeps duels from being judged, with the duel's stem.
    pub fn impossible(&self) -> impl Iterator<Item = (&Stem, &PictureError)> {
        self.duels.iter().filter_map(|(prompt, step)| match step {
            Step::Impossible(error) => Some((&prompt.stem, error)),
            _ => None,
        })
    }

    /// Records that are kept although their prompt picture could not be compared with what is behind its address now.
    pub fn unconfirmed(&self) -> impl Iterator<Item = (&Stem, &PictureError)> {
        self.unconfirmed.iter().map(|(stem, error)| (stem, error))
    }

    /// What the match is judged from, for `duels.json`.
    pub(crate) fn run(&self) -> MatchRun {
        let absolute =
            |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
        MatchRun {
            prompts_json: absolute(&self.contest.prompts_file),
            image_dir_1: absolute(&self.contest.left),
            image_dir_2: absolute(&self.contest.right),
            profile: self.contest.profile.name.clone(),
            model: self.contest.model.clone(),
            seed: self.contest.seed,
            pictures: self.contest.profile.pictures(),
        }
    }
}

impl Match {
    /// Where fetched prompt pictures are; `None` when the model's server fetches them.
    fn shelf(&self) -> Option<Shelf> {
        match self.prompt_pictures {
            PromptPictures::Data => Some(Shelf::beside(&self.output.join("prompts"))),
            PromptPictures::Url => None,
        }
    }

    /// SHA-256 over what a decision depends on besides pictures.
    pub(crate) fn settings_digest(&self, prompt: &Prompt) -> String {
        let mut hasher = Sha256::new();
        let seed = self.seed.to_string();
        for part in [ENGINE, &self.profile.digest, &self.model, &seed, prompt.stem.as_str(), &prompt.image_url] {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        hex::encode(hasher.finalize())
    }
}

fn step(contest: &Match, prompt: &Prompt, places: Places, fresh: bool, cost: &mut Cost) -> Step {
    let [left, right] = places.presence.map(|presence| presence != Presence::Missing);
    cost.sides_missing[0] += usize::from(!left);
    cost.sides_missing[1] += usize::from(!right);
    if let Some((winner, reason)) = preview_gate(left, right) {
        cost.without_preview += 1;
        return Step::Decide(winner, NoPreview { reason: reason.to_owned() });
    }
    if let Err(error) = needed_files(&contest.profile, &places) {
        cost.impossible += 1;
        return Step::Impossible(error);
    }
    if !fresh && let Some(record) = kept(contest, prompt, &places) {
        cost.already_judged += 1;
        return match to_confirm(&record, &places) {
            Some((url, sum)) => {
                cost.to_fetch += 1;
                Step::Confirm(Box::new(record), Confirm { url, sum, places })
            }
            None => Step::Keep(Box::new(record)),
        };
    }
    cost.to_judge += 1;
    cost.to_fetch += usize::from(matches!(places.prompt, PromptPlace::Unfetched(_)));
    let (calls, bytes) = price(&contest.profile, &places);
    cost.calls += calls;
    cost.bytes += bytes;
    Step::Judge(places)
}

/// The gate before any call: who has pictures at all.
pub(crate) fn preview_gate(left: bool, right: bool) -> Option<(Winner, &'static str)> {
    match (left, right) {
        (false, false) => Some((Winner::Draw, "no previews on either side")),
        (false, true) => Some((Winner::Right, "no preview from left")),
        (true, false) => Some((Winner::Left, "no preview from right")),
        (true, true) => None,
    }
}

/// Every picture that some stage cannot do without must be there.
fn needed_files(profile: &Profile, places: &Places) -> Result<(), PictureError> {
    let pictures = profile.pictures();
    let views = pictures.front.iter().chain(&pictures.sides).chain([&pictures.reference]);
    let names: Vec<String> = views.map(|view| format!("white/{view}.png")).chain(["grid.png".to_owned()]).collect();
    let here = places.sides.iter().zip(places.presence).filter(|(_, presence)| *presence == Presence::Here);
    let of_sides = here.flat_map(|(folder, _)| names.iter().map(|name| folder.join(name)));
    match of_sides.chain(places.prompt_file().map(Path::to_owned)).find(|path| !path.is_file()) {
        Some(path) => Err(PictureError::Missing { path }),
        None => Ok(()),
    }
}

/// The record of an earlier run, if it was made from exactly what is there now and no stage of it went without any answer,
/// as records of older versions may have.
fn kept(contest: &Match, prompt: &Prompt, places: &Places) -> Option<DuelRecord> {
    let record = records::read(&contest.output, &prompt.stem)?;
    let DuelInputs { settings, files } = record.inputs.as_ref()?;
    let Detail::Judged(detail) = &record.detail else { return None };
    let same = |(key, sum): (&String, &Option<String>)| match places.file(key) {
        Some(path) => read(&path).is_ok_and(|bytes| bytes.map(|bytes| sha256_of(&bytes)) == *sum),
        // A prompt picture that is not on this disk is the one of its address, which the settings hold; or it is fetched for a
        // comparison, see `to_confirm`.
        None => key == "prompt" && !matches!(places.prompt, PromptPlace::File(_)),
    };
    let kept = *settings == contest.settings_digest(prompt) && silent_stage(detail).is_none() && files.iter().all(same);
    kept.then_some(record)
}

/// The prompt picture that a record was made from, when its copy is gone: whether the same is still behind the address is
/// known only when it is fetched. Not asked when the model's server fetches the pictures.
fn to_confirm(record: &DuelRecord, places: &Places) -> Option<(Url, Option<String>)> {
    let PromptPlace::Unfetched(url) = &places.prompt else { return None };
    let sum = record.inputs.as_ref()?.files.get("prompt")?;
    Some((url.clone(), sum.clone()))
}

async fn is_of_sum(path: PathBuf, sum: Option<String>) -> bool {
    blocking(move || read(&path).is_ok_and(|bytes| bytes.map(|bytes| sha256_of(&bytes)) == sum)).await
}

/// Questions of a duel and the bytes of their pictures, when every stage is needed.
fn price(profile: &Profile, places: &Places) -> (u64, u64) {
    let length = |path: PathBuf| std::fs::metadata(path).map_or(0, |file| encoded_length(file.len()));
    let of = |side: usize, name: String| length(places.sides[side].join(name));
    let white = |view: &str| (0..2).map(|side| of(side, format!("white/{view}.png"))).sum::<u64>();
    let both_have = |name: &str| Side::BOTH.into_iter().all(|side| places.may_have(side, name));

    let prompt = places.prompt_file().map_or(0, |path| length(path.to_owned()));
    let grids = of(0, "grid.png".to_owned()) + of(1, "grid.png".to_owned());
    let pictures = profile.pictures();
    let fronts: u64 = pictures.front.iter().map(|view| white(view)).sum();
    let sides: u64 = pictures.sides.iter().map(|view| white(view)).sum();
    let largest = pictures.front.iter().chain(&pictures.sides).map(|view| white(view)).max().unwrap_or_default();
    let (front_count, side_count) = (pictures.front.len() as u64, pictures.sides.len() as u64);

    let mut calls = 1 + 2 * front_count + 2 + 3 + 2 * side_count;
    let mut bytes = (prompt + grids) // explain
        + 2 * (front_count * prompt + fronts)
        + 2 * (prompt + grids) // artifacts
        + 3 * prompt + grids // checklist
        + side_count * white(&pictures.reference) + sides;
    if places.sides.iter().all(|folder| folder.join("embeddings.npz").is_file()) {
        calls += 2;
        bytes += 2 * (prompt + largest);
    }
    let gray = format!("gray/{}.png", pictures.gray);
    if both_have(&gray) {
        calls += 2;
        bytes += 2 * (prompt + of(0, gray.clone()) + of(1, gray));
    }
    (calls, bytes)
}
