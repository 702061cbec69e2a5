//! `404-cli round standings`.

use clap::Args;
use gen404_competition::{Gap, Recomputed, RoundFiles, recompute};
use gen404_round::duel::WinMargin;
use gen404_round::standings::{AuditVerdict, Candidate, Difference, LEADER, Outcome, Pending, Step};
use jiff::Timestamp;
use serde::Serialize;

use super::report::submissions;
use super::which;
use crate::arguments::State;
use crate::competition;
use crate::context::Context;
use crate::entrants::cell;
use crate::errors::CommandError;

/// Recompute who wins a round from its public files, candidate by candidate
///
/// Applies the judge service's rules to matrices, reports and audits: who qualified, lost, was rejected and why, and what is
/// still missing. Says where the published winner and verdicts do not follow from the files.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The round; the newest one with submissions when not given
    #[arg(long, value_name = "N")]
    round: Option<u64>,
    /// Margin to win by, from 0 to 1, in place of the configuration's (which may have changed since the round)
    #[arg(long, value_name = "MARGIN")]
    win_margin: Option<WinMargin>,
    #[command(flatten)]
    state: State,
}

/// The result.
#[derive(Debug, Serialize)]
struct Report {
    success: bool,
    round: u64,
    win_margin: f64,
    audit_repeats: u32,
    /// As the files decide it so far; `leader` when the leader defends.
    winner: String,
    /// Whether nothing can change it any more.
    is_final: bool,
    published_winner: Option<String>,
    /// What the judge service would do next.
    next: String,
    candidates: Vec<Line>,
    /// What the files leave open.
    gaps: Vec<String>,
    /// Where this and what is published do not agree.
    differences: Vec<String>,
}

/// One candidate.
#[derive(Debug, Serialize)]
struct Line {
    hotkey: String,
    reveal_block: u64,
    against_leader: Option<f64>,
    outcome: &'static str,
    /// Whom it met, where its turn has come.
    defender: Option<String>,
    /// Its margin against that defender.
    margin: Option<f64>,
    /// Why it is rejected, or would be.
    reason: Option<String>,
    /// What is missing until its win stands.
    pending: Vec<String>,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let Arguments { round, win_margin, state } = arguments;
    let client = competition::client(state)?;
    let look = client.look(Timestamp::now());
    let round = match round {
        Some(round) => *round,
        None => which::newest_with_submissions(&look).await?,
    };
    let files = RoundFiles::load(&look, round).await?;
    let recomputed = recompute(&files, win_margin.map(WinMargin::get))
        .map_err(|error| CommandError::from(error).context(format_args!("round {round}")))?;
    let report = report(round, recomputed);
    show(context, &report);
    context.ui.result(&report)
}

fn report(round: u64, recomputed: Recomputed) -> Report {
    let Recomputed { win_margin, audit_repeats, standings, gaps, published_winner, differences } = recomputed;
    Report {
        success: true,
        round,
        win_margin,
        audit_repeats,
        is_final: standings.is_final() && standings.not_judged().next().is_none() && !gaps.iter().any(is_open),
        next: next(&standings.next),
        candidates: standings.candidates.into_iter().map(line).collect(),
        winner: standings.winner,
        published_winner,
        gaps: gaps.iter().map(gap).collect(),
        differences: differences.iter().map(difference).collect(),
    }
}

/// Whether there may be more in a file than could be read. A file that is not there is none of a round that ended without it.
fn is_open(gap: &Gap) -> bool {
    match gap {
        Gap::Unreadable(..) | Gap::Entries(..) | Gap::Unfinished(_) => true,
        Gap::NotThere(_) | Gap::NotJudged(_) => false,
    }
}

fn line(candidate: Candidate) -> Line {
    let Candidate { hotkey, reveal_block, against_leader, outcome } = candidate;
    let line = Line {
        hotkey,
        reveal_block,
        against_leader,
        outcome: "",
        defender: None,
        margin: None,
        reason: None,
        pending: Vec::new(),
    };
    match outcome {
        Outcome::NotJudged { rejection } => {
            Line { outcome: "not_judged", reason: rejection.map(|rejection| rejection.to_string()), ..line }
        }
        Outcome::NotQualified { margin } => {
            Line { outcome: "not_qualified", defender: Some(LEADER.to_owned()), margin: Some(margin), ..line }
        }
        Outcome::Rejected { defender, rejection } => {
            Line { outcome: "rejected", defender: Some(defender), reason: Some(rejection.to_string()), ..line }
        }
        Outcome::Pending { defender } => Line { outcome: "pending", defender: Some(defender), ..line },
        Outcome::Lost { defender, margin } => {
            Line { outcome: "lost", defender: Some(defender), margin: Some(margin), ..line }
        }
        Outcome::Won { defender, margin, pending } => Line {
            outcome: "won",
            defender: Some(defender),
            margin: Some(margin),
            pending: pending.iter().copied().map(missing).collect(),
            ..line
        },
    }
}

fn missing(pending: Pending) -> String {
    match pending {
        Pending::SourceAudit => "the source auditor's verdict".to_owned(),
        Pending::SubmittedAudit { repeat } => format!("audit {repeat} against what it submitted"),
        Pending::DefenderAudit { repeat } => format!("audit {repeat} against the defender"),
        Pending::Defender => "the verification of the defender it beat".to_owned(),
    }
}

fn next(step: &Step) -> String {
    match step {
        Step::Finalize => "finalize the round".to_owned(),
        Step::SubmittedAudit { hotkey, repeat } => format!("audit {repeat} of {hotkey} against what it submitted"),
        Step::DefenderAudit { hotkey, defender, repeat } => format!("audit {repeat} of {hotkey} against {defender}"),
        Step::Match { left, right } => format!("match of {right} against {left}"),
        Step::Wait => "wait for a regeneration or the source auditor".to_owned(),
    }
}

fn gap(gap: &Gap) -> String {
    match gap {
        Gap::NotThere(file) => format!("{} is not there", file.name()),
        Gap::Unreadable(file, unreadable) => format!("{}: {unreadable}", file.name()),
        Gap::Entries(file, entries) => format!("{}: entries that make no sense: {}", file.name(), entries.join(", ")),
        Gap::Unfinished(file) => format!("{} may end with half a row, which counts for nothing", file.name()),
        Gap::NotJudged(count) => format!("{count} submissions have no match against the leader yet"),
    }
}

fn difference(difference: &Difference) -> String {
    let named = |verdict: AuditVerdict| match verdict {
        AuditVerdict::Passed => "passed",
        AuditVerdict::Failed => "failed",
    };
    match difference {
        Difference::Winner { recomputed, published } => {
            format!("the published winner is {published}, the files make it {recomputed}")
        }
        Difference::Verdict { hotkey, recomputed, published } => format!(
            "{hotkey} is published as {}, the files {}",
            named(*published),
            recomputed.map_or_else(|| "do not decide it".to_owned(), |verdict| format!("make it {}", named(verdict)))
        ),
    }
}

fn show(context: &Context, report: &Report) {
    let ui = &context.ui;
    let percent = report.win_margin * 100.0;
    ui.status(format!(
        "Round {} · {} · margin to win {percent:.2} %",
        report.round,
        submissions(report.candidates.len())
    ));
    for (index, line) in report.candidates.iter().enumerate() {
        ui.status(in_words(index + 1, line));
    }
    for gap in &report.gaps {
        ui.warning(gap);
    }
    for difference in &report.differences {
        ui.warning(difference);
    }
    let certainty = if report.is_final { "" } else { " so far" };
    ui.status(format!("winner{certainty}: {}", report.winner));
    if !report.is_final {
        ui.status(format!("next: {}", report.next));
    }
}

/// One line of at most 80 columns for a candidate, and its reason in a line below.
fn in_words(place: usize, line: &Line) -> String {
    let name = |hotkey: &str| if hotkey == LEADER { LEADER.to_owned() } else { cell(hotkey, 10) };
    let margin =
        |margin: Option<f64>| margin.map_or_else(|| "–".to_owned(), |margin| format!("{:+.2} %", margin * 100.0));
    let outcome = line.outcome.replace('_', " ");
    let against = match (&line.defender, line.outcome) {
        (Some(defender), "won" | "lost") => format!(" {} against {}", margin(line.margin), name(defender)),
        (Some(defender), "pending") => format!(": its match against {} is missing", name(defender)),
        _ => String::new(),
    };
    let first = format!(
        "{place:>3} {:<11} {:>9} {:>9} {outcome}{against}",
        name(&line.hotkey),
        line.reveal_block,
        margin(line.against_leader)
    );
    let more = match (&line.reason, line.pending.first()) {
        (Some(reason), _) => Some(reason.clone()),
        (None, Some(first)) if line.pending.len() > 1 => {
            Some(format!("missing: {first} and {} more", line.pending.len() - 1))
        }
        (None, Some(first)) => Some(format!("missing: {first}")),
        (None, None) => None,
    };
    match more {
        Some(more) => format!("{first}\n{:16}{}", "", cell(&more, 63)),
        None => first,
    }
}
