//! What a match will take before the first call: which duels are judged already, which need no call, which cannot be judged,
//! and what the rest costs at most. Looks at files only, until it is told to fetch prompt pictures.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gen404_outside::http::shown;
use gen404_outside::pictures::{FetchError, FetchLimits, Fetcher, Shelf};
use gen404_round::duel::{Detail, DuelInputs, DuelRecord, MatchRun, NoPreview, Winner};
use gen404_round::{Prompt, PromptSet};
use sha2::{Digest, Sha256};
use url::Url;

use crate::pictures::{PictureError, Places, PromptPlace, encoded_length, read, sha256_of};
use crate::profile::Profile;
use crate::records;
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
}

/// What to do about each duel.
#[derive(Debug)]
pub struct Plan {
    pub(crate) contest: Match,
    pub(crate) duels: Vec<(Prompt, Step)>,
    cost: Cost,
}

#[derive(Debug)]
pub(crate) enum Step {
    /// A record made from the same inputs is there.
    Keep(Box<DuelRecord>),
    /// A side without pictures decides.
    Decide(Winner, NoPreview),
    /// Ask the model.
    Judge(Places),
    /// A picture is missing that the profile looks at.
    Impossible(PictureError),
}

/// What a match takes, at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// All duels.
    pub duels: usize,
    /// Judged by an earlier run from the same inputs.
    pub already_judged: usize,
    /// Decided without a call, because a side has no pictures.
    pub without_preview: usize,
    /// Sides without any picture at all: left, right.
    pub sides_missing: [usize; 2],
    /// Not judged, because a picture is missing or unreadable.
    pub impossible: usize,
    /// To be judged now.
    pub to_judge: usize,
    /// Of these, duels whose prompt picture has to be fetched first; its size is not known yet.
    pub to_fetch: usize,
    /// Questions for these, repetitions after failures not counted.
    pub calls: u64,
    /// Bytes of pictures to send for these questions.
    pub bytes: u64,
}

impl Plan {
    /// Looks at all pictures and records. With `fresh` no record is kept.
    ///
    /// Hashes the pictures of every duel that has a record, so call it where blocking is fine.
    pub fn make(contest: Match, fresh: bool) -> Self {
        let mut cost = Cost { duels: contest.prompts.prompts.len(), ..Cost::default() };
        let folder = contest.prompts_file.parent().unwrap_or(Path::new("")).to_owned();
        let shelf = contest.shelf();
        let steps: Vec<(Prompt, Step)> = contest
            .prompts
            .prompts
            .iter()
            .map(|prompt| {
                let places = Places::of(prompt, [&contest.left, &contest.right], &folder, shelf.as_ref());
                (prompt.clone(), step(&contest, prompt, places, fresh, &mut cost))
            })
            .collect();
        Self { contest, duels: steps, cost }
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

    /// Has the prompt pictures fetched that duels to be judged need. Those that cannot be had make their duels impossible.
    pub async fn fetch_prompts(&mut self, limits: FetchLimits) -> Result<Fetched, FetchError> {
        let Some(kept) = self.contest.shelf().filter(|_| self.cost.to_fetch > 0) else {
            return Ok(Fetched::default());
        };
        let wanted = self.duels.iter().enumerate().filter_map(|(index, (_, step))| match step {
            Step::Judge(Places { prompt: PromptPlace::Unfetched(url), .. }) => Some((index, url.clone())),
            _ => None,
        });
        let wanted: Vec<(usize, Url)> = wanted.collect();
        let mut addresses: BTreeMap<usize, String> = wanted.iter().map(|(index, url)| (*index, shown(url))).collect();
        let mut fetched = Fetched::default();
        for (index, picture) in Fetcher::new(limits)?.fetch_all(&kept, wanted).await {
            let step = &mut self.duels[index].1;
            match (picture, step) {
                (Ok(path), Step::Judge(places)) => {
                    fetched.fetched += 1;
                    self.cost.bytes -= price(&self.contest.profile, places).1;
                    places.prompt = PromptPlace::File(path);
                    self.cost.bytes += price(&self.contest.profile, places).1;
                }
                (Err(source), step) => {
                    fetched.missed += 1;
                    if let Step::Judge(places) = step {
                        let (calls, bytes) = price(&self.contest.profile, places);
                        self.cost.calls -= calls;
                        self.cost.bytes -= bytes;
                    }
                    self.cost.to_judge -= 1;
                    self.cost.impossible += 1;
                    let address = addresses.remove(&index).unwrap_or_default();
                    *step = Step::Impossible(PictureError::Unfetched { address, source });
                }
                (Ok(_), _) => {}
            }
        }
        self.cost.to_fetch = 0;
        Ok(fetched)
    }

    /// The duels to be judged, those with the largest pictures first.
    pub(crate) fn largest_first(&self) -> Vec<(&Prompt, &Places)> {
        let to_judge = self.duels.iter().filter_map(|(prompt, step)| match step {
            Step::Judge(places) => Some((prompt, places)),
            Step::Keep(_) | Step::Decide(..) | Step::Impossible(_) => None,
        });
        let mut duels: Vec<_> = to_judge.collect();
        duels.sort_by_cached_key(|(_, places)| Reverse(price(&self.contest.profile, places).1));
        duels
    }

    /// What keeps duels from being judged, with the duel's stem.
    pub fn impossible(&self) -> impl Iterator<Item = (&gen404_round::Stem, &PictureError)> {
        self.duels.iter().filter_map(|(prompt, step)| match step {
            Step::Impossible(error) => Some((&prompt.stem, error)),
            _ => None,
        })
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
    let [left, right] = [&places.sides[0], &places.sides[1]].map(|folder| folder.is_dir());
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
        return Step::Keep(Box::new(record));
    }
    cost.to_judge += 1;
    cost.to_fetch += usize::from(matches!(places.prompt, PromptPlace::Unfetched(_)));
    let (calls, bytes) = price(&contest.profile, &places);
    cost.calls += calls;
    cost.bytes += bytes;
    Step::Judge(places)
}

/// The gate before any call: who has pictures at all.
fn preview_gate(left: bool, right: bool) -> Option<(Winner, &'static str)> {
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
    let of_sides = places.sides.iter().flat_map(|folder| names.iter().map(|name| folder.join(name)));
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
        // A prompt picture that is not on this disk is the one of its address, which the settings hold.
        None => key == "prompt" && !matches!(places.prompt, PromptPlace::File(_)),
    };
    let kept = *settings == contest.settings_digest(prompt) && silent_stage(detail).is_none() && files.iter().all(same);
    kept.then_some(record)
}

/// Questions of a duel and the bytes of their pictures, when every stage is needed.
fn price(profile: &Profile, places: &Places) -> (u64, u64) {
    let length = |path: PathBuf| std::fs::metadata(path).map_or(0, |file| encoded_length(file.len()));
    let of = |side: usize, name: String| length(places.sides[side].join(name));
    let white = |view: &str| (0..2).map(|side| of(side, format!("white/{view}.png"))).sum::<u64>();
    let both_have = |name: &str| places.sides.iter().all(|folder| folder.join(name).is_file());

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
    if both_have("embeddings.npz") {
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
