//! The screen of `round` for people: at most 80 columns, one fact a line.

use gen404_competition::{Happening, Task};
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::report::{self, Blocks, InRound, Leader, Moment, Own, Report, StateOnly};
use crate::entrants::{Revealed, cell};
use crate::when;

/// Widest line.
const COLUMNS: usize = 80;

/// Width of the labels in front.
const LABEL: usize = 11;

/// Characters of a stranger's text that are shown at most; the JSON has all of it.
const LONGEST_TEXT: usize = 400;

/// All lines.
pub(super) fn draw(report: &Report, zone: &TimeZone) -> Vec<String> {
    let mut screen = Screen { lines: Vec::new(), zone };
    screen.heading(report);
    screen.times(report);
    screen.leader(report);
    screen.doubts(report);
    if let Some(own) = &report.own {
        screen.own(own, report);
    }
    screen.lines
}

/// What the state alone says.
pub(super) fn draw_state_only(known: &StateOnly, zone: &TimeZone) -> Vec<String> {
    let mut screen = Screen { lines: Vec::new(), zone };
    screen.title(known.competition.as_deref(), known.round, &known.stage);
    screen.fact("now", "unknown: the chain cannot be asked where its blocks are");
    if let Some(Blocks { earliest_reveal_block, latest_reveal_block, generation_deadline_block }) = &known.schedule {
        screen.fact("window", &format!("blocks {earliest_reveal_block} to {latest_reveal_block}"));
        screen.fact("deadline", &format!("block {generation_deadline_block}"));
    }
    if let Some(eta) = known.next_stage_eta {
        screen.fact("next stage", &format!("expected {}", when::by_the_clock(eta, zone)));
    }
    if let Some(submissions) = known.submissions {
        screen.fact("entered", &report::submissions(submissions));
    }
    screen.outcome(known.winner.as_deref(), known.win_margin);
    if let Some(stale) = &known.state.stale {
        let confirmed = when::by_the_clock(known.state.confirmed, zone);
        screen.fact("stale", &format!("the state is that of {confirmed}: {stale}"));
    }
    screen.lines
}

struct Screen<'a> {
    lines: Vec<String>,
    zone: &'a TimeZone,
}

impl Screen<'_> {
    /// A fact; what does not fit goes on in the next line.
    fn fact(&mut self, label: &str, text: &str) {
        let mut label = label;
        for line in wrapped(&cell(text, LONGEST_TEXT), COLUMNS - LABEL) {
            self.lines.push(format!("{label:<LABEL$}{line}").trim_end().to_owned());
            label = "";
        }
    }

    fn heading(&mut self, report: &Report) {
        self.title(report.competition.as_deref(), report.round, &report.stage);
        self.fact("now", &happening(&report.happening));
        self.fact("to do", task(report.task));
    }

    fn title(&mut self, competition: Option<&str>, round: u64, stage: &str) {
        let competition = competition.map_or_else(String::new, |name| format!(" of {name}"));
        self.lines.push(cell(&format!("Round {round}{competition} · {stage}"), COLUMNS - 1));
    }

    fn times(&mut self, report: &Report) {
        let pace = if report.pace_measured { "" } else { ", not measured" };
        self.fact("block", &format!("{} ({} s a block{pace})", report.block, report.seconds_per_block));
        if let Some(window) = &report.window {
            self.fact("window", &format!("blocks {} to {}", window.earliest_block, window.latest_block));
            if window.opens.in_seconds > 0 {
                self.moment("  opens", &window.opens);
            }
            self.moment(if window.closes.in_seconds < 0 { "  closed" } else { "  closes" }, &window.closes);
        }
        if let Some(ends) = &report.generation_ends {
            self.fact("deadline", &format!("block {}", ends.block));
            self.moment("", ends);
        }
        if let Some(counting) = &report.reveals_count_for {
            let end = match counting.latest_block {
                Some(latest) => format!("to {latest}"),
                None => "on, its end not published yet".to_owned(),
            };
            if counting.round == report.round {
                self.fact("entered", &format!("{} complete so far", counting.submissions));
            } else {
                let window = format!("round {}: block {} {end}", counting.round, counting.earliest_block);
                self.fact("reveals", &format!("count for {window}"));
                self.fact("", &format!("{} complete so far", counting.submissions));
            }
            for hotkey in &counting.breaking {
                self.fact("warning", &format!("the subnet's collector dies on what {hotkey} has revealed"));
            }
        }
        if let Some(submissions) = report.submissions {
            self.fact("entered", &report::submissions(submissions));
        }
    }

    fn moment(&mut self, label: &str, moment: &Moment) {
        let left = SignedDuration::from_secs(moment.in_seconds);
        self.fact(label, &when::moment(moment.at, left, self.zone));
    }

    fn leader(&mut self, report: &Report) {
        match (&report.leader, &report.next_leader) {
            (None, None) => self.fact("leader", "none yet"),
            (leader, next) => {
                if let Some(leader) = leader {
                    self.one_leader("leader", leader, "since");
                }
                if let Some(next) = next {
                    self.one_leader("next", next, "from");
                }
            }
        }
        self.outcome(report.winner.as_deref(), report.win_margin);
    }

    fn outcome(&mut self, winner: Option<&str>, win_margin: Option<f64>) {
        match (winner, win_margin) {
            (Some("leader"), _) => self.fact("winner", "the leader has defended"),
            (Some(winner), _) => self.fact("winner", winner),
            (None, Some(margin)) => self.fact("to win", &format!("{:+.2} % against the defender", margin * 100.0)),
            (None, None) => {}
        }
    }

    fn one_leader(&mut self, label: &str, leader: &Leader, when: &str) {
        self.fact(label, &leader.hotkey.to_string());
        self.fact("", &format!("weight {} {when} block {}", leader.weight, leader.effective_block));
        self.fact("", &format!("{} at {}", leader.repo, short(&leader.commit)));
    }

    fn doubts(&mut self, report: &Report) {
        for doubt in &report.doubts {
            self.fact("doubt", doubt);
        }
        if let Some(stale) = &report.state.stale {
            let age = report.state.confirmed.duration_since(report.block_time);
            self.fact("stale", &format!("the state is that of {}: {stale}", when::distance(age)));
        }
    }

    fn own(&mut self, own: &Own, report: &Report) {
        self.lines.push(String::new());
        self.lines.push(own.hotkey.to_string());
        if !own.registered {
            self.fact("warning", "this hotkey is not registered on the subnet");
        }
        if own.coldkey.is_some() {
            let enough = if own.lock.is_too_small() { ": too little, all its submissions are dropped" } else { "" };
            self.fact("lock", &format!("{} ρ{enough}", own.lock));
        }
        if let (Some(revealed), Some(counting)) = (&own.revealed, &report.reveals_count_for) {
            self.revealed(revealed, counting.round, counting.submissions);
        }
        if let Some(in_round) = &own.in_round {
            self.in_round(in_round, report.round);
        }
    }

    fn revealed(&mut self, revealed: &Revealed, round: u64, submissions: usize) {
        let place = match (revealed.place, &revealed.reason) {
            (Some(place), _) => format!("place {place} of {submissions} so far"),
            (None, Some(reason)) => reason.clone(),
            (None, None) => revealed.verdict.to_owned(),
        };
        self.fact(&format!("round {round}"), &place);
        for (name, value, block) in [
            ("commit", &revealed.commit, revealed.commit_block),
            ("repo", &revealed.repo, revealed.repo_block),
            ("cdn_url", &revealed.cdn_url, revealed.cdn_block),
        ] {
            if let (Some(value), Some(block)) = (value, block) {
                self.fact("", &format!("{name} {value} (block {block})"));
            }
        }
    }

    fn in_round(&mut self, own: &InRound, round: u64) {
        let label = format!("round {round}");
        let Some(submission) = &own.submission else {
            self.fact(&label, "does not take part");
            return;
        };
        match (own.place, own.of) {
            (Some(place), Some(of)) => self.fact(&label, &format!("place {place} of {of}")),
            _ => self.fact(&label, "takes part"),
        }
        let at =
            format!("{} at {}, block {}", submission.repo, short(&submission.commit), submission.revealed_at_block);
        self.fact("", &at);
        if let Some(build) = &own.build {
            self.fact("build", &build.status);
        }
        if let Some(margin) = own.against_leader {
            self.fact("margin", &format!("{} against the leader", percent(margin)));
        }
        if let Some(generation) = &own.generation {
            let reason = if generation.reason.is_empty() { String::new() } else { format!(": {}", generation.reason) };
            self.fact("repeats", &format!("{}{reason}", generation.outcome));
            for repeat in &generation.repeats {
                let time = repeat.seconds.map_or_else(|| "? s".to_owned(), |seconds| format!("{seconds:.0} s"));
                let counts = format!("{} generated, {} failed, {time}", repeat.generated, repeat.failed);
                self.fact("", &format!("#{}: {counts}", repeat.number));
            }
        }
        for audit in &own.audits {
            self.fact("audit", &format!("#{} against {}: {}", audit.repeat, audit.against, percent(audit.margin)));
        }
        if let Some(verdict) = &own.verdict {
            let reason = if verdict.reason.is_empty() { String::new() } else { format!(": {}", verdict.reason) };
            self.fact("verdict", &format!("{}{reason}", verdict.verdict));
        }
    }
}

fn percent(margin: f64) -> String {
    format!("{:+.2} %", margin * 100.0)
}

fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}

/// Lines of at most so many characters, broken between words where that is possible.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        let space = usize::from(used > 0);
        if used + space + length <= width {
            let line = lines.last_mut().expect("there is always a line");
            line.push_str(if space > 0 { " " } else { "" });
            line.push_str(word);
            used += space + length;
            continue;
        }
        let characters: Vec<char> = word.chars().collect();
        for piece in characters.chunks(width) {
            if used > 0 {
                lines.push(String::new());
            }
            lines.last_mut().expect("there is always a line").extend(piece);
            used = piece.len();
        }
    }
    lines
}

/// What happens now.
fn happening(happening: &Happening) -> String {
    let words = match happening {
        Happening::BeforeWindow => "the window of reveals has not begun",
        Happening::WindowOpen => "the window is open: reveals count for this round",
        Happening::Collecting => "the window is over; submissions are being collected",
        Happening::Generating => "seed and prompts are published; miners generate",
        Happening::DeadlinePassed => "the deadline is over; files are about to be fetched",
        Happening::Downloading => "the files are being fetched",
        Happening::Duels => "matches and audits",
        Happening::Finalizing => "the next round is being prepared",
        Happening::Finished => "the competition is over",
        Happening::Paused => "the organisers hold the competition",
        Happening::Unknown(stage) => return format!("{}: a stage that this version does not know", cell(stage, 30)),
    };
    words.to_owned()
}

/// What a miner does now.
fn task(task: Task) -> &'static str {
    match task {
        Task::WaitForWindow => "wait: a reveal now would not count for this round",
        Task::Reveal => "reveal commit, repository and CDN (commit-hash, commit-repo-cdn)",
        Task::WaitForPrompts => "wait for seed and prompts (round prompts)",
        Task::GenerateAndUpload => "generate for every prompt and upload before the deadline",
        Task::KeepFilesUp => "keep the files up and change nothing: a new upload looks like a later one",
        Task::KeepReproducible => "keep repository and image reproducible",
        Task::Nothing => "nothing",
        Task::WaitForOperators => "wait for the organisers",
    }
}
