//! The results of a batch: downloaded until every stem has its file, its reason, or surely neither.
//! It must not know how the batch was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use gen404_round::Stem;

use super::{BatchError, Collected, Conversation, Holding};
use crate::archive::{self, ArchiveError, Finding, Problem, Unpacked};
use crate::event::Event;
use crate::request::Wish;

impl Conversation<'_> {
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
                    self.take(&unpacked, asked, &mut outstanding, collected, &mut findings);
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
                BatchError::NotReady { .. }
                | BatchError::Occupied { .. }
                | BatchError::Crashed { .. }
                | BatchError::Replace { .. }
                | BatchError::Endless { .. }
                | BatchError::Forgotten { .. }
                | BatchError::Foreign
                | BatchError::Disk(_) => false,
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
        asked: &BTreeSet<Stem>,
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
            // Finished already, or only there to make the batch another one.
            let needless = finding.problem == Problem::NotAskedFor
                && asked.iter().any(|stem| finding.name == format!("{stem}.js"));
            if !needless && !findings.contains(finding) {
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
}
