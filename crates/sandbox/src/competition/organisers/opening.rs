//! The beginning and the end of a round: schedule, collection, seed, prompts, the next leader.

use jiff::{Timestamp, ToSpan as _};
use sha2::{Digest as _, Sha256};

use super::super::collector::{Collected, collect};
use super::super::draw;
use super::super::written::{Build, Config, Files, Leader, Ordered, Schedule, Submission, Winner, image};
use super::{COMPETITION, Facts, Organisers, Rules, Stage};
use crate::generator::Quality;

/// The seed of the round that is over when a sandbox starts.
const FIRST_SEED: u64 = 404;

impl Organisers {
    /// A competition whose first round opens with block `earliest`. A round 0 lies behind it, so that the first one has
    /// prompts to carry over, and a leader to beat.
    pub(in super::super) fn new(rules: Rules, earliest: u64, facts: &Facts<'_>) -> Self {
        let latest = earliest + rules.window - 1;
        let schedule = scheduled(&rules, earliest, latest);
        let prompts = draw::prompts(FIRST_SEED, &[], &rules.pool, 0, rules.prompts);
        let mut organisers = Self {
            files: Files::default(),
            round: 1,
            stage: Stage::Open,
            schedule,
            leaders: first_leaders(),
            quality: Quality::Coarse,
            prompts,
            seed: FIRST_SEED,
            entries: Vec::new(),
            submitted: std::collections::BTreeMap::new(),
            sizes: std::collections::BTreeMap::new(),
            rows: Vec::new(),
            winner: None,
            rules,
        };
        organisers.write_config(facts.time);
        let last = earliest.saturating_sub(1);
        let before = Schedule { earliest_reveal_block: 0, latest_reveal_block: last, generation_deadline_block: last };
        organisers.files.json("rounds/0/schedule.json", &before);
        organisers.write_draw(0);
        organisers.files.json("leader.json", &organisers.leaders);
        organisers.open(facts);
        organisers
    }

    fn write_config(&mut self, now: Timestamp) {
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let rules = &self.rules;
        #[expect(clippy::cast_precision_loss, reason = "windows are short")]
        let minutes = |blocks: u64| blocks as f64 * rules.block_time / 60.0;
        let config = Config {
            name: COMPETITION,
            description: "A rehearsal on this machine",
            first_evaluation_date: today.to_string(),
            last_competition_date: today.checked_add(1.year()).unwrap_or(today).to_string(),
            round_start_time: "08:00:00",
            generation_stage_minutes: minutes(rules.generation),
            finalization_buffer_hours: 0,
            win_margin: rules.win_margin,
            weight_decay: 0.2,
            weight_floor: 0.2,
            prompts_per_round: rules.prompts,
            carryover_prompts: rules.carryover,
            round_duration_days: minutes(rules.window) / (24.0 * 60.0),
        };
        let text = serde_json::to_string_pretty(&config).expect("plain data is JSON");
        self.files.put("state/config.json", format!("{text}\n"));
    }

    fn write_draw(&mut self, round: u64) {
        self.files.put(format!("state/rounds/{round}/seed.json"), format!("{{\"seed\": {}}}", self.seed));
        self.files.put(format!("state/rounds/{round}/prompts.txt"), self.prompts.join("\n"));
    }

    fn open(&mut self, facts: &Facts<'_>) {
        self.files.json(&self.path("schedule.json"), &self.schedule);
        let closes = self.time_of(self.schedule.latest_reveal_block, facts);
        self.enter(Stage::Open, Some(format!("{closes:.0}")));
    }

    /// The window is over: who takes part, and with which prompts.
    pub(super) fn collect(&mut self, facts: &Facts<'_>) {
        let Schedule { earliest_reveal_block, latest_reveal_block, generation_deadline_block } = self.schedule;
        let subnet = (facts.subnet)();
        let Collected { entries, left_out } =
            collect(&subnet, earliest_reveal_block, latest_reveal_block, self.rules.required_lock);
        let reasons = left_out.into_iter().map(|(hotkey, reason)| (hotkey.to_string(), reason)).collect();
        self.files.json(&self.path("left_out.json"), &Ordered(reasons));
        self.entries = entries;
        if self.entries.is_empty() {
            // The round ends here; the organisers then write by hand that the leader stays.
            return self.enter(Stage::Finalizing, None);
        }
        self.seed = facts.seed.into();
        let Rules { pool, carryover, prompts, .. } = &self.rules;
        self.prompts = draw::prompts(self.seed, &self.prompts, pool, *carryover, *prompts);
        self.write_draw(self.round);
        let round = self.round_name();
        let submissions = self.entries.iter().map(|entry| (entry.hotkey.to_string(), Submission::of(entry, &round)));
        let submissions = Ordered(submissions.collect());
        self.files.json(&self.path("submissions.json"), &submissions);
        self.write_builds("pending");
        let deadline = self.time_of(generation_deadline_block, facts);
        self.enter(Stage::Generation, Some(format!("{deadline:.6}")));
    }

    /// All images are equally far: nobody builds them.
    pub(super) fn write_builds(&mut self, status: &str) {
        let round = self.round_name();
        let builds = self.entries.iter().map(|entry| (entry.hotkey.to_string(), Build::of(entry, &round, status)));
        let builds = Ordered(builds.collect());
        self.files.json(&self.path("builds.json"), &builds);
    }

    /// Ends the round and opens the next one.
    pub(super) fn finalize(&mut self, facts: &Facts<'_>) {
        let winner = self.winner.take();
        let next = self.next_schedule(facts.block);
        match winner {
            Some(hotkey) => self.crown(&hotkey, next.latest_reveal_block),
            None if self.entries.is_empty() => self.write_winner(None),
            None => {}
        }
        self.files.remove_below(&format!("outputs/rounds/{}/", self.round.saturating_sub(2)));
        self.round += 1;
        self.schedule = next;
        self.entries.clear();
        self.submitted.clear();
        self.sizes.clear();
        self.rows.clear();
        self.open(facts);
    }

    /// The next window is open since the last one ended. It closes later when the round took long.
    fn next_schedule(&self, head: u64) -> Schedule {
        let earliest = self.schedule.latest_reveal_block + 1;
        let mut latest = self.schedule.latest_reveal_block + self.rules.window;
        let (buffer, slip) = (self.rules.window / 4, (self.rules.window / 3).max(1));
        while latest < head + buffer {
            latest += slip;
        }
        scheduled(&self.rules, earliest, latest)
    }

    /// The winner leads, unless it has won with the leader's own code.
    fn crown(&mut self, hotkey: &str, effective_block: u64) {
        let round = self.round_name();
        let Some(entry) = self.entries.iter().find(|entry| entry.hotkey.to_string() == hotkey) else { return };
        let is_same =
            self.leaders.last().is_some_and(|last| (&last.repo, &last.commit) == (&entry.repo, &entry.commit));
        if is_same {
            return;
        }
        let (repo, commit, docker) = (entry.repo.as_str(), entry.commit.as_str(), image(entry, &round));
        self.leaders.push(Leader::new(hotkey.to_owned(), repo, commit, docker, 1.0, effective_block));
        // What a stranger's image would make is unknown here; a good generator stands for it.
        self.quality = Quality::Fine;
        self.files.json("leader.json", &self.leaders);
    }

    pub(super) fn write_winner(&mut self, hotkey: Option<&str>) {
        let round = self.round_name();
        let path = self.path("winner.json");
        let entry = hotkey.and_then(|hotkey| self.entries.iter().find(|entry| entry.hotkey.to_string() == hotkey));
        match (hotkey, entry, self.leaders.last()) {
            (Some(hotkey), Some(entry), _) => {
                let image = image(entry, &round);
                self.files.json(&path, &Winner::new(hotkey, &entry.repo, &entry.commit, &image));
            }
            (_, _, Some(leader)) => {
                let Leader { repo, commit, docker, .. } = leader;
                self.files.json(&path, &Winner::new("leader", repo, commit, docker));
            }
            (_, _, None) => {}
        }
    }
}

fn scheduled(rules: &Rules, earliest: u64, latest: u64) -> Schedule {
    Schedule {
        earliest_reveal_block: earliest,
        latest_reveal_block: latest,
        generation_deadline_block: latest + rules.generation,
    }
}

/// A placeholder, as the real file begins, and the one to beat.
fn first_leaders() -> Vec<Leader> {
    let hotkey = |name: &str| gen404_round::AccountId(Sha256::digest(name).into()).to_string();
    let commit = |name: &str| hex::encode(&Sha256::digest(name)[..20]);
    let (none, first) = ("registry.invalid/competition/no-docker:0.0.1", "registry.invalid/competition/first:1");
    vec![
        Leader::new(hotkey("nobody"), "no-repo/no-repo", &commit("nobody"), none.to_owned(), 0.0, 0),
        Leader::new(hotkey("leader"), "sandbox/first-leader", &commit("leader"), first.to_owned(), 1.0, 0),
    ]
}
