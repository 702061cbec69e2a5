//! What a folder of modules needs before the first of them is drawn.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use gen404_outside::observer::Observer;
use gen404_renderer::{Batch, BatchError, BatchEvent, DrawError, Image, OutputFolder, RenderError, Renderer, Studio};
use gen404_round::view::{Picture, ViewSet};

use crate::equipment::{options, thumbnail};

/// Draws black pictures, unless it cannot be prepared.
#[derive(Default)]
struct Painter {
    broken: bool,
    prepared: AtomicUsize,
}

impl Renderer for Painter {
    fn identity(&self) -> String {
        "painter".to_owned()
    }

    async fn prepare(&self) -> Result<(), RenderError> {
        self.prepared.fetch_add(1, Ordering::Relaxed);
        if self.broken { Err(DrawError::Closed.into()) } else { Ok(()) }
    }

    async fn render(&self, _: &str, pictures: &[Picture]) -> Result<Vec<(Picture, Bytes)>, RenderError> {
        assert!(!self.broken && self.prepared.load(Ordering::Relaxed) > 0, "nothing is drawn before it is prepared");
        let black = Bytes::from(Image::filled(8, 8, [0, 0, 0, 255]).to_png());
        Ok(pictures.iter().map(|picture| (*picture, black.clone())).collect())
    }
}

#[derive(Default)]
struct Diary(Mutex<Vec<String>>);

impl Observer<BatchEvent<'_>> for Diary {
    fn on(&self, event: BatchEvent<'_>) {
        self.0.lock().expect("nobody panicked").push(format!("{event:?}"));
    }
}

fn batch(folder: &Path) -> Batch {
    let modules = folder.join("in");
    std::fs::create_dir_all(&modules).expect("a folder");
    for name in ["a", "b"] {
        std::fs::write(modules.join(format!("{name}.js")), name).expect("a file");
    }
    let output = OutputFolder::new(folder.join("out"));
    Batch { modules, output, views: ViewSet::Cli, force: false, concurrency: 2 }
}

#[tokio::test]
async fn what_every_module_lacks_is_said_before_any_is_tried() {
    let folder = tempfile::tempdir().expect("a folder");
    let batch = batch(folder.path());
    let (broken, diary) = (Painter { broken: true, ..Painter::default() }, Diary::default());
    let outcome = batch.run(&broken, &diary).await;
    assert!(matches!(outcome, Err(BatchError::NotPrepared(RenderError::Studio(DrawError::Closed)))), "{outcome:?}");
    assert_eq!(*diary.0.lock().expect("nobody panicked"), ["Found { modules: 2 }"]);

    let painter = Painter::default();
    let summary = batch.run(&painter, &diary).await.expect("it can be prepared");
    assert_eq!((summary.rendered.len(), painter.prepared.load(Ordering::Relaxed)), (2, 1));
    // Nothing is left to draw, so nothing is needed for it.
    let broken = Painter { broken: true, ..Painter::default() };
    let summary = batch.run(&broken, &diary).await.expect("nothing to draw");
    assert_eq!((summary.up_to_date.len(), broken.prepared.load(Ordering::Relaxed)), (2, 0));
    // One that is new is enough.
    std::fs::write(batch.modules.join("c.js"), "c").expect("a file");
    assert!(matches!(batch.run(&broken, &diary).await, Err(BatchError::NotPrepared(_))));
}

/// The realm that was made ahead is the first module's.
#[tokio::test]
async fn a_browser_that_is_ready_ahead_draws_the_same() {
    let Some(options) = options().await else { return };
    let module = "export default (THREE) => new THREE.Mesh(new THREE.BoxGeometry(0.5, 0.5, 0.5));";
    let mut drawn = Vec::new();
    for ahead in [false, true] {
        let studio = Studio::new(options.clone());
        if ahead {
            studio.warm_up().await.expect("a browser");
            studio.warm_up().await.expect("the same browser");
        }
        for _ in 0..2 {
            drawn.push(studio.draw(module, &[thumbnail()], options.draw_limit).await.expect("a picture").remove(0));
        }
        studio.close().await;
    }
    assert!(drawn.iter().all(|image| *image == drawn[0]));
}
