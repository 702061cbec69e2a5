//! `--watch`: judges a module again whenever its file changes, and new ones when they come.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use gen404_outside::text::line;

use super::Bench;
use super::files::{Source, in_folder};
use crate::errors::CommandError;

/// How often the files are looked at.
const PAUSE: Duration = Duration::from_millis(250);

/// What tells a changed file.
type Stamp = (SystemTime, u64);

pub(super) async fn run(bench: &Bench<'_>, paths: &[PathBuf]) -> Result<(), CommandError> {
    for path in paths {
        if path.as_os_str() == "-" {
            return Err(CommandError::usage("--watch needs files: stdin cannot change"));
        }
        if !path.exists() {
            return Err(CommandError::usage(format!("{} does not exist", path.display())));
        }
    }
    let ui = &bench.context.ui;
    ui.status("watching; Ctrl-C ends it");
    let mut seen: HashMap<PathBuf, Stamp> = HashMap::new();
    loop {
        let mut present = HashMap::new();
        for file in modules(paths)? {
            // gone since it was listed
            let Some(stamp) = stamp(&file) else { continue };
            if seen.get(&file) != Some(&stamp) {
                match bench.judge(Source::File(file.clone())).await? {
                    Ok(judged) => {
                        if judged.passed() {
                            ui.done(line(&format!("{} passes", judged.file)));
                        }
                        bench.show(&judged)?;
                    }
                    // it may be there again the next time
                    Err(unreadable) => ui.warning(unreadable.reason),
                }
            }
            present.insert(file, stamp);
        }
        seen = present;
        tokio::time::sleep(PAUSE).await;
    }
}

fn modules(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CommandError> {
    let mut modules = Vec::new();
    for path in paths {
        if path.is_dir() {
            modules.extend(in_folder(path)?);
        } else {
            modules.push(path.clone());
        }
    }
    Ok(modules)
}

fn stamp(file: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
