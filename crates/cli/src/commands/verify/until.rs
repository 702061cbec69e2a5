//! `verify --until-deadline`: look again and again, tell what has changed, and end with the answer at the deadline block.
//! A look that fails is told and repeated; only the first one must succeed.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::screen;
use crate::context::Context;
use crate::errors::CommandError;
use crate::on_change;
use crate::verification::{Question, Verified, Verifier};

/// Keys that say nothing new by themselves.
const RESTLESS: [&str; 1] = ["confirmed"];

/// One line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    verified: &'a Verified,
    /// Keys whose values have changed since the last line.
    changes: Vec<&'a str>,
}

/// Verifies until the deadline has come.
pub(super) async fn deadline(
    context: &Context,
    reader: &Verifier,
    mut question: Question,
    interval: Duration,
    on_change: Option<&str>,
) -> Result<(), CommandError> {
    let ui = &context.ui;
    let mut known: Option<Map<String, Value>> = None;
    let mut told: Option<String> = None;
    loop {
        // The head first: what is read after the deadline block is what the subnet reads.
        let outcome = async {
            let head = reader.head().await?;
            Ok::<_, CommandError>((head, Box::pin(reader.verify(context, &question)).await?))
        };
        match outcome.await {
            Ok((head, verified)) => {
                told = None;
                // The next round is another question.
                question.round = Some(verified.round);
                let now = essence(&verified);
                let changes = known.as_ref().map(|before| changed(before, &now));
                let is_over = verified.deadline_block.is_some_and(|deadline| head >= deadline);
                if changes.as_ref().is_none_or(|changes| !changes.is_empty()) {
                    let is_first = changes.is_none();
                    let changes = changes.unwrap_or_default();
                    screen::show(ui, &verified);
                    if let Some(problem) = verified.problems.first().filter(|_| !is_over) {
                        ui.status(format!("✗ {problem}"));
                    }
                    let line = Line { verified: &verified, changes: changes.iter().map(String::as_str).collect() };
                    if !is_over && !ui.stdout_is_terminal() {
                        ui.result(&line)?;
                    }
                    if let Some(command) = on_change.filter(|_| !is_first) {
                        on_change::run(ui, command, &line).await;
                    }
                }
                if is_over {
                    ui.status(format!("block {head}: the deadline has come"));
                    return super::answer(context, &verified);
                }
                if let (Some(deadline), true) = (verified.deadline_block, known.is_none()) {
                    ui.status(format!("checking until block {deadline}; the chain is at {head}"));
                }
                known = Some(now);
            }
            Err(error) if known.is_none() => return Err(error),
            Err(error) => {
                if told.as_ref() != Some(&error.message) {
                    ui.warning(format!("cannot look for now: {}", error.message));
                }
                told = Some(error.message);
            }
        }
        tokio::time::sleep(interval).await;
    }
}

/// What stays the same as long as nothing happens.
fn essence(verified: &Verified) -> Map<String, Value> {
    let Ok(Value::Object(mut object)) = serde_json::to_value(verified) else { return Map::new() };
    for stem in object.get_mut("stems").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(stem) = stem.as_object_mut() {
            for key in RESTLESS {
                stem.remove(key);
            }
        }
    }
    object
}

/// Keys whose values differ, in their order.
fn changed(before: &Map<String, Value>, now: &Map<String, Value>) -> Vec<String> {
    let keys = before.keys().filter(|key| !now.contains_key(*key)).chain(now.keys());
    keys.filter(|key| before.get(*key) != now.get(*key)).cloned().collect()
}
