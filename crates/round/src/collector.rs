//! What of a hotkey's reveals counts for a round: the subnet's collector, rule by rule.
//! Knows no chain: reveals come in as payloads with their blocks, in the order in which the chain stores them.

mod line;
mod merge;
mod validation;

use std::fmt;

use url::Url;

use crate::{BlockNumber, CommitHash, RevealedFields};

pub use line::{Admission, Entrant, LinedUp, line_up};
pub use validation::InvalidSubmission;

/// The blocks whose reveals count for a round, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first block.
    pub earliest: BlockNumber,
    /// The last block; `None` while it is not published, which is so until the round before is over.
    pub latest: Option<BlockNumber>,
}

impl Window {
    /// Whether a reveal in this block counts, as far as the window's end is known.
    pub fn contains(self, block: BlockNumber) -> bool {
        self.earliest <= block && self.latest.is_none_or(|latest| block <= latest)
    }
}

/// One of the three things a submission consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The repository.
    Repo,
    /// The commit, whose reveal also decides the place in line.
    Commit,
    /// The address of the generated files.
    CdnUrl,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Repo, Self::Commit, Self::CdnUrl];

    /// Its key in a payload.
    pub fn key(self) -> &'static str {
        match self {
            Self::Repo => "repo",
            Self::Commit => "commit",
            Self::CdnUrl => "cdn_url",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.key())
    }
}

/// What a hotkey submits to a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// `owner/name`. The collector lets letters of all languages pass, so this is not a [`Repository`](crate::Repository).
    pub repo: String,
    /// The commit.
    pub commit: CommitHash,
    /// Where the files are, in the form in which the collector writes it down.
    pub cdn_url: Url,
    /// Block of the commit's reveal: the place in line, whenever the other two fields came.
    pub reveal_block: BlockNumber,
}

/// What the collector makes of a hotkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It takes part, if it is registered and its coldkey has enough locked when the window closes.
    Counts(Submission),
    /// Not all three fields were revealed inside the window.
    Incomplete {
        /// The fields that are missing.
        missing: Vec<Field>,
    },
    /// The newest values win, and these are refused. Older ones do not come back.
    Invalid(Vec<InvalidSubmission>),
    /// The collector itself dies on a reveal of this hotkey, and reads nobody's until somebody repairs it.
    Breaks(Breakage),
}

/// What the collector's program does not survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Breakage {
    /// JSON, but nothing that a field can be looked up in.
    #[error("the collector dies on the reveal of block {block}: it is {kind}, not an object")]
    NotAnObject {
        /// Block of the reveal.
        block: BlockNumber,
        /// What it is.
        kind: &'static str,
    },
    /// Two values of the same block that have no order, such as a text and a number.
    #[error("the collector dies on the reveals of block {block}: it cannot compare their values of `{field}`")]
    Incomparable {
        /// Block of both reveals.
        block: BlockNumber,
        /// The field.
        field: Field,
    },
    /// The winning address is not text.
    #[error("the collector dies on the reveal of block {block}: its `cdn_url` is {kind}, not a string")]
    CdnUrlNotText {
        /// Block of the reveal.
        block: BlockNumber,
        /// What it is.
        kind: &'static str,
    },
    /// More brackets inside one another than its JSON reader endures.
    #[error("the collector dies on the reveal of block {block}: it is nested too deeply")]
    TooDeep {
        /// Block of the reveal.
        block: BlockNumber,
    },
}

/// One hotkey's reveals inside a window, and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// The values that won, good or not. What is not text is shown as JSON; what the collector dies on is left out.
    pub fields: RevealedFields,
    /// What the collector makes of them.
    pub verdict: Verdict,
}

/// Reads a hotkey's reveals for the round of this window.
pub fn collect<'a>(
    hotkey: &str,
    window: Window,
    reveals: impl IntoIterator<Item = (&'a [u8], BlockNumber)>,
) -> Collected {
    let inside = reveals.into_iter().filter(|(_, block)| window.contains(*block));
    let merged = merge::merge(inside);
    let fields = merged.revealed();
    Collected { fields, verdict: merged.verdict(hotkey) }
}

/// Puts submissions in the order in which they play: by the commit's reveal, and within a block as the chain stores them,
/// which must be the order they come in.
pub fn put_in_line<T>(submissions: &mut [(T, Submission)]) {
    submissions.sort_by_key(|(_, submission)| submission.reveal_block);
}
