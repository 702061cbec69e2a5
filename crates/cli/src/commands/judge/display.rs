//! What `judge` shows while it works: a line per stage, a bar with the state of the match, and the result in words.
//! The match itself is judged elsewhere.

use gen404_judge::{Cost, Event, Outcome};
use gen404_outside::observer::Observer;
use gen404_round::duel::Winner;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::stage_line::stage_line;
use crate::ui::{Progress, Ui};

/// Listens to the judge.
pub(super) struct Display {
    ui: Ui,
    progress: Option<Progress>,
    started: Instant,
    /// Duels that take calls, and those of them that are through.
    total: u64,
    through: AtomicU64,
    attempts: AtomicU64,
    wins: Mutex<Wins>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Wins {
    left: u64,
    right: u64,
    draws: u64,
    failed: u64,
}

impl Display {
    pub(super) fn new(ui: &Ui, cost: Cost) -> Self {
        let total = (cost.duels - cost.already_judged) as u64;
        let progress = (cost.to_judge > 0).then(|| ui.progress(Some(total), "judging"));
        Self {
            ui: ui.clone(),
            progress,
            started: Instant::now(),
            total,
            through: AtomicU64::new(0),
            attempts: AtomicU64::new(0),
            wins: Mutex::default(),
        }
    }

    fn count(&self, change: impl FnOnce(&mut Wins)) {
        let wins = {
            let mut wins = self.wins.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut wins);
            *wins
        };
        let through = self.through.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(progress) = &self.progress {
            progress.update(through, &self.state(wins, through, progress.is_live()));
        }
    }

    /// `left 3, right 5, draws 2, 4.1 calls/s, 3 min left`
    fn state(&self, wins: Wins, through: u64, live: bool) -> String {
        let Wins { left, right, draws, failed } = wins;
        let mut parts = vec![format!("left {left}, right {right}, draws {draws}")];
        if failed > 0 {
            parts.push(format!("failed {failed}"));
        }
        if live {
            let elapsed = self.started.elapsed();
            parts.push(format!("{} calls/s", rate(self.attempts.load(Ordering::Relaxed), elapsed)));
            parts.extend(time_left(elapsed, through, self.total).map(|left| format!("{} left", in_words(left))));
        }
        parts.join(", ")
    }
}

impl Observer<Event<'_>> for Display {
    fn on(&self, event: Event<'_>) {
        match event {
            Event::Attempt { .. } => {
                self.attempts.fetch_add(1, Ordering::Relaxed);
            }
            Event::Stage { stem, stage } => {
                self.ui.status(stage_line(stem, stage));
                self.ui.detail(|| {
                    let json = serde_json::to_string(&stage).expect("stages are plain data");
                    format!("{stem} {}: {json}", stage.name())
                });
            }
            Event::Oddity { stem, what } => self.ui.warning(format!("{stem}: {what}")),
            Event::Decided { stem, winner, decided_by } => {
                self.ui.status(format!("{stem} final: winner={} decided_by={decided_by}", winner.as_str()));
                self.count(|wins| match winner {
                    Winner::Left => wins.left += 1,
                    Winner::Right => wins.right += 1,
                    Winner::Draw => wins.draws += 1,
                });
            }
            Event::Failed { stem, error } => {
                self.ui.warning(format!("{stem} failed: {error}"));
                self.count(|wins| wins.failed += 1);
            }
            // What goes on before the match is shown there.
            Event::Rehearses | Event::Waits { .. } | Event::Rehearsed { .. } => {}
        }
    }
}

/// One decimal.
fn rate(count: u64, elapsed: Duration) -> String {
    let tenths = u128::from(count) * 10_000 / elapsed.as_millis().max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// At the pace so far.
fn time_left(elapsed: Duration, through: u64, total: u64) -> Option<Duration> {
    let through_so_far = u32::try_from(through).ok().filter(|through| *through > 0)?;
    let to_go = u32::try_from(total.saturating_sub(through)).ok()?;
    Some(elapsed / through_so_far * to_go)
}

fn in_words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..90 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

/// The match in two or three lines.
pub(super) fn result(ui: &Ui, outcome: &Outcome) {
    let Some(result) = &outcome.file.result else { return };
    ui.status(format!(
        "left (defender) {} · right (challenger) {} · draws {}{}",
        result.left_wins,
        result.right_wins,
        result.draws,
        if result.failed > 0 { format!(" · without decision {}", result.failed) } else { String::new() },
    ));
    let Some(challenger_wins) = result.challenger_wins else {
        ui.status(format!(
            "not decided while {} of {} duels lack a decision; the challenger needs a score of {} (is {})",
            result.failed, result.prompts, result.score_needed, result.score,
        ));
        return unanswered(ui, outcome);
    };
    let verdict = if challenger_wins { "would dethrone the defender" } else { "would not dethrone the defender" };
    ui.status(format!(
        "margin {:+.4} (95 % sure: {:+.3} to {:+.3}): the challenger {verdict}, which takes {:+} or a score of {} (is {})",
        result.margin, result.interval.low, result.interval.high, result.win_margin, result.score_needed, result.score,
    ));
    if !result.is_clear() {
        ui.status("the interval reaches to both sides of the threshold: other prompts could turn it around");
    }
    unanswered(ui, outcome);
}

fn unanswered(ui: &Ui, outcome: &Outcome) {
    let calls = outcome.calls;
    // Those of a duel that failed, or was interrupted, have nothing to count for.
    let failed = outcome.interrupted || !outcome.file.failures.is_empty();
    let count = if failed { "" } else { " after all attempts and count as undecided" };
    if calls.unanswered > 0 {
        ui.warning(format!(
            "{} of {} questions had no answer{count} ({} attempts without a reply, {} \
             with one that could not be read)",
            calls.unanswered, calls.calls, calls.transport_failed, calls.json_failed,
        ));
    }
}

#[cfg(test)]
mod tests {
    use gen404_round::duel::WinMargin;

    use super::*;

    #[test]
    fn the_help_names_the_running_competitions_margin() {
        let command = crate::settings::described_command();
        let judge = command.find_subcommand("judge").expect("a command");
        let margin = judge.get_arguments().find(|arg| arg.get_long() == Some("win-margin")).expect("an option");
        let default = WinMargin::default();
        assert!(margin.get_help().is_some_and(|help| help.to_string().contains(&format!(" {default}]"))));
    }

    #[test]
    fn rates_and_times_are_short() {
        assert_eq!(rate(123, Duration::from_secs(10)), "12.3");
        assert_eq!(rate(0, Duration::ZERO), "0.0");
        assert_eq!(time_left(Duration::from_secs(30), 3, 9), Some(Duration::from_mins(1)));
        assert_eq!(time_left(Duration::from_secs(30), 0, 9), None);
        assert_eq!(in_words(Duration::from_secs(89)), "89 s");
        assert_eq!(in_words(Duration::from_secs(121)), "3 min");
    }
}
