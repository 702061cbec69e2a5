//! The verdict of a rehearsal: in the subnet's words, and with what was left to every limit.

use std::path::PathBuf;

use gen404_round::audit::{self, Against, AuditMatch, AuditRules, Repeat, ReportFault, Reserve, TIME_VARIES_BY};
use serde::Serialize;
use serde_json::{Map, Value};

use super::sameness::Sameness;
use crate::context::Context;
use crate::errors::CommandError;
use crate::ui::Ui;

/// What a rehearsal came to.
pub(super) struct Verdict {
    pub(super) rules: AuditRules,
    pub(super) repeats: Vec<Repeat>,
    pub(super) faults: Vec<ReportFault>,
    pub(super) matches: Vec<AuditMatch>,
    pub(super) sameness: Sameness,
    pub(super) output_dir: PathBuf,
}

#[derive(Serialize)]
struct Json<'a> {
    success: bool,
    /// `passed` or `failed`.
    verdict: &'static str,
    /// As the subnet would publish it; empty when passed.
    reason: &'a str,
    repeats: &'a [Repeat],
    matches: Vec<MatchJson>,
    reserve: ReserveJson,
    determinism: &'a Sameness,
    win_margin: f64,
    generation_limit_seconds: u64,
    failed_prompts_allowed: usize,
    output_dir: String,
}

#[derive(Serialize)]
struct MatchJson {
    against: Against,
    repeat: u32,
    margin: f64,
    needed: f64,
    passed: bool,
}

#[derive(Serialize)]
struct ReserveJson {
    /// Seconds that the longest repeat left; null when no repeat came to its end.
    time_seconds: Option<f64>,
    /// Whether a repeat that is as much longer as published ones are would be too long.
    time_at_risk: Option<bool>,
    submitted: Option<Reserve>,
    leader: Option<Reserve>,
}

impl Verdict {
    /// Says it, and ends with it: a failed audit is a failed command.
    pub(super) fn tell(&self, context: &Context) -> Result<(), CommandError> {
        let reason = audit::reason(&self.faults, &self.matches, &self.rules);
        self.tell_people(&context.ui);
        let json = self.json(reason.as_deref());
        let Some(reason) = &reason else {
            context.ui.done(format!("the audit would pass: {} of {} repeats", self.repeats.len(), self.rules.repeats));
            return context.ui.result(&json);
        };
        let fields = match serde_json::to_value(&json) {
            Ok(Value::Object(fields)) => fields.into_iter().filter(|(key, _)| key != "success").collect(),
            _ => Map::new(),
        };
        Err(CommandError { fields, ..CommandError::failed(format!("the audit would fail: {reason}")) })
    }

    fn json<'a>(&'a self, reason: Option<&'a str>) -> Json<'a> {
        let of = |against| audit::reserve(against, &self.matches, &self.rules);
        let longest = self.longest();
        Json {
            success: reason.is_none(),
            verdict: if reason.is_none() { "passed" } else { "failed" },
            reason: reason.unwrap_or_default(),
            repeats: &self.repeats,
            matches: self.matches.iter().map(|judged| self.match_json(judged)).collect(),
            reserve: ReserveJson {
                time_seconds: longest.map(|seconds| self.limit() - seconds),
                time_at_risk: longest.map(|seconds| self.too_near(seconds)),
                submitted: of(Against::Submitted),
                leader: of(Against::Leader),
            },
            determinism: &self.sameness,
            win_margin: self.rules.margin,
            generation_limit_seconds: self.rules.generation.as_secs(),
            failed_prompts_allowed: self.rules.failed_prompts,
            output_dir: self.output_dir.display().to_string(),
        }
    }

    fn match_json(&self, judged: &AuditMatch) -> MatchJson {
        let AuditMatch { against, repeat, margin } = *judged;
        MatchJson { against, repeat, margin, needed: against.needed(&self.rules), passed: judged.passes(&self.rules) }
    }

    fn limit(&self) -> f64 {
        self.rules.generation.as_secs_f64()
    }

    fn longest(&self) -> Option<f64> {
        self.repeats.iter().filter_map(|repeat| repeat.generation_time).reduce(f64::max)
    }

    /// Whether the time could be too long another time.
    fn too_near(&self, seconds: f64) -> bool {
        seconds * (1.0 + TIME_VARIES_BY) > self.limit()
    }

    fn tell_people(&self, ui: &Ui) {
        if let Some(seconds) = self.longest() {
            let left = 100.0 * (1.0 - seconds / self.limit());
            let text = format!("time {seconds:.0} s of {:.0} ({left:.0} % left", self.limit());
            if self.too_near(seconds) {
                ui.warning(format!("{text}: repeats of one image vary by up to {:.0} %)", 100.0 * TIME_VARIES_BY));
            } else {
                ui.status(format!("{text})"));
            }
        }
        for (against, who) in
            [(Against::Submitted, "against the submitted modules"), (Against::Leader, "against the leader")]
        {
            let Some(reserve) = audit::reserve(against, &self.matches, &self.rules) else { continue };
            let margins: Vec<String> = self
                .matches
                .iter()
                .filter(|judged| judged.against == against)
                .map(|judged| format!("{:+.1} %", 100.0 * judged.margin))
                .collect();
            let needed = 100.0 * against.needed(&self.rules);
            let text = format!("{who}: {}; {needed:+.0} % is needed", margins.join(", "));
            if reserve.at_risk { ui.warning(format!("{text}: at risk")) } else { ui.status(text) }
        }
        let Sameness { repeats, stems, identical, same_pictures, different } = self.sameness;
        if repeats > 1 {
            ui.status(format!(
                "of {stems} modules that all {repeats} repeats made, {identical} have the same bytes, {same_pictures} the same \
                 pictures, and {different} differ"
            ));
        }
    }
}
