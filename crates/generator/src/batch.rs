//! One batch's way through a generator: until it can be sent, while it is made, and until its results are on disk.
//! It decides what a state of the service means; which prompts make a batch is decided in `run`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use gen404_round::Stem;
use tokio::time::{Instant, sleep};

use crate::api::{Order, OrderedPrompt, Status, StatusReport};
use crate::archive::{self, ArchiveError, Finding, Problem, Unpacked};
use crate::client::{ClientError, GeneratorClient};
use crate::folder::OutputFolder;
use crate::journal::Sent;
use crate::limits::Limits;
use crate::observer::{Event, Observer, Waiting};
use crate::pace::Pace;
use crate::request::Wish;

/// Longest part of a replacement's payload that is shown.
const PAYLOAD_EXCERPT: usize = 300;
/// Times a batch is sent again because the service lost it.
const MOST_RESTARTS: u32 = 2;

/// Why a batch was not finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
            Self::Client(error) => matches!(error, ClientError::TooLarge { .. } | ClientError::NoArchive { .. }),
            Self::Foreign => true,
            _ => false,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
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
            Self::Foreign => Some("let nobody else use the generator meanwhile, then run the same command again"),
            Self::Archive(_) => Some("run the same command again to have the missing ones made anew"),
            Self::Disk(_) => Some("free some space, then run the same command again"),
        }
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
    pub(crate) observer: &'a dyn Observer,
    pub(crate) holding: Holding,
}

impl Conversation<'_> {
    pub(crate) fn folder(&self) -> MutexGuard<'_, OutputFolder> {
        self.folder.lock().expect("no code panics while it holds the folder")
    }

    /// Waits until `/health` answers.
    pub(crate) async fn start(&self) -> Result<(), BatchError> {
        let begin = Instant::now();
        let mut tries = 0;
        while let Err(error) = self.client.health().await {
            // A machine that is starting up refuses, times out, or lets its proxy answer anything at all.
            if begin.elapsed() >= self.limits.start {
                return Err(BatchError::NotReady { waited: self.limits.start, source: Some(error) });
            }
            tries += 1;
            let wait = self.limits.retry_wait(tries).min(self.limits.longest_poll);
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
        let (mut failed, mut told) = (0, None);
        let mut pace = Pace::new(self.limits.shortest_poll, self.limits.longest_poll);
        loop {
            let polled = self.poll(&mut failed).await?;
            let (waiting, limit) = match polled.as_ref().map(|report| report.status) {
                Some(Status::Ready) => {
                    self.holding = Holding::Stems(BTreeSet::new());
                    return Ok(Status::Ready);
                }
                Some(Status::Complete) => return Ok(Status::Complete),
                Some(Status::Generating) if or_generating => return Ok(Status::Generating),
                Some(Status::Generating) => {
                    self.holding = Holding::Unknown;
                    (Some(Waiting::OtherBatch), self.limits.batch)
                }
                Some(Status::WarmingUp) => (Some(Waiting::WarmUp), self.limits.ready),
                Some(Status::Replace) | None => (None, self.limits.ready),
            };
            if let Some(waiting) = waiting
                && told != Some(waiting)
            {
                told = Some(waiting);
                self.observer.on(Event::Waiting(waiting));
            }
            if begin.elapsed() >= limit {
                return Err(BatchError::NotReady { waited: limit, source: None });
            }
            let wait = pace.after(None, None, begin.elapsed());
            sleep(if failed > 0 { self.limits.retry_wait(failed).min(self.limits.longest_poll) } else { wait }).await;
        }
    }

    /// Looks at the stems of the results that the service holds.
    pub(crate) async fn look(&mut self) -> Result<(), BatchError> {
        if self.holding != Holding::Unknown {
            return Ok(());
        }
        self.holding = match self.download(BTreeSet::new()).await {
            Ok(unpacked) => Holding::Stems(unpacked.named),
            Err(BatchError::Disk(error)) => return Err(BatchError::Disk(error)),
            Err(error) => {
                tracing::info!(%error, "the results that the generator holds cannot be read");
                Holding::Unreadable
            }
        };
        Ok(())
    }

    /// Writes the batch down and sends it.
    pub(crate) async fn send(&mut self, batch: &[Wish]) -> Result<(), BatchError> {
        let prompts = batch.iter().map(|wish| (wish.stem.clone(), wish.origin.clone())).collect();
        let sent = Sent { endpoint: self.endpoint.clone(), prompts };
        self.folder().journal.sent(sent).map_err(BatchError::Disk)?;
        self.submit(batch).await
    }

    /// Sends a batch. Repeating is safe: the same stems are never begun twice.
    pub(crate) async fn submit(&mut self, batch: &[Wish]) -> Result<(), BatchError> {
        let prompts = batch.iter().map(|wish| OrderedPrompt { stem: wish.stem.as_str(), image_url: &wish.image_url });
        let order = Order { prompts: prompts.collect(), seed: self.seed };
        let mut tries = 0;
        loop {
            let error = match self.client.submit(&order).await {
                Ok(accepted) => {
                    if accepted != batch.len() {
                        tracing::warn!(
                            accepted,
                            sent = batch.len(),
                            "the generator says it took another number of prompts"
                        );
                    }
                    self.holding = Holding::Unknown;
                    return Ok(());
                }
                Err(error) => error,
            };
            tries += 1;
            if !error.is_retryable() || tries > self.limits.retries {
                return Err(error.into());
            }
            self.wait_and_retry("submitting", &error, tries).await;
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
            let report = polled.as_ref();
            match report.map(|report| report.status) {
                Some(Status::Complete) => return Ok(Followed::Complete),
                Some(Status::Ready | Status::WarmingUp) => return Ok(Followed::Forgotten),
                Some(Status::Generating | Status::Replace) | None => {}
            }
            let done = report.and_then(|report| report.progress);
            if let Some(done) = done {
                progress(done);
            }
            if begin.elapsed() >= self.limits.batch {
                return Err(BatchError::Endless { limit: self.limits.batch });
            }
            wait = match failed {
                0 => pace.after(done, report.and_then(|report| report.total), begin.elapsed()),
                failed => self.limits.retry_wait(failed).min(self.limits.longest_poll),
            };
        }
    }

    /// Downloads the results until every wanted stem is saved, failed, or surely missing.
    ///
    /// `asked` are all stems of the batch; those that are not `wanted` are finished already. What was saved before an error
    /// is in `collected` too.
    pub(crate) async fn collect(
        &mut self,
        asked: &BTreeSet<Stem>,
        wanted: &[Wish],
        collected: &mut Collected,
    ) -> Result<(), BatchError> {
        let mut outstanding: BTreeSet<Stem> = wanted.iter().map(|wish| wish.stem.clone()).collect();
        let mut findings: Vec<Finding> = Vec::new();
        let mut tries = 0;
        let named = loop {
            tries += 1;
            let error = match self.download_for(&outstanding, wanted).await {
                Ok(unpacked) => {
                    let damaged = unpacked.findings.iter().any(|finding| finding.problem == Problem::Damaged);
                    self.take(&unpacked, &mut outstanding, collected, &mut findings);
                    if outstanding.is_empty() || !damaged || tries >= self.limits.downloads {
                        break unpacked.named;
                    }
                    BatchError::Archive(ArchiveError::Broken { detail: "an entry is damaged".to_owned() })
                }
                Err(error) => error,
            };
            let retryable = match &error {
                BatchError::Client(error) => error.is_retryable(),
                BatchError::Archive(error) => error.is_retryable(),
                _ => false,
            };
            if !retryable || tries >= self.limits.downloads {
                return Err(error);
            }
            self.wait_and_retry("results", &error, tries).await;
        };
        self.holding = Holding::Stems(named.clone());
        if !named.is_empty() && asked.is_disjoint(&named) {
            return Err(BatchError::Foreign);
        }
        for stem in outstanding {
            let problem = findings.iter().find(|finding| finding.name == format!("{stem}.js"));
            let reason = match problem {
                Some(finding) => format!("its entry was not taken: {}", finding.problem),
                None if named.is_empty() => "the results archive is empty".to_owned(),
                None => "it is not in the results".to_owned(),
            };
            collected.missing.insert(stem, reason);
        }
        Ok(())
    }

    /// Takes over what one download brought, and tells it.
    fn take(
        &self,
        unpacked: &Unpacked,
        outstanding: &mut BTreeSet<Stem>,
        collected: &mut Collected,
        findings: &mut Vec<Finding>,
    ) {
        for stem in &unpacked.saved {
            outstanding.remove(stem);
            collected.saved.insert(stem.clone());
        }
        for (stem, reason) in &unpacked.failed {
            if outstanding.remove(stem) {
                let twice = unpacked
                    .findings
                    .iter()
                    .any(|finding| finding.problem == Problem::FileAndFailed && finding.name == format!("{stem}.js"));
                let reason = if twice {
                    format!("{}; the reason given: {reason}", Problem::FileAndFailed)
                } else {
                    reason.clone()
                };
                self.observer.on(Event::Failed { stem, reason: &reason });
                collected.failed.insert(stem.clone(), reason);
            }
        }
        for finding in &unpacked.findings {
            let finished = finding.problem == Problem::NotAskedFor
                && collected.saved.iter().any(|stem| finding.name == format!("{stem}.js"));
            if !finished && !findings.contains(finding) {
                self.observer.on(Event::Rejected(finding));
                findings.push(finding.clone());
            }
        }
    }

    /// One download of `/results`, its good modules saved.
    async fn download_for(&self, outstanding: &BTreeSet<Stem>, wanted: &[Wish]) -> Result<Unpacked, BatchError> {
        let file = self.fetch().await?;
        let origins: BTreeMap<_, _> = wanted.iter().map(|wish| (wish.stem.clone(), wish.origin.clone())).collect();
        let (folder, endpoint) = (Arc::clone(&self.folder), self.endpoint.clone());
        let (outstanding, limits) = (outstanding.clone(), self.limits.archive);
        let unpacking = tokio::task::spawn_blocking(move || {
            let mut sizes = Vec::new();
            let unpacked = archive::unpack(&mut &file, &outstanding, &limits, |stem, module| {
                let origin =
                    origins.get(stem).cloned().ok_or_else(|| io::Error::other("a stem that was not asked for"))?;
                folder
                    .lock()
                    .expect("no code panics while it holds the folder")
                    .save(stem, module, origin, &endpoint)?;
                sizes.push((stem.clone(), module.len() as u64));
                Ok(())
            });
            unpacked.map(|unpacked| (unpacked, sizes))
        });
        let (unpacked, sizes) = unpacking.await.map_err(io::Error::other).map_err(BatchError::Disk)??;
        for (stem, bytes) in &sizes {
            self.observer.on(Event::Saved { stem, bytes: *bytes });
        }
        Ok(unpacked)
    }

    /// One download of `/results` that is only looked at.
    async fn download(&self, wanted: BTreeSet<Stem>) -> Result<Unpacked, BatchError> {
        self.download_for(&wanted, &[]).await
    }

    async fn fetch(&self) -> Result<std::fs::File, BatchError> {
        let file = self.folder().new_download().map_err(BatchError::Disk)?;
        let mut file = tokio::fs::File::from_std(file);
        self.client.results(&mut file, |bytes| self.observer.on(Event::Downloading { bytes })).await?;
        Ok(file.into_std().await)
    }

    /// One poll of `/status`; `None` when it failed, which must not happen too often in a row.
    async fn poll(&self, failed: &mut u32) -> Result<Option<StatusReport>, BatchError> {
        match self.client.status(self.replacements).await {
            Ok(StatusReport { status: Status::Replace, payload, .. }) => {
                let payload = payload.map_or_else(String::new, |payload| payload.to_string());
                Err(BatchError::Replace { payload: payload.chars().take(PAYLOAD_EXCERPT).collect() })
            }
            Ok(report) => {
                *failed = 0;
                Ok(Some(report))
            }
            Err(error) if !error.is_retryable() => Err(error.into()),
            Err(source) => {
                *failed += 1;
                if *failed >= self.limits.failed_polls {
                    return Err(BatchError::Crashed { polls: *failed, source });
                }
                let wait = self.limits.retry_wait(*failed).min(self.limits.longest_poll);
                self.observer.on(Event::Retrying { call: "status", error: &source, wait });
                Ok(None)
            }
        }
    }

    pub(crate) async fn wait_and_retry(
        &self,
        call: &'static str,
        error: &(dyn std::error::Error + 'static),
        number: u32,
    ) {
        let wait = self.limits.retry_wait(number);
        self.observer.on(Event::Retrying { call, error, wait });
        sleep(wait).await;
    }

    /// Whether the batch may be sent once more after the service lost it `times` times.
    pub(crate) fn may_send_again(times: u32) -> Result<(), BatchError> {
        if times > MOST_RESTARTS { Err(BatchError::Forgotten { times }) } else { Ok(()) }
    }
}

/// How the wait for a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Followed {
    Complete,
    /// The service restarted and knows nothing of the batch.
    Forgotten,
}
