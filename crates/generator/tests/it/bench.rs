//! A sample generator, pictures for it, and an output folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use gen404_generator::{Event, GenerateError, Limits, Request, Summary, generate};
use gen404_outside::observer::Observer;
use gen404_outside::retry::Pauses;
use gen404_round::PromptSet;
use gen404_sandbox::cdn::Cdn;
use gen404_sandbox::generator::{Options, Quality, SampleGenerator};
use serde_json::json;

/// Prompts of a whole round.
pub(crate) const ROUND: usize = 128;

pub(crate) struct Bench {
    pub(crate) generator: SampleGenerator,
    pub(crate) cdn: Cdn,
    pub(crate) folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let pictures = folder.path().join("pictures");
        std::fs::create_dir(&pictures).unwrap();
        for number in 0..8 {
            std::fs::write(pictures.join(format!("{number}.png")), picture(number)).unwrap();
        }
        let cdn = Cdn::start(&pictures).await.unwrap();
        let generator = SampleGenerator::start(Options { quality: Quality::Coarse, ..options }).await.unwrap();
        Self { generator, cdn, folder }
    }

    pub(crate) fn results(&self) -> PathBuf {
        self.folder.path().join("results")
    }

    /// A request for this many prompts in batches of 32, with waits that do not hold up a test.
    pub(crate) fn request(&self, prompts: usize) -> Request {
        let prompts: Vec<_> = (0..prompts)
            .map(|number| json!({"stem": format!("p{number:03}"), "image_url": format!("{}{}.png", self.cdn.url(), number % 8)}))
            .collect();
        let set = PromptSet::parse(json!({"prompts": prompts}).to_string().as_bytes()).unwrap();
        Request {
            endpoint: self.generator.url().as_str().parse().unwrap(),
            prompts: set.prompts,
            pictures_folder: self.folder.path().join("pictures"),
            seed: 7,
            output_folder: self.results(),
            batch_size: 32,
            replacements: 0,
            force: false,
            limits: quick(),
        }
    }

    pub(crate) async fn run(&self, request: &Request) -> (Summary, Log) {
        let log = Log::default();
        let summary = generate(request, &log).await.unwrap();
        (summary, log)
    }

    pub(crate) async fn refuse(&self, request: &Request) -> GenerateError {
        generate(request, &Log::default()).await.unwrap_err()
    }

    /// Every file of the output folder but our own corner, with its content.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files(&self.results())
    }
}

pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeMap::new() };
    let entries = entries.map(|entry| entry.unwrap()).filter(|entry| entry.file_name() != ".404-cli");
    entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())).collect()
}

/// Limits with waits of milliseconds; nothing else differs from the real ones.
pub(crate) fn quick() -> Limits {
    Limits {
        pauses: Pauses {
            first: Duration::from_millis(1),
            longest: Duration::from_millis(4),
            ..Limits::default().pauses
        },
        shortest_poll: Duration::from_millis(2),
        longest_poll: Duration::from_millis(8),
        ..Limits::default()
    }
}

/// A red square on white, of another size for each number.
pub(crate) fn picture(number: usize) -> Vec<u8> {
    const SIDE: usize = 24;
    let inside = |at: usize| (4..8 + number).contains(&(at % SIDE)) && (4..20).contains(&(at / SIDE));
    let pixels: Vec<u8> = (0..SIDE * SIDE).flat_map(|at| if inside(at) { [200, 30, 30] } else { [255; 3] }).collect();
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, 24, 24);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    png
}

/// What an observer heard, in words.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<String>>);

impl Log {
    pub(crate) fn count(&self, start: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|line| line.starts_with(start)).count()
    }

    pub(crate) fn all(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

impl Observer<Event<'_>> for Log {
    fn on(&self, event: Event<'_>) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}
