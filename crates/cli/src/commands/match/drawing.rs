//! The pictures of a match, drawn when a stage first asks for them: kept by module in the cache, and put into the folders of the
//! sides, where the judge and the report read them.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use gen404_judge::{Brought, NotBrought, PictureSource, Presence};
use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_renderer::{Fingerprint, OutputFolder, PictureCache, RenderError};
use gen404_round::Stem;
use gen404_round::duel::Side;
use gen404_round::view::Picture;
use serde_json::{Map, Value, json};

use super::artist::Artist;
use super::modules::{Modules, Refused};
use crate::errors::CommandError;
use crate::ui::Ui;

/// The source of a match's pictures.
#[derive(Debug)]
pub(super) struct Drawing {
    ui: Ui,
    artist: Arc<Artist>,
    cache: PictureCache,
    sides: [Modules; 2],
    folders: [OutputFolder; 2],
    /// One module is drawn by one at a time, whoever asks and under whatever name.
    turns: Mutex<HashMap<Fingerprint, Turn>>,
    /// Modules that lose when they run, with what they were told.
    lost: Mutex<BTreeMap<(usize, Stem), Refused>>,
    drawn: AtomicU64,
    found: AtomicU64,
}

/// Whether the module was refused by the renderer is known once it was its turn.
type Turn = Arc<tokio::sync::Mutex<Option<Refused>>>;

impl Drawing {
    pub(super) fn new(
        ui: &Ui,
        artist: Arc<Artist>,
        cache: PictureCache,
        sides: [Modules; 2],
        folders: [PathBuf; 2],
    ) -> Self {
        Self {
            ui: ui.clone(),
            artist,
            cache,
            sides,
            folders: folders.map(OutputFolder::new),
            turns: Mutex::default(),
            lost: Mutex::default(),
            drawn: AtomicU64::new(0),
            found: AtomicU64::new(0),
        }
    }

    /// Takes pictures of other modules out of the sides' folders: nobody may take them for these.
    pub(super) fn make_room(&self, stems: &[Stem]) -> Result<(), CommandError> {
        for (modules, folder) in self.sides.iter().zip(&self.folders) {
            for stem in stems {
                let made = match modules.sound.get(stem) {
                    Some(source) => folder.make_room(stem, &self.fingerprint(source)),
                    None => folder.clear(stem),
                };
                made.map_err(|error| {
                    CommandError::failed(format!("cannot write below {}: {error}", folder.root().display()))
                })?;
            }
        }
        Ok(())
    }

    fn fingerprint(&self, source: &str) -> Fingerprint {
        Fingerprint::new(source, &self.artist.identity)
    }

    async fn put(&self, side: usize, stem: &Stem, names: &[String]) -> Result<Brought, RenderError> {
        let Some(source) = self.sides[side].sound.get(stem) else { return Ok(Brought::NoPictures) };
        let folder = &self.folders[side];
        let wanted = |picture: &Picture| !folder.path(stem, *picture).is_file();
        let pictures: Vec<Picture> = names.iter().filter_map(|name| Picture::of_file(name)).filter(wanted).collect();
        if pictures.is_empty() {
            return Ok(Brought::Ready);
        }
        let fingerprint = self.fingerprint(source);
        let turn = Arc::clone(
            self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(fingerprint.clone()).or_default(),
        );
        let mut refused = turn.lock().await;
        if refused.is_none() {
            match self.draw_missing(&fingerprint, source, &pictures).await {
                Ok(()) => {}
                Err(error) if error.is_the_modules() => *refused = Some(Refused::from(&error)),
                Err(error) => return Err(error),
            }
        }
        if let Some(refused) = &*refused {
            self.lose(side, stem, refused);
            return Ok(Brought::NoPictures);
        }
        let write_failed = |source| RenderError::Write { folder: folder.root().to_owned(), source };
        for picture in pictures {
            // Gone again since, as when somebody empties the cache meanwhile: the next run draws it.
            let kept = self.cache.find(&fingerprint, picture);
            let kept = kept.ok_or_else(|| write_failed(std::io::ErrorKind::NotFound.into()))?;
            folder.add(stem, &fingerprint, picture, &kept).map_err(write_failed)?;
        }
        Ok(Brought::Ready)
    }

    /// Draws what the cache does not have, in one run of the module.
    async fn draw_missing(
        &self,
        fingerprint: &Fingerprint,
        source: &str,
        pictures: &[Picture],
    ) -> Result<(), RenderError> {
        let missing = |picture: &Picture| self.cache.find(fingerprint, *picture).is_none();
        let missing: Vec<Picture> = pictures.iter().copied().filter(missing).collect();
        self.found.fetch_add((pictures.len() - missing.len()) as u64, Ordering::Relaxed);
        if missing.is_empty() {
            return Ok(());
        }
        for (picture, file) in self.artist.draw(source, &missing).await? {
            let kept = self.cache.keep(fingerprint, picture, &file);
            kept.map_err(|source| RenderError::Write { folder: self.cache.root().to_owned(), source })?;
            self.drawn.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The module loses this duel, which is told once.
    fn lose(&self, side: usize, stem: &Stem, refused: &Refused) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if lost.insert((side, stem.clone()), refused.clone()).is_none() {
            let side = Side::BOTH[side].name();
            self.ui.warning(format!("{stem} on the {side}: {}: it loses its duel", refused.reason));
        }
    }

    /// The modules without pictures, as the result has them.
    pub(super) fn refused(&self) -> Vec<Value> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let by_text = self.sides.iter().enumerate().flat_map(|(side, modules)| {
            modules.refused.iter().map(move |(stem, refused)| ((side, stem.clone()), refused.clone()))
        });
        let all: BTreeMap<(usize, Stem), Refused> = by_text.chain(lost.clone()).collect();
        let entry = |((side, stem), Refused { reason, failures }): ((usize, Stem), Refused)| {
            let side = Side::BOTH[side].name();
            if failures.is_empty() {
                json!({"side": side, "stem": stem, "error": reason})
            } else {
                json!({"side": side, "stem": stem, "error": reason, "failures": failures})
            }
        };
        all.into_iter().map(entry).collect()
    }

    /// What was drawn, for the result.
    pub(super) fn fields(&self) -> Map<String, Value> {
        let (drawn, found) = (self.drawn.load(Ordering::Relaxed), self.found.load(Ordering::Relaxed));
        self.ui.status(format!("pictures drawn: {drawn}, from the cache: {found}"));
        let mut fields = Map::new();
        fields.insert("pictures_drawn".to_owned(), drawn.into());
        fields.insert("pictures_from_cache".to_owned(), found.into());
        if let Some(shares) = self.artist.shares() {
            fields.insert("renderers".to_owned(), shares);
        }
        fields
    }
}

impl PictureSource for Drawing {
    fn presence(&self, side: Side, stem: &Stem) -> Presence {
        if self.sides[side as usize].sound.contains_key(stem) { Presence::OnDemand } else { Presence::Missing }
    }

    fn bring<'a>(
        &'a self,
        side: Side,
        stem: &'a Stem,
        names: &'a [String],
    ) -> BoxFuture<'a, Result<Brought, NotBrought>> {
        Box::pin(async move { self.put(side as usize, stem, names).await.map_err(|error| not_brought(side, error)) })
    }
}

/// What the error means for the match is what it means for a command that only draws.
fn not_brought(side: Side, error: RenderError) -> NotBrought {
    let blame = error.blame();
    let hint = error.hint().map(Hint::into_owned).or_else(|| {
        (blame == Blame::Service).then(|| {
            "a service also answers 500 for a module that throws when it is drawn: without --renderer the built-in renderer \
             tells the two apart"
                .to_owned()
        })
    });
    NotBrought { side, hint, blame, is_hopeless: error.is_fatal(), source: Box::new(error) }
}
