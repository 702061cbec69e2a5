//! Why a pod that was being waited for is given up, in words, and what to do about it.
//! When that is so is decided by the watch.

use std::fmt;
use std::time::Duration;

use crate::wire::Status;

/// Why a pod was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Its image cannot be pulled.
    NoImage {
        /// What the service or the registry says.
        words: String,
    },
    /// Its container does not stay up.
    Crashed {
        /// What the service reported.
        event: String,
        /// What the container ended with.
        exit_code: Option<i64>,
    },
    /// The service ended it.
    Ended {
        /// The status word.
        status: Status,
        /// What the service says about it.
        message: String,
    },
    /// It was there, and the service no longer knows it: somebody deleted it.
    Vanished,
    /// No public address in time.
    NotVisible {
        /// The time it had.
        after: Duration,
        /// The last status.
        status: Status,
    },
    /// A public address, but no good answer in time.
    NotHealthy {
        /// The time it had.
        after: Duration,
        /// HTTP status of the last health check; none when it did not answer.
        answer: Option<u16>,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoImage { words } => write!(formatter, "its image cannot be pulled: {words}"),
            Self::Crashed { event, exit_code } => {
                write!(formatter, "its container crashed: {event}")?;
                exit_code.map_or(Ok(()), |code| write!(formatter, " (exit code {code})"))
            }
            Self::Ended { status, message } if message.is_empty() => write!(formatter, "Targon ended it: {status}"),
            Self::Ended { status, message } => write!(formatter, "Targon ended it: {status}: {message}"),
            Self::Vanished => formatter.write_str("it was deleted while it was starting"),
            Self::NotVisible { after, status } => {
                write!(formatter, "it had no address after {} s (status {status})", after.as_secs())
            }
            Self::NotHealthy { after, answer: Some(answer) } => {
                write!(formatter, "its health check still answered {answer} after {} s", after.as_secs())
            }
            Self::NotHealthy { after, answer: None } => {
                write!(formatter, "its health check gave no answer within {} s", after.as_secs())
            }
        }
    }
}

impl Failure {
    /// The pod is over without our doing: somebody has deleted it.
    pub(crate) fn is_the_end_of_the_pod(&self) -> bool {
        match self {
            Self::Vanished => true,
            Self::Ended { status, .. } => status.is_gone() || status.is_ending(),
            _ => false,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoImage { .. } => {
                "check the image's name and tag, and whether it is pushed; a private one needs the login of its registry \
                 (--registry-auth-env)"
            }
            Self::Crashed { .. } => "the log lines above say why; try the image on your own machine first",
            Self::Ended { status, .. } if status.is_gone() || status.is_ending() => {
                "was `stop-pods` run elsewhere, or the pod deleted in the dashboard?"
            }
            Self::Ended { .. } => "try again, or take another --resource",
            Self::Vanished => "was `stop-pods` run elsewhere, or the pod deleted in the dashboard?",
            Self::NotVisible { .. } => "try again, take another --resource, or give it longer with --deploy-timeout",
            Self::NotHealthy { .. } => "if it only loads for long, give it longer with --health-timeout",
        }
    }
}
