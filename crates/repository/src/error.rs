//! Why a repository could not be read, told apart by whether that is an answer: a commit that is not there costs a round,
//! a server that does not answer says nothing.

use std::io;
use std::time::Duration;

use gen404_outside::explain::{Blame, Explain, Hint};

use crate::origin::InvalidOrigin;

/// Why nothing is known of a commit.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The repository is there, the commit is not.
    #[error("{origin} has no commit {commit}")]
    NoCommit {
        /// Where it was looked for.
        origin: String,
        /// The commit.
        commit: String,
    },
    /// There is no repository that everybody can read.
    #[error("{origin} is not a repository that everybody can read: {said}")]
    NotPublic {
        /// Where it was looked for.
        origin: String,
        /// What git said.
        said: String,
    },
    /// The place itself makes no sense.
    #[error(transparent)]
    Origin(#[from] InvalidOrigin),
    /// No git on this machine.
    #[error("git cannot be started")]
    NoGit(#[source] io::Error),
    /// A temporary folder cannot be made or written.
    #[error("no place for the repository's tree")]
    NoRoom(#[source] io::Error),
    /// It took too long.
    #[error("{origin} did not answer git within {} s", limit.as_secs())]
    TimedOut {
        /// Where it was looked for.
        origin: String,
        /// The time it had.
        limit: Duration,
    },
    /// More than anybody needs to know of a repository.
    #[error("the tree of {origin} is too large to look at: {what}")]
    TooLarge {
        /// Where it was looked for.
        origin: String,
        /// What is too large.
        what: &'static str,
    },
    /// git failed in another way.
    #[error("git could not read {origin}: {said}")]
    Failed {
        /// Where it was looked for.
        origin: String,
        /// What git said.
        said: String,
    },
}

impl RepositoryError {
    /// Whether this is the answer to the question: the subnet would not be able to build this commit.
    pub fn is_an_answer(&self) -> bool {
        match self {
            // No code host has a repository of that name.
            Self::NoCommit { .. } | Self::NotPublic { .. } | Self::Origin(_) => true,
            Self::NoGit(_) | Self::NoRoom(_) | Self::TimedOut { .. } | Self::TooLarge { .. } | Self::Failed { .. } => {
                false
            }
        }
    }
}

impl Explain for RepositoryError {
    fn blame(&self) -> Blame {
        match self {
            Self::NoCommit { .. } | Self::NotPublic { .. } | Self::NoRoom(_) | Self::TooLarge { .. } => Blame::Here,
            Self::Origin(_) | Self::NoGit(_) => Blame::User,
            Self::TimedOut { .. } | Self::Failed { .. } => Blame::Service,
        }
    }

    fn hint(&self) -> Option<Hint> {
        let hint = match self {
            Self::NoCommit { .. } => "push it: `git push`, and reveal the hash that `git rev-parse HEAD` prints",
            Self::NotPublic { .. } => {
                "is the name spelled right, and is the repository public? The subnet's rules ask for a public one"
            }
            Self::NoGit(_) => "install git, version 2.30 or newer",
            Self::NoRoom(_) => "is there room in the folder that TMPDIR names?",
            Self::TimedOut { .. } | Self::Failed { .. } => "try again; `-vv` shows what git says",
            Self::TooLarge { .. } => "keep model weights out of the repository: they belong on a model hub, pinned",
            Self::Origin(_) => return None,
        };
        Some(hint.into())
    }
}
