//! The files at the top of the repository: stage, configuration, leaders.

use gen404_round::{BlockNumber, Hotkey};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde::Deserialize;

use crate::RoundNumber;
use crate::content::{Content, Document, Unreadable, form, from_json, lenient};

/// How often a submission is regenerated when the configuration does not say.
pub const AUDIT_REPEATS: u32 = 3;

/// `state.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct State {
    /// The round that is running.
    pub current_round: RoundNumber,
    /// What is going on.
    pub stage: Stage,
    /// About when the next stage begins; services notice it up to half an hour later.
    #[serde(default, deserialize_with = "lenient")]
    pub next_stage_eta: Option<Timestamp>,
}

/// A stage of a round.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Stage {
    /// Reveals are collected.
    Open,
    /// Miners generate.
    MinerGeneration,
    /// Files are fetched from miners.
    Downloading,
    /// Matches and audits.
    Duels,
    /// The next round is prepared.
    Finalizing,
    /// The competition is over.
    Finished,
    /// Held by hand.
    Paused,
    /// A stage that this program does not know.
    Other(String),
}

impl From<String> for Stage {
    fn from(name: String) -> Self {
        match name.as_str() {
            "open" => Self::Open,
            "miner_generation" => Self::MinerGeneration,
            "downloading" => Self::Downloading,
            "duels" => Self::Duels,
            "finalizing" => Self::Finalizing,
            "finished" => Self::Finished,
            "paused" => Self::Paused,
            _ => Self::Other(name),
        }
    }
}

impl Stage {
    /// Its name in the file.
    pub fn name(&self) -> &str {
        match self {
            Self::Open => "open",
            Self::MinerGeneration => "miner_generation",
            Self::Downloading => "downloading",
            Self::Duels => "duels",
            Self::Finalizing => "finalizing",
            Self::Finished => "finished",
            Self::Paused => "paused",
            Self::Other(name) => name,
        }
    }
}

impl Content for State {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        document.value()
    }
}

/// `config.json`. Whatever is missing is `None`: what to assume then is for the one who needs it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Config {
    /// Name of the competition, such as `threejs`.
    pub name: String,
    /// What it is, in a few words.
    #[serde(default, deserialize_with = "lenient")]
    pub description: Option<String>,
    /// Day of the first round's end of window.
    #[serde(default, deserialize_with = "lenient")]
    pub first_evaluation_date: Option<Date>,
    /// The last day.
    #[serde(default, deserialize_with = "lenient")]
    pub last_competition_date: Option<Date>,
    /// Time of day, UTC, at which windows close.
    #[serde(default, deserialize_with = "lenient")]
    pub round_start_time: Option<Time>,
    /// Minutes from the end of the window to the deadline of generation.
    #[serde(default, deserialize_with = "lenient")]
    pub generation_stage_minutes: Option<f64>,
    /// Hours between a round's end and the next window's end at least.
    #[serde(default, deserialize_with = "lenient")]
    pub finalization_buffer_hours: Option<f64>,
    /// The margin by which a challenger must win.
    #[serde(default, deserialize_with = "lenient")]
    pub win_margin: Option<f64>,
    /// Prompts of a round.
    #[serde(default, deserialize_with = "lenient")]
    pub prompts_per_round: Option<usize>,
    /// How many of them are of the round before.
    #[serde(default, deserialize_with = "lenient")]
    pub carryover_prompts: Option<usize>,
    /// Days from one round to the next.
    #[serde(default, deserialize_with = "lenient")]
    pub round_duration_days: Option<u32>,
    /// How often a submission is regenerated; see [`AUDIT_REPEATS`].
    #[serde(default, deserialize_with = "lenient")]
    pub audit_repeats: Option<u32>,
}

impl Content for Config {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        document.value()
    }
}

/// `leader.json`: all leaders, oldest first. An entry that cannot be read makes the file unreadable: leaving it out would
/// name somebody else.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaders(pub Vec<LeaderEntry>);

/// Somebody who leads from a block on.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LeaderEntry {
    /// The hotkey.
    pub hotkey: Hotkey,
    /// `owner/name`.
    #[serde(default, deserialize_with = "lenient")]
    pub repo: String,
    /// The commit.
    #[serde(default, deserialize_with = "lenient")]
    pub commit: String,
    /// The image that was built of it.
    #[serde(default, deserialize_with = "lenient")]
    pub docker: Option<String>,
    /// The hardware it runs on.
    #[serde(default, deserialize_with = "lenient")]
    pub hardware: Vec<String>,
    /// Its weight as written. What becomes of it when the leader defends is not to be computed: the rule in the
    /// configuration has long not been followed.
    pub weight: f64,
    /// The block from which on it leads.
    pub effective_block: BlockNumber,
}

impl LeaderEntry {
    /// Whether this only keeps the place of a first leader: it has no repository and no image.
    pub fn is_placeholder(&self) -> bool {
        let no_image = |image: &String| image.rsplit('/').next().is_some_and(|name| name.starts_with("no-docker"));
        self.repo == "no-repo/no-repo" || self.docker.as_ref().is_some_and(no_image)
    }
}

impl Leaders {
    /// The leader at a block: the last entry in effect that is not a placeholder.
    pub fn at(&self, block: BlockNumber) -> Option<&LeaderEntry> {
        self.0.iter().rev().filter(|entry| entry.effective_block <= block).find(|entry| !entry.is_placeholder())
    }

    /// The leader that is to take over after a block.
    pub fn after(&self, block: BlockNumber) -> Option<&LeaderEntry> {
        self.0.iter().filter(|entry| entry.effective_block > block).find(|entry| !entry.is_placeholder())
    }
}

impl Content for Leaders {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        let entries = document.items()?.into_iter().map(from_json).collect::<Result<_, _>>();
        entries.map(Self).map_err(|error| form(&error))
    }
}
