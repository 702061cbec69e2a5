//! Modules into a bucket: several at a time, each read when its turn comes, none touched that is there already.
//!
//! A PUT is all or nothing, and before each the key is looked at: so a run that was killed, cut off or refused is finished by
//! the next one, and nothing is written twice.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::observer::Observer;
use gen404_round::Stem;

use crate::bucket::{Bucket, PROBE, Put};
use crate::error::StorageError;
use crate::location::Location;
use crate::object::{Found, Md5, Outcome};
use crate::patience::{Contact, Gate, Patience, share};

/// A module on this disk, as it was when it was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its prompt.
    pub stem: Stem,
    /// The file.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Its content.
    pub md5: Md5,
}

/// Everything about an upload.
#[derive(Debug)]
pub struct Upload<'a> {
    /// Where to.
    pub bucket: &'a Bucket,
    /// Below which prefix.
    pub location: &'a Location,
    /// What.
    pub modules: &'a [Module],
    /// Most modules that are under way at once, and so in memory.
    pub concurrency: usize,
    /// When to try again.
    pub patience: Patience,
    /// Look only.
    pub dry_run: bool,
}

/// What became of one module, or would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Its prompt.
    pub stem: Stem,
    /// Its key.
    pub key: String,
    /// Its length.
    pub bytes: u64,
    /// What happened.
    pub delivery: Delivery,
}

/// What happened to a module, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// This.
    Done(Outcome),
    /// Nothing, in a rehearsal; this is what is there.
    Seen(Found),
}

/// Why an upload ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The storage.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A module cannot be read any more.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A module is not what was looked at.
    #[error("{} was changed during the upload", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

impl Explain for UploadError {
    fn blame(&self) -> Blame {
        match self {
            Self::Storage(error) => error.blame(),
            Self::Read { .. } | Self::Changed { .. } => Blame::Here,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Storage(error) => error.hint(),
            Self::Read { .. } => None,
            Self::Changed { .. } => Some("give the same command again when nobody writes there any more".into()),
        }
    }
}

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// The keys are good.
    KeysWork,
    /// The probe could not be taken away again.
    ProbeLeft {
        /// Its key.
        key: &'a str,
        /// Why.
        error: &'a StorageError,
    },
    /// A module is where it belongs.
    Delivered(&'a Delivered),
    /// A request is sent again after a while.
    Retrying {
        /// The object.
        key: &'a str,
        /// Why.
        error: &'a StorageError,
        /// After how long.
        pause: Duration,
    },
}

/// Whoever watches an upload.
pub type Listener<'a> = dyn for<'e> Observer<Event<'e>> + 'a;

impl Upload<'_> {
    /// Does it. What is done is returned also when not all of it could be.
    pub async fn run(&self, observer: &Listener<'_>) -> (Vec<Delivered>, Result<(), UploadError>) {
        let gate = Gate::default();
        if let Err(error) = self.check_keys(&gate, observer).await {
            return (Vec::new(), Err(error.into()));
        }
        let mut failure = None;
        let mut delivered = Vec::new();
        let (gate, failed) = (&gate, &AtomicBool::new(false));
        let work = self.modules.iter().map(|module| async move {
            // What has begun is brought to its end; nothing new is begun after a failure.
            if failed.load(Ordering::Relaxed) {
                return None;
            }
            Some(self.deliver(module, gate, observer).await)
        });
        let mut work = futures::stream::iter(work).buffer_unordered(self.concurrency.max(1));
        while let Some(outcome) = work.next().await {
            match outcome {
                Some(Ok(one)) => {
                    observer.on(Event::Delivered(&one));
                    delivered.push(one);
                }
                Some(Err(error)) => {
                    failed.store(true, Ordering::Relaxed);
                    // The first one is the reason, the others are its company.
                    failure.get_or_insert(error);
                }
                None => {}
            }
        }
        delivered.sort_by(|one, other| one.stem.cmp(&other.stem));
        (delivered, failure.map_or(Ok(()), Err))
    }

    /// Writes an object that is no module and takes it away again; a rehearsal only asks for it.
    async fn check_keys(&self, gate: &Gate, observer: &Listener<'_>) -> Result<(), StorageError> {
        let key = self.location.key(PROBE);
        let (bucket, key) = (self.bucket, key.as_str());
        if self.dry_run {
            let asked = self.patiently(Contact::First, key, gate, observer, || bucket.get_probe(key)).await;
            return asked.map(|_| ());
        }
        self.patiently(Contact::First, key, gate, observer, || bucket.put_probe(key)).await?;
        match self.patiently(Contact::Standing, key, gate, observer, || bucket.delete(key)).await {
            Ok(()) => {}
            Err(error) if matches!(error, StorageError::Denied { .. } | StorageError::Refused { .. }) => {
                observer.on(Event::ProbeLeft { key, error: &error });
            }
            Err(error) => return Err(error),
        }
        observer.on(Event::KeysWork);
        Ok(())
    }

    async fn deliver(&self, module: &Module, gate: &Gate, observer: &Listener<'_>) -> Result<Delivered, UploadError> {
        let bytes = read(module).await?;
        let key = self.location.module(&module.stem);
        let delivery = if self.dry_run {
            let look = || self.bucket.look(&key, &bytes, module.md5);
            Delivery::Seen(self.patiently(Contact::Standing, &key, gate, observer, look).await?)
        } else {
            // What was there before a PUT whose answer was lost.
            let lost = Lost::default();
            let store = || self.store(&key, &bytes, module.md5, &lost);
            Delivery::Done(self.patiently(Contact::Standing, &key, gate, observer, store).await?)
        };
        Ok(Delivered { stem: module.stem.clone(), key, bytes: module.bytes, delivery })
    }

    /// One try: looks, and writes what is not there.
    async fn store(&self, key: &str, bytes: &Bytes, md5: Md5, lost: &Lost) -> Result<Outcome, StorageError> {
        let found = self.bucket.look(key, bytes, md5).await?;
        let outcome = match found {
            Found::Same => return Ok(lost.or(Outcome::Unchanged)),
            Found::Nothing | Found::Hidden => Outcome::Uploaded,
            Found::Other => Outcome::Replaced,
        };
        match self.bucket.put(key, bytes.clone(), found == Found::Hidden).await {
            Ok(Put::Stored) => Ok(lost.or(outcome)),
            Ok(Put::NotNew) => Err(StorageError::Hidden { key: key.to_owned() }),
            Err(error) => {
                if matches!(error, StorageError::BrokeOff { .. } | StorageError::Failing { .. }) {
                    lost.remember(outcome);
                }
                Err(error)
            }
        }
    }

    async fn patiently<T, F: Future<Output = Result<T, StorageError>>>(
        &self,
        contact: Contact,
        key: &str,
        gate: &Gate,
        observer: &Listener<'_>,
        mut work: impl FnMut() -> F,
    ) -> Result<T, StorageError> {
        let mut next = 1;
        loop {
            gate.passed().await;
            let error = match work().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            next += 1;
            let Some(pause) = self.patience.pause(next, &error, share(), contact) else { return Err(error) };
            observer.on(Event::Retrying { key, error: &error, pause });
            if matches!(error, StorageError::Busy { .. }) {
                gate.close(pause);
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// What a PUT did whose answer was lost, if it did it.
#[derive(Debug, Default)]
struct Lost(Mutex<Option<Outcome>>);

impl Lost {
    fn remember(&self, outcome: Outcome) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(outcome);
    }

    fn or(&self, otherwise: Outcome) -> Outcome {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(otherwise)
    }
}

/// The module's bytes, if they are still those that were found good.
async fn read(module: &Module) -> Result<Bytes, UploadError> {
    use tokio::io::AsyncReadExt as _;
    let path = || module.path.clone();
    let unreadable = |source| UploadError::Read { path: path(), source };
    let file = tokio::fs::File::open(&module.path).await.map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(module.bytes + 1).read_to_end(&mut bytes).await.map_err(unreadable)?;
    let same = bytes.len() as u64 == module.bytes && Md5::of(&bytes) == module.md5;
    if same { Ok(bytes.into()) } else { Err(UploadError::Changed { path: path() }) }
}
