//! What happens during a run, as events for whoever shows it.
//! Text inside events may come from outside and is raw: the one who prints it makes it harmless.

use std::time::Duration;

use gen404_outside::observer::Observer;
use gen404_round::Stem;

use crate::archive::Finding;

/// Whoever watches a run.
pub type Listener<'a> = dyn for<'e> Observer<Event<'e>> + 'a;

/// What is being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// `/health` does not answer yet.
    Start,
    /// The service is warming up.
    WarmUp,
    /// The service is making somebody else's batch.
    OtherBatch,
}

/// One event.
#[derive(Debug)]
pub enum Event<'a> {
    /// What an earlier run left: files that stay, and files that will be replaced because nothing says that this very
    /// request made them.
    Found {
        /// Files of this request, unchanged since.
        kept: usize,
        /// Files that are replaced when the new ones come.
        replaced: usize,
    },
    /// The service cannot take a batch yet. Comes once for each reason.
    Waiting(Waiting),
    /// A batch goes out, or one that an earlier run sent is taken up again.
    BatchBegins {
        /// From 1.
        number: usize,
        /// Batches of this run; may grow.
        of: usize,
        /// Prompts in it.
        prompts: usize,
        /// Whether an earlier run sent it.
        resumed: bool,
    },
    /// The service holds results for exactly these stems that this folder's journal does not know, so the batch is sent
    /// in two parts: an unchanged set of stems would not be made anew.
    SentDifferently,
    /// The answer to the batch did not come, but the service is making it.
    TakenWithoutAnswer {
        /// What came instead.
        error: &'a (dyn std::error::Error + 'static),
    },
    /// The service does not take this prompt; the batch is sent again without it.
    Refused {
        /// Its stem.
        stem: &'a Stem,
        /// The service's reason.
        reason: &'a str,
    },
    /// The service has made a batch.
    BatchMade {
        /// From 1.
        number: usize,
        /// From the sending to `complete`.
        time: Duration,
    },
    /// The service says how far it is.
    Progress {
        /// Prompts of the whole run that are made, this batch's included.
        made: usize,
        /// Prompts of the whole run.
        total: usize,
        /// Estimate for the rest of the run.
        time_left: Option<Duration>,
    },
    /// The results are on their way.
    Downloading {
        /// Bytes that have come.
        bytes: u64,
    },
    /// A file is in its place.
    Saved {
        /// Its stem.
        stem: &'a Stem,
        /// Its length.
        bytes: u64,
    },
    /// The service says that it could not make this one.
    Failed {
        /// Its stem.
        stem: &'a Stem,
        /// The service's reason.
        reason: &'a str,
    },
    /// An entry of the archive was not taken.
    Rejected(&'a Finding),
    /// A call failed and is repeated.
    Retrying {
        /// `submitting`, `status`, `results` …
        call: &'static str,
        /// What went wrong.
        error: &'a (dyn std::error::Error + 'static),
        /// Wait before it.
        wait: Duration,
    },
}
