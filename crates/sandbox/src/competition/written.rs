//! The files of the public state in the form in which the subnet's services write them: names, order of keys, line ends.
//! Only forms; what goes into them is decided elsewhere.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// The only token of hardware that submissions of a sandbox have.
const HARDWARE: [&str; 1] = ["4xH200"];

/// Everything that is published, by path: `state/…` for the state's files, `outputs/…` for modules.
#[derive(Debug, Clone, Default)]
pub(super) struct Files(BTreeMap<String, Page>);

/// A file as it is served.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) body: Bytes,
    pub(super) etag: String,
}

impl Files {
    pub(super) fn get(&self, path: &str) -> Option<&Page> {
        self.0.get(path)
    }

    pub(super) fn put(&mut self, path: impl Into<String>, body: impl Into<Bytes>) {
        let body = body.into();
        let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..16]));
        self.0.insert(path.into(), Page { body, etag });
    }

    /// A file of the state: JSON with two spaces, without a line feed at its end.
    pub(super) fn json(&mut self, path: &str, value: &impl Serialize) {
        let text = serde_json::to_string_pretty(value).expect("plain data is JSON");
        self.put(format!("state/{path}"), text);
    }

    /// The paths that begin so.
    pub(super) fn remove_below(&mut self, folder: &str) {
        self.0.retain(|path, _| !path.starts_with(folder));
    }
}

/// A map whose keys stay in order.
#[derive(Debug, Clone)]
pub(super) struct Ordered<T>(pub(super) Vec<(String, T)>);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[derive(Serialize)]
pub(super) struct State<'a> {
    pub(super) current_round: u64,
    pub(super) stage: &'a str,
    pub(super) next_stage_eta: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Config<'a> {
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) first_evaluation_date: String,
    pub(super) last_competition_date: String,
    pub(super) round_start_time: &'a str,
    pub(super) generation_stage_minutes: f64,
    pub(super) finalization_buffer_hours: u32,
    pub(super) win_margin: f64,
    pub(super) weight_decay: f64,
    pub(super) weight_floor: f64,
    pub(super) prompts_per_round: usize,
    pub(super) carryover_prompts: usize,
    pub(super) round_duration_days: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are those of the file")]
pub(super) struct Schedule {
    pub(super) earliest_reveal_block: u64,
    pub(super) latest_reveal_block: u64,
    pub(super) generation_deadline_block: u64,
}

/// A leader; also what a winner's file is made of.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Leader {
    pub(super) hotkey: String,
    pub(super) repo: String,
    pub(super) commit: String,
    pub(super) docker: String,
    pub(super) hardware: [&'static str; 1],
    pub(super) weight: f64,
    pub(super) effective_block: u64,
}

impl Leader {
    pub(super) fn new(hotkey: String, repo: &str, commit: &str, docker: String, weight: f64, from: u64) -> Self {
        let (repo, commit) = (repo.to_owned(), commit.to_owned());
        Self { hotkey, repo, commit, docker, hardware: HARDWARE, weight, effective_block: from }
    }
}

#[derive(Serialize)]
pub(super) struct Submission<'a> {
    pub(super) repo: &'a str,
    pub(super) commit: &'a str,
    pub(super) cdn_url: &'a str,
    pub(super) revealed_at_block: u64,
    pub(super) round: &'a str,
    pub(super) hardware: [&'static str; 1],
}

impl<'a> Submission<'a> {
    pub(super) fn of(entry: &'a super::collector::Entry, round: &'a str) -> Self {
        let super::collector::Entry { repo, commit, cdn_url, block, .. } = entry;
        Self { repo, commit, cdn_url, revealed_at_block: *block, round, hardware: HARDWARE }
    }
}

#[derive(Serialize)]
pub(super) struct Build<'a> {
    repo: &'a str,
    commit: &'a str,
    revealed_at_block: u64,
    hardware: [&'static str; 1],
    tag: String,
    status: &'a str,
    docker_image: Option<String>,
}

impl<'a> Build<'a> {
    pub(super) fn of(entry: &'a super::collector::Entry, round: &str, status: &'a str) -> Self {
        Self {
            repo: &entry.repo,
            commit: &entry.commit,
            revealed_at_block: entry.block,
            hardware: HARDWARE,
            tag: tag(entry, round),
            status,
            docker_image: (status == "success").then(|| image(entry, round)),
        }
    }
}

fn tag(entry: &super::collector::Entry, round: &str) -> String {
    format!("{}-{round}", entry.commit.get(..7).unwrap_or_default())
}

/// The image of a submission. Nobody builds it, and nobody can pull it.
pub(super) fn image(entry: &super::collector::Entry, round: &str) -> String {
    let hotkey = entry.hotkey.to_string();
    format!("registry.invalid/competition/{}:{}", short(&hotkey), tag(entry, round)).to_lowercase()
}

/// The first ten characters of a name, as files are named.
pub(super) fn short(name: &str) -> &str {
    name.get(..10).unwrap_or(name)
}

/// What became of a prompt.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Output {
    pub(super) js: Option<String>,
    /// Always null: nothing is rendered here.
    pub(super) views: Option<String>,
    pub(super) failure_reason: Option<String>,
    pub(super) size: usize,
}

#[derive(Serialize)]
pub(super) struct Duel<'a> {
    pub(super) name: &'a str,
    pub(super) prompt: &'a str,
    pub(super) left_js: Option<String>,
    pub(super) left_png: Option<String>,
    pub(super) right_js: Option<String>,
    pub(super) right_png: Option<String>,
    pub(super) winner: &'a str,
    pub(super) detail: Option<()>,
}

#[derive(Serialize)]
pub(super) struct MatchReport<'a> {
    pub(super) left: &'a str,
    pub(super) right: &'a str,
    pub(super) score: i64,
    pub(super) margin: f64,
    pub(super) duels: Vec<Duel<'a>>,
}

#[derive(Serialize)]
pub(super) struct AuditRequest<'a> {
    pub(super) hotkey: &'a str,
    pub(super) latest_defender: &'a str,
}

#[derive(Serialize)]
pub(super) struct GenerationReport<'a> {
    pub(super) hotkey: &'a str,
    pub(super) outcome: &'a str,
    pub(super) repeats: Vec<Repeat>,
    pub(super) reason: &'a str,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are those of the file")]
pub(super) struct Repeat {
    pub(super) repeat_index: u32,
    pub(super) generated_prompts: usize,
    pub(super) failed_prompts: usize,
    pub(super) generation_time: Option<f64>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are those of the file")]
pub(super) struct Verdict<'a> {
    pub(super) hotkey: &'a str,
    pub(super) verdict: &'a str,
    pub(super) reason: &'a str,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are those of the file")]
pub(super) struct Winner<'a> {
    pub(super) winner_hotkey: &'a str,
    pub(super) repo: &'a str,
    pub(super) commit: &'a str,
    pub(super) docker_image: &'a str,
    pub(super) hardware: [&'static str; 1],
}

impl<'a> Winner<'a> {
    pub(super) fn new(winner_hotkey: &'a str, repo: &'a str, commit: &'a str, docker_image: &'a str) -> Self {
        Self { winner_hotkey, repo, commit, docker_image, hardware: HARDWARE }
    }
}

/// A matrix: a header and a line a match, the last without a line feed; numbers as Python writes them.
pub(super) fn matrix<'a>(rows: impl IntoIterator<Item = &'a (String, String, f64)>) -> String {
    let rows = rows.into_iter().map(|(left, right, margin)| format!("\n{left},{right},{margin:?}"));
    std::iter::once("left,right,margin".to_owned()).chain(rows).collect()
}
