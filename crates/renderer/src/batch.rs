//! A folder of modules into a folder of pictures: what is up to date is skipped, what fails fails alone.
//! The renderer is either of the two; progress goes out as events.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use gen404_outside::disk::files_in;
use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::observer::Observer;
use gen404_round::view::{Picture, ViewSet};
use gen404_round::{InvalidStem, Stem};

use crate::failure::{Failure, Refusal};
use crate::folder::{Fingerprint, OutputFolder};
use crate::service::{RenderService, ServiceError};
use crate::studio::{DrawError, LARGEST_MODULE, Studio};

/// Whatever makes pictures of modules.
pub trait Renderer: Send + Sync {
    /// A name that changes whenever the same module might give other pixels.
    fn identity(&self) -> String;

    /// Makes sure that it can draw at all, before any module is drawn.
    fn prepare(&self) -> impl Future<Output = Result<(), RenderError>> + Send;

    /// These pictures as PNG files.
    fn render(
        &self,
        source: &str,
        pictures: &[Picture],
    ) -> impl Future<Output = Result<Vec<(Picture, Bytes)>, RenderError>> + Send;
}

/// Why a module has no pictures.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The built-in renderer says no.
    #[error(transparent)]
    Studio(#[from] DrawError),
    /// The service says no.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The module's file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file's name is no stem.
    #[error("the file's name cannot be a stem")]
    Stem(#[from] InvalidStem),
    /// A picture cannot be written.
    #[error("cannot write below {}", folder.display())]
    Write {
        /// The output folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl RenderError {
    /// The broken rules, when that is the reason.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Studio(DrawError::Refused(refusal)) | Self::Service(ServiceError::Refused(refusal)) => Some(refusal),
            _ => None,
        }
    }

    /// The broken rules as records, also those of a module that could be run and not be drawn; none for other reasons.
    pub fn failures(&self) -> Vec<Failure> {
        match self {
            Self::Studio(error) => error.failures(),
            Self::Service(ServiceError::Refused(refusal)) => refusal.failures.clone(),
            _ => Vec::new(),
        }
    }

    /// Whether every other module would fail the same way, so that going on is of no use.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Studio(error) => error.is_fatal(),
            Self::Service(error) => error.is_fatal(),
            // A full or forbidden disk meets every module; a name that is taken by something else meets only this one.
            Self::Write { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::PermissionDenied
            ),
            Self::Read { .. } | Self::Stem(_) => false,
        }
    }

    /// Whether the module itself is the reason.
    pub fn is_the_modules(&self) -> bool {
        match self {
            Self::Studio(error) => error.is_the_modules(),
            Self::Service(error) => matches!(error, ServiceError::Refused(_)),
            _ => false,
        }
    }

    /// Whether the renderer is to blame, not the module or this machine's files.
    pub fn is_service_failure(&self) -> bool {
        match self {
            Self::Service(error) => !matches!(error, ServiceError::Refused(_) | ServiceError::Address),
            _ => false,
        }
    }
}

impl Explain for RenderError {
    fn blame(&self) -> Blame {
        match self {
            Self::Studio(error) => error.blame(),
            Self::Service(error) => error.blame(),
            Self::Read { .. } | Self::Stem(_) | Self::Write { .. } => Blame::Here,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Studio(error) => error.hint(),
            Self::Service(error) => error.hint(),
            _ => None,
        }
    }
}

impl Renderer for RenderService {
    /// Pods come and go under new addresses, their image stays: the address is no part of the identity.
    fn identity(&self) -> String {
        "render service".to_owned()
    }

    /// Its health is asked for by whoever chose it, also when there is nothing to draw.
    async fn prepare(&self) -> Result<(), RenderError> {
        Ok(())
    }

    async fn render(&self, source: &str, pictures: &[Picture]) -> Result<Vec<(Picture, Bytes)>, RenderError> {
        Ok(Self::render(self, source, pictures).await?)
    }
}

impl Renderer for Studio {
    fn identity(&self) -> String {
        Self::identity(self)
    }

    async fn prepare(&self) -> Result<(), RenderError> {
        Ok(self.warm_up().await.map(drop)?)
    }

    async fn render(&self, source: &str, pictures: &[Picture]) -> Result<Vec<(Picture, Bytes)>, RenderError> {
        Ok(Self::render(self, source, pictures).await?)
    }
}

/// What shall be rendered, and where to.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Folder with `<stem>.js` files.
    pub modules: PathBuf,
    /// Where pictures go.
    pub output: OutputFolder,
    /// Which pictures.
    pub views: ViewSet,
    /// Make also what is up to date.
    pub force: bool,
    /// Most modules at once.
    pub concurrency: usize,
}

/// What happens during a batch.
#[derive(Debug)]
pub enum BatchEvent<'a> {
    /// So many modules are to be looked at.
    Found {
        /// Their number.
        modules: usize,
    },
    /// A module's pictures are there already.
    UpToDate {
        /// The module.
        name: &'a str,
    },
    /// A module's pictures are written.
    Rendered {
        /// The module.
        name: &'a str,
    },
    /// A module has no pictures.
    Failed {
        /// The module.
        name: &'a str,
        /// Why.
        error: &'a RenderError,
    },
}

/// Somebody who wants to know how a batch gets on; called from the task that runs it.
pub type Listener<'a> = dyn for<'e> Observer<BatchEvent<'e>> + 'a;

/// How a batch ended.
#[derive(Debug, Default)]
pub struct Summary {
    /// Modules that were rendered, in the order in which they were done.
    pub rendered: Vec<String>,
    /// Modules whose pictures were there already.
    pub up_to_date: Vec<String>,
    /// Modules without pictures, by name.
    pub failed: Vec<(String, RenderError)>,
    /// Modules that were not tried any more after an error that would hit all of them.
    pub not_tried: usize,
}

/// Why a batch cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The folder cannot be read.
    #[error("cannot read the folder {}", folder.display())]
    Folder {
        /// The folder of modules.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// There is something to draw and nothing to draw it with.
    #[error(transparent)]
    NotPrepared(#[from] RenderError),
    /// Nothing to render.
    #[error("no *.js file in {}", folder.display())]
    NoModules {
        /// The folder of modules.
        folder: PathBuf,
    },
}

impl Explain for BatchError {
    fn blame(&self) -> Blame {
        match self {
            Self::NotPrepared(error) => error.blame(),
            Self::Folder { .. } | Self::NoModules { .. } => Blame::User,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::NotPrepared(error) => error.hint(),
            Self::Folder { .. } | Self::NoModules { .. } => None,
        }
    }
}

enum Outcome {
    UpToDate,
    Rendered,
}

impl Batch {
    /// Renders every module of the folder.
    pub async fn run(&self, renderer: &impl Renderer, observer: &Listener<'_>) -> Result<Summary, BatchError> {
        let mut paths = modules_in(&self.modules)?;
        // A browser that gets the slowest module last works on alone while the others have nothing left to do.
        paths.sort_by_cached_key(|path| !mentions_glass(path));
        observer.on(BatchEvent::Found { modules: paths.len() });
        let identity: Arc<str> = renderer.identity().into();
        if self.has_work(&paths, &identity).await {
            renderer.prepare().await?;
        }
        let total = paths.len();
        let work = paths.into_iter().map(|path| {
            let identity = Arc::clone(&identity);
            async move {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let outcome = self.one(&path, renderer, &identity).await;
                (name, outcome)
            }
        });
        let mut summary = Summary::default();
        let mut results = futures::stream::iter(work).buffer_unordered(self.concurrency.max(1));
        let mut looked_at = 0;
        while let Some((name, outcome)) = results.next().await {
            looked_at += 1;
            match outcome {
                Ok(Outcome::UpToDate) => {
                    observer.on(BatchEvent::UpToDate { name: &name });
                    summary.up_to_date.push(name);
                }
                Ok(Outcome::Rendered) => {
                    observer.on(BatchEvent::Rendered { name: &name });
                    summary.rendered.push(name);
                }
                Err(error) => {
                    observer.on(BatchEvent::Failed { name: &name, error: &error });
                    let fatal = error.is_fatal();
                    summary.failed.push((name, error));
                    if fatal {
                        summary.not_tried = total - looked_at;
                        break;
                    }
                }
            }
        }
        summary.failed.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(summary)
    }

    /// Whether any module has to be drawn.
    async fn has_work(&self, paths: &[PathBuf], identity: &str) -> bool {
        for path in paths {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().parse::<Stem>();
            // What cannot be read or has no stem is not drawn.
            if let (Ok(stem), Ok(source)) = (stem, read_module(path).await)
                && (self.force || !self.output.is_current(&stem, &Fingerprint::new(&source, identity), self.views))
            {
                return true;
            }
        }
        false
    }

    async fn one(&self, path: &Path, renderer: &impl Renderer, identity: &str) -> Result<Outcome, RenderError> {
        let stem: Stem = path.file_stem().unwrap_or_default().to_string_lossy().parse()?;
        let source = read_module(path).await?;
        let fingerprint = Fingerprint::new(&source, identity);
        if !self.force && self.output.is_current(&stem, &fingerprint, self.views) {
            return Ok(Outcome::UpToDate);
        }
        let (output, views) = (self.output.clone(), self.views);
        let write_failed = |source| RenderError::Write { folder: self.output.root().to_owned(), source };
        let pictures = match renderer.render(&source, &self.views.pictures()).await {
            Ok(pictures) => pictures,
            Err(error) => {
                if error.is_the_modules() {
                    output.discard_older(&stem, &fingerprint).map_err(write_failed)?;
                }
                return Err(error);
            }
        };
        tokio::task::spawn_blocking(move || output.write(&stem, fingerprint, views, &pictures))
            .await
            .expect("writing files does not panic")
            .map_err(write_failed)?;
        Ok(Outcome::Rendered)
    }
}

/// The folder's `*.js` files by name.
fn modules_in(folder: &Path) -> Result<Vec<PathBuf>, BatchError> {
    let failed = |source| BatchError::Folder { folder: folder.to_owned(), source };
    let paths = files_in(folder, "js").map_err(failed)?;
    if paths.is_empty() {
        return Err(BatchError::NoModules { folder: folder.to_owned() });
    }
    Ok(paths)
}

/// Whether a module seems to draw glass, which takes several times as long as anything else.
fn mentions_glass(module: &Path) -> bool {
    const WORD: &[u8] = b"transmission";
    let mut text = Vec::new();
    let open = || if module.is_file() { std::fs::File::open(module) } else { Err(not_a_file()) };
    let read = open().and_then(|file| file.take(LARGEST_MODULE as u64).read_to_end(&mut text));
    read.is_ok() && text.windows(WORD.len()).any(|word| word == WORD)
}

fn not_a_file() -> io::Error {
    io::Error::other("it is not a regular file")
}

/// Reads a module; a file that is too large or not text is refused as the service would.
pub async fn read_module(path: &Path) -> Result<String, RenderError> {
    use tokio::io::AsyncReadExt;
    let failed = |source| RenderError::Read { path: path.to_owned(), source };
    let refused = |rule, detail| DrawError::Refused(Refusal::of_text(Failure::new("parse", rule, detail)));
    // A pipe that nobody writes to would be waited for.
    if !tokio::fs::metadata(path).await.map_err(failed)?.is_file() {
        return Err(failed(not_a_file()));
    }
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let size = file.metadata().await.map_err(failed)?.len();
    let mut bytes = Vec::new();
    file.take(LARGEST_MODULE as u64 + 1).read_to_end(&mut bytes).await.map_err(failed)?;
    if bytes.len() > LARGEST_MODULE {
        return Err(refused("FILE_SIZE_EXCEEDED", format!("{size} bytes (limit {LARGEST_MODULE})")).into());
    }
    String::from_utf8(bytes).map_err(|_| refused("PARSE_ERROR", "the file is not UTF-8 text".to_owned()).into())
}
