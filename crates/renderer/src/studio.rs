//! The built-in renderer: several browsers, each with one module at a time, each module in a realm of its own.
//! It turns a module and its shots into images or one clear reason; files, requests and terminals are others' business.

mod error;
mod launch;
mod seat;
mod trial;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gen404_round::view::Picture;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::error::DrawError;
use self::seat::{Attempt, Occupied, Seat};
pub use self::trial::{Judgement, Trial, Wanted};
use crate::chromium::{Chromium, ChromiumError, Confinement, GraphicsBackend, Taken};
use crate::failure::{Failure, Refusal};
use crate::image::{Image, grid};
use crate::shot::Shot;
use crate::three::{THREE_PACKAGE, Three, ThreeError, ThreeSource};

/// Longest module, in bytes of UTF-8 (the competition's limit).
pub const LARGEST_MODULE: usize = 1024 * 1024;
/// Raised when the scene recipe or the page changes pixels, or which modules have any.
pub const RECIPE_VERSION: u32 = 3;
/// Black pixels between the tiles of the grid.
pub(crate) const GRID_GAP: u32 = 5;
const BOOT_LIMIT: Duration = Duration::from_mins(1);
const LEAVE_LIMIT: Duration = Duration::from_secs(10);

/// Says which rules a module breaks by its text alone, in the service's order. The rules are another room's; whoever puts
/// the two together gives them here.
#[derive(Debug, Clone, Copy)]
pub struct TextRules(pub fn(&str) -> Vec<Failure>);

/// How the built-in renderer works.
#[derive(Debug, Clone)]
pub struct StudioOptions {
    /// The browser to use.
    pub chromium: Chromium,
    /// Where three comes from.
    pub three: ThreeSource,
    /// What draws.
    pub graphics: GraphicsBackend,
    /// What refuses a module by its text before it is run, as the service does.
    pub text_rules: Option<TextRules>,
    /// Whether pictures will be wanted. Without, browsers are ready for a module sooner, and [`Studio::draw`] fails.
    pub pictures: bool,
    /// Most browsers at once; each takes a core or two and some hundred MB.
    pub browsers: usize,
    /// Time for a module's text and its `generate` together (5 s in the service).
    pub run_limit: Duration,
    /// Time for all pictures of one request (30 s in the service).
    pub draw_limit: Duration,
    /// Time for a whole set of pictures, on which the service spends three requests.
    pub set_limit: Duration,
    /// Bytes of JavaScript heap (256 MB in the service).
    pub heap_limit: u64,
    /// Bytes that each process of a browser may have in all.
    pub memory_limit: u64,
    /// Folder for the browsers' temporary profiles.
    pub temporary_folder: PathBuf,
}

impl StudioOptions {
    /// The service's limits and exact pixels.
    pub fn new(chromium: Chromium, three: ThreeSource) -> Self {
        Self {
            chromium,
            three,
            graphics: GraphicsBackend::SwiftShader,
            text_rules: None,
            pictures: true,
            browsers: std::thread::available_parallelism().map_or(1, usize::from).min(8),
            run_limit: Duration::from_secs(5),
            draw_limit: Duration::from_secs(30),
            set_limit: Duration::from_secs(3 * 30),
            heap_limit: 256 * 1024 * 1024,
            memory_limit: 2 * 1024 * 1024 * 1024,
            temporary_folder: std::env::temp_dir(),
        }
    }
}

/// The built-in renderer. Browsers start when they are first needed.
#[derive(Debug)]
pub struct Studio {
    options: StudioOptions,
    three: OnceCell<Three>,
    /// How browsers are confined, once the first has shown what this machine allows.
    confinement: Mutex<Option<Confinement>>,
    places: Semaphore,
    idle: Mutex<Vec<Seat>>,
    /// Whether a browser has ever been ready here.
    proven: AtomicBool,
    closing: CancellationToken,
    farewells: TaskTracker,
}

impl Studio {
    /// A renderer that has started nothing yet.
    pub fn new(options: StudioOptions) -> Self {
        let places = Semaphore::new(options.browsers.max(1));
        Self {
            options,
            three: OnceCell::new(),
            confinement: Mutex::default(),
            places,
            idle: Mutex::default(),
            proven: AtomicBool::new(false),
            closing: CancellationToken::new(),
            farewells: TaskTracker::new(),
        }
    }

    /// How it works.
    pub fn options(&self) -> &StudioOptions {
        &self.options
    }

    /// Fetches three when it is not there yet.
    pub async fn prepare(&self) -> Result<(), ThreeError> {
        self.three.get_or_try_init(|| Three::load(&self.options.three)).await.map(drop)
    }

    /// What the pixels depend on besides the module.
    pub fn identity(&self) -> String {
        let graphics = match self.options.graphics {
            GraphicsBackend::SwiftShader => "SwiftShader",
            GraphicsBackend::System => "system OpenGL",
        };
        format!("built in {RECIPE_VERSION}, {THREE_PACKAGE}, {}, {graphics}", self.options.chromium.version())
    }

    /// These pictures as PNG files, in their order, from one run of the module.
    pub async fn render(&self, source: &str, pictures: &[Picture]) -> Result<Vec<(Picture, Bytes)>, DrawError> {
        let mut shots = Vec::new();
        for picture in pictures {
            match picture {
                Picture::View(series, view) => shots.push(Shot::of_view(*series, *view)),
                Picture::Grid => shots.extend(Shot::of_grid()),
            }
        }
        let mut images = self.draw(source, &shots, self.options.set_limit).await?.into_iter();
        let mut files = Vec::with_capacity(pictures.len());
        for picture in pictures.iter().copied() {
            let tiles: Vec<Image> = match picture {
                Picture::View(..) => images.by_ref().take(1).collect(),
                Picture::Grid => images.by_ref().take(Shot::GRID_THETAS.len()).collect(),
            };
            files.push((picture, tokio::task::spawn_blocking(move || Bytes::from(grid(&tiles, GRID_GAP).to_png()))));
        }
        let mut finished = Vec::with_capacity(files.len());
        for (picture, file) in files {
            finished.push((picture, file.await.expect("encoding does not panic")));
        }
        Ok(finished)
    }

    /// Has a browser ready to draw ahead of the first module, so that what this machine lacks shows before any module is
    /// blamed for it; gives back its product and version.
    pub async fn warm_up(&self) -> Result<String, DrawError> {
        let _place = self.places.acquire().await.map_err(|_| DrawError::Closed)?;
        let mut occupied = self.entered().await?;
        let product = occupied.seat().browser.product.clone();
        // Whoever comes next enters the same realm once more.
        self.lock_idle().extend(occupied.seat.take());
        Ok(product)
    }

    /// Runs the module once and makes one image of each shot.
    ///
    /// `draw_limit` is the time for all of them. When this is dropped, the browser that was at work is ended.
    pub async fn draw(&self, source: &str, shots: &[Shot], draw_limit: Duration) -> Result<Vec<Image>, DrawError> {
        if source.len() > LARGEST_MODULE {
            let detail = format!("{} bytes (limit {LARGEST_MODULE})", source.len());
            return Err(DrawError::Refused(Refusal::of_text(Failure::new("parse", "FILE_SIZE_EXCEEDED", detail))));
        }
        if let Some(TextRules(broken)) = self.options.text_rules {
            let failures = broken(source);
            if !failures.is_empty() {
                return Err(DrawError::Refused(Refusal::of_verdict(failures, None)));
            }
        }
        tokio::select! {
            outcome = self.draw_in_turn(source, shots, draw_limit) => outcome,
            () = self.closing.cancelled() => Err(DrawError::Closed),
        }
    }

    async fn draw_in_turn(&self, source: &str, shots: &[Shot], draw_limit: Duration) -> Result<Vec<Image>, DrawError> {
        let _place = self.places.acquire().await.map_err(|_| DrawError::Closed)?;
        let occupied = self.entered().await?;
        let has_history = occupied.seat().has_history;
        let attempt = self.use_seat(occupied.seat(), source, shots, draw_limit).await;
        if matches!(attempt, Attempt::Starved(_)) && has_history {
            // What earlier modules took may not be free yet: blame a module only in a browser of its own.
            drop(occupied);
            let occupied = self.entered_afresh().await?;
            let attempt = self.use_seat(occupied.seat(), source, shots, draw_limit).await;
            return occupied.finish(attempt).await;
        }
        occupied.finish(attempt).await
    }

    /// Ends every browser, also those at work, and waits until they and their profiles are gone.
    pub async fn close(&self) {
        self.closing.cancel();
        // Whoever is at work leaves its place once its browser is on its way out.
        let everybody = u32::try_from(self.options.browsers.max(1)).unwrap_or(u32::MAX);
        let _ = timeout(LEAVE_LIMIT, self.places.acquire_many(everybody)).await;
        self.places.close();
        for seat in self.take_idle() {
            self.farewells.spawn(seat.browser.close());
        }
        self.farewells.close();
        self.farewells.wait().await;
    }

    /// A browser with a realm that has booted for the next module.
    async fn entered(&self) -> Result<Occupied<'_>, DrawError> {
        // A browser that waited may have died meanwhile, or its spare realm may have starved beside a greedy module:
        // that is not the next module's fault.
        while let Some(seat) = self.take_one_idle() {
            let occupied = Occupied { studio: self, seat: Some(seat) };
            if occupied.enter().await.is_ok() {
                return Ok(occupied);
            }
        }
        self.entered_afresh().await
    }

    async fn entered_afresh(&self) -> Result<Occupied<'_>, DrawError> {
        let occupied = Occupied { studio: self, seat: Some(self.new_seat().await?) };
        occupied.enter().await.map_err(|error| self.without_browser(error))?;
        self.proven.store(true, Ordering::Relaxed);
        Ok(occupied)
    }

    async fn use_seat(&self, seat: &Seat, source: &str, shots: &[Shot], draw_limit: Duration) -> Attempt<Vec<Image>> {
        let Seat { browser, tab, .. } = seat;
        let run_limit = self.options.run_limit;
        let Ok(verdict) = timeout(run_limit, tab.build(browser, source)).await else {
            let detail = format!("module and generate took longer than {} s", run_limit.as_secs_f64());
            return Attempt::Spoilt(DrawError::of_execution("TIMEOUT_EXCEEDED", detail));
        };
        let verdict = match verdict {
            Ok(verdict) => verdict,
            Err(error @ ChromiumError::TabCrashed { out_of_memory: true }) => {
                return Attempt::Starved(DrawError::of_module(error));
            }
            Err(error) => return Attempt::Spoilt(DrawError::of_module(error)),
        };
        if !verdict.failures.is_empty() {
            let refusal = DrawError::Refused(Refusal::of_verdict(verdict.failures, verdict.metrics));
            return if verdict.starved { Attempt::Starved(refusal) } else { Attempt::Done(Err(refusal)) };
        }
        let drawing = async {
            if verdict.again
                && let Some(detail) = tab.load(browser, source).await.map_err(DrawError::of_module)?
            {
                return Err(DrawError::Threw { detail });
            }
            develop(seat, shots).await
        };
        match timeout(draw_limit, drawing).await {
            Ok(Ok(images)) => Attempt::Done(Ok(images)),
            // Software graphics live in main memory too, and keep some of what earlier scenes took.
            Ok(Err(crashed @ DrawError::GraphicsCrashed)) => Attempt::Starved(crashed),
            Ok(Err(error)) => Attempt::Spoilt(error),
            Err(_) => Attempt::Spoilt(DrawError::TooSlow { limit: draw_limit }),
        }
    }

    fn take_one_idle(&self) -> Option<Seat> {
        self.lock_idle().pop()
    }

    fn take_idle(&self) -> Vec<Seat> {
        std::mem::take(&mut *self.lock_idle())
    }

    fn lock_idle(&self) -> MutexGuard<'_, Vec<Seat>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the pictures one by one; while the browser draws on, others of our threads decode.
async fn develop(Seat { browser, tab, .. }: &Seat, shots: &[Shot]) -> Result<Vec<Image>, DrawError> {
    tab.draw(browser, shots).await?;
    let mut developing = Vec::with_capacity(shots.len());
    for shot in shots {
        let size = shot.size;
        let words = match tab.take(browser).await.map_err(DrawError::of_module)? {
            Taken::Runs(words) => words,
            Taken::Threw(detail) => return Err(DrawError::Threw { detail }),
            Taken::ContextLost => return Err(DrawError::GraphicsCrashed),
        };
        developing.push(tokio::task::spawn_blocking(move || Image::from_runs(&words, size)));
    }
    let mut images = Vec::with_capacity(shots.len());
    for image in developing {
        images.push(image.await.expect("decoding does not panic")?);
    }
    Ok(images)
}
