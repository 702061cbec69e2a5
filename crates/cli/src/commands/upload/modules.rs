//! The modules of a folder, each looked at before anything is delivered: a file that is no module's, or that the subnet would
//! refuse by its text, is found here. What would fail only when it runs is `validate`'s to say.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use futures::{StreamExt as _, TryStreamExt as _};
use gen404_outside::disk::files_in;
use gen404_round::Stem;
use gen404_round::module_rule::MODULE_BYTES;
use gen404_storage::{Md5, Module};
use gen404_validator::Validator;

use super::result::Report;
use crate::errors::CommandError;
use crate::ui::Ui;

/// Names that a sentence holds.
const NAMED: usize = 3;

/// A folder's modules.
pub(super) struct Folder {
    /// Those that may be delivered, by stem.
    pub(super) modules: Vec<Module>,
    /// What the subnet would refuse of them, and why.
    pub(super) refused: BTreeMap<Stem, String>,
    /// Stems with the same bytes as one before them.
    twins: Vec<(Stem, Stem)>,
}

/// Reads and judges all of them, one per processor at a time.
pub(super) async fn read(folder: &Path) -> Result<Folder, CommandError> {
    if !folder.is_dir() {
        return Err(CommandError::usage(format!("{} is not a folder", folder.display())));
    }
    let listed = files_in(folder, "js");
    let paths = listed.map_err(|error| CommandError::usage(format!("cannot list {}: {error}", folder.display())))?;
    if paths.is_empty() {
        let error = CommandError::usage(format!("{} has no file that ends in .js", folder.display()));
        return Err(error.with_hint("give the folder that generate wrote with --data-dir"));
    }
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let judged = futures::stream::iter(paths).map(|path| async move {
        let judged = tokio::task::spawn_blocking(move || judge(path)).await;
        judged.map_err(|_| CommandError::panicked())?
    });
    let judged: Vec<_> = judged.buffered(at_once).try_collect().await?;
    let mut found = Folder { modules: Vec::new(), refused: BTreeMap::new(), twins: Vec::new() };
    let mut known: HashMap<String, Stem> = HashMap::new();
    for (module, refusal) in judged {
        if let Some(refusal) = refusal {
            found.refused.insert(module.stem.clone(), refusal);
        }
        match known.get(&module.md5.to_string()) {
            Some(first) => found.twins.push((module.stem.clone(), first.clone())),
            None => drop(known.insert(module.md5.to_string(), module.stem.clone())),
        }
        found.modules.push(module);
    }
    found.modules.sort_by(|one, other| one.stem.cmp(&other.stem));
    Ok(found)
}

/// A module, and why the subnet would refuse it.
fn judge(path: PathBuf) -> Result<(Module, Option<String>), CommandError> {
    let name = path.file_stem().and_then(|name| name.to_str());
    let stem: Option<Stem> = name.and_then(|name| name.parse().ok());
    let Some(stem) = stem else {
        let error = CommandError::usage(format!("{} is not called as a prompt's module is", path.display()));
        return Err(error
            .with_hint("modules are called <stem>.js: the last part of the prompt's address without its extension"));
    };
    let bytes =
        whole(&path).map_err(|error| CommandError::usage(format!("cannot read {}: {error}", path.display())))?;
    let (_, report) = gen404_validator::validate_bytes(&bytes);
    // The render service's word decides, so it is the one that is told.
    let told = [Validator::RenderService, Validator::Miners];
    let refusal = told.into_iter().find_map(|validator| report.verdict(validator).next());
    let refusal = refusal.map(|finding| format!("{}: {}", finding.rule, finding.detail));
    let module = Module { stem, path, bytes: bytes.len() as u64, md5: Md5::of(&bytes) };
    Ok((module, refusal))
}

/// A regular file's bytes, if they are no more than any module has. A pipe may never have a writer, and a device never an end.
fn whole(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MODULE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MODULE_BYTES {
        let words = format!("it has more than {MODULE_BYTES} bytes, and the subnet takes no more of a module");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, words));
    }
    Ok(bytes)
}

/// Says what is to be said of them before they are delivered.
pub(super) fn warn(ui: &Ui, folder: &Folder, report: &Report) {
    for (stem, reason) in &folder.refused {
        ui.warning(format!("{stem}.js would be refused by the subnet: {reason}"));
    }
    if let Some((stem, first)) = folder.twins.first() {
        let more = match folder.twins.len() {
            1 => String::new(),
            several => format!(" (and {} more pairs)", several - 1),
        };
        ui.warning(format!("{stem}.js has the same bytes as {first}.js{more}: the source auditor looks for that"));
    }
    if !report.missing.is_empty() {
        ui.warning(format!("no module for {} of the prompts: {}", report.missing.len(), named(&report.missing)));
    }
    if !report.not_in_prompts.is_empty() {
        ui.warning(format!("not among the prompts, and delivered all the same: {}", named(&report.not_in_prompts)));
    }
}

/// The first few of them.
pub(super) fn named(stems: &[Stem]) -> String {
    let first: Vec<_> = stems.iter().take(NAMED).map(Stem::as_str).collect();
    let more = if stems.len() > NAMED { format!(" and {} more", stems.len() - NAMED) } else { String::new() };
    format!("{}{more}", first.join(", "))
}
