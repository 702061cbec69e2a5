//! The second half of a round: files are fetched, matches are played, winners are audited.

use super::super::courier::Arrival;
use super::super::draw;
use super::super::matches::{self, LEADER, Next, Sizes, Won};
use super::super::written::{
    AuditRequest, Duel, GenerationReport, MatchReport, Ordered, Output, Repeat, Verdict, matrix, short,
};
use super::{Organisers, Stage, by_stem};

/// Regenerations of a winner.
const REPEATS: u32 = 3;

/// How far the duels are. One match a step, then the audits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duels {
    Matches,
    AuditsRequested,
    Over,
}

impl Organisers {
    /// Writes down what has arrived. Every step is a partly filled file, until all stems are there.
    pub(super) fn download(&mut self, arrived: Vec<Arrival>) {
        for Arrival { hotkey, stem, module } in arrived {
            let output = match module {
                Ok(module) => {
                    let size = module.len();
                    // A text that is none cannot be rendered.
                    let failure_reason = std::str::from_utf8(&module).is_err().then(|| "render_failed".to_owned());
                    if failure_reason.is_none() {
                        self.sizes.entry(hotkey.to_string()).or_default().insert(stem.clone(), size);
                    }
                    let js = Some(self.publish(&format!("{hotkey}/submitted"), &stem, module));
                    Output { js, views: None, failure_reason, size }
                }
                Err(reason) => Output { js: None, views: None, failure_reason: Some(reason), size: 0 },
            };
            self.submitted.entry(hotkey).or_default().push((stem, output));
        }
        for (hotkey, outputs) in &self.submitted {
            self.files.json(&self.path(&format!("{hotkey}/submitted.json")), &by_stem(outputs));
        }
        if self.orders().is_empty() {
            self.lead();
            self.enter(Stage::Duels(Duels::Matches), None);
        }
    }

    /// The leader's modules for the prompts of this round.
    fn lead(&mut self) {
        let stems: Vec<String> = self.stems().map(str::to_owned).collect();
        let mut outputs = Vec::new();
        let mut sizes = Sizes::new();
        for stem in stems {
            let output = if let Some(module) = self.rules.pipeline.module(&stem, self.seed, self.quality) {
                let size = module.len();
                sizes.insert(stem.clone(), size);
                let js = Some(self.publish("leader/generated_1", &stem, module));
                Output { js, views: None, failure_reason: None, size }
            } else {
                let failure_reason = Some("missing from batch results".to_owned());
                Output { js: None, views: None, failure_reason, size: 0 }
            };
            outputs.push((stem, output));
        }
        self.files.json(&self.path("leader/generated_1.json"), &by_stem(&outputs));
        self.sizes.insert(LEADER.to_owned(), sizes);
    }

    pub(super) fn judge(&mut self, duels: Duels) {
        match (matches::next(&self.order(), &self.rows, self.rules.win_margin), duels) {
            (Next::Match { left, right }, _) => {
                let margin = self.play(&left, &left, &right, &format!("{right}/duels_{}.json", short(&left)));
                self.rows.push((left, right, margin));
                self.files.put(format!("state/{}", self.path("matches_matrix.csv")), matrix(&self.rows));
            }
            (Next::Decided(won), Duels::Matches) if !won.is_empty() => {
                let requests: Vec<_> = won
                    .iter()
                    .map(|Won { hotkey, defender }| AuditRequest { hotkey, latest_defender: defender })
                    .collect();
                self.files.json(&self.path("require_audit.json"), &requests);
                self.stage = Stage::Duels(Duels::AuditsRequested);
            }
            (Next::Decided(won), Duels::AuditsRequested) => {
                self.audit(&won);
                self.stage = Stage::Duels(Duels::Over);
            }
            (Next::Decided(won), Duels::Matches | Duels::Over) => {
                self.winner = won.last().map(|won| won.hotkey.clone());
                self.write_winner(self.winner.clone().as_deref());
                self.enter(Stage::Finalizing, None);
            }
        }
    }

    /// Plays one match and writes its report, unless it is a walk-over. `left` is how the report calls the player `of`.
    fn play(&mut self, left: &str, of: &str, right: &str, report: &str) -> f64 {
        let none = Sizes::new();
        let [of, to] = [of, right].map(|player| self.sizes.get(player).unwrap_or(&none));
        let stems: Vec<&str> = self.stems().collect();
        let played = matches::play(&stems, of, to);
        if played.is_walk_over {
            return played.margin;
        }
        let address = |player: &str, stem: &str| {
            let folder = if player == LEADER { "generated_1" } else { "submitted" };
            format!("{}rounds/{}/{player}/{folder}/{stem}.js", self.rules.outputs, self.round)
        };
        let side = |sizes: &Sizes, player: &str, stem: &str| sizes.contains_key(stem).then(|| address(player, stem));
        let left_player = if left == "submitted" { right } else { left };
        let mut duels: Vec<_> = self
            .prompts
            .iter()
            .map(|prompt| {
                let name = draw::stem(prompt);
                let winner = match matches::duel(of.get(name).copied(), to.get(name).copied()) {
                    1 => "right",
                    -1 => "left",
                    _ => "draw",
                };
                let (left_js, right_js) = (side(of, left_player, name), side(to, right, name));
                Duel { name, prompt, left_js, left_png: None, right_js, right_png: None, winner, detail: None }
            })
            .collect();
        duels.sort_by_key(|duel| duel.name);
        let report_of = MatchReport { left, right, score: played.score, margin: played.margin, duels };
        let text = serde_json::to_string_pretty(&report_of).expect("plain data is JSON");
        let path = format!("state/{}", self.path(report));
        self.files.put(path, text);
        played.margin
    }

    /// Every winner passes: no image is run here, so a regeneration is taken to make what was submitted.
    fn audit(&mut self, won: &[Won]) {
        let mut rows = Vec::new();
        for Won { hotkey, defender } in won {
            let Some(entry) = self.entries.iter().find(|entry| entry.hotkey.to_string() == *hotkey) else { continue };
            let outputs = self.submitted.get(&entry.hotkey).cloned().unwrap_or_default();
            for repeat in 1..=REPEATS {
                self.regenerate(hotkey, &outputs, repeat);
                let names = [("submitted", hotkey.as_str()), (defender.as_str(), defender.as_str())];
                for (name, player) in names {
                    let report = format!("{hotkey}/audit_{}_{repeat}.json", short(name));
                    let margin = self.play(name, player, hotkey, &report);
                    rows.push((format!("{name}_{repeat}"), hotkey.clone(), margin));
                }
            }
        }
        self.files.put(format!("state/{}", self.path("audit_matrix.csv")), matrix(&rows));
        let reports = won.iter().map(|Won { hotkey, .. }| {
            let made = self.sizes.get(hotkey).map_or(0, Sizes::len);
            let repeats = (1..=REPEATS).map(|repeat_index| Repeat {
                repeat_index,
                generated_prompts: made,
                failed_prompts: 0,
                generation_time: Some(6_000.0 + f64::from(repeat_index)),
            });
            let repeats = repeats.collect();
            (hotkey.clone(), GenerationReport { hotkey, outcome: "completed", repeats, reason: "" })
        });
        let reports = Ordered(reports.collect());
        self.files.json(&self.path("generation_reports.json"), &reports);
        let verdict = |hotkey, reason| Verdict { hotkey, verdict: "passed", reason };
        let sources: Vec<_> = won.iter().map(|won| verdict(&won.hotkey, "No issues found")).collect();
        self.files.json(&self.path("source_audit.json"), &sources);
        let verdicts = won.iter().map(|won| (won.hotkey.clone(), verdict(&won.hotkey, ""))).collect();
        self.files.json(&self.path("generation_audits.json"), &Ordered(verdicts));
    }

    fn regenerate(&mut self, hotkey: &str, outputs: &[(String, Output)], repeat: u32) {
        let mut again = Vec::new();
        for (stem, output) in outputs.iter().filter(|(_, output)| output.js.is_some()) {
            let kept = format!("outputs/{}", self.path(&format!("{hotkey}/submitted/{stem}.js")));
            let Some(module) = self.files.get(&kept).map(|page| page.body.clone()) else { continue };
            let js = Some(self.publish(&format!("{hotkey}/generated_{repeat}"), stem, module));
            again.push((stem.clone(), Output { js, ..output.clone() }));
        }
        self.files.json(&self.path(&format!("{hotkey}/generated_{repeat}.json")), &by_stem(&again));
    }
}
