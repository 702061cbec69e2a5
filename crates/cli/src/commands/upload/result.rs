//! What a delivery came to: the JSON object, and whether it is good.

use std::collections::{BTreeMap, BTreeSet};

use gen404_round::{PromptSet, Stem};
use gen404_storage::{Delivered, Delivery, Found, Outcome};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Arguments;
use super::modules::{Folder, named};
use super::read_back::{Read, Reading, words};
use crate::context::Context;
use crate::errors::CommandError;

/// The result; its keys are those of a failure, too.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    to: String,
    public_url: Option<String>,
    dry_run: bool,
    modules: usize,
    uploaded: usize,
    replaced: usize,
    unchanged: usize,
    bytes_uploaded: u64,
    /// Modules of which the public address gave the same bytes; null when it was not asked.
    read_back: Option<usize>,
    /// Prompts without a module.
    pub(super) missing: Vec<Stem>,
    /// Modules of no prompt.
    #[serde(skip)]
    pub(super) not_in_prompts: Vec<Stem>,
    files: Vec<File>,
}

/// One module.
#[derive(Debug, Serialize)]
struct File {
    stem: Stem,
    key: String,
    bytes: u64,
    outcome: &'static str,
    /// Null when it was not read back.
    public: Option<&'static str>,
    /// Why it could not be read back.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Serialize)]
struct Success<'a> {
    success: bool,
    #[serde(flatten)]
    report: &'a Report,
}

impl Report {
    pub(super) fn new(folder: &Folder, prompts: Option<&PromptSet>, arguments: &Arguments) -> Self {
        let stems: BTreeSet<_> = folder.modules.iter().map(|module| &module.stem).collect();
        let wanted: BTreeSet<_> = prompts.iter().flat_map(|set| &set.prompts).map(|prompt| &prompt.stem).collect();
        let without = |one: &BTreeSet<&Stem>, other: &BTreeSet<&Stem>| -> Vec<Stem> {
            one.difference(other).map(|stem| (*stem).clone()).collect()
        };
        let folder_named = || arguments.copy_to.as_ref().map(|folder| folder.display().to_string());
        Self {
            to: arguments.storage.to.as_ref().map(ToString::to_string).or_else(folder_named).unwrap_or_default(),
            public_url: arguments.public_url.as_ref().map(ToString::to_string),
            dry_run: arguments.dry_run,
            modules: folder.modules.len(),
            uploaded: 0,
            replaced: 0,
            unchanged: 0,
            bytes_uploaded: 0,
            read_back: None,
            missing: without(&wanted, &stems),
            not_in_prompts: if prompts.is_some() { without(&stems, &wanted) } else { Vec::new() },
            files: Vec::new(),
        }
    }

    /// Takes note of what was delivered.
    pub(super) fn delivered(&mut self, delivered: &[Delivered]) {
        for one in delivered {
            let count = match one.delivery {
                Delivery::Done(Outcome::Uploaded) => Some(&mut self.uploaded),
                Delivery::Done(Outcome::Replaced) => Some(&mut self.replaced),
                Delivery::Done(Outcome::Unchanged) | Delivery::Seen(Found::Same) => {
                    self.unchanged += 1;
                    None
                }
                Delivery::Seen(Found::Nothing | Found::Other | Found::Hidden) => None,
            };
            if let Some(count) = count {
                *count += 1;
                self.bytes_uploaded += one.bytes;
            }
            self.files.push(File {
                stem: one.stem.clone(),
                key: one.key.clone(),
                bytes: one.bytes,
                outcome: word(one.delivery),
                public: None,
                problem: None,
            });
        }
    }

    /// Takes note of what the public address gave.
    pub(super) fn read_back(&mut self, read: Vec<Read>) {
        let mut read: BTreeMap<_, _> = read.into_iter().map(|one| (one.stem, one.reading)).collect();
        self.read_back = Some(read.values().filter(|reading| matches!(reading, Reading::Same)).count());
        for file in &mut self.files {
            match read.remove(&file.stem) {
                Some(Reading::Same) => file.public = Some("same"),
                Some(Reading::Other) => file.public = Some("other_bytes"),
                Some(reading @ (Reading::Lost(_) | Reading::Unknown(_))) => {
                    file.public = Some("unreadable");
                    file.problem = words(&reading);
                }
                None => {}
            }
        }
    }

    fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        }
    }

    /// Nothing is delivered.
    pub(super) fn refused(&self, folder: &Folder) -> CommandError {
        let (refused, all) = (folder.refused.len(), folder.modules.len());
        let first = folder.refused.iter().next().map(|(stem, reason)| format!("{stem}: {reason}")).unwrap_or_default();
        let message =
            format!("nothing is delivered: the subnet would refuse {refused} of {all} modules, the first: {first}");
        let mut error = CommandError::failed(message)
            .with_hint("404-cli validate shows the places and fixes; --deliver-refused delivers them as they are");
        error.fields = self.fields();
        let reasons = folder.refused.iter().map(|(stem, reason)| (stem.to_string(), Value::from(reason.as_str())));
        error.with_field("refused", reasons.collect::<Map<_, _>>())
    }

    /// Not all of it is delivered.
    pub(super) fn broken_off(&self, error: CommandError) -> CommandError {
        let message = match self.files.len() {
            0 => error.message,
            done => format!("{} (after {done} of {} modules)", error.message, self.modules),
        };
        CommandError { message, fields: self.fields(), ..error }
    }

    /// The end: one object, and whether the answer is yes.
    pub(super) fn conclude(&self, context: &Context) -> Result<(), CommandError> {
        let unread: Vec<_> =
            self.files.iter().filter(|file| file.public.is_some_and(|public| public != "same")).collect();
        if let Some(first) = unread.first() {
            let other = words(&Reading::Other).unwrap_or_default();
            let why = first.problem.as_deref().unwrap_or(&other);
            let message = format!(
                "{} of {} modules cannot be read back from {}, the first: {}.js: {why}",
                unread.len(),
                self.modules,
                self.public_url.as_deref().unwrap_or_default(),
                first.stem
            );
            return Err(CommandError { fields: self.fields(), ..CommandError::failed(message) });
        }
        if !self.missing.is_empty() {
            let message = format!("{} prompts have no module: {}", self.missing.len(), named(&self.missing));
            let error = CommandError::failed(message).with_hint("generate them, then give the same command again");
            return Err(CommandError { fields: self.fields(), ..error });
        }
        context.ui.result(&Success { success: true, report: self })
    }
}

fn word(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Done(Outcome::Uploaded) => "uploaded",
        Delivery::Done(Outcome::Replaced) => "replaced",
        Delivery::Done(Outcome::Unchanged) | Delivery::Seen(Found::Same) => "unchanged",
        Delivery::Seen(Found::Nothing) => "would_upload",
        Delivery::Seen(Found::Other) => "would_replace",
        Delivery::Seen(Found::Hidden) => "unknown",
    }
}
