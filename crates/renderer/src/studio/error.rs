//! Why a module has no pictures: its own fault, the browser's, or this machine's.
//! Which exit code that is, and whether to go on, is decided by whoever draws.

use std::sync::Arc;
use std::time::Duration;

use gen404_outside::explain::{Blame, Explain, Hint};

use crate::chromium::ChromiumError;
use crate::failure::{Failure, Refusal};
use crate::image::InvalidImage;
use crate::three::ThreeError;

/// What the rules call a module that passes all of them and then fails to be drawn.
const RENDER_RUN_FAILED: &str = "RENDER_RUN_FAILED";

/// Why a module has no pictures.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// It breaks the rules.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Its pictures took too long.
    #[error("drawing took longer than {} s", limit.as_secs())]
    TooSlow {
        /// The time it had.
        limit: Duration,
    },
    /// Its scene cannot be drawn, or it does not run as the module it is, which is how it is drawn.
    #[error("{RENDER_RUN_FAILED}: {detail}")]
    Threw {
        /// What three or the browser says.
        detail: String,
    },
    /// The graphics process did not survive its scene.
    #[error("the graphics process crashed while it was drawn")]
    GraphicsCrashed,
    /// The browser itself failed.
    #[error(transparent)]
    Chromium(#[from] ChromiumError),
    /// No browser could be started yet, and there is no reason why another try should end better.
    #[error("no browser can be used")]
    Unusable(#[source] ChromiumError),
    /// Three is missing.
    #[error(transparent)]
    Three(#[from] Arc<ThreeError>),
    /// What came out of the page is no picture.
    #[error("the page gave a broken picture")]
    Picture(#[from] InvalidImage),
    /// The studio was closed meanwhile.
    #[error("the renderer is stopping")]
    Closed,
}

impl DrawError {
    /// Whether every other module would fail the same way.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Chromium(error) => matches!(
                error,
                ChromiumError::NotFound
                    | ChromiumError::NotAProgram { .. }
                    | ChromiumError::NoVersion { .. }
                    | ChromiumError::Profile { .. }
                    | ChromiumError::Start { .. }
            ),
            Self::Unusable(_) | Self::Three(_) | Self::Closed => true,
            _ => false,
        }
    }

    /// The broken rules, when the module is the reason.
    pub fn failures(&self) -> Vec<Failure> {
        match self {
            Self::Refused(refusal) => refusal.failures.clone(),
            Self::Threw { detail } => vec![Failure::new("render", RENDER_RUN_FAILED, detail.clone())],
            _ => Vec::new(),
        }
    }

    /// Whether the module itself is the reason, so that it has no pictures and will have none.
    pub fn is_the_modules(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::TooSlow { .. } | Self::Threw { .. } | Self::GraphicsCrashed)
    }

    pub(super) fn of_execution(rule: &str, detail: impl Into<String>) -> Self {
        Self::Refused(Refusal::after_run(vec![Failure::new("execution", rule, detail)], None))
    }

    /// A tab that dies while a module is in it dies of the module.
    pub(super) fn of_module(error: ChromiumError) -> Self {
        match error {
            ChromiumError::TabCrashed { out_of_memory: true } => {
                Self::of_execution("HEAP_EXCEEDED", "the module ran out of memory")
            }
            ChromiumError::TabCrashed { out_of_memory: false } => {
                Self::of_execution("EXECUTION_THREW", "the module crashed its tab")
            }
            ChromiumError::Unintelligible { .. } | ChromiumError::Page { .. } => {
                Self::of_execution("EXECUTION_THREW", "the module broke its realm so that nothing sensible came out")
            }
            error => Self::Chromium(error),
        }
    }
}

impl Explain for DrawError {
    fn blame(&self) -> Blame {
        match self {
            Self::Three(error) => error.blame(),
            // No browser was ever ready here: that is a matter of this machine, not of a module.
            Self::Unusable(_) => Blame::User,
            Self::Refused(_)
            | Self::TooSlow { .. }
            | Self::Threw { .. }
            | Self::GraphicsCrashed
            | Self::Chromium(_)
            | Self::Picture(_)
            | Self::Closed => Blame::Here,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Chromium(error) => error.hint(),
            Self::Unusable(error) => error.hint().or(Some(Hint::Borrowed(
                "this browser does not work here: name another with --chromium PATH or CHROMIUM_PATH; --endpoint URL renders on \
                 a service instead",
            ))),
            Self::Three(error) => error.hint(),
            _ => None,
        }
    }
}
