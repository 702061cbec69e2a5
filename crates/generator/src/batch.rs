//! One batch's way through a generator: until it can be sent, while it is made, and until its results are on disk.
//! It decides what a state of the service means; which prompts make a batch is decided in `run`.

mod collection;
mod delivery;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::text::excerpt;
use gen404_round::Stem;
use tokio::time::{Instant, sleep};

use crate::api::{Status, StatusReport};
use crate::archive::ArchiveError;
use crate::client::{ClientError, GeneratorClient};
use crate::event::{Event, Listener, Waiting};
use crate::folder::OutputFolder;
use crate::limits::Limits;
use crate::pace::Pace;

/// Longest part of a replacement's payload that is shown.
const PAYLOAD_EXCERPT: usize = 300;
/// Times a batch is sent again because the service lost it.
const MOST_RESTARTS: u32 = 2;

/// Why a batch was not finished.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// A call failed for good.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The service did not become ready in time.
    #[error("the generator was not ready within {} s", waited.as_secs())]
    NotReady {
        /// How long was waited.
        waited: Duration,
        /// The last thing that went wrong.
        source: Option<ClientError>,
    },
    /// Somebody else's batch did not end in time.
    #[error("the generator was busy with another batch for {} s", waited.as_secs())]
    Occupied {
        /// How long was waited.
        waited: Duration,
    },
    /// `/status` failed too often in a row.
    #[error("the generator crashed: {polls} polls in a row failed")]
    Crashed {
        /// Failed polls.
        polls: u32,
        /// The last failure.
        source: ClientError,
    },
    /// The service asks for a new machine.
    #[error("the generator asks for a new machine{}{payload}", if payload.is_empty() { "" } else { ": " })]
    Replace {
        /// What it says about it.
        payload: String,
    },
    /// The batch was not made in time.
    #[error("the batch was not made within {} s", limit.as_secs())]
    Endless {
        /// The limit.
        limit: Duration,
    },
    /// The service forgot the batch again and again.
    #[error("the generator forgot the batch {times} times, it seems to restart")]
    Forgotten {
        /// How often.
        times: u32,
    },
    /// The results are somebody else's.
    #[error("the generator's results are of another batch: somebody else uses it")]
    Foreign,
    /// The results cannot be opened.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The output folder cannot be written.
    #[error("cannot write into the output folder")]
    Disk(#[source] io::Error),
}

impl BatchError {
    /// Whether the batches after this one can go well all the same.
    pub fn is_of_this_batch_alone(&self) -> bool {
        match self {
            Self::Archive(error) => !matches!(error, ArchiveError::Save(_) | ArchiveError::Read(_)),
            Self::Client(error) => matches!(
                error,
                ClientError::TooLarge { .. } | ClientError::NoArchive { .. } | ClientError::Refused { .. }
            ),
            Self::Foreign => true,
            Self::NotReady { .. }
            | Self::Occupied { .. }
            | Self::Crashed { .. }
            | Self::Replace { .. }
            | Self::Endless { .. }
            | Self::Forgotten { .. }
            | Self::Disk(_) => false,
        }
    }

    /// How long the service asks to be left alone.
    pub(crate) fn wished_pause(&self) -> Option<Duration> {
        if let Self::Client(error) = self { error.wished_pause() } else { None }
    }
}

impl Explain for BatchError {
    fn blame(&self) -> Blame {
        match self {
            Self::Client(ClientError::Disk(_))
            | Self::Archive(ArchiveError::Save(_) | ArchiveError::Read(_))
            | Self::Disk(_) => Blame::Here,
            Self::Client(_)
            | Self::Archive(ArchiveError::Broken { .. } | ArchiveError::TooManyEntries { .. })
            | Self::NotReady { .. }
            | Self::Occupied { .. }
            | Self::Crashed { .. }
            | Self::Replace { .. }
            | Self::Endless { .. }
            | Self::Forgotten { .. }
            | Self::Foreign => Blame::Service,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Client(error) => error.hint(),
            Self::NotReady { source, .. } => source
                .as_ref()
                .and_then(ClientError::hint)
                .or(Some("look at the generator's own log, or wait longer with --ready-timeout")),
            Self::Crashed { .. } | Self::Forgotten { .. } => {
                Some("look at the generator's own log; run the same command again to make what is missing")
            }
            Self::Replace { .. } => Some(
                "start the generator on another machine and run the same command with its --endpoint and one less in --replacements; finished files are kept",
            ),
            Self::Endless { .. } => {
                Some("run the same command again to go on where it stands, or wait longer with --batch-timeout")
            }
            Self::Occupied { .. } | Self::Foreign => Some("let nobody else use the generator meanwhile, then run the same command again"),
            Self::Archive(_) => Some("run the same command again to have the missing ones made anew"),
            Self::Disk(_) => Some("free some space, then run the same command again"),
        }.map(Hint::Borrowed)
    }
}

/// What the service holds when it says `complete`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holding {
    /// Not looked at yet.
    Unknown,
    /// Results that cannot be read.
    Unreadable,
    /// Results of these stems.
    Stems(BTreeSet<Stem>),
}

/// What came of a batch.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) saved: BTreeSet<Stem>,
    pub(crate) failed: BTreeMap<Stem, String>,
    pub(crate) missing: BTreeMap<Stem, String>,
}

/// A conversation with one generator on behalf of one output folder.
pub(crate) struct Conversation<'a> {
    pub(crate) client: GeneratorClient,
    pub(crate) endpoint: String,
    pub(crate) folder: Arc<Mutex<OutputFolder>>,
    pub(crate) limits: &'a Limits,
    pub(crate) replacements: u32,
    pub(crate) seed: u64,
    pub(crate) observer: &'a Listener<'a>,
    pub(crate) holding: Holding,
    /// Since when the service has been given time to warm up, until it is usable.
    pub(crate) warming_up_since: Option<Instant>,
}

impl Conversation<'_> {
    pub(crate) fn folder(&self) -> MutexGuard<'_, OutputFolder> {
        self.folder.lock().expect("no code panics while it holds the folder")
    }

    /// Waits until `/health` answers.
    pub(crate) async fn start(&mut self) -> Result<(), BatchError> {
        let begin = Instant::now();
        self.warming_up_since = Some(begin);
        let mut tries = 0;
        while let Err(error) = self.client.health().await {
            // A machine that is starting up refuses, times out, or lets its proxy answer anything at all.
            if error.is_permanent() {
                return Err(error.into());
            }
            if begin.elapsed() >= self.limits.start {
                return Err(BatchError::NotReady { waited: self.limits.start, source: Some(error) });
            }
            tries += 1;
            let wait = self.limits.poll_wait(tries, error.wished_pause());
            if tries == 1 {
                self.observer.on(Event::Waiting(Waiting::Start));
            }
            self.observer.on(Event::Retrying { call: "health", error: &error, wait });
            sleep(wait).await;
        }
        Ok(())
    }

    /// Waits until the service can take a batch: ready or complete. `or_generating` also ends the wait at `generating`.
    pub(crate) async fn until_usable(&mut self, or_generating: bool) -> Result<Status, BatchError> {
        let begin = Instant::now();
        let warming_up_since = self.warming_up_since.take().unwrap_or(begin);
        let (mut failed, mut told) = (0, None);
        let mut pace = Pace::new(self.limits.shortest_poll, self.limits.longest_poll);
        loop {
            let polled = self.poll(&mut failed).await?;
            let warm_up = (warming_up_since, self.limits.ready);
            let (waiting, (since, limit)) = match polled.status() {
                Some(Status::Ready) => {
                    self.holding = Holding::Stems(BTreeSet::new());
                    return Ok(Status::Ready);
                }
                Some(Status::Complete) => return Ok(Status::Complete),
                Some(Status::Generating) if or_generating => return Ok(Status::Generating),
                Some(Status::Generating) => {
                    self.holding = Holding::Unknown;
                    (Some(Waiting::OtherBatch), (begin, self.limits.batch))
                }
                Some(Status::WarmingUp) => (Some(Waiting::WarmUp), warm_up),
                Some(Status::Replace) | None => (None, warm_up),
            };
            if let Some(waiting) = waiting
                && told != Some(waiting)
            {
                told = Some(waiting);
                self.observer.on(Event::Waiting(waiting));
            }
            if since.elapsed() >= limit {
                return Err(match waiting {
                    Some(Waiting::OtherBatch) => BatchError::Occupied { waited: limit },
                    Some(Waiting::Start | Waiting::WarmUp) | None => {
                        BatchError::NotReady { waited: limit, source: None }
                    }
                });
            }
            let wait = pace.after(None, None, begin.elapsed());
            sleep(if let Polled::Failed { wait } = polled { wait } else { wait }).await;
        }
    }

    /// Follows the batch until it is complete; `progress` hears how many of how many are made.
    pub(crate) async fn follow(&mut self, progress: &(dyn Fn(u64) + Sync)) -> Result<Followed, BatchError> {
        let begin = Instant::now();
        let mut pace = Pace::new(self.limits.shortest_poll, self.limits.longest_poll);
        let (mut wait, mut failed) = (self.limits.shortest_poll, 0);
        loop {
            sleep(wait).await;
            let polled = self.poll(&mut failed).await?;
            match polled.status() {
                Some(Status::Complete) => return Ok(Followed::Complete),
                Some(Status::Ready | Status::WarmingUp) => return Ok(Followed::Forgotten),
                Some(Status::Generating | Status::Replace) | None => {}
            }
            if let Polled::Report(StatusReport { progress: Some(done), .. }) = polled {
                progress(done);
            }
            if begin.elapsed() >= self.limits.batch {
                return Err(BatchError::Endless { limit: self.limits.batch });
            }
            wait = match polled {
                Polled::Report(StatusReport { progress, total, .. }) => pace.after(progress, total, begin.elapsed()),
                Polled::Failed { wait } => wait,
            };
        }
    }

    /// One poll of `/status`; it may fail, but not too often in a row.
    async fn poll(&self, failed: &mut u32) -> Result<Polled, BatchError> {
        match self.client.status(self.replacements).await {
            Ok(StatusReport { status: Status::Replace, payload, .. }) => {
                let payload = payload.map_or_else(String::new, |payload| payload.to_string());
                Err(BatchError::Replace { payload: excerpt(&payload, PAYLOAD_EXCERPT) })
            }
            Ok(report) => {
                *failed = 0;
                Ok(Polled::Report(report))
            }
            Err(error) if !error.is_retryable() => Err(error.into()),
            Err(source) => {
                *failed += 1;
                if *failed >= self.limits.failed_polls {
                    return Err(BatchError::Crashed { polls: *failed, source });
                }
                let wait = self.limits.poll_wait(*failed, source.wished_pause());
                self.observer.on(Event::Retrying { call: "status", error: &source, wait });
                Ok(Polled::Failed { wait })
            }
        }
    }

    pub(crate) async fn wait_and_retry(&self, call: &'static str, error: &BatchError, number: u32) {
        let wait = self.limits.pauses.capped(number, error.wished_pause());
        self.observer.on(Event::Retrying { call, error, wait });
        sleep(wait).await;
    }

    /// Whether the batch may be sent once more after the service lost it `times` times.
    pub(crate) fn may_send_again(times: u32) -> Result<(), BatchError> {
        if times > MOST_RESTARTS { Err(BatchError::Forgotten { times }) } else { Ok(()) }
    }
}

/// What came of a poll.
enum Polled {
    Report(StatusReport),
    Failed {
        /// Before the next one.
        wait: Duration,
    },
}

impl Polled {
    fn status(&self) -> Option<Status> {
        match self {
            Self::Report(report) => Some(report.status),
            Self::Failed { .. } => None,
        }
    }
}

/// How the wait for a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Followed {
    Complete,
    /// The service restarted and knows nothing of the batch.
    Forgotten,
}
