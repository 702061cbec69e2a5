//! The organisers of a competition as one state machine: a block and what the chain says go in, the files of the public state
//! come out. No clock, no network and no chance in here: what is fetched, drawn or read comes in with the facts.

mod judging;
mod opening;

use std::collections::BTreeMap;

use gen404_round::AccountId;
use jiff::{SignedDuration, Timestamp};

use self::judging::Duels;
use super::collector::Entry;
use super::courier::{Arrival, Order};
use super::draw;
use super::matches::Sizes;
use super::written::{Files, Leader, Ordered, Output, Schedule, State};
use crate::generator::Quality;
use gen404_devchain::Snapshot;

/// Name of the competition in `config.json`; rounds are called `sandbox-1` and so on.
const COMPETITION: &str = "sandbox";

/// The files of a miner come in so many steps.
const DOWNLOADS: usize = 4;

/// What makes a leader's modules.
pub(super) trait Pipeline: Send + Sync + std::fmt::Debug {
    /// The module for a prompt, if it can make one.
    fn module(&self, stem: &str, seed: u64, quality: Quality) -> Option<String>;
}

/// The rules of a competition.
#[derive(Debug)]
pub(super) struct Rules {
    /// Blocks of a window of reveals.
    pub(super) window: u64,
    /// Blocks from its end to the deadline for files.
    pub(super) generation: u64,
    /// Prompts of a round, and how many of them are of the round before.
    pub(super) prompts: usize,
    pub(super) carryover: usize,
    /// The margin by which a challenger must win.
    pub(super) win_margin: f64,
    /// Rao that a coldkey has to lock for each of its hotkeys.
    pub(super) required_lock: u64,
    /// Seconds between two blocks.
    pub(super) block_time: f64,
    /// Addresses of all prompt pictures.
    pub(super) pool: Vec<String>,
    /// What the addresses of published modules begin with; ends with a slash.
    pub(super) outputs: String,
    /// Makes the leader's modules.
    pub(super) pipeline: Box<dyn Pipeline>,
}

/// What is known at one block.
pub(super) struct Facts<'a> {
    /// The chain's head and its time.
    pub(super) block: u64,
    pub(super) time: Timestamp,
    /// A random number; it becomes the seed of the round whose window ends.
    pub(super) seed: u32,
    /// Reads the chain at that head.
    pub(super) subnet: &'a dyn Fn() -> Snapshot,
    /// What has come of the orders since the last step.
    pub(super) arrived: Vec<Arrival>,
}

/// How far a round is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Generation,
    Downloading,
    Duels(Duels),
    Finalizing,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Generation => "miner_generation",
            Self::Downloading => "downloading",
            Self::Duels(_) => "duels",
            Self::Finalizing => "finalizing",
        }
    }
}

/// The organisers with everything that they have published.
#[derive(Debug)]
pub(super) struct Organisers {
    rules: Rules,
    files: Files,
    round: u64,
    stage: Stage,
    schedule: Schedule,
    leaders: Vec<Leader>,
    /// How the leader's modules are made.
    quality: Quality,
    /// Addresses of the newest round that has prompts, and its seed.
    prompts: Vec<String>,
    seed: u64,
    entries: Vec<Entry>,
    /// What was fetched of each hotkey, in order of arrival.
    submitted: BTreeMap<AccountId, Vec<(String, Output)>>,
    /// Sizes of modules that take part in duels, by player.
    sizes: BTreeMap<String, Sizes>,
    rows: Vec<(String, String, f64)>,
    winner: Option<String>,
}

impl Organisers {
    /// What is published by now.
    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// The current round and the name of its stage.
    pub(super) fn progress(&self) -> (u64, &'static str) {
        (self.round, self.stage.name())
    }

    /// The blocks of the current round.
    pub(super) fn schedule(&self) -> Schedule {
        self.schedule
    }

    /// What is to be fetched before the next step.
    pub(super) fn orders(&self) -> Vec<Order> {
        if self.stage != Stage::Downloading {
            return Vec::new();
        }
        let portion = self.prompts.len().div_ceil(DOWNLOADS).max(1);
        let of_one = |entry: &Entry| {
            let known = self.submitted.get(&entry.hotkey).map(Vec::as_slice).unwrap_or_default();
            let cdn = entry.cdn_url.trim_end_matches('/').to_owned();
            let hotkey = entry.hotkey;
            self.stems()
                .filter(|stem| known.iter().all(|(fetched, _)| fetched != stem))
                .take(portion)
                .map(|stem| Order { hotkey, stem: stem.to_owned(), url: format!("{cdn}/{stem}.js") })
                .collect::<Vec<_>>()
        };
        self.entries.iter().flat_map(of_one).collect()
    }

    /// Goes on by one step at most.
    pub(super) fn step(&mut self, facts: Facts<'_>) {
        match self.stage {
            Stage::Open if facts.block >= self.schedule.latest_reveal_block => self.collect(&facts),
            Stage::Generation if facts.block >= self.schedule.generation_deadline_block => {
                self.write_builds("success");
                self.enter(Stage::Downloading, None);
            }
            Stage::Generation => self.write_builds("in_progress"),
            Stage::Downloading => self.download(facts.arrived),
            Stage::Duels(duels) => self.judge(duels),
            Stage::Finalizing => self.finalize(&facts),
            Stage::Open => {}
        }
    }

    /// The stage comes last, so that whoever sees it finds its files.
    fn enter(&mut self, stage: Stage, next_stage_eta: Option<String>) {
        self.stage = stage;
        let written = State { current_round: self.round, stage: stage.name(), next_stage_eta };
        self.files.json("state.json", &written);
    }

    fn stems(&self) -> impl Iterator<Item = &str> {
        self.prompts.iter().map(|address| draw::stem(address))
    }

    fn round_name(&self) -> String {
        format!("{COMPETITION}-{}", self.round)
    }

    /// The path of a file of this round.
    fn path(&self, file: &str) -> String {
        format!("rounds/{}/{file}", self.round)
    }

    /// Publishes a module; returns its address.
    fn publish(&mut self, folder: &str, stem: &str, module: impl Into<bytes::Bytes>) -> String {
        let path = format!("rounds/{}/{folder}/{stem}.js", self.round);
        self.files.put(format!("outputs/{path}"), module);
        format!("{}{path}", self.rules.outputs)
    }

    fn order(&self) -> Vec<String> {
        self.entries.iter().map(|entry| entry.hotkey.to_string()).collect()
    }

    /// About when a block is.
    fn time_of(&self, block: u64, facts: &Facts<'_>) -> Timestamp {
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let seconds = block.saturating_sub(facts.block) as f64 * self.rules.block_time;
        let distance = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::MAX);
        facts.time.checked_add(distance).unwrap_or(Timestamp::MAX)
    }
}

/// A file of outputs by stem.
fn by_stem(outputs: &[(String, Output)]) -> Ordered<&Output> {
    Ordered(outputs.iter().map(|(stem, output)| (stem.clone(), output)).collect())
}

#[cfg(test)]
mod tests;
