//! What people see of a verification: a few lines, the bad ones with what to do.

use crate::entrants::cell;
use crate::ui::Ui;
use crate::verification::{Building, Phase, StemState, Verified};

/// Stems that are named one by one.
const MOST_STEMS: usize = 10;

/// Shows what was found, but not the failure itself, which is printed with the exit code.
pub(super) fn show(ui: &Ui, verified: &Verified) {
    submission(ui, verified);
    if let Some(repository) = &verified.repository {
        the_repository(ui, repository);
    }
    delivery(ui, verified);
    for warning in &verified.warnings {
        ui.warning(warning);
    }
    // The first is the failure's own sentence.
    for problem in verified.problems.iter().skip(1) {
        ui.status(format!("✗ {problem}"));
    }
    let told = usize::from(verified.problems.is_empty());
    for unknown in verified.unknown.iter().skip(told) {
        ui.status(format!("? {unknown}"));
    }
}

fn submission(ui: &Ui, verified: &Verified) {
    let place = match (verified.place, verified.of) {
        (Some(place), Some(of)) => format!(", place {place} of {of}"),
        _ => String::new(),
    };
    let so_far = if verified.phase == Phase::NotYet { " so far" } else { "" };
    let words = format!(
        "round {}, {}: {} ({}){place}{so_far}",
        verified.round,
        cell(&verified.stage, 30).replace('_', " "),
        verified.verdict.replace('_', " "),
        verified.source
    );
    if verified.takes_part {
        ui.done(words);
    } else {
        ui.status(words);
    }
    if let Some(lock) = verified.lock.filter(gen404_round::lock::Lock::is_known) {
        ui.status(format!("lock {lock} ρ"));
    }
    for (name, value) in [("commit", &verified.commit), ("repo", &verified.repo), ("cdn", &verified.cdn_url)] {
        if let Some(value) = value {
            ui.status(format!("{name:<8} {}", cell(value, 120)));
        }
    }
}

fn the_repository(ui: &Ui, repository: &Building) {
    let origin = cell(&repository.origin, 120);
    if let (Some(files), Some(card)) = (repository.files, repository.verified_on) {
        let words = format!("{origin} has the commit: {files} files, verified on {card}");
        if repository.failures().next().is_none() { ui.done(words) } else { ui.status(words) }
    }
}

fn delivery(ui: &Ui, verified: &Verified) {
    let (Some(count), Some(stems)) = (&verified.delivery, &verified.stems) else {
        if verified.takes_part && verified.phase == Phase::NotYet {
            ui.status("prompts are published when the window closes: no stem can be checked before");
        }
        return;
    };
    let words = format!("{} of {} stems delivered", count.delivered, count.of);
    if count.delivered == count.of && count.of > 0 {
        ui.done(words);
    } else {
        ui.status(words);
    }
    let bad = || stems.iter().filter(|seen| seen.state != StemState::Delivered);
    for seen in bad().take(MOST_STEMS) {
        let why = seen.detail.as_deref().or(seen.reason.as_deref()).unwrap_or("not known");
        ui.status(format!("  {}.js: {}", seen.stem, cell(why, 160)));
    }
    let more = bad().count().saturating_sub(MOST_STEMS);
    if more > 0 {
        ui.status(format!("  … and {more} more, in the JSON"));
    }
}
