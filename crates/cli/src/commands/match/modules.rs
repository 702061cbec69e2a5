//! The modules of a side, read once and judged by their text as the subnet's render service does before it runs anything.
//! What becomes of them when they run shows when they are drawn.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use gen404_renderer::{Failure, Refusal, RenderError, read_module};
use gen404_round::Stem;

use crate::arguments::broken_in_the_service;
use crate::errors::{Blame, CommandError, sentence};
use crate::ui::Ui;

/// A side of a match.
#[derive(Debug)]
pub(super) struct Modules {
    pub(super) sound: BTreeMap<Stem, Arc<str>>,
    pub(super) refused: BTreeMap<Stem, Refused>,
}

/// Why a module has no pictures.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) reason: String,
    pub(super) failures: Vec<Failure>,
}

impl From<&RenderError> for Refused {
    fn from(error: &RenderError) -> Self {
        Self { reason: error.refusal().map_or_else(|| sentence(error), Refusal::to_string), failures: error.failures() }
    }
}

impl Modules {
    /// The modules of these prompts in a folder; a prompt without one is not an error.
    pub(super) async fn read(folder: &Path, stems: &[Stem]) -> Result<Self, CommandError> {
        if !folder.is_dir() {
            return Err(CommandError::usage(format!("{} is not a folder", folder.display())));
        }
        let (mut sound, mut refused) = (BTreeMap::new(), BTreeMap::new());
        for stem in stems {
            let path = folder.join(format!("{stem}.js"));
            // A link that leads nowhere is there, and cannot be read.
            if std::fs::symlink_metadata(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
                continue;
            }
            let source = match read_module(&path).await {
                Ok(source) => source,
                Err(error) if error.is_the_modules() => {
                    refused.insert(stem.clone(), Refused::from(&error));
                    continue;
                }
                // Nobody knows whether the round could read it, so that it has not lost.
                Err(error) => return Err(CommandError::from_error(Blame::User, &error)),
            };
            let failures = broken_in_the_service(&source);
            if failures.is_empty() {
                sound.insert(stem.clone(), source.into());
            } else {
                let reasons: Vec<String> = failures.iter().map(ToString::to_string).collect();
                refused.insert(stem.clone(), Refused { reason: reasons.join("; "), failures });
            }
        }
        Ok(Self { sound, refused })
    }

    /// Warns of the modules that lose by their text.
    pub(super) fn tell_refused(&self, ui: &Ui, side: &str) {
        for (stem, Refused { reason, .. }) in &self.refused {
            ui.warning(format!("{stem} on the {side}: {reason}: it loses its duel"));
        }
    }
}
