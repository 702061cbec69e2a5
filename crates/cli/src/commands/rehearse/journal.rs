//! What a rehearsal has seen of the generator, one JSON object a line, only ever appended: a killed run leaves at worst a torn last
//! line, which is ignored. Margins are not here: a match keeps its own records.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use gen404_generator::Request;
use gen404_round::Stem;
use gen404_round::audit::Repeat;
use gen404_targon::Uid;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::errors::CommandError;

const FILE: &str = "rehearsal.jsonl";
/// A rehearsal of the largest round writes some hundred kilobytes.
const LARGEST: u64 = 64 << 20;

/// What a rehearsal is of. Another one does not go on in the same folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    seed: u64,
    /// In their order. Whether a module is of the same picture, the journal of its folder knows.
    stems: Vec<Stem>,
    /// The generator's address, or its image.
    generator: String,
}

impl Identity {
    pub(super) fn of(request: &Request, generator: String) -> Self {
        let stems = request.prompts.iter().map(|prompt| prompt.stem.clone()).collect();
        Self { seed: request.seed, stems, generator }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Began(Identity),
    Sent {
        repeat: u32,
        at: Timestamp,
    },
    Made {
        repeat: u32,
        seconds: f64,
        exact: bool,
    },
    Failed {
        repeat: u32,
        stem: Stem,
        reason: String,
    },
    Ended {
        exact: bool,
        repeat: Repeat,
    },
    /// A machine was rented, and answers there; `None` once it was given back.
    Machine(Option<Machine>),
}

/// A rented machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) uid: Uid,
    pub(super) url: String,
}

/// What is known of one repeat.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    /// Seconds of the batches that were made.
    pub(super) seconds: f64,
    /// Whether all of them were watched from their sending to their end.
    pub(super) inexact: bool,
    /// When the batch that is on its way was sent.
    pub(super) sent: Option<Timestamp>,
    /// Prompts that the generator said it could not make: the subnet does not ask again, nor does a rerun.
    pub(super) failed: BTreeMap<Stem, String>,
    /// How it ended, once it has.
    pub(super) ended: Option<Repeat>,
}

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    file: File,
    repeats: BTreeMap<u32, Progress>,
    /// The machine that runs, as far as this journal knows.
    machine: Option<Machine>,
    /// The first thing that could not be written.
    broken: Option<io::Error>,
}

impl Journal {
    /// Opens the folder's journal, or begins one.
    pub(super) fn open(folder: &Path, identity: &Identity) -> Result<Self, CommandError> {
        let unusable =
            |error: io::Error| CommandError::failed(format!("cannot use {}: {error}", folder.join(FILE).display()));
        fs::create_dir_all(folder).map_err(unusable)?;
        let file = OpenOptions::new().read(true).append(true).create(true).open(folder.join(FILE)).map_err(unusable)?;
        if file.try_lock().is_err() {
            return Err(CommandError::usage(format!("another rehearsal works in {}", folder.display()))
                .with_hint("wait for it to end, or choose another --output-dir"));
        }
        let mut text = Vec::new();
        (&file).take(LARGEST).read_to_end(&mut text).map_err(unusable)?;
        let torn = text.last().is_some_and(|last| *last != b'\n');
        let lines = text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Line>(line).ok());
        let (mut began, mut repeats, mut machine) = (None, BTreeMap::<u32, Progress>::new(), None);
        for line in lines {
            match line {
                Line::Began(identity) => began = Some(identity),
                Line::Machine(newer) => machine = newer,
                line => learn(&mut repeats, line),
            }
        }
        // One that was never sent anything, as after a mistyped address, binds nobody.
        let is_bound = !repeats.is_empty() || machine.is_some();
        if is_bound && began.as_ref().is_some_and(|began| began != identity) {
            return Err(CommandError::usage(format!(
                "{} holds the rehearsal of other prompts, another seed or another generator",
                folder.display()
            ))
            .with_hint("choose another --output-dir"));
        }
        let journal = Self(Mutex::new(Inner { file, repeats, machine, broken: None }));
        if torn {
            journal.lock().file.write_all(b"\n").map_err(unusable)?;
        }
        if began.as_ref() != Some(identity) {
            journal.write(Line::Began(identity.clone()));
        }
        journal.intact()?;
        Ok(journal)
    }

    pub(super) fn progress(&self, repeat: u32) -> Progress {
        self.lock().repeats.get(&repeat).cloned().unwrap_or_default()
    }

    pub(super) fn sent(&self, repeat: u32) {
        self.write(Line::Sent { repeat, at: Timestamp::now() });
    }

    pub(super) fn made(&self, repeat: u32, seconds: f64, exact: bool) {
        self.write(Line::Made { repeat, seconds, exact });
    }

    pub(super) fn failed(&self, repeat: u32, stem: &Stem, reason: &str) {
        self.write(Line::Failed { repeat, stem: stem.clone(), reason: reason.to_owned() });
    }

    pub(super) fn ended(&self, repeat: Repeat, exact: bool) {
        self.write(Line::Ended { exact, repeat });
    }

    /// The machine that an earlier run has left behind, or this one has rented.
    pub(super) fn machine(&self) -> Option<Machine> {
        self.lock().machine.clone()
    }

    pub(super) fn rented(&self, machine: Option<Machine>) {
        self.lock().machine.clone_from(&machine);
        self.write(Line::Machine(machine));
    }

    /// Fails when anything could not be written.
    pub(super) fn intact(&self) -> Result<(), CommandError> {
        match self.lock().broken.take() {
            None => Ok(()),
            Some(error) => Err(CommandError::failed(format!("cannot write {FILE}: {error}"))),
        }
    }

    fn write(&self, line: Line) {
        let mut inner = self.lock();
        let mut text = serde_json::to_vec(&line).expect("lines are plain data");
        text.push(b'\n');
        let written = inner.file.write_all(&text).and_then(|()| inner.file.sync_data());
        if let Err(error) = written {
            inner.broken.get_or_insert(error);
        }
        learn(&mut inner.repeats, line);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn learn(repeats: &mut BTreeMap<u32, Progress>, line: Line) {
    match line {
        Line::Began(_) | Line::Machine(_) => {}
        Line::Sent { repeat, at } => repeats.entry(repeat).or_default().sent = Some(at),
        Line::Made { repeat, seconds, exact } => {
            let progress = repeats.entry(repeat).or_default();
            progress.seconds += seconds;
            progress.inexact |= !exact;
            progress.sent = None;
        }
        Line::Failed { repeat, stem, reason } => {
            repeats.entry(repeat).or_default().failed.insert(stem, reason);
        }
        Line::Ended { exact, repeat } => {
            let progress = repeats.entry(repeat.repeat_index).or_default();
            progress.inexact |= !exact;
            progress.ended = Some(repeat);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(seed: u64) -> Identity {
        Identity { seed, stems: vec!["abc".parse().expect("a stem")], generator: "http://127.0.0.1:10006".to_owned() }
    }

    #[test]
    fn what_was_written_is_known_again_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(folder.path(), &identity(1)).expect("a journal");
        journal.sent(1);
        journal.made(1, 12.5, true);
        journal.failed(1, &"abc".parse().expect("a stem"), "no");
        journal.sent(1);
        drop(journal);
        let mut file = OpenOptions::new().append(true).open(folder.path().join(FILE)).expect("the file");
        file.write_all(b"{\"made\":{\"repeat\":1,\"sec").expect("a torn line");
        drop(file);

        let journal = Journal::open(folder.path(), &identity(1)).expect("a journal");
        let progress = journal.progress(1);
        assert_eq!((progress.seconds, progress.inexact, progress.failed.len()), (12.5, false, 1));
        assert!(progress.sent.is_some() && progress.ended.is_none());
        journal.made(1, 2.0, false);
        assert_eq!((journal.progress(1).seconds, journal.progress(1).inexact), (14.5, true));
        drop(journal);
        let journal = Journal::open(folder.path(), &identity(1)).expect("a journal");
        let progress = journal.progress(1);
        assert_eq!((progress.seconds, progress.inexact), (14.5, true), "the line after the torn one is whole");
    }

    #[test]
    fn another_rehearsal_does_not_go_on_in_the_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(Journal::open(folder.path(), &identity(7)).expect("a journal that nothing is written to"));
        let first = Journal::open(folder.path(), &identity(1)).expect("a journal");
        first.sent(1);
        assert!(Journal::open(folder.path(), &identity(1)).expect_err("locked").message.contains("another rehearsal"));
        drop(first);
        let error = Journal::open(folder.path(), &identity(2)).expect_err("another seed");
        assert!(error.message.contains("another seed"), "{}", error.message);
    }
}
