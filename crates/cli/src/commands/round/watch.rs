//! `round --watch`: look, compare with the last look, show, and run a command on every change.
//! A look that fails is told once and repeated; only the first one must succeed.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Map, Value};

use super::look::{Blind, Looked, Looker};
use super::report::Report;
use super::screen;
use crate::context::Context;
use crate::errors::CommandError;
use crate::on_change;
use crate::ui::Ui;

/// Keys that change with every block, or with every look.
const RESTLESS: [&str; 6] = ["block", "block_time", "seconds_per_block", "pace_measured", "state", "next_stage_eta"];

/// One line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// Keys whose values have changed since the last line.
    changes: Vec<&'a str>,
}

/// Watches until somebody interrupts.
pub(super) async fn watch(
    context: &Context,
    looker: &Looker,
    interval: Duration,
    on_change: Option<&str>,
) -> Result<(), CommandError> {
    let ui = &context.ui;
    let zone = TimeZone::system();
    let board = ui.board();
    let mut known: Option<Map<String, Value>> = None;
    let mut told: Vec<String> = Vec::new();
    loop {
        match looker.look().await {
            Ok(Looked { report, mut warnings }) => {
                // The screen says it in its own place.
                let stale = report.state.stale.as_ref().filter(|_| board.is_none());
                warnings.extend(stale.map(|why| format!("the state is old: {why}")));
                tell(ui, &mut told, warnings);
                if let Some(board) = &board {
                    board.show(&screen::draw(&report, &zone));
                }
                let now = essence(&report);
                let changes = known.as_ref().map(|before| changed(before, &now));
                if changes.as_ref().is_none_or(|changes| !changes.is_empty()) {
                    let is_first = changes.is_none();
                    let changes = changes.unwrap_or_default();
                    if board.is_none() {
                        ui.status(in_words(&report, known.as_ref(), &now, &changes));
                    }
                    let line = Line { report: &report, changes: changes.iter().map(String::as_str).collect() };
                    if !ui.stdout_is_terminal() {
                        ui.result(&line)?;
                    }
                    if let Some(command) = on_change.filter(|_| !is_first) {
                        on_change::run(ui, command, &line).await;
                    }
                }
                known = Some(now);
            }
            Err(Blind { error, .. }) if known.is_none() => return Err(error),
            Err(Blind { error, .. }) => tell(ui, &mut told, vec![format!("cannot look for now: {}", error.message)]),
        }
        tokio::time::sleep(interval).await;
    }
}

/// Warnings that were not told at the last look.
fn tell(ui: &Ui, told: &mut Vec<String>, warnings: Vec<String>) {
    for warning in warnings.iter().filter(|warning| !told.contains(warning)) {
        ui.warning(warning);
    }
    *told = warnings;
}

/// What of a report stays the same as long as nothing happens: estimated times move with every block.
fn essence(report: &Report) -> Map<String, Value> {
    let Ok(Value::Object(mut report)) = serde_json::to_value(report) else { return Map::new() };
    for key in RESTLESS {
        report.remove(key);
    }
    if let Some(Value::Array(doubts)) = report.get_mut("doubts") {
        for doubt in doubts {
            let text = doubt.as_str().unwrap_or_default().replace(|c: char| c.is_ascii_digit(), "");
            *doubt = Value::String(text);
        }
    }
    report.values_mut().for_each(without_estimates);
    report
}

fn without_estimates(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("at");
            object.remove("in_seconds");
            object.values_mut().for_each(without_estimates);
        }
        Value::Array(list) => list.iter_mut().for_each(without_estimates),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Keys whose values differ, in their order.
fn changed(before: &Map<String, Value>, now: &Map<String, Value>) -> Vec<String> {
    now.iter().filter(|(key, value)| before.get(*key) != Some(*value)).map(|(key, _)| key.clone()).collect()
}

/// One line about a look.
fn in_words(report: &Report, before: Option<&Map<String, Value>>, now: &Map<String, Value>, keys: &[String]) -> String {
    let start = format!("block {}: round {}, {}", report.block, report.round, report.happening.key());
    let Some(before) = before else { return start };
    let plain = |value: Option<&Value>| match value {
        Some(Value::String(text)) => Some(text.clone()),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => Some(value.to_string()),
        Some(Value::Null) | None => Some("none".to_owned()),
        Some(Value::Array(_) | Value::Object(_)) => None,
    };
    let changes = keys.iter().map(|key| match (plain(before.get(key)), plain(now.get(key))) {
        (Some(before), Some(now)) => format!("{key} {before} → {now}"),
        _ => format!("{key} changed"),
    });
    format!("{start} ({})", changes.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_happens_is_a_change() {
        let object = |value: Value| value.as_object().cloned().expect("an object");
        let before = object(json!({"round": 52, "stage": "open", "window": {"latest_block": 9}, "leader": null}));
        let now = object(json!({"round": 52, "stage": "duels", "window": {"latest_block": 9}, "leader": {"x": 1}}));
        assert_eq!(changed(&before, &now), ["leader", "stage"]);
        assert_eq!(changed(&before, &before), [""; 0]);
        let mut moment =
            json!({"closes": {"block": 7, "at": "2026-10-07T08:00:00Z", "in_seconds": 12}, "a": [{"at": 1}]});
        without_estimates(&mut moment);
        assert_eq!(moment, json!({"closes": {"block": 7}, "a": [{}]}));
    }
}
