//! The files in a player's folder: what it delivered, how it was judged, how long its pods took.

use gen404_outside::text;
use gen404_round::Stem;
use serde::Deserialize;
use url::Url;

use crate::content::{Content, Document, Unreadable, from_json, lenient};

/// `submitted.json` or `generated_{r}.json`: what became of each prompt, in order of arrival. Written in steps: what is
/// missing may still come.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs {
    /// Outputs by stem.
    pub entries: Vec<(Stem, Output)>,
    /// Keys of entries that were not understood, or whose addresses cannot be trusted; fit to be shown.
    pub unreadable: Vec<String>,
}

/// What became of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Where the module is kept.
    pub js: Option<Url>,
    /// Where its pictures are: a beginning, to which their names are appended.
    pub views: Option<Url>,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// Bytes of the module.
    pub size: u64,
}

/// Whether an address from a file may be fetched at all: http(s), no user, nothing that moves a terminal.
pub fn is_usable_address(address: &str) -> bool {
    usable(address).is_some()
}

fn usable(address: &str) -> Option<Url> {
    if address.chars().any(|character| character.is_whitespace() || text::is_harmful(character)) {
        return None;
    }
    let url = Url::parse(address).ok()?;
    let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    plain.then_some(url)
}

impl Content for Outputs {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Raw {
            js: Option<String>,
            #[serde(default)]
            views: Option<String>,
            #[serde(default, deserialize_with = "lenient")]
            failure_reason: Option<String>,
            #[serde(default, deserialize_with = "lenient")]
            size: u64,
        }
        let mut outputs = Self { entries: Vec::new(), unreadable: Vec::new() };
        for (key, value) in document.entries()? {
            let output = from_json::<Raw>(value).ok().and_then(|raw| {
                // An address that may not be fetched is not the same as none: the module is there.
                let address = |written: Option<String>| match written {
                    Some(written) => usable(&written).map(Some),
                    None => Some(None),
                };
                let (js, views) = (address(raw.js)?, address(raw.views)?);
                Some(Output { js, views, failure_reason: raw.failure_reason, size: raw.size })
            });
            match (key.parse::<Stem>(), output) {
                (Ok(stem), Some(output)) => outputs.entries.push((stem, output)),
                (Err(_), _) | (_, None) => outputs.unreadable.push(text::excerpt(&key, 60)),
            }
        }
        Ok(outputs)
    }
}

/// `duels_{left}.json` or `audit_{left}_{r}.json`: one match, duel by duel.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MatchReport {
    /// `leader`, `submitted` or a hotkey, as written.
    pub left: String,
    /// The challenger, as written.
    pub right: String,
    /// Duels won minus duels lost, seen from the right.
    pub score: i64,
    /// The score by prompt.
    pub margin: f64,
    /// The duels, sorted by name.
    pub duels: Vec<ReportedDuel>,
}

/// One duel of a match.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ReportedDuel {
    /// The prompt's stem, as written.
    pub name: String,
    /// `left`, `right`, `draw` or `skipped`.
    pub winner: String,
    /// How the judge came to it.
    #[serde(default)]
    pub detail: serde_json::Value,
}

impl Content for MatchReport {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        document.value()
    }
}

/// `pod_stats.json`: the pods of a regeneration, one entry a repeat.
#[derive(Debug, Clone, PartialEq)]
pub struct PodStats {
    /// The runs, in the file's order.
    pub runs: Vec<PodRun>,
    /// Keys of entries that were not understood, fit to be shown.
    pub unreadable: Vec<String>,
}

/// What one pod did for one repeat.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PodRun {
    /// The pod's name.
    #[serde(default, deserialize_with = "lenient")]
    pub pod_id: String,
    /// The repeat, from 1.
    pub repeat_index: u32,
    /// The cloud.
    #[serde(default, deserialize_with = "lenient")]
    pub provider: String,
    /// Seconds of each batch.
    #[serde(default, deserialize_with = "lenient")]
    pub batch_times: Vec<f64>,
    /// Seconds of all batches.
    #[serde(default, deserialize_with = "lenient")]
    pub total_generation_time: Option<f64>,
    /// How it ended. `unreachable` after few batches is also what a repeat looks like that was cancelled because an audit had
    /// failed.
    #[serde(default, deserialize_with = "lenient")]
    pub termination_reason: Option<String>,
}

impl Content for PodStats {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        let mut stats = Self { runs: Vec::new(), unreadable: Vec::new() };
        for (key, value) in document.entries()? {
            match from_json(value) {
                Ok(run) => stats.runs.push(run),
                Err(_) => stats.unreadable.push(text::excerpt(&key, 60)),
            }
        }
        Ok(stats)
    }
}
