//! The files of a round that say who takes part, when, and what became of their images.

use gen404_round::{BlockNumber, Hotkey, Window};
use serde::Deserialize;

use crate::content::{ByHotkey, Content, Document, Unreadable, lenient};

/// `schedule.json`: the round's blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Schedule {
    /// First block whose reveals count.
    pub earliest_reveal_block: BlockNumber,
    /// Last block whose reveals count.
    pub latest_reveal_block: BlockNumber,
    /// From this block on files are fetched.
    pub generation_deadline_block: BlockNumber,
}

impl Schedule {
    /// The window of reveals.
    pub fn window(self) -> Window {
        Window { earliest: self.earliest_reveal_block, latest: Some(self.latest_reveal_block) }
    }

    /// The window of the round after, as far as it is known while this round runs.
    pub fn next_window(self) -> Window {
        Window { earliest: self.latest_reveal_block.saturating_add(1), latest: None }
    }

    /// Whether its blocks are in order.
    pub fn is_in_order(self) -> bool {
        self.earliest_reveal_block <= self.latest_reveal_block
            && self.latest_reveal_block <= self.generation_deadline_block
    }
}

impl Content for Schedule {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        document.value()
    }
}

/// `seed.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Seed {
    /// The seed.
    pub seed: u64,
}

impl Content for Seed {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        document.value()
    }
}

/// `submissions.json`: who takes part, in the order of reveals.
#[derive(Debug, Clone, PartialEq)]
pub struct Submissions(pub ByHotkey<SubmissionEntry>);

/// One submission. Repository, commit and address are a miner's own words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SubmissionEntry {
    /// `owner/name`.
    #[serde(default, deserialize_with = "lenient")]
    pub repo: String,
    /// The commit.
    #[serde(default, deserialize_with = "lenient")]
    pub commit: String,
    /// Where the files are fetched from.
    #[serde(default, deserialize_with = "lenient")]
    pub cdn_url: String,
    /// Block of the commit's reveal.
    pub revealed_at_block: BlockNumber,
    /// Competition and round, such as `threejs-53`.
    #[serde(default, deserialize_with = "lenient")]
    pub round: Option<String>,
    /// The hardware it is to be verified on; empty in old rounds.
    #[serde(default, deserialize_with = "lenient")]
    pub hardware: Vec<String>,
}

impl Submissions {
    /// A hotkey's place in line, from 1.
    pub fn place(&self, hotkey: Hotkey) -> Option<usize> {
        let mut line: Vec<_> = self.0.entries.iter().collect();
        line.sort_by_key(|(_, entry)| entry.revealed_at_block);
        line.iter().position(|(known, _)| *known == hotkey).map(|index| index + 1)
    }
}

impl Content for Submissions {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        document.by_hotkey().map(Self)
    }
}

/// `builds.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct Builds(pub ByHotkey<Build>);

/// What became of a submission's image.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Build {
    /// How far it is.
    pub status: BuildStatus,
    /// The image's tag.
    #[serde(default, deserialize_with = "lenient")]
    pub tag: Option<String>,
    /// The image, once it is built.
    #[serde(default, deserialize_with = "lenient")]
    pub docker_image: Option<String>,
}

/// How far a build is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum BuildStatus {
    /// Not begun.
    Pending,
    /// Running.
    InProgress,
    /// Done.
    Success,
    /// Failed; the reason is not published.
    Failure,
    /// Given up.
    TimedOut,
    /// No job was found for it.
    NotFound,
    /// A status that this program does not know.
    Other(String),
}

impl From<String> for BuildStatus {
    fn from(name: String) -> Self {
        match name.as_str() {
            "pending" => Self::Pending,
            "in_progress" => Self::InProgress,
            "success" => Self::Success,
            "failure" => Self::Failure,
            "timed_out" => Self::TimedOut,
            "not_found" => Self::NotFound,
            _ => Self::Other(name),
        }
    }
}

impl BuildStatus {
    /// Its name in the file.
    pub fn name(&self) -> &str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::TimedOut => "timed_out",
            Self::NotFound => "not_found",
            Self::Other(name) => name,
        }
    }
}

impl Content for Builds {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        document.by_hotkey().map(Self)
    }
}

/// `winner.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Winner {
    /// The winner, or `leader` when the leader defended. As written: compare it, never make a path of it.
    pub winner_hotkey: String,
    /// `owner/name`.
    #[serde(default, deserialize_with = "lenient")]
    pub repo: String,
    /// The commit.
    #[serde(default, deserialize_with = "lenient")]
    pub commit: String,
    /// The image.
    #[serde(default, deserialize_with = "lenient")]
    pub docker_image: Option<String>,
    /// The hardware.
    #[serde(default, deserialize_with = "lenient")]
    pub hardware: Vec<String>,
}

impl Content for Winner {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        document.value()
    }
}
