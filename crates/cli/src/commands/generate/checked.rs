//! `--validate`: what came back is judged by its text, and the generator is asked once more for what the subnet would refuse.
//! Refused modules are kept beside the journal, so that the next run does not take them for finished and a person can look.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use gen404_generator::{GenerateError, Listener, Request, Summary};
use gen404_round::Stem;

use crate::errors::CommandError;

/// Where refused modules go, below the output folder.
const REFUSED: &str = ".404-cli/refused";

/// Modules that the subnet would refuse, each with the first rule it breaks.
pub(super) type Invalid = BTreeMap<Stem, String>;

/// Has everything made, judges it, and asks once more for what would be refused.
pub(super) async fn generate(
    mut request: Request,
    observer: &Listener<'_>,
    say: impl Fn(&str),
) -> Result<(Summary, Invalid), CommandError> {
    let first = attempt(&request, observer).await?;
    let stems = first.kept.union(&first.generated).cloned().collect();
    let refused = judged(&request.output_folder, stems).await?;
    let tell = |refused: &Invalid| {
        for (stem, reason) in refused {
            say(&format!("{stem}.js would be refused: {reason}"));
        }
    };
    tell(&refused);
    if refused.is_empty() || first.stopped_by.is_some() {
        return Ok((first, refused));
    }
    say(&format!("asking the generator again for {} of them", refused.len()));
    set_aside(&request.output_folder, refused.keys())?;
    request.force = false; // what is good was made in this very run
    let second = attempt(&request, observer).await?;
    let still = judged(&request.output_folder, second.generated.clone()).await?;
    tell(&still);
    Ok((together(&first, second), still))
}

async fn attempt(request: &Request, observer: &Listener<'_>) -> Result<Summary, GenerateError> {
    gen404_generator::generate(request, observer).await
}

/// Both attempts as one run: the second one knows how every stem ended.
fn together(first: &Summary, second: Summary) -> Summary {
    let generated: BTreeSet<Stem> = first.generated.union(&second.generated).cloned().collect();
    let made = |stem: &Stem| second.kept.contains(stem) || second.generated.contains(stem);
    Summary {
        kept: second.kept.difference(&generated).cloned().collect(),
        generated: generated.into_iter().filter(made).collect(),
        generation: first.generation + second.generation,
        ..second
    }
}

/// The modules among these that break a rule by their text.
async fn judged(folder: &Path, stems: BTreeSet<Stem>) -> Result<Invalid, CommandError> {
    let folder = folder.to_owned();
    let judging = tokio::task::spawn_blocking(move || {
        let mut invalid = Invalid::new();
        for stem in stems {
            let bytes = fs::read(folder.join(format!("{stem}.js")))?;
            let (_, report) = gen404_validator::validate_bytes(&bytes);
            if let Some(finding) = report.findings.first() {
                invalid.insert(stem, format!("{}: {}", finding.rule, finding.detail));
            }
        }
        Ok(invalid)
    });
    let judged: io::Result<Invalid> = judging.await.map_err(|_| CommandError::panicked())?;
    judged.map_err(|error| CommandError::failed(format!("a module that was just saved cannot be read: {error}")))
}

fn set_aside<'a>(folder: &Path, stems: impl Iterator<Item = &'a Stem>) -> Result<(), CommandError> {
    let aside = folder.join(REFUSED);
    let moved = fs::create_dir_all(&aside).and_then(|()| {
        stems.map(|stem| format!("{stem}.js")).try_for_each(|name| fs::rename(folder.join(&name), aside.join(&name)))
    });
    moved.map_err(|error| CommandError::failed(format!("cannot move modules to {}: {error}", aside.display())))
}
