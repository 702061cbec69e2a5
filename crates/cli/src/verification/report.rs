//! What was found, as JSON, and as an answer: yes, no and why, or that nobody can know.

use gen404_delivery::{Loss, Remembered};
use gen404_round::lock::Lock;
use gen404_round::{BlockNumber, Hotkey, Stem};
use serde::Serialize;
use serde_json::{Map, Value};

use super::delivering::{Rules, Stems};
use super::{Building, Phase, Placed, Question};
use crate::commands::round::report::{Build, Generation, Judgement};
use crate::errors::CommandError;

/// What becomes of a stem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StemState {
    /// The subnet gets it, and nothing in its text is refused.
    Delivered,
    /// The subnet does not get it, or did not.
    Lost,
    /// The subnet gets it, and its render service refuses it.
    Refused,
    /// Nobody can say.
    Unknown,
}

/// The verdict on an entry that nobody can read.
pub(super) const UNREADABLE: &str = "unreadable";

/// Another stem with the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Twin {
    /// Whose: null is the same folder, else a hotkey or `leader`.
    pub(crate) hotkey: Option<String>,
    pub(crate) stem: Stem,
}

/// One stem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Seen {
    pub(crate) stem: Stem,
    pub(crate) state: StemState,
    /// `cdn`, or `submitted.json` for what the subnet has written down.
    pub(crate) source: &'static str,
    /// In the collector's words, `js_fetch_failed: HTTP 404` for example.
    pub(crate) reason: Option<String>,
    /// The same for people, where more is known.
    pub(crate) detail: Option<String>,
    pub(crate) fix: Option<&'static str>,
    pub(crate) size: Option<u64>,
    pub(crate) sha256: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    /// The host has confirmed what an earlier run had read.
    pub(crate) confirmed: bool,
    pub(crate) mr: Vec<String>,
    pub(crate) rs: Vec<String>,
    pub(crate) same_as: Vec<Twin>,
}

impl Seen {
    pub(super) fn unknown(stem: &Stem, source: &'static str, why: &str, fix: Option<&'static str>) -> Self {
        Self {
            stem: stem.clone(),
            state: StemState::Unknown,
            source,
            reason: None,
            detail: (!why.is_empty()).then(|| why.to_owned()),
            fix,
            size: None,
            sha256: None,
            etag: None,
            last_modified: None,
            confirmed: false,
            mr: Vec::new(),
            rs: Vec::new(),
            same_as: Vec::new(),
        }
    }

    pub(super) fn lost(stem: &Stem, loss: &Loss) -> Self {
        let reason = Some(loss.failure_reason());
        Self { state: StemState::Lost, reason, ..Self::unknown(stem, "cdn", &loss.to_string(), Some(loss.fix())) }
    }

    /// The render service decides; what it refuses is written down as a failed picture.
    pub(super) fn read(one: &Remembered, rules: Rules, confirmed: bool) -> Self {
        let is_refused = !rules.rs.is_empty();
        let plain = Self::unknown(&one.stem, "cdn", "", None);
        Self {
            state: if is_refused { StemState::Refused } else { StemState::Delivered },
            reason: is_refused.then(|| "render_failed".to_owned()),
            detail: rules.rs.first().cloned(),
            fix: is_refused.then_some("`404-cli validate` says where, and docs/rules.md how to mend it"),
            size: Some(one.size),
            sha256: Some(one.sha256.clone()),
            etag: one.validators.etag.clone(),
            last_modified: one.validators.last_modified.clone(),
            confirmed,
            mr: rules.mr,
            rs: rules.rs,
            ..plain
        }
    }
}

/// Stems counted by what becomes of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Count {
    /// In the round.
    pub(crate) of: usize,
    pub(crate) checked: usize,
    pub(crate) delivered: usize,
    pub(crate) lost: usize,
    pub(crate) refused: usize,
    pub(crate) unknown: usize,
}

/// The answer.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Verified {
    pub(crate) success: bool,
    pub(crate) round: u64,
    pub(crate) stage: String,
    pub(crate) hotkey: Hotkey,
    /// `chain`, or the file that says who takes part.
    pub(crate) source: &'static str,
    pub(crate) takes_part: bool,
    pub(crate) verdict: &'static str,
    pub(crate) reason: Option<String>,
    pub(crate) place: Option<usize>,
    pub(crate) of: Option<usize>,
    #[serde(flatten)]
    pub(crate) lock: Option<Lock>,
    pub(crate) commit: Option<String>,
    pub(crate) repo: Option<String>,
    pub(crate) cdn_url: Option<String>,
    pub(crate) commit_block: Option<BlockNumber>,
    /// As published.
    pub(crate) hardware: Option<Vec<String>>,
    pub(crate) deadline_block: Option<BlockNumber>,
    pub(crate) repository: Option<Building>,
    /// Null while there are no prompts.
    pub(crate) delivery: Option<Count>,
    pub(crate) build: Option<Build>,
    pub(crate) against_leader: Option<f64>,
    pub(crate) generation: Option<Generation>,
    pub(crate) audit: Option<Judgement>,
    /// What costs a stem or the round.
    pub(crate) problems: Vec<String>,
    /// What could not be known.
    pub(crate) unknown: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) stems: Option<Vec<Seen>>,
    #[serde(skip)]
    pub(crate) phase: Phase,
}

impl Verified {
    pub(super) fn new(question: &Question, placed: Placed, repository: Option<Building>, stems: Option<Stems>) -> Self {
        let takes_part = placed.takes_part();
        let deadline_block = super::placing::deadline(&placed);
        let Placed { round, stage, phase, source, revealed, of, hardware, lock, in_round, unknown, .. } = placed;
        let (build, against_leader, generation, audit) = match in_round {
            Some(own) => (own.build, own.against_leader, own.generation, own.verdict),
            None => (None, None, None, None),
        };
        let mut verified = Self {
            success: true,
            round,
            stage,
            hotkey: question.hotkey,
            source,
            takes_part,
            verdict: revealed.verdict,
            reason: revealed.reason,
            place: revealed.place,
            of,
            lock,
            commit: revealed.commit,
            repo: revealed.repo,
            cdn_url: revealed.cdn_url,
            commit_block: revealed.commit_block,
            hardware,
            deadline_block,
            repository,
            delivery: stems.as_ref().map(count),
            build,
            against_leader,
            generation,
            audit,
            problems: Vec::new(),
            unknown,
            warnings: Vec::new(),
            stems: stems.as_ref().map(|stems| stems.seen.clone()),
            phase,
        };
        verified.judge(stems.unwrap_or_default());
        verified
    }

    /// Sorts what was found into what costs something, what is not known, and what deserves attention.
    fn judge(&mut self, stems: Stems) {
        if !self.takes_part && self.verdict != UNREADABLE {
            let reason = self.reason.as_deref().unwrap_or(self.verdict);
            self.problems.push(format!("the hotkey does not take part in round {}: {reason}", self.round));
        }
        if let Some(repository) = self.repository.clone() {
            self.judge_repository(&repository);
        }
        if let Some(build) =
            self.build.as_ref().filter(|build| matches!(build.status.as_str(), "failure" | "timed_out" | "not_found"))
        {
            self.problems.push(format!("the image was not built: {}", build.status));
        }
        if let Some(audit) = self.audit.as_ref().filter(|audit| audit.verdict == "failed") {
            self.problems.push(format!("the published verdict is failed: {}", audit.reason));
        }
        self.judge_stems(&stems);
        self.problems.extend(stems.problems);
        self.unknown.extend(stems.unknown);
        self.warnings.extend(stems.warnings);
        self.success = self.problems.is_empty() && self.unknown.is_empty();
    }

    fn judge_repository(&mut self, repository: &Building) {
        let reason = repository.reason.clone().unwrap_or_default();
        match repository.state {
            "missing" => self.problems.push(reason),
            "unknown" => self.unknown.push(reason),
            _ => {}
        }
        for finding in &repository.findings {
            let place = match (&finding.path, finding.line) {
                (Some(path), Some(line)) => format!("{path}:{line}: "),
                (Some(path), None) => format!("{path}: "),
                (None, _) => String::new(),
            };
            let words = format!("{place}{}", finding.sentence);
            match finding.severity {
                gen404_repository::Severity::Fail => self.problems.push(words),
                gen404_repository::Severity::Warning => self.warnings.push(words),
            }
        }
        if repository.local {
            self.warnings.push(format!(
                "{} is a folder of this machine: others may not be able to read the commit",
                repository.origin
            ));
        }
    }

    fn judge_stems(&mut self, stems: &Stems) {
        let of = |state| stems.seen.iter().filter(move |seen| seen.state == state);
        for (state, words) in [(StemState::Lost, "are lost"), (StemState::Refused, "are refused by the render service")]
        {
            let reasons = tally(of(state));
            if !reasons.is_empty() {
                let count = of(state).count();
                self.problems.push(format!("{count} of {} stems {words} ({reasons})", stems.of));
            }
        }
        let unknown = of(StemState::Unknown).count();
        if let Some(first) = of(StemState::Unknown).next() {
            let why = first.detail.as_deref().unwrap_or("no reason");
            self.unknown.push(format!("{unknown} of {} stems could not be checked ({why})", stems.of));
        }
        let by_miners = stems.seen.iter().filter(|seen| seen.rs.is_empty() && !seen.mr.is_empty()).count();
        if by_miners > 0 {
            self.warnings
                .push(format!("{by_miners} stems are refused by the miners' validator alone, which decides nothing"));
        }
    }

    /// The failure that this is, with all keys in its JSON; `None` when everything is as it should be.
    pub(crate) fn failure(&self) -> Option<CommandError> {
        let (error, more) = match (self.problems.split_first(), self.unknown.split_first()) {
            (Some((first, more)), _) => (CommandError::failed(first), more),
            (None, Some((first, more))) => {
                (CommandError::service(first).with_hint("try again: it cannot be known now"), more)
            }
            (None, None) => return None,
        };
        let hints = self.stems.iter().flatten().filter(|seen| seen.state == StemState::Lost).find_map(|seen| seen.fix);
        let repository = self.repository.as_ref().and_then(|repository| repository.fix.clone());
        let mut error = error.with_hints(repository.filter(|_| hints.is_none())).with_hints(hints);
        if !more.is_empty() {
            error = error.with_hint(format!("{} more: see `problems` and `unknown`", more.len()));
        }
        let fields: Map<String, Value> = match serde_json::to_value(self) {
            Ok(Value::Object(object)) => object.into_iter().filter(|(key, _)| key != "success").collect(),
            _ => Map::new(),
        };
        error.fields.extend(fields);
        Some(error)
    }
}

fn count(stems: &Stems) -> Count {
    let of = |state| stems.seen.iter().filter(|seen| seen.state == state).count();
    Count {
        of: stems.of,
        checked: stems.seen.len(),
        delivered: of(StemState::Delivered),
        lost: of(StemState::Lost),
        refused: of(StemState::Refused),
        unknown: of(StemState::Unknown),
    }
}

/// `12 × js_fetch_failed: HTTP 404, 1 × js_too_large`.
fn tally<'a>(seen: impl Iterator<Item = &'a Seen>) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for one in seen {
        let reason = one.reason.as_deref().unwrap_or("no reason given");
        match counts.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => counts.push((reason, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.iter().map(|(reason, count)| format!("{count} × {reason}")).collect::<Vec<_>>().join(", ")
}
